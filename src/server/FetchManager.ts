/**
 * # FetchManager
 *
 * Finds out what a fetch request means by its session id and epoch, and keeps the sessions.
 *
 * @kafka core/src/main/scala/kafka/server/FetchSession.scala#FetchManager
 * @module
 */
import { Errors } from '../base/errors.ts'
import { logger } from '../base/logger.ts'
import type { Clock } from '../base/platform/Platform.ts'
import type { TopicPartition } from '../base/TopicPartition.ts'
import type { TopicPartitionMap } from '../base/TopicPartitionMap.ts'
import {
  type FetchContext,
  FullFetchContext,
  IncrementalFetchContext,
  SessionErrorContext,
  SessionlessFetchContext,
} from './FetchContext.ts'
import {
  FetchMetadata,
  type FetchPartition,
  type FetchSessionCache,
} from './FetchSession.ts'

const log = logger('FetchManager')

/** What a request says of its session. */
export interface FetchSessionState {
  readonly sessionId: number
  readonly epoch: number
}

/** Tells the fetches of sessions from those without. */
export class FetchManager {
  readonly cache: FetchSessionCache
  readonly #clock: Clock

  constructor(clock: Clock, cache: FetchSessionCache) {
    this.#clock = clock
    this.cache = cache
  }

  /**
   * Reads a request.
   *
   * @param fetchData - the partitions it names, in its order
   * @param toForget - the partitions that leave the session
   */
  newContext(
    { sessionId, epoch }: FetchSessionState,
    fetchData: TopicPartitionMap<FetchPartition>,
    toForget: readonly TopicPartition[],
    isFromFollower: boolean,
  ): FetchContext {
    // A full fetch ends the session it had.
    const { INITIAL_EPOCH, FINAL_EPOCH, INVALID_SESSION_ID } = FetchMetadata
    if (epoch === INITIAL_EPOCH || epoch === FINAL_EPOCH) {
      if (sessionId !== INVALID_SESSION_ID) this.cache.remove(sessionId)
      return epoch === FINAL_EPOCH
        ? new SessionlessFetchContext(fetchData)
        : new FullFetchContext(this.#clock, this.cache, fetchData, isFromFollower)
    }

    // An incremental fetch must know its session, and where it stands.
    const session = this.cache.get(sessionId)
    if (!session) return new SessionErrorContext(Errors.FETCH_SESSION_ID_NOT_FOUND)
    if (session.epoch !== epoch) {
      log.debug(`session ${sessionId} expects epoch ${session.epoch}, not ${epoch}`)
      return new SessionErrorContext(Errors.INVALID_FETCH_SESSION_EPOCH)
    }
    session.update(fetchData, toForget)
    if (session.isEmpty) {
      // Nothing is left to remember.
      this.cache.remove(sessionId)
      return new SessionlessFetchContext(fetchData)
    }
    this.cache.touch(session, this.#clock.now())
    session.epoch = FetchMetadata.nextEpoch(session.epoch)
    return new IncrementalFetchContext(session, epoch)
  }
}
