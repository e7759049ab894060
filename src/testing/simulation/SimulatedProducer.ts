/**
 * # SimulatedProducer
 *
 * Writes unique values to one partition, one batch after the other, with `acks=all`, and
 * sends each batch again until it is acknowledged: what a client with endless retries
 * does. An idempotent one numbers its batches, so that a repeated one is written once.
 *
 *     value p1-17 ─▶ sent ─▶ Produce ─ error, silence ─▶ who leads? ─▶ Produce …
 *                                    └ ok ─▶ acknowledged
 *
 * @module
 */
import { Errors, KafkaException } from '../../base/errors.ts'
import type { Platform } from '../../base/platform/Platform.ts'
import type { TopicPartition } from '../../base/TopicPartition.ts'
import { InitProducerId } from '../../protocol/messages/InitProducerId.ts'
import { Produce } from '../../protocol/messages/Produce.ts'
import { MemoryRecords } from '../../record/MemoryRecords.ts'
import type { HistoryCheck } from '../faults/history-check.ts'
import { ClusterLines } from './cluster-lines.ts'
import type { EventLog } from './event-log.ts'

/** Pause after an error, in ms. */
const RETRY_BACKOFF_MS = 60

/** Longest pause between two batches, in ms. */
const MAX_PAUSE_MS = 160

/** How long a broker may wait for its followers, in ms. */
const ACK_TIMEOUT_MS = 1000

/** What a producer is made of. */
export interface SimulatedProducerOptions {
  readonly name: string
  readonly platform: Platform
  readonly topicPartition: TopicPartition
  readonly idempotent: boolean
  readonly brokers: number
  readonly check: HistoryCheck
  readonly log: EventLog
}

interface Identity {
  readonly producerId: bigint
  readonly producerEpoch: number
}

/** One writer of one partition. */
export class SimulatedProducer {
  readonly #options: SimulatedProducerOptions
  readonly #lines: ClusterLines
  #identity: Identity | undefined
  #sequence = 0
  #values = 0
  #lives = 0
  #isStopped = false

  constructor(options: SimulatedProducerOptions) {
    this.#options = options
    this.#lines = new ClusterLines(options.platform, options.name, options.brokers)
  }

  /** Writes until it is stopped; the batch that is under way then is still delivered. */
  async run(): Promise<void> {
    const { clock, random } = this.#options.platform
    while (!this.#isStopped) {
      await clock.sleep(random.nextInt(MAX_PAUSE_MS))
      if (this.#isStopped) break
      await this.#deliver(1 + random.nextInt(3))
    }
    this.#lines.close()
  }

  /** Lets the producer end after its current batch. */
  stop(): void {
    this.#isStopped = true
  }

  async #deliver(count: number): Promise<void> {
    if (this.#options.idempotent) await this.#untilIdentified()
    const { name, check, idempotent, topicPartition, log } = this.#options
    const values = Array.from({ length: count }, () => `${name}-${this.#values++}`)
    const producer = `${name}#${this.#lives}`
    for (const value of values) {
      check.sent({ partition: topicPartition.key, value, producer, once: idempotent })
    }

    // Try until it is there, or the broker says that it can never be.
    const records = this.#batch(values)
    for (;;) {
      const answer = await this.#attempt(records)
      const error = answer?.error ?? Errors.NETWORK_EXCEPTION
      if (answer !== undefined && isKept(error.code)) {
        this.#sequence += count
        const base = error === Errors.NONE ? answer.baseOffset : -1
        for (const [i, value] of values.entries()) {
          const offset = base < 0 ? undefined : base + i
          log.note(`ack ${value} ${offset}`)
          check.acknowledged({ partition: topicPartition.key, offset, value })
        }
        return
      }
      if (!error.retriable) {
        log.add(`${values[0]} was refused: ${error.name}`)
        this.#identity = undefined
        return
      }
      this.#lines.forgetLeader(topicPartition)
      await this.#options.platform.clock.sleep(RETRY_BACKOFF_MS)
    }
  }

  #batch(values: readonly string[]): Buffer {
    const timestamp = this.#options.platform.clock.now()
    const numbered = this.#identity && {
      ...this.#identity,
      baseSequence: this.#sequence,
    }
    const records = values.map((value) => ({ value: Buffer.from(value), timestamp }))
    return MemoryRecords.withRecords({ magic: 2, ...numbered }, ...records).buffer
  }

  /** @returns undefined when nobody answered */
  async #attempt(records: Buffer) {
    const { topicPartition } = this.#options
    try {
      const leader = await this.#lines.toLeader(topicPartition)
      const { responses } = await leader.sendAndReceive(Produce, 5, {
        transactionalId: null,
        acks: -1,
        timeoutMs: ACK_TIMEOUT_MS,
        topicData: [
          {
            name: topicPartition.topic,
            partitionData: [{ index: topicPartition.partition, records }],
          },
        ],
      })
      const answer = responses[0]?.partitionResponses[0]
      if (answer === undefined) return undefined
      return { error: Errors.forCode(answer.errorCode), baseOffset: answer.baseOffset }
    } catch (error) {
      this.#options.log.note(`no answer: ${(error as Error).message}`)
      return undefined
    }
  }

  /** Gets a producer id; each begins a life with sequence 0. */
  async #untilIdentified(): Promise<void> {
    while (this.#identity === undefined) {
      try {
        const line = this.#lines.toAny()
        const response = await line.sendAndReceive(InitProducerId, 0, {
          transactionalId: null,
          transactionTimeoutMs: 60_000,
        })
        const error = Errors.forCode(response.errorCode)
        if (error !== Errors.NONE) throw new KafkaException(error.name)
        const { producerId, producerEpoch } = response
        this.#identity = { producerId, producerEpoch }
        this.#sequence = 0
        this.#lives++
      } catch (error) {
        this.#options.log.note(`no producer id: ${(error as Error).message}`)
        await this.#options.platform.clock.sleep(RETRY_BACKOFF_MS)
      }
    }
  }
}

/** Written now, or by an earlier attempt. */
function isKept(errorCode: number): boolean {
  return (
    errorCode === Errors.NONE.code ||
    errorCode === Errors.DUPLICATE_SEQUENCE_NUMBER.code
  )
}
