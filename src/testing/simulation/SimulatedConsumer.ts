/**
 * # SimulatedConsumer
 *
 * Reads one partition from its beginning, through the fetch protocol, and tells the check
 * of every value with the high watermark that came with it.
 *
 * @module
 */
import { Errors, KafkaException } from '../../base/errors.ts'
import type { Platform } from '../../base/platform/Platform.ts'
import type { TopicPartition } from '../../base/TopicPartition.ts'
import { Fetch } from '../../protocol/messages/Fetch.ts'
import { MemoryRecords } from '../../record/MemoryRecords.ts'
import type { Consumed } from '../faults/history-check.ts'
import { ClusterLines } from './cluster-lines.ts'
import type { EventLog } from './event-log.ts'

/** Pause after an error, in ms. */
const RETRY_BACKOFF_MS = 80

/** How long a broker may wait for something new, in ms. */
const MAX_WAIT_MS = 400

/** What a consumer is made of. */
export interface SimulatedConsumerOptions {
  readonly name: string
  readonly platform: Platform
  readonly topicPartition: TopicPartition
  readonly brokers: number
  readonly onRecord: (record: Consumed) => void
  readonly log: EventLog
}

/** One reader of one partition. */
export class SimulatedConsumer {
  readonly #options: SimulatedConsumerOptions
  readonly #lines: ClusterLines
  #position = 0
  #highWatermark = -1
  #isStopped = false

  constructor(options: SimulatedConsumerOptions) {
    this.#options = options
    this.#lines = new ClusterLines(options.platform, options.name, options.brokers)
  }

  /** The next offset that it will ask for. */
  get position(): number {
    return this.#position
  }

  /** Whether it has read all that the leader showed it last. */
  get isAtEnd(): boolean {
    return this.#highWatermark >= 0 && this.#position >= this.#highWatermark
  }

  /** Reads until it is stopped. */
  async run(): Promise<void> {
    while (!this.#isStopped) {
      try {
        await this.#poll()
      } catch (error) {
        this.#options.log.note(`no fetch: ${(error as Error).message}`)
        this.#lines.forgetLeader(this.#options.topicPartition)
        await this.#options.platform.clock.sleep(RETRY_BACKOFF_MS)
      }
    }
    this.#lines.close()
  }

  /** Lets the consumer end after its current fetch. */
  stop(): void {
    this.#isStopped = true
  }

  async #poll(): Promise<void> {
    const { topicPartition, name: consumer, onRecord, log } = this.#options
    const { topic, partition } = topicPartition
    const leader = await this.#lines.toLeader(topicPartition)
    const response = await leader.sendAndReceive(Fetch, 7, {
      ...{ replicaId: -1, maxWaitMs: MAX_WAIT_MS, minBytes: 1, maxBytes: 1 << 20 },
      ...{ isolationLevel: 0, sessionId: 0, sessionEpoch: -1, forgottenTopicsData: [] },
      topics: [
        {
          topic,
          partitions: [
            { partition, fetchOffset: this.#position, partitionMaxBytes: 1 << 20 },
          ],
        },
      ],
    })
    const answer = response.responses[0]?.partitions[0]
    const error = Errors.forCode(answer?.errorCode ?? Errors.UNKNOWN_SERVER_ERROR.code)
    if (answer === undefined || error !== Errors.NONE) {
      throw new KafkaException(`${error.name} at ${this.#position}`)
    }

    // A batch may begin before the offset that was asked for.
    const { highWatermark } = answer
    const records = new MemoryRecords(answer.records ?? Buffer.alloc(0)).records()
    for (const { offset, value } of records) {
      if (offset < this.#position) continue
      this.#position = offset + 1
      const of = { partition: topicPartition.key, offset, value: String(value) }
      log.note(`${consumer} got ${of.value} at ${offset} below ${highWatermark}`)
      onRecord({ ...of, consumer, highWatermark })
    }
    this.#highWatermark = highWatermark
  }
}
