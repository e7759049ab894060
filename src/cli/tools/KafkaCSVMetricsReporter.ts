/**
 * # KafkaCSVMetricsReporter
 *
 * Writes down every 5 s how fast the console consumer reads, a file for each number:
 *
 *     BytesPerSec.csv
 *
 *     # time,count,1 min rate,mean rate,5 min rate,15 min rate
 *     5,770,154.0,154.0,154.0,154.0
 *
 * The time is in seconds since the beginning.
 *
 * @kafka core/src/main/scala/kafka/metrics/KafkaCSVMetricsReporter.scala#KafkaCSVMetricsReporter
 * @differs There are two files: MessagesPerSec, and BytesPerSec of keys and values. 1.1.1
 *   makes one for each name in its registry; the second metric of a name cannot open its
 *   file, and the names behind it are not written in that round. The directory is not
 *   emptied first, and a last line is written at the end.
 * @module
 */
import { appendFileSync, mkdirSync, writeFileSync } from 'node:fs'
import { join } from 'node:path'
import type { Clock, TimerHandle } from '../../base/platform/Platform.ts'
import type { FetchedRecord, RecordSource } from '../../clients/fetched-record.ts'
import { Meter, TICK_INTERVAL_MS } from './Meter.ts'

const HEAD = '# time,count,1 min rate,mean rate,5 min rate,15 min rate\n'

/** Writes files of numbers while it runs. */
export class KafkaCSVMetricsReporter {
  readonly #directory: string
  readonly #clock: Clock
  readonly #start: number
  readonly #meters = { MessagesPerSec: new Meter(), BytesPerSec: new Meter() }
  #timer: TimerHandle | undefined

  /**
   * Makes the files, and begins.
   *
   * @throws when the directory cannot be made or written to
   */
  constructor(directory: string, clock: Clock) {
    this.#directory = directory
    this.#clock = clock
    this.#start = clock.monotonic()
    mkdirSync(directory, { recursive: true })
    for (const name of Object.keys(this.#meters)) writeFileSync(this.#file(name), HEAD)
    this.#next()
  }

  /** The same source, with what it hands over counted. */
  over(source: RecordSource): RecordSource {
    return {
      run: (deliver, signal) =>
        source.run(async (records) => {
          const taken = await deliver(records)
          this.#mark(records.slice(0, taken))
          return taken
        }, signal),
    }
  }

  /** Writes a last line, and no more. */
  stop(): void {
    this.#clock.clearTimeout(this.#timer)
    this.#write()
  }

  #mark(records: readonly FetchedRecord[]): void {
    this.#meters.MessagesPerSec.mark(records.length)
    for (const { key, value } of records) {
      this.#meters.BytesPerSec.mark((key?.length ?? 0) + (value?.length ?? 0))
    }
  }

  #next(): void {
    this.#timer = this.#clock.setTimeout(() => {
      for (const meter of Object.values(this.#meters)) meter.tick()
      this.#write()
      this.#next()
    }, TICK_INTERVAL_MS)
  }

  #write(): void {
    const seconds = (this.#clock.monotonic() - this.#start) / 1000
    for (const [name, { count, rates }] of Object.entries(this.#meters)) {
      const [one = 0, five = 0, fifteen = 0] = rates
      const mean = seconds === 0 ? 0 : count / seconds
      const numbers = [one, mean, five, fifteen].map(decimal)
      const line = [Math.trunc(seconds), count, ...numbers].join(',')
      appendFileSync(this.#file(name), `${line}\n`)
    }
  }

  #file(name: string): string {
    return join(this.#directory, `${name}.csv`)
  }
}

/** With a point, as in Kafka's files. */
function decimal(value: number): string {
  return Number.isInteger(value) ? value.toFixed(1) : String(value)
}
