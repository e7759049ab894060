/**
 * # RecordSender
 *
 * Collects records into batches, one partition at a time, and sends each batch to the
 * partition's leader. While a batch is on its way, the next one grows, so that a slow
 * broker gets larger batches.
 *
 *     send ─▶ partitioner ─▶ batch of p0 ─▶ leader of p0
 *                        └─▶ batch of p1 ─▶ leader of p1
 *
 * One batch of a partition is on its way at a time: a batch that must be tried again is
 * never overtaken.
 *
 * @kafka clients/src/main/java/org/apache/kafka/clients/producer/internals/Sender.java#Sender
 * @module
 */
import { Deferred } from '../base/async/Deferred.ts'
import {
  Errors,
  IOException,
  KafkaException,
  TimeoutException,
} from '../base/errors.ts'
import type { Clock } from '../base/platform/Platform.ts'
import { Produce } from '../protocol/messages/Produce.ts'
import type { CompressionType } from '../record/CompressionType.ts'
import type { SimpleRecord } from '../record/KafkaRecord.ts'
import { MemoryRecords } from '../record/MemoryRecords.ts'
import { type ClusterClient, type Node, throwAbout } from './ClusterClient.ts'
import { murmur2 } from './murmur2.ts'

/** How a sender sends. */
export interface RecordSenderOptions {
  readonly client: ClusterClient
  readonly clock: Clock
  readonly topic: string
  readonly compressionType: CompressionType
  /** 0, 1 or -1. */
  readonly acks: number
  /** Bytes of keys and values after which a batch is full. */
  readonly batchBytes: number
  /** How long a batch waits for more, in ms. */
  readonly lingerMs: number
  /** How long the broker may wait for replicas, in ms. */
  readonly requestTimeoutMs: number
  /** Tries after the first. */
  readonly retries: number
  readonly retryBackoffMs: number
  /** Bytes that may wait; `send` waits for room. */
  readonly bufferMemoryBytes: number
  /** How long `send` may wait for leaders and for room, in ms; a minute when left out. */
  readonly maxBlockMs?: number
  /**
   * Told of records that could not be delivered, each batch for itself; without it the
   * first failure ends the sender.
   */
  readonly onFailure?: (records: readonly SimpleRecord[], error: unknown) => void
}

const MAX_BLOCK_MS = 60_000

/** What waits for one partition. */
interface Lane {
  readonly partition: number
  records: SimpleRecord[]
  bytes: number
  sending: Promise<void> | undefined
  /** Ends the waiting for more. */
  full: Deferred<void>
}

/** Sends records to one topic. */
export class RecordSender {
  readonly #options: RecordSenderOptions
  #leaders: readonly Node[] | undefined
  readonly #lanes = new Map<number, Lane>()
  #nextPartition = 0
  #buffered = 0
  #room = new Deferred<void>()
  #failure: unknown

  constructor(options: RecordSenderOptions) {
    this.#options = options
  }

  /**
   * Takes a record; waits while too many bytes are on their way.
   *
   * @throws TimeoutException (rejects) when there is no leader or no room in time
   * @throws (rejects) why an earlier batch could not be delivered
   */
  async send(key: Buffer | null, value: Buffer | null): Promise<void> {
    const { bufferMemoryBytes, batchBytes, clock } = this.#options
    const { maxBlockMs = MAX_BLOCK_MS } = this.#options
    const deadline = clock.monotonic() + maxBlockMs
    if (this.#leaders === undefined) {
      const text = `failed to update metadata after ${maxBlockMs} ms`
      this.#leaders = await this.#until(deadline, this.#findLeaders(deadline), text)
    }
    while (this.#buffered >= bufferMemoryBytes) {
      const text = `no room in the buffer for ${maxBlockMs} ms`
      await this.#until(deadline, this.#room.promise, text)
    }
    if (this.#failure !== undefined) throw this.#failure

    // Put it with its partition; a full batch goes at once.
    const lane = this.#lane(this.#partitionOf(key, this.#leaders.length))
    const bytes = (key?.length ?? 0) + (value?.length ?? 0)
    lane.records.push({ key, value, timestamp: clock.now() })
    lane.bytes += bytes
    this.#buffered += bytes
    this.#start(lane)
    if (lane.bytes >= batchBytes) lane.full.resolve()
  }

  /**
   * Waits until all that was taken is delivered.
   *
   * @throws (rejects) why a batch could not be delivered
   */
  async flush(): Promise<void> {
    for (const lane of this.#lanes.values()) {
      while (lane.records.length > 0 || lane.sending !== undefined) {
        lane.full.resolve()
        await lane.sending
      }
    }
    if (this.#failure !== undefined) throw this.#failure
  }

  /** Asks who leads, again while no broker can be reached. */
  async #findLeaders(deadline: number): Promise<readonly Node[]> {
    const { client, clock, topic, retryBackoffMs } = this.#options
    for (;;) {
      const left = deadline - clock.monotonic()
      try {
        return (await client.leadersOf([topic], true, left)).get(topic) ?? []
      } catch (error) {
        if (!(error instanceof IOException) || clock.monotonic() >= deadline)
          throw error
        await clock.sleep(retryBackoffMs)
      }
    }
  }

  /** Waits for `work`, but no longer than until the deadline. */
  async #until<T>(deadline: number, work: Promise<T>, text: string): Promise<T> {
    const { clock } = this.#options
    const late = new Deferred<never>()
    const timer = clock.setTimeout(
      () => late.reject(new TimeoutException(text)),
      deadline - clock.monotonic(),
    )
    try {
      return await Promise.race([work, late.promise])
    } finally {
      clock.clearTimeout(timer)
    }
  }

