/**
 * # annotated-kafka dump-log
 *
 * Prints the files of a log, with the flags and in the form of Kafka's DumpLogSegments.
 *
 * @module
 */
import { nodePlatform } from '../base/platform/node/node-platform.ts'
import { DumpLogSegments } from './DumpLogSegments.ts'
import {
  decoderMessageParser,
  defaultDecoder,
  type MessageParser,
  offsetsMessageParser,
  transactionLogMessageParser,
} from './message-parsers.ts'

/** Characters that are collected before they are written. */
const chunkChars = 65_536

/** Options of the command; a decoder without a name is the default one. */
export interface DumpLogCommandOptions {
  readonly files: string
  readonly printDataLog?: boolean
  readonly deepIteration?: boolean
  readonly indexSanityCheck?: boolean
  readonly verifyIndexOnly?: boolean
  readonly maxMessageSize: number
  readonly keyDecoderClass?: string | true
  readonly valueDecoderClass?: string | true
  readonly offsetsDecoder?: boolean
  readonly transactionLogDecoder?: boolean
}

/**
 * Runs the command.
 *
 * @throws for a file that cannot be read; what was printed before stays
 */
export function dumpLog(options: DumpLogCommandOptions): void {
  // Write in large pieces, what was printed before an error, too.
  const parser = parserOf(options)
  let pending = ''
  const flush = () => {
    process.stdout.write(pending)
    pending = ''
  }
  const output = {
    out: (line: string) => {
      pending += `${line}\n`
      if (pending.length >= chunkChars) flush()
    },
    err: (line: string) => {
      flush()
      process.stderr.write(`${line}\n`)
    },
  }
  const dump = new DumpLogSegments(
    nodePlatform().storage,
    {
      isDeepIteration: options.deepIteration === true || parser !== undefined,
      parser,
      indexSanityOnly: options.indexSanityCheck === true,
      verifyOnly: options.verifyIndexOnly === true,
      maxMessageSize: options.maxMessageSize,
    },
    output,
  )
  try {
    dump.dump(options.files.split(/\s*,\s*/).filter((file) => file !== ''))
  } finally {
    flush()
  }
}

/** Any decoder, or the wish itself, has keys and values printed. */
function parserOf(options: DumpLogCommandOptions): MessageParser | undefined {
  if (options.offsetsDecoder === true) return offsetsMessageParser
  if (options.transactionLogDecoder === true) return transactionLogMessageParser
  const { keyDecoderClass: key, valueDecoderClass: value } = options
  if (options.printDataLog !== true && key === undefined && value === undefined) {
    return undefined
  }
  const nameOf = (decoder: string | true | undefined) =>
    typeof decoder === 'string' ? decoder : defaultDecoder
  return decoderMessageParser(nameOf(key), nameOf(value))
}
