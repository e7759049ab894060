/**
 * # FetchSession
 *
 * What a client told this broker it fetches, remembered from one fetch to the next. Such a
 * client then names only what changed, and is told only what changed: a fetch of a thousand
 * quiet partitions is a few bytes both ways.
 *
 *     full fetch (epoch 0) ─▶ session s, epoch 1 ─▶ incremental fetches 1, 2, 3 …
 *
 * Invariants: an incremental fetch names the epoch that is expected next; a partition with
 * news moves to the end, so that all get their turn; a partition that failed is told again
 * until it is well.
 *
 * The monitors of Kafka (the cache's, then the session's) are gone: each step here is
 * synchronous.
 *
 * @kafka core/src/main/scala/kafka/server/FetchSession.scala#FetchSession
 * @module
 */
import { Errors } from '../base/errors.ts'
import type { Random } from '../base/platform/Platform.ts'
import type { TopicPartition } from '../base/TopicPartition.ts'
import type { TopicPartitionMap } from '../base/TopicPartitionMap.ts'

/** Epochs of a fetch request that are no count. */
export const FetchMetadata = {
  /** A full fetch that asks for a session. */
  INITIAL_EPOCH: 0,
  /** A full fetch that ends its session, and wants no other. */
  FINAL_EPOCH: -1,
  INVALID_SESSION_ID: 0,

  /** The epoch after one; it never becomes 0 again. */
  nextEpoch(epoch: number): number {
    if (epoch < 0) return FetchMetadata.FINAL_EPOCH
    return epoch === 0x7fffffff ? 1 : epoch + 1
  },
} as const

/** What a request asks of one partition. */
export interface FetchPartition {
  readonly fetchOffset: number
  readonly logStartOffset: number
  readonly maxBytes: number
}

/** What an answer says of one partition, as far as sessions care. */
export interface FetchedPartition {
  readonly errorCode: number
  readonly highWatermark: number
  readonly logStartOffset: number
  readonly records: { readonly sizeInBytes: number } | null
}

/** One partition of a session, and what the client was told of it last. */
export class CachedPartition {
  readonly topicPartition: TopicPartition
  fetch: FetchPartition
  /** -1 when the client must be told again. */
  #highWatermark = -1
  #localLogStartOffset = -1

  constructor(topicPartition: TopicPartition, fetch: FetchPartition) {
    this.topicPartition = topicPartition
    this.fetch = fetch
  }

  /** Takes in what is being answered. @returns whether it is worth saying. */
  maybeUpdateResponseData(data: FetchedPartition, update: boolean): boolean {
    let changed = (data.records?.sizeInBytes ?? 0) > 0
    if (this.#highWatermark !== data.highWatermark) {
      changed = true
      if (update) this.#highWatermark = data.highWatermark
    }
    if (this.#localLogStartOffset !== data.logStartOffset) {
      changed = true
      if (update) this.#localLogStartOffset = data.logStartOffset
    }

    // After an error the next good answer is always said.
    if (data.errorCode !== Errors.NONE.code) {
      changed = true
      if (update) this.#highWatermark = -1
    }
    return changed
  }
}

/** What one client fetches. */
export class FetchSession {
  readonly id: number
  /** True for followers: their sessions push out those of consumers. */
  readonly privileged: boolean
  readonly partitionMap: TopicPartitionMap<CachedPartition>
  readonly creationMs: number
  lastUsedMs: number
  /** The epoch that the next request must carry. */
  epoch: number

  constructor(
    id: number,
    privileged: boolean,
    partitionMap: TopicPartitionMap<CachedPartition>,
    nowMs: number,
  ) {
    this.id = id
    this.privileged = privileged
    this.partitionMap = partitionMap
    this.creationMs = nowMs
    this.lastUsedMs = nowMs
    this.epoch = FetchMetadata.nextEpoch(FetchMetadata.INITIAL_EPOCH)
  }

  get size(): number {
    return this.partitionMap.size
  }

  get isEmpty(): boolean {
    return this.partitionMap.size === 0
  }

