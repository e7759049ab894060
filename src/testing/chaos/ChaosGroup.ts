/**
 * # ChaosGroup
 *
 * A group of consumers during a chaos run: members of it leave and join again all the
 * time, so that partitions change hands while brokers die. At the end the log of the
 * offsets is read from its beginning: it tells what was committed, in order, and between
 * which rebalances.
 *
 *     member 0 ── joins ── reads, commits ── leaves ── joins …
 *     member 1 ────── joins ── reads, commits ── leaves …
 *
 * @module
 */
import { onAbort } from '../../base/async/abort.ts'
import { Condition } from '../../base/async/Condition.ts'
import { TopicPartition } from '../../base/TopicPartition.ts'
import { TopicPartitionMap } from '../../base/TopicPartitionMap.ts'
import type { FetchedRecord } from '../../clients/fetched-record.ts'
import { GroupConsumer } from '../../clients/GroupConsumer.ts'
import { LATEST_TIMESTAMP, listOffsets } from '../../clients/list-offsets.ts'
import { PartitionReader } from '../../clients/PartitionReader.ts'
import {
  readGroupMessageValue,
  readMessageKey,
  readOffsetMessageValue,
} from '../../coordinator/group/group-messages.ts'
import type { GroupCheck } from '../faults/group-check.ts'
import { type ChaosClientOptions, clusterClient } from './TopicLeaders.ts'

/** What a group is made of. */
export interface ChaosGroupOptions extends Omit<ChaosClientOptions, 'clientId'> {
  readonly partitions: number
  readonly members: number
  readonly check: GroupCheck
  /** Told of what no fault explains. */
  readonly onTrouble: (message: string) => void
}

/** Settings that brokers of a run need for their groups: few partitions, short sessions. */
export const GROUP_SETTINGS: Readonly<Record<string, string>> = {
  'offsets.topic.num.partitions': '2',
  'offsets.topic.replication.factor': '3',
  'group.min.session.timeout.ms': '1000',
  'group.initial.rebalance.delay.ms': '0',
}

/** The group of a run. */
export const GROUP = 'chaos-group'
const OFFSETS_TOPIC = '__consumer_offsets'
const OFFSETS_PARTITIONS = 2

/** Longer than a session: a join waits until members that died are dropped, in ms. */
const REQUEST_TIMEOUT_MS = 5000
const SESSION_TIMEOUT_MS = 3000
const HEARTBEAT_INTERVAL_MS = 500
const AUTO_COMMIT_INTERVAL_MS = 300

/** Shortest and longest stay of a member, in ms. */
const STAYS_MS = [3000, 9000] as const

/** Pause between leaving and joining again, in ms. */
const ABSENCE_MS = 300

/** Some members of one group, who come and go. */
export class ChaosGroup {
  readonly #options: ChaosGroupOptions
  readonly #closing = new AbortController()
  readonly #settling = new AbortController()
  readonly #arrived = new Condition()
  readonly #done: Promise<unknown>

