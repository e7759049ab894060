/**
 * # ChaosProducer
 *
 * Sends numbered values with acks=all and tells the history what became of each. It is
 * idempotent: a batch whose answer was lost is sent again with the same sequence number,
 * until a broker says that it is kept. So each value stands in the log once, and all of
 * them do in the end.
 *
 *     next batch ─▶ send to the leader ─▶ acknowledged ─▶ next batch
 *                        ▲      │ no answer, another leads, too few in sync …
 *                        └──────┘ the same batch, the same sequence
 *
 * @module
 */
import { Deferred } from '../../base/async/Deferred.ts'
import { Errors } from '../../base/errors.ts'
import { InitProducerId } from '../../protocol/messages/InitProducerId.ts'
import { Produce } from '../../protocol/messages/Produce.ts'
import { MemoryRecords } from '../../record/MemoryRecords.ts'
import type { HistoryCheck } from '../faults/history-check.ts'
import { type ChaosClientOptions, TopicLeaders } from './TopicLeaders.ts'

/** What a producer is made of. */
export interface ChaosProducerOptions extends ChaosClientOptions {
  readonly partitions: number
  readonly history: HistoryCheck
  /** Told of an answer that no fault explains. */
  readonly onTrouble: (message: string) => void
}

/** Pause between two batches of one partition, in ms: faults are the matter, not speed. */
const PACE_MS = 15

/** How long a leader may wait for followers before it answers, in ms. */
const PRODUCE_TIMEOUT_MS = 2000

/** Longest filling of a value, in bytes. */
const MAX_FILLING = 400

/**
 * Answers after which the same batch is sent again. A leader of the past, just thawed,
 * lacks what its successor took in the meantime: to it the sequence is out of order. If
 * a true leader lacks what was acknowledged, the batch is never taken, and that is told.
 */
const RETRIABLE: ReadonlySet<number> = new Set(
  [
    Errors.NOT_LEADER_FOR_PARTITION,
    Errors.UNKNOWN_TOPIC_OR_PARTITION,
    Errors.NOT_ENOUGH_REPLICAS,
    Errors.NOT_ENOUGH_REPLICAS_AFTER_APPEND,
    Errors.REQUEST_TIMED_OUT,
    Errors.KAFKA_STORAGE_ERROR,
    Errors.LEADER_NOT_AVAILABLE,
    Errors.OUT_OF_ORDER_SEQUENCE_NUMBER,
    Errors.UNKNOWN_PRODUCER_ID,
  ].map(({ code }) => code),
)

/** Where the sequence of one partition stands. */
interface Sequence {
  producer: string
  producerId: bigint
  producerEpoch: number
  next: number
}

/** A batch on its way. */
interface Batch {
  readonly partition: number
  readonly baseSequence: number
  readonly values: readonly string[]
  readonly records: Buffer
}

/** One idempotent producer to every partition of a topic. */
export class ChaosProducer {
  readonly #options: ChaosProducerOptions
  readonly #leaders: TopicLeaders
  readonly #draining = new AbortController()
  readonly #givingUp = new AbortController()
  readonly #done: Promise<unknown>
  readonly #firstAnswers: Deferred<void>[]
  #unanswered = 0

  /** Starts to send. */
  constructor(options: ChaosProducerOptions) {
    this.#options = options
    this.#leaders = new TopicLeaders(options)
    const partitions = Array.from({ length: options.partitions }, (_, at) => at)
    this.#firstAnswers = partitions.map(() => new Deferred<void>())
    this.#done = Promise.all(partitions.map((partition) => this.#run(partition)))
  }

