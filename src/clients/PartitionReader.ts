/**
 * # PartitionReader
 *
 * Reads partitions from where it is told, with one long fetch at a time to each of their
 * leaders.
 *
 *     positions ─▶ leaders ─┬─ fetch loop of broker 0 ─┐
 *                           └─ fetch loop of broker 1 ─┴─▶ deliver ─▶ positions
 *
 * Whatever a loop cannot go on with (a leader that moved, a broker that died) ends all
 * loops; the leaders are asked for again, and the loops begin anew from the positions.
 *
 * @kafka clients/src/main/java/org/apache/kafka/clients/consumer/internals/Fetcher.java#Fetcher
 * @differs nothing is fetched ahead of `deliver`, and there are no fetch sessions: this
 *   reader serves a console
 * @module
 */
import { AbortError, isAbortError, onAbort } from '../base/async/abort.ts'
import {
  Errors,
  IOException,
  KafkaException,
  TimeoutException,
} from '../base/errors.ts'
import type { Clock } from '../base/platform/Platform.ts'
import { TopicPartition } from '../base/TopicPartition.ts'
import type { TopicPartitionMap } from '../base/TopicPartitionMap.ts'
import { Fetch, type FetchResponse } from '../protocol/messages/Fetch.ts'
import { ControlRecordType } from '../record/ControlRecordType.ts'
import { MemoryRecords } from '../record/MemoryRecords.ts'
import type { RecordBatch } from '../record/RecordBatch.ts'
import { type ClusterClient, type Node, throwAbout } from './ClusterClient.ts'
import type { Deliver, FetchedRecord, RecordSource } from './fetched-record.ts'
import { EARLIEST_TIMESTAMP, LATEST_TIMESTAMP, listOffsets } from './list-offsets.ts'

/** How long a broker may hold a fetch that finds nothing, in ms. */
const FETCH_MAX_WAIT_MS = 500
const FETCH_MAX_BYTES = 50 * 1024 * 1024
const MAX_PARTITION_FETCH_BYTES = 1024 * 1024

/** Pause before the leaders are asked for again, in ms. */
const RETRY_BACKOFF_MS = 100

/** How a reader reads. */
export interface PartitionReaderOptions {
  readonly client: ClusterClient
  readonly clock: Clock
  /** Where to go on when an offset is not in the log. */
  readonly autoOffsetReset: 'earliest' | 'latest'
  readonly isolationLevel: 'read_uncommitted' | 'read_committed'
}

/** What one partition of an answer holds. */
type FetchedPartition = FetchResponse['responses'][number]['partitions'][number]

/** Reads some partitions. */
export class PartitionReader implements RecordSource {
  readonly #options: PartitionReaderOptions

  /** The next offset of each partition; moves on when records were taken. */
  readonly positions: TopicPartitionMap<number>

  constructor(options: PartitionReaderOptions, positions: TopicPartitionMap<number>) {
    this.#options = options
    this.positions = positions
  }

