/**
 * Kafka's own DumpLogSegments reads what this project has written, without a complaint, and
 * prints what our dump-log prints.
 */
import { mkdtempSync, readdirSync, rmSync, writeFileSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { afterAll, beforeAll, describe, expect, it } from 'vitest'
import { nodePlatform } from '../../src/base/platform/node/node-platform.ts'
import { type DumpLogOptions, DumpLogSegments } from '../../src/cli/DumpLogSegments.ts'
import {
  decoderMessageParser,
  defaultDecoder,
  offsetsMessageParser,
} from '../../src/cli/message-parsers.ts'
import { runKafka } from './apache-kafka.ts'
import { missing } from './fetch-jars.ts'
import {
  writeCleanedLog,
  writeDirectory,
  writeOffsetsLog,
} from './written-directory.ts'

const reason = missing()
const name = reason === undefined ? 'DumpLogSegments' : `DumpLogSegments (${reason})`

const modes: readonly [string, Partial<DumpLogOptions>][] = [
  ['', {}],
  ['--deep-iteration', { isDeepIteration: true }],
  [
    '--print-data-log',
    {
      isDeepIteration: true,
      parser: decoderMessageParser(defaultDecoder, defaultDecoder),
    },
  ],
  ['--verify-index-only', { verifyOnly: true }],
  ['--index-sanity-check', { indexSanityOnly: true }],
]

/** What our tool prints for files. */
function ours(files: readonly string[], options: Partial<DumpLogOptions>) {
  let stdout = ''
  let stderr = ''
  const tool = new DumpLogSegments(
    nodePlatform().storage,
    {
      isDeepIteration: false,
      indexSanityOnly: false,
      verifyOnly: false,
      maxMessageSize: 5_242_880,
      ...options,
    },
    {
      out: (line) => {
        stdout += `${line}\n`
      },
      err: (line) => {
        stderr += `${line}\n`
      },
    },
  )
  tool.dump(files)
  return { status: 0, stdout, stderr }
}

function theirs(flag: string, files: readonly string[]) {
  const flags = flag === '' ? [] : [flag]
  return runKafka('kafka.tools.DumpLogSegments', ...flags, '--files', files.join(','))
}

function filesOf(dir: string, suffixes = /\.(log|index|timeindex|txnindex|snapshot)$/) {
  return readdirSync(dir)
    .filter((file) => suffixes.test(file))
    .sort()
    .map((file) => join(dir, file))
}

describe.skipIf(reason !== undefined)(name, () => {
  let root = ''
  let files: string[] = []

  beforeAll(async () => {
    root = mkdtempSync(join(tmpdir(), 'annotated-kafka-interop-'))
    const dirs = await writeDirectory(root)
    files = dirs.flatMap((dir) => filesOf(dir))
  })

  afterAll(() => {
    if (root !== '') rmSync(root, { recursive: true, force: true })
  })

  it.each(modes)(
    'reads every format and codec, and agrees: %s',
    async (flag, options) => {
      const printed = await theirs(flag, files)
      const expected = ours(files, options)
      expect(printed.status).toBe(0)
      expect(printed.stderr).toBe('')
      expect(printed.stdout).toBe(expected.stdout)
      expect(expected.stderr).toBe('')
      expect(printed.stdout).not.toContain('isvalid: false')
      expect(printed.stdout.split('\n').length).toBeGreaterThan(files.length)
    },
  )

  it.each(modes)(
    'reads a log that was cleaned, and agrees: %s',
    async (flag, options) => {
      const dir = await writeCleanedLog(join(root, 'cleaned-0'))
      const cleaned = filesOf(dir)
      const printed = await theirs(flag, cleaned)
      const expected = ours(cleaned, options)
      expect(printed.stdout).toBe(expected.stdout)

      // What a cleaned log is complained of is in an order of its own, by hash of the file.
      const lines = ({ stderr }: { stderr: string }) => stderr.split('\n').sort()
      expect(lines(printed)).toEqual(lines(expected))
    },
  )

  it('reads committed offsets and groups, and agrees', async () => {
    const dir = await writeOffsetsLog(join(root, '__consumer_offsets-0'))
    const logs = filesOf(dir, /\.log$/)
    const expected = ours(logs, { isDeepIteration: true, parser: offsetsMessageParser })
    expect(await theirs('--offsets-decoder', logs)).toEqual(expected)
    expect(expected.stdout).toContain('offset::billing:orders:3 payload: 42:note')
    expect(expected.stdout).toContain('[orders-0, orders-1]')
  })

  it('complains in the same words', async () => {
    const dir = join(root, 'long-0')
    const [index = '', log = '', timeIndex = ''] = filesOf(dir)
    const { storage } = nodePlatform()
    const copy = join(root, 'bent-0')
    storage.mkdir(copy)
    const names = [index, log, timeIndex].map((file) =>
      join(copy, file.slice(dir.length)),
    )

    // Two wrong entries, one of a wrong time, one that is nowhere; and a torn log.
    const offsets = storage.readFile(index).subarray(0, 80)
    offsets.writeInt32BE(offsets.readInt32BE(8) + 1, 8)
    offsets.writeInt32BE(offsets.readInt32BE(16) + 1, 16)
    const times = storage.readFile(timeIndex).subarray(0, 96)
    times.writeBigInt64BE(times.readBigInt64BE(12) + 5n, 12)
    times.writeBigInt64BE(times.readBigInt64BE(0) - 1n, 36)
    times.writeInt32BE(99_999, 68)
    const batches = storage.readFile(log)
    const first = 12 + batches.readInt32BE(8)
    const second = first + 12 + batches.readInt32BE(first + 8)
    writeFileSync(names[0] ?? '', Buffer.concat([offsets, Buffer.alloc(16)]))
    writeFileSync(names[1] ?? '', batches.subarray(0, 2000))
    writeFileSync(names[2] ?? '', Buffer.concat([times, Buffer.alloc(24)]))
    const gap = join(copy, '00000000000000000007.log')
    const torn = Buffer.concat([
      batches.subarray(0, first),
      batches.subarray(second, 999),
    ])
    writeFileSync(gap, torn)

    const printed = await theirs('--deep-iteration', [names[1] ?? '', gap])
    expect(printed).toEqual(ours([names[1] ?? '', gap], { isDeepIteration: true }))
    expect(printed.stderr).toContain('0 is followed by 2')
    writeFileSync(names[1] ?? '', batches)
    const indexes = [names[0] ?? '', names[2] ?? '']
    const complaints = await theirs('', indexes)
    expect(complaints).toEqual(ours(indexes, {}))
    expect(complaints.stderr.split('\n').length).toBeGreaterThan(8)
  })
})
