/**
 * # ChaosConsumer
 *
 * Reads every partition of a topic from its beginning, follows leaders, and tells the
 * history of each record with the high watermark that came in the same answer.
 *
 * @module
 */
import { Condition } from '../../base/async/Condition.ts'
import { Errors } from '../../base/errors.ts'
import { Fetch } from '../../protocol/messages/Fetch.ts'
import { MemoryRecords } from '../../record/MemoryRecords.ts'
import type { Consumed, Placed } from '../faults/history-check.ts'
import { type ChaosClientOptions, TopicLeaders } from './TopicLeaders.ts'

/** What a consumer is made of. */
export interface ChaosConsumerOptions extends ChaosClientOptions {
  readonly partitions: number
  /** Told of each record. */
  readonly onRecord: (record: Consumed) => void
}

/** How long a broker may wait for something new, in ms. */
const MAX_WAIT_MS = 500
const MAX_BYTES = 1 << 20

/** One consumer of every partition. */
export class ChaosConsumer {
  readonly #options: ChaosConsumerOptions
  readonly #leaders: TopicLeaders
  readonly #closing = new AbortController()
  readonly #moved = new Condition()
  /** By partition: the next offset to read, and the high watermark as last told. */
  readonly #positions: { next: number; highWatermark: number }[]
  readonly #done: Promise<unknown>

  /** Starts to read. */
  constructor(options: ChaosConsumerOptions) {
    this.#options = options
    this.#leaders = new TopicLeaders(options)
    this.#positions = Array.from({ length: options.partitions }, () => {
      return { next: 0, highWatermark: -1 }
    })
    this.#done = Promise.all(this.#positions.map((_, at) => this.#run(at)))
  }

  /** The next offset of each partition. */
  get positions(): readonly number[] {
    return this.#positions.map(({ next }) => next)
  }

  /**
   * Waits until it has read up to given offsets, or, without any, to the high watermark
   * that the leader told it.
   *
   * @returns whether that came about in time
   */
  async readTo(
    ends: readonly number[] | undefined,
    timeoutMs: number,
  ): Promise<boolean> {
    const { clock } = this.#options.platform
    const deadline = clock.monotonic() + timeoutMs
    const arrived = () =>
      this.#positions.every(({ next, highWatermark }, at) => {
        const end = ends ? (ends[at] ?? 0) : highWatermark
        return highWatermark >= 0 && next >= end
      })
    while (!arrived()) {
      const left = deadline - clock.monotonic()
      if (left <= 0) return false
      await this.#moved.waitFor(left, clock)
    }
    return true
  }

  async close(): Promise<void> {
    this.#closing.abort()
    this.#leaders.close()
    await this.#done
  }

  async #run(partition: number): Promise<void> {
    const { signal } = this.#closing
    while (!signal.aborted) {
      const ok = await this.#fetch(partition)
      this.#moved.signalAll()
      if (!ok) await this.#leaders.refresh(signal)
    }
  }

  /** Fetches once. @returns false when somebody else should be asked */
  async #fetch(partition: number): Promise<boolean> {
    const leader = this.#leaders.of(partition)
    const position = this.#positions[partition]
    if (leader === undefined || position === undefined) return false
    try {
      const { topic } = this.#options
      const partitions = [
        { partition, fetchOffset: position.next, partitionMaxBytes: MAX_BYTES },
      ]
      const { responses } = await this.#leaders.client.send(leader, Fetch, 7, {
        ...{ replicaId: -1, maxWaitMs: MAX_WAIT_MS, minBytes: 1, maxBytes: MAX_BYTES },
        ...{ isolationLevel: 0, sessionId: 0, sessionEpoch: -1 },
        ...{ topics: [{ topic, partitions }], forgottenTopicsData: [] },
      })
      const answer = responses[0]?.partitions[0]
      if (answer?.errorCode !== Errors.NONE.code) return false
      this.#take(partition, answer.highWatermark, answer.records as Buffer | null)
      return true
    } catch {
      return false
    }
  }

  #take(partition: number, highWatermark: number, records: Buffer | null): void {
    const position = this.#positions[partition]
    if (position === undefined) return
    position.highWatermark = highWatermark
    for (const placed of placedIn(this.#options.topic, partition, records)) {
      if (placed.offset < position.next) continue
      const { clientId, onRecord } = this.#options
      onRecord({ ...placed, consumer: clientId, highWatermark })
      position.next = placed.offset + 1
    }
  }
}

/** The values in batches of a {@link ChaosProducer}, without their filling. */
function* placedIn(
  topic: string,
  partition: number,
  records: Buffer | null,
): Generator<Placed> {
  const all = new MemoryRecords(records ?? Buffer.alloc(0)).records()
  for (const { offset, value } of all) {
    const [text = ''] = String(value).split(' ', 1)
    yield { partition: `${topic}-${partition}`, offset, value: text }
  }
}
