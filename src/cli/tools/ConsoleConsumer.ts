/**
 * # ConsoleConsumer
 *
 * Prints what a consumer reads, until it has enough, nothing more comes in time, somebody
 * says stop, or nobody reads the output.
 *
 * @kafka core/src/main/scala/kafka/tools/ConsoleConsumer.scala#ConsoleConsumer
 * @module
 */
import { onAbort } from '../../base/async/abort.ts'
import { IOException } from '../../base/errors.ts'
import { logger } from '../../base/logger.ts'
import type { Clock, TimerHandle } from '../../base/platform/Platform.ts'
import type { FetchedRecord, RecordSource } from '../../clients/fetched-record.ts'
import type { MessageFormatter } from './message-formatters.ts'

/** When to end, and what to do with a record that cannot be printed. */
export interface ConsoleConsumerOptions {
  /** Absent, or -1: no end. */
  readonly maxMessages?: number
  /** End when nothing came for so long, in ms; absent, or less than 0: never. */
  readonly timeoutMs?: number
  readonly skipMessageOnError?: boolean
}

/** Where records go. */
export interface ConsoleOutput {
  /** @returns (rejects) when nobody reads any more */
  write(bytes: Buffer): Promise<void>
}

const log = logger('ConsoleConsumer')

/** Prints records. */
export class ConsoleConsumer {
  readonly #formatter: MessageFormatter
  readonly #output: ConsoleOutput
  readonly #clock: Clock

  /** How many records were read. */
  messageCount = 0

  constructor(formatter: MessageFormatter, output: ConsoleOutput, clock: Clock) {
    this.#formatter = formatter
    this.#output = output
    this.#clock = clock
  }

  /**
   * Reads and prints until the end.
   *
   * @param signal - the user's wish to stop
   * @throws (rejects) what the source cannot go on with, and what cannot be printed
   * @kafka core/src/main/scala/kafka/tools/ConsoleConsumer.scala#process
   */
  async process(
    source: RecordSource,
    options: ConsoleConsumerOptions,
    signal: AbortSignal,
  ): Promise<void> {
    // Stop when nothing comes.
    const { maxMessages: most = -1, timeoutMs = -1 } = options
    const maxMessages = most === -1 ? Number.POSITIVE_INFINITY : most
    if (maxMessages <= 0) return
    const enough = new AbortController()
    const forget = onAbort(signal, () => enough.abort())
    let timer: TimerHandle | undefined
    const patience = () => {
      this.#clock.clearTimeout(timer)
      if (timeoutMs < 0 || enough.signal.aborted) return
      timer = this.#clock.setTimeout(() => enough.abort(), timeoutMs)
    }
    patience()

    // Print what comes.
    let failure: unknown
    const deliver = async (records: readonly FetchedRecord[]) => {
      patience()
      let taken = 0
      for (const record of records) {
        if (enough.signal.aborted || this.messageCount >= maxMessages) break
        this.messageCount++
        taken++
        try {
          await this.#output.write(this.#formatter.format(record))
        } catch (error) {
          if (options.skipMessageOnError && !(error instanceof IOException)) {
            log.warn('a message cannot be printed and is skipped', error)
            continue
          }
          failure = error
          enough.abort()
        }
      }
      if (this.messageCount >= maxMessages) enough.abort()
      return taken
    }
    try {
      await source.run(deliver, enough.signal)
    } finally {
      this.#clock.clearTimeout(timer)
      forget()
    }
    if (failure !== undefined) throw failure
  }
}