  #lane(partition: number): Lane {
    const known = this.#lanes.get(partition)
    if (known) return known
    const full = new Deferred<void>()
    const lane = { partition, records: [], bytes: 0, sending: undefined, full }
    this.#lanes.set(partition, lane)
    return lane
  }

  /**
   * Chooses a partition: by the key's hash; without a key, in turn.
   *
   * @kafka clients/src/main/java/org/apache/kafka/clients/producer/internals/DefaultPartitioner.java#partition
   */
  #partitionOf(key: Buffer | null, count: number): number {
    if (key !== null) return (murmur2(key) & 0x7fffffff) % count
    this.#nextPartition = (this.#nextPartition + 1) % count
    return this.#nextPartition
  }

  /** Begins to empty a lane, unless that has begun. */
  #start(lane: Lane): void {
    if (lane.sending !== undefined) return
    lane.full = new Deferred()
    lane.sending = this.#empty(lane)
      .catch((error: unknown) => {
        this.#failure ??= error
        this.#buffered -= lane.bytes
        lane.records = []
        lane.bytes = 0
      })
      .finally(() => {
        lane.sending = undefined
        this.#room.resolve()
        this.#room = new Deferred()
      })
  }

  async #empty(lane: Lane): Promise<void> {
    await this.#linger(lane)
    while (lane.records.length > 0) {
      // Cut one batch off.
      const batch: SimpleRecord[] = []
      let bytes = 0
      for (const record of lane.records) {
        if (bytes >= this.#options.batchBytes) break
        batch.push(record)
        bytes += (record.key?.length ?? 0) + (record.value?.length ?? 0)
      }
      lane.records = lane.records.slice(batch.length)
      lane.bytes -= bytes
      try {
        await this.#deliver(lane.partition, batch)
      } catch (error) {
        const { onFailure } = this.#options
        if (!onFailure) throw error
        onFailure(batch, error)
      } finally {
        this.#buffered -= bytes
        this.#room.resolve()
        this.#room = new Deferred()
      }
    }
  }

  /** Waits until a batch is full, or has waited long enough. */
  async #linger({ full }: Lane): Promise<void> {
    const { clock, lingerMs } = this.#options
    const timer = clock.setTimeout(() => full.resolve(), lingerMs)
    await full.promise
    clock.clearTimeout(timer)
  }

  /** Sends one batch, again while that can help. */
  async #deliver(partition: number, batch: readonly SimpleRecord[]): Promise<void> {
    const { client, clock, topic, retries, retryBackoffMs } = this.#options
    const records = MemoryRecords.withRecords(
      { compressionType: this.#options.compressionType },
      ...batch,
    ).buffer
    for (let left = retries; ; left--) {
      try {
        await this.#produce(partition, records)
        return
      } catch (error) {
        const retriable = error instanceof KafkaException && error.error.retriable
        if (left === 0 || !(retriable || error instanceof IOException)) throw error
        await clock.sleep(retryBackoffMs)
        this.#leaders = (await client.leadersOf([topic])).get(topic) ?? []
      }
    }
  }

  async #produce(partition: number, records: Buffer): Promise<void> {
    const { client, topic, acks, requestTimeoutMs } = this.#options
    const leader = this.#leaders?.[partition]
    if (!leader) throw Errors.LEADER_NOT_AVAILABLE.exception()
    const body = {
      ...{ transactionalId: null, acks, timeoutMs: requestTimeoutMs },
      topicData: [{ name: topic, partitionData: [{ index: partition, records }] }],
    }
    if (acks === 0) {
      await client.sendOneWay(leader, Produce, 5, body)
      return
    }
    const answer = await client.send(leader, Produce, 5, body)
    for (const { partitionResponses } of answer.responses) {
      for (const one of partitionResponses) {
        throwAbout(`${topic}-${one.index}`, one.errorCode)
      }
    }
  }
}