  /** Resolves when each partition has acknowledged something. */
  async started(): Promise<void> {
    await Promise.all(this.#firstAnswers.map(({ promise }) => promise))
  }

  /**
   * Sends nothing new; resolves when all that was sent is acknowledged.
   *
   * @returns batches that were not acknowledged in time
   */
  async drain(timeoutMs: number): Promise<number> {
    this.#draining.abort()
    const { clock } = this.#options.platform
    const enough = new AbortController()
    const late = clock.sleep(timeoutMs, enough.signal).catch(() => undefined)
    await Promise.race([this.#done, late])
    enough.abort()
    const left = this.#unanswered

    // Whoever still waits stops now.
    this.#givingUp.abort()
    this.#leaders.close()
    await this.#done
    return left
  }

  async #run(partition: number): Promise<void> {
    const { platform } = this.#options
    let sequence = await this.#newSequence(partition)
    for (let n = 0; !this.#draining.signal.aborted; n++) {
      if (sequence === undefined) return
      const batch = this.#next(sequence, partition, n)
      this.#unanswered++
      const kept = await this.#sendUntilKept(batch)
      if (kept === 'given up') return
      this.#unanswered--
      if (kept === 'refused') sequence = await this.#newSequence(partition)
      else sequence.next += batch.values.length
      await platform.clock.sleep(PACE_MS, this.#givingUp.signal).catch(() => undefined)
    }
  }

  /** Gets a producer id. @returns undefined when it is too late for one */
  async #newSequence(partition: number): Promise<Sequence | undefined> {
    const { signal } = this.#givingUp
    while (!signal.aborted) {
      try {
        const body = { transactionalId: null, transactionTimeoutMs: 0 }
        const answer = await this.#leaders.client.anyBroker(InitProducerId, 0, body)
        const { errorCode, producerId, producerEpoch } = answer
        if (errorCode === 0) {
          const producer = `${this.#options.clientId}/${partition}/${producerId}`
          return { producer, producerId, producerEpoch, next: 0 }
        }
      } catch {
        // Ask another broker.
      }
      await this.#leaders.refresh(signal)
    }
    return undefined
  }

  /** Makes a batch and tells the history of its values. */
  #next(sequence: Sequence, partition: number, n: number): Batch {
    const { clientId, history, platform, topic } = this.#options
    const { producer, producerId, producerEpoch, next: baseSequence } = sequence
    const { random, clock } = platform
    const timestamp = clock.now()
    const length = 1 + random.nextInt(4)
    const values = Array.from({ length }, (_, at) => `${clientId}-${n}.${at}`)
    const simple = values.map((value) => {
      const filling = '.'.repeat(random.nextInt(MAX_FILLING))
      history.sent({ partition: `${topic}-${partition}`, value, producer, once: true })
      return { value: Buffer.from(`${value} ${filling}`), timestamp }
    })
    const options = { magic: 2, producerId, producerEpoch, baseSequence } as const
    const records = MemoryRecords.withRecords(options, ...simple).buffer
    return { partition, baseSequence, values, records }
  }

  async #sendUntilKept(batch: Batch): Promise<'kept' | 'refused' | 'given up'> {
    const { signal } = this.#givingUp
    while (!signal.aborted) {
      const answer = await this.#send(batch)
      if (answer?.errorCode === 0) {
        this.#acknowledge(batch, answer.baseOffset)
        return 'kept'
      }
      if (answer !== undefined && !RETRIABLE.has(answer.errorCode)) {
        const error = Errors.forCode(answer.errorCode).name
        const { partition, baseSequence } = batch
        const what = `sequence ${baseSequence} of partition ${partition}`
        this.#options.onTrouble(`${this.#options.clientId}: ${error} for ${what}`)
        return 'refused'
      }
      await this.#leaders.refresh(signal)
    }
    return 'given up'
  }

  /** Sends a batch to whoever is known to lead. @returns undefined without an answer */
  async #send({ partition, records }: Batch) {
    const leader = this.#leaders.of(partition)
    if (leader === undefined) return undefined
    try {
      const { responses } = await this.#leaders.client.send(leader, Produce, 5, {
        ...{ transactionalId: null, acks: -1, timeoutMs: PRODUCE_TIMEOUT_MS },
        topicData: [
          {
            name: this.#options.topic,
            partitionData: [{ index: partition, records }],
          },
        ],
      })
      return responses[0]?.partitionResponses[0]
    } catch {
      return undefined
    }
  }

  #acknowledge({ partition, values }: Batch, baseOffset: number): void {
    const { history, topic } = this.#options
    for (const [at, value] of values.entries()) {
      // A repeated batch that was kept long ago is acknowledged without its place.
      const offset = baseOffset < 0 ? undefined : baseOffset + at
      history.acknowledged({ partition: `${topic}-${partition}`, offset, value })
    }
    this.#firstAnswers[partition]?.resolve()
  }
}
