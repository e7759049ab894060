/**
 * # FetchContext
 *
 * How one fetch request is read and answered, by what it says about sessions.
 *
 *     SessionlessFetchContext   no session wanted          everything, id 0
 *     FullFetchContext          a session wanted           everything, the new id or 0
 *     IncrementalFetchContext   the next of a session      what changed, its id
 *     SessionErrorContext       unknown id, wrong epoch    the error, nothing else
 *
 * @kafka core/src/main/scala/kafka/server/FetchSession.scala#FetchContext
 * @module
 */
import { Errors, type WireError } from '../base/errors.ts'
import type { Clock } from '../base/platform/Platform.ts'
import type { TopicPartition } from '../base/TopicPartition.ts'
import { TopicPartitionMap } from '../base/TopicPartitionMap.ts'
import {
  CachedPartition,
  type FetchedPartition,
  FetchMetadata,
  type FetchPartition,
  type FetchSession,
  type FetchSessionCache,
} from './FetchSession.ts'

/** What is answered: an error, or partitions under a session. */
export interface FetchAnswer<T> {
  readonly error: WireError
  readonly sessionId: number
  readonly partitions: readonly (readonly [TopicPartition, T])[]
}

/** How one fetch request is read and answered. */
export interface FetchContext {
  /** Set when the request cannot be served at all. */
  readonly error: WireError
  /** Calls `visit` for each partition to fetch, in order. */
  foreachPartition(
    visit: (topicPartition: TopicPartition, fetch: FetchPartition) => void,
  ): void
  /** Chooses what to answer, and remembers it. */
  updateAndGenerateResponseData<T extends FetchedPartition>(
    updates: readonly (readonly [TopicPartition, T])[],
  ): FetchAnswer<T>
}

/** A fetch whose session is not there, or not where it thinks. */
export class SessionErrorContext implements FetchContext {
  readonly error: WireError

  constructor(error: WireError) {
    this.error = error
  }

  foreachPartition(): void {}

  updateAndGenerateResponseData<T extends FetchedPartition>(): FetchAnswer<T> {
    return { error: this.error, sessionId: 0, partitions: [] }
  }
}

/** A fetch without a session. */
export class SessionlessFetchContext implements FetchContext {
  readonly error = Errors.NONE
  readonly #fetchData: TopicPartitionMap<FetchPartition>

  constructor(fetchData: TopicPartitionMap<FetchPartition>) {
    this.#fetchData = fetchData
  }

  foreachPartition(
    visit: (topicPartition: TopicPartition, fetch: FetchPartition) => void,
  ): void {
    for (const [topicPartition, fetch] of this.#fetchData) visit(topicPartition, fetch)
  }

  updateAndGenerateResponseData<T extends FetchedPartition>(
    updates: readonly (readonly [TopicPartition, T])[],
  ): FetchAnswer<T> {
    return { error: Errors.NONE, sessionId: 0, partitions: updates }
  }
}

/** A fetch that asks for a session. */
export class FullFetchContext implements FetchContext {
  readonly error = Errors.NONE
  readonly #clock: Clock
  readonly #cache: FetchSessionCache
  readonly #fetchData: TopicPartitionMap<FetchPartition>
  readonly #isFromFollower: boolean

  constructor(
    clock: Clock,
    cache: FetchSessionCache,
    fetchData: TopicPartitionMap<FetchPartition>,
    isFromFollower: boolean,
  ) {
    this.#clock = clock
    this.#cache = cache
    this.#fetchData = fetchData
    this.#isFromFollower = isFromFollower
  }

  foreachPartition(
    visit: (topicPartition: TopicPartition, fetch: FetchPartition) => void,
  ): void {
    for (const [topicPartition, fetch] of this.#fetchData) visit(topicPartition, fetch)
  }

  updateAndGenerateResponseData<T extends FetchedPartition>(
    updates: readonly (readonly [TopicPartition, T])[],
  ): FetchAnswer<T> {
    // Remember every partition with what is told of it now.
    const createNewSession = () => {
      const partitions = new TopicPartitionMap<CachedPartition>()
      for (const [topicPartition, data] of updates) {
        const fetch = this.#fetchData.get(topicPartition)
        if (!fetch) continue
        const cached = new CachedPartition(topicPartition, fetch)
        cached.maybeUpdateResponseData(data, true)
        partitions.set(topicPartition, cached)
      }
      return partitions
    }
    const now = this.#clock.now()
    const follower = this.#isFromFollower
    const size = updates.length
    const id = this.#cache.maybeCreateSession(now, follower, size, createNewSession)
    return { error: Errors.NONE, sessionId: id, partitions: updates }
  }
}

/** The next fetch of a session. */
export class IncrementalFetchContext implements FetchContext {
  readonly error = Errors.NONE
  readonly #session: FetchSession
  /** The epoch of this request. */
  readonly #epoch: number

  constructor(session: FetchSession, epoch: number) {
    this.#session = session
    this.#epoch = epoch
  }

  foreachPartition(
    visit: (topicPartition: TopicPartition, fetch: FetchPartition) => void,
  ): void {
    for (const [topicPartition, { fetch }] of this.#session.partitionMap) {
      visit(topicPartition, fetch)
    }
  }

  updateAndGenerateResponseData<T extends FetchedPartition>(
    updates: readonly (readonly [TopicPartition, T])[],
  ): FetchAnswer<T> {
    // Refuse when a newer request has moved the session on meanwhile.
    const session = this.#session
    if (session.epoch !== FetchMetadata.nextEpoch(this.#epoch)) {
      const error = Errors.INVALID_FETCH_SESSION_EPOCH
      return { error, sessionId: 0, partitions: [] }
    }

    // Keep what is worth saying, and move it to the end of the line.
    const partitions = updates.filter(([topicPartition, data]) => {
      const cached = session.partitionMap.get(topicPartition)
      if (!cached) return true
      if (!cached.maybeUpdateResponseData(data, true)) return false
      session.partitionMap.delete(topicPartition)
      session.partitionMap.set(topicPartition, cached)
      return true
    })
    return { error: Errors.NONE, sessionId: session.id, partitions }
  }
}