  async run(deliver: Deliver, signal: AbortSignal): Promise<void> {
    const { clock } = this.#options
    if (this.positions.size === 0) return aborted(signal)
    while (!signal.aborted) {
      // Deal the partitions out to their leaders.
      const topics = [...new Set([...this.positions.keys()].map(({ topic }) => topic))]
      const leaders = await this.#leadersOf(topics)
      if (leaders === undefined) continue
      const byLeader = new Map<number, { node: Node; partitions: TopicPartition[] }>()
      for (const tp of this.positions.keys()) {
        const node = leaders.get(tp.topic)?.[tp.partition]
        if (!node) {
          const text = `there is no partition ${tp}`
          throw Errors.UNKNOWN_TOPIC_OR_PARTITION.exception(text)
        }
        const of = byLeader.get(node.nodeId) ?? { node, partitions: [] }
        byLeader.set(node.nodeId, of)
        of.partitions.push(tp)
      }

      // Read from all of them until one loop cannot go on.
      const round = new AbortController()
      const forget = onAbort(signal, () => round.abort())
      const loops = [...byLeader.values()].map(({ node, partitions }) =>
        this.#fetchLoop(node, partitions, deliver, round.signal).finally(() =>
          round.abort(),
        ),
      )
      const outcomes = await Promise.allSettled(loops)
      forget()
      for (const outcome of outcomes) {
        if (outcome.status === 'rejected' && !mended(outcome.reason)) {
          throw outcome.reason
        }
      }
      if (!signal.aborted) await clock.sleep(RETRY_BACKOFF_MS)
    }
  }

  /** @returns undefined when nobody tells: ask again */
  async #leadersOf(
    topics: readonly string[],
  ): Promise<Map<string, Node[]> | undefined> {
    const { client, clock } = this.#options
    try {
      return await client.leadersOf(topics)
    } catch (error) {
      if (!(error instanceof IOException || error instanceof TimeoutException))
        throw error
      await clock.sleep(RETRY_BACKOFF_MS)
      return undefined
    }
  }

  async #fetchLoop(
    node: Node,
    partitions: readonly TopicPartition[],
    deliver: Deliver,
    signal: AbortSignal,
  ): Promise<void> {
    while (!signal.aborted) {
      const { client } = this.#options
      const request = this.#request(partitions)
      const answer = await client.send(node, Fetch, 5, request, signal)
      for (const { topic, partitions: fetched } of answer.responses) {
        for (const one of fetched) {
          if (signal.aborted) return
          const tp = new TopicPartition(topic, one.partition)
          if (one.errorCode === Errors.OFFSET_OUT_OF_RANGE.code) {
            await this.#reset(tp)
            continue
          }
          throwAbout(`fetching ${tp}`, one.errorCode)
          await this.#take(tp, one, deliver)
        }
      }
    }
  }

  #request(partitions: readonly TopicPartition[]) {
    const byTopic = new Map<string, TopicPartition[]>()
    for (const tp of partitions) {
      byTopic.set(tp.topic, [...(byTopic.get(tp.topic) ?? []), tp])
    }
    return {
      ...{ replicaId: -1, maxWaitMs: FETCH_MAX_WAIT_MS, minBytes: 1 },
      maxBytes: FETCH_MAX_BYTES,
      isolationLevel: this.#options.isolationLevel === 'read_committed' ? 1 : 0,
      topics: [...byTopic].map(([topic, ofTopic]) => ({
        topic,
        partitions: ofTopic.map((tp) => ({
          partition: tp.partition,
          fetchOffset: this.positions.get(tp) ?? 0,
          partitionMaxBytes: MAX_PARTITION_FETCH_BYTES,
        })),
      })),
    }
  }

  /** Hands over the records of one partition and moves behind them. */
  async #take(
    tp: TopicPartition,
    fetched: FetchedPartition,
    deliver: Deliver,
  ): Promise<void> {
    const position = this.positions.get(tp) ?? 0
    let next = position
    const records: FetchedRecord[] = []
    const visible = committedBatches(
      new MemoryRecords(fetched.records ?? Buffer.alloc(0)),
      this.#options.isolationLevel === 'read_committed'
        ? (fetched.abortedTransactions ?? [])
        : [],
    )
    for (const { batch, shown } of visible) {
      next = Math.max(next, batch.nextOffset)
      if (shown) records.push(...recordsOf(tp, batch, position))
    }
    const taken = records.length > 0 ? await deliver(records) : 0
    this.positions.set(tp, records[taken]?.offset ?? next)
  }

  async #reset(tp: TopicPartition): Promise<void> {
    const { client, autoOffsetReset } = this.#options
    const time = autoOffsetReset === 'earliest' ? EARLIEST_TIMESTAMP : LATEST_TIMESTAMP
    const offset = (await listOffsets(client, [tp], time)).get(tp)
    if (offset !== undefined) this.positions.set(tp, offset)
  }
}

/**
 * Goes over batches and tells which may be seen: no markers, and nothing of a transaction
 * that was aborted. A producer's aborted records end at its marker.
 *
 * @param aborted - by first offset, as a fetch answers
 */
function* committedBatches(
  records: MemoryRecords,
  aborted: readonly { readonly producerId: bigint; readonly firstOffset: number }[],
): Generator<{ batch: RecordBatch; shown: boolean }> {
  const waiting = [...aborted].sort((a, b) => a.firstOffset - b.firstOffset)
  const hidden = new Set<bigint>()
  for (const batch of records.batches()) {
    while (waiting[0] && waiting[0].firstOffset <= batch.lastOffset) {
      hidden.add((waiting.shift() as (typeof waiting)[number]).producerId)
    }
    if (batch.isControlBatch) {
      for (const { key } of batch) {
        if (ControlRecordType.parse(key) === 'ABORT') {
          hidden.delete(batch.producerId)
        }
      }
      yield { batch, shown: false }
    } else {
      yield { batch, shown: !(batch.isTransactional && hidden.has(batch.producerId)) }
    }
  }
}

/** The records of a batch from an offset on. */
function* recordsOf(
  { topic, partition }: TopicPartition,
  batch: RecordBatch,
  from: number,
): Generator<FetchedRecord> {
  for (const { offset, timestamp, key, value } of batch) {
    if (offset < from) continue
    const { timestampType } = batch
    yield { topic, partition, offset, timestamp, timestampType, key, value }
  }
}

/** Whether asking for the leaders again may help. */
function mended(error: unknown): boolean {
  if (isAbortError(error) || error instanceof AbortError) return true
  if (error instanceof IOException) return true
  return error instanceof KafkaException && error.error.retriable
}

/** Waits for a signal. */
function aborted(signal: AbortSignal): Promise<void> {
  return new Promise((resolve) => {
    if (signal.aborted) resolve()
    else onAbort(signal, resolve)
  })
}