  /** Adds, changes and forgets partitions, as a request says. */
  update(
    fetchData: TopicPartitionMap<FetchPartition>,
    toForget: readonly TopicPartition[],
  ): void {
    for (const [topicPartition, fetch] of fetchData) {
      const cached = this.partitionMap.get(topicPartition)
      if (cached) cached.fetch = fetch
      else {
        const partition = new CachedPartition(topicPartition, fetch)
        this.partitionMap.set(topicPartition, partition)
      }
    }
    for (const topicPartition of toForget) this.partitionMap.delete(topicPartition)
  }
}

/**
 * The sessions of one broker, a bounded number.
 *
 * @kafka core/src/main/scala/kafka/server/FetchSession.scala#FetchSessionCache
 * @differs In 1.1.1 a session's time of last use never moves past its creation, so the
 *   oldest session counts as idle however busy it is. Here every use counts.
 */
export class FetchSessionCache {
  readonly #maxEntries: number
  readonly #evictionMs: number
  readonly #random: Random
  readonly #sessions = new Map<number, FetchSession>()
  /** Sessions that were pushed out by others so far. */
  evictions = 0

  /** @param evictionMs - a session unused for longer may be pushed out by any other */
  constructor(maxEntries: number, evictionMs: number, random: Random) {
    this.#maxEntries = maxEntries
    this.#evictionMs = evictionMs
    this.#random = random
  }

  get size(): number {
    return this.#sessions.size
  }

  /** Partitions of all sessions together. */
  get totalPartitions(): number {
    let partitions = 0
    for (const { size } of this.#sessions.values()) partitions += size
    return partitions
  }

  get(sessionId: number): FetchSession | undefined {
    return this.#sessions.get(sessionId)
  }

  remove(sessionId: number): FetchSession | undefined {
    const session = this.#sessions.get(sessionId)
    this.#sessions.delete(sessionId)
    return session
  }

  /** Notes that a session was used just now. */
  touch(session: FetchSession, nowMs: number): void {
    session.lastUsedMs = nowMs
  }

  /** Makes a session, if there is room for it. @returns its id, or 0 */
  maybeCreateSession(
    nowMs: number,
    privileged: boolean,
    size: number,
    partitions: () => TopicPartitionMap<CachedPartition>,
  ): number {
    const full = this.#sessions.size >= this.#maxEntries
    if (full && !this.tryEvict(privileged, size, nowMs)) {
      return FetchMetadata.INVALID_SESSION_ID
    }
    const session = new FetchSession(
      this.newSessionId(),
      privileged,
      partitions(),
      nowMs,
    )
    this.#sessions.set(session.id, session)
    return session.id
  }

  /** Pushes out one session: one that is idle, else one that is worth less. */
  tryEvict(privileged: boolean, size: number, nowMs: number): boolean {
    let idlest: FetchSession | undefined
    let cheapest: FetchSession | undefined
    for (const session of this.#sessions.values()) {
      if (!idlest || session.lastUsedMs < idlest.lastUsedMs) idlest = session
      if (!cheapest || isWorthLess(session, cheapest)) cheapest = session
    }
    if (idlest && nowMs - idlest.lastUsedMs > this.#evictionMs) {
      return this.#evict(idlest)
    }

    // A follower goes before consumers of any age; equals go by age and size.
    if (!cheapest) return false
    const old = nowMs - cheapest.creationMs > this.#evictionMs
    const outranked = privileged && !cheapest.privileged
    const equal = privileged === cheapest.privileged
    if (outranked || (equal && old && cheapest.size < size)) {
      return this.#evict(cheapest)
    }
    return false
  }

  #evict(session: FetchSession): true {
    this.#sessions.delete(session.id)
    this.evictions += 1
    return true
  }

  /** A number that no session has: not 0, not negative. */
  newSessionId(): number {
    for (;;) {
      const id = this.#random.nextInt(0x7fffffff)
      if (id !== 0 && !this.#sessions.has(id)) return id
    }
  }
}

function isWorthLess(a: FetchSession, b: FetchSession): boolean {
  if (a.privileged !== b.privileged) return b.privileged
  return a.size < b.size
}