  /** Starts the members. */
  constructor(options: ChaosGroupOptions) {
    this.#options = options
    const members = Array.from({ length: options.members }, (_, at) => this.#member(at))
    this.#done = Promise.all(members)
  }

  /**
   * Lets members stay, and waits until the group got everything below some offsets.
   *
   * @param ends - by partition
   * @returns whether that came about in time
   */
  async readTo(ends: readonly number[], timeoutMs: number): Promise<boolean> {
    this.#settling.abort()
    const { check, topic, platform } = this.#options
    const { clock } = platform
    const deadline = clock.monotonic() + timeoutMs
    while (!ends.every((end, at) => check.hasAll(`${topic}-${at}`, end))) {
      const left = deadline - clock.monotonic()
      if (left <= 0) return false
      await this.#arrived.waitFor(left, clock)
    }
    return true
  }

  /** Has all members leave. */
  async close(): Promise<void> {
    this.#settling.abort()
    this.#closing.abort()
    await this.#done
  }

  async #member(at: number): Promise<void> {
    const { platform } = this.#options
    const { clock, random } = platform
    while (!this.#closing.signal.aborted) {
      // Stay for a while; when the run settles, to its end.
      const [shortest, longest] = STAYS_MS
      const stay = new AbortController()
      const stayMs = shortest + random.nextInt(longest - shortest)
      const leaves = clock.sleep(stayMs, this.#settling.signal).then(
        () => stay.abort(),
        () => undefined,
      )
      const forget = onAbort(this.#closing.signal, () => stay.abort())
      await this.#takePart(`member-${at}`, stay.signal)
      forget()
      await Promise.race([leaves, clock.sleep(ABSENCE_MS)])
    }
  }

  /** Takes part in the group until told to leave. */
  async #takePart(clientId: string, signal: AbortSignal): Promise<void> {
    const { platform, topic, onTrouble } = this.#options
    const client = clusterClient({ ...this.#options, clientId }, REQUEST_TIMEOUT_MS)
    const consumer = new GroupConsumer({
      ...{ client, clock: platform.clock, group: GROUP, wanted: () => [topic] },
      ...{ autoOffsetReset: 'earliest', isolationLevel: 'read_uncommitted' },
      sessionTimeoutMs: SESSION_TIMEOUT_MS,
      heartbeatIntervalMs: HEARTBEAT_INTERVAL_MS,
      autoCommitIntervalMs: AUTO_COMMIT_INTERVAL_MS,
    })
    try {
      await consumer.run(async (records) => this.#take(records), signal)
    } catch (error) {
      // Who leaves may not reach the coordinator: its session ends by itself.
      if (!signal.aborted && !isPatienceOver(error))
        onTrouble(`${clientId} gave up: ${error}`)
    } finally {
      client.close()
    }
  }

  #take(records: readonly FetchedRecord[]): number {
    for (const { topic, partition, offset, value } of records) {
      const [text = ''] = String(value).split(' ', 1)
      this.#options.check.delivered({
        ...{ partition: `${topic}-${partition}`, offset, value: text },
      })
    }
    this.#arrived.signalAll()
    return records.length
  }

  /** Tells the check what the log of the offsets says. Resolves at its end. */
  async readCommits(): Promise<void> {
    const { platform } = this.#options
    const client = clusterClient({ ...this.#options, clientId: 'commits' })
    const partitions = Array.from(
      { length: OFFSETS_PARTITIONS },
      (_, at) => new TopicPartition(OFFSETS_TOPIC, at),
    )
    try {
      const ends = await listOffsets(client, partitions, LATEST_TIMESTAMP)
      const positions = new TopicPartitionMap(partitions.map((tp) => [tp, 0]))
      const reader = new PartitionReader(
        {
          ...{ client, clock: platform.clock, autoOffsetReset: 'earliest' },
          isolationLevel: 'read_uncommitted',
        },
        positions,
      )

      // Stop when all were read; a reader goes on for ever by itself.
      const enough = new AbortController()
      const next = new TopicPartitionMap<number>()
      const isAtEnd = () =>
        [...ends].every(([tp, end]) => end === 0 || (next.get(tp) ?? 0) >= end)
      if (isAtEnd()) return
      await reader.run(async (records) => {
        for (const record of records) {
          this.#readCommit(record)
          const tp = new TopicPartition(record.topic, record.partition)
          next.set(tp, record.offset + 1)
        }
        if (isAtEnd()) enough.abort()
        return records.length
      }, enough.signal)
    } finally {
      client.close()
    }
  }

  #readCommit({ key, value }: FetchedRecord): void {
    if (key === null || value === null) return
    const about = readMessageKey(key)
    const { check } = this.#options
    if (about.group !== GROUP) return
    if (about.kind === 'group')
      check.rebalanced(readGroupMessageValue(GROUP, value).generationId)
    else check.committed(about.topicPartition.key, readOffsetMessageValue(value).offset)
  }
}

/** Whether a client waited as long as it may for something that time mends. */
function isPatienceOver(error: unknown): boolean {
  return error instanceof Error && error.name === 'TimeoutException'
}
