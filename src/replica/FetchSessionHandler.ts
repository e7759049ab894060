/**
 * # FetchSessionHandler
 *
 * The follower's half of a fetch session: it remembers what the leader remembers, and so
 * names in each request only what changed since the last one.
 *
 *     full request (id 0, epoch 0) ─▶ the leader opens session 7
 *     (7, 1) partitions that changed, partitions forgotten ─▶ only what is new
 *     (7, 2) …
 *     any trouble ─▶ full request (7, 0): close session 7 and open another
 *
 * Of a thousand partitions that are idle, none is named in either direction.
 *
 * Invariant: `sessionPartitions` is what the leader holds in this session if it got every
 * request so far; the epoch tells it whether it did.
 *
 * @kafka clients/src/main/java/org/apache/kafka/clients/FetchSessionHandler.java
 * @module
 */
import { Errors } from '../base/errors.ts'
import { logger } from '../base/logger.ts'
import { TopicPartition } from '../base/TopicPartition.ts'
import { TopicPartitionMap } from '../base/TopicPartitionMap.ts'
import type { FetchResponse } from '../protocol/messages/Fetch.ts'

const log = logger('FetchSessionHandler')

/** Asks for a session, closing the one named beside it. */
const INITIAL_EPOCH = 0
/** No session. */
const INVALID_SESSION_ID = 0

/** What one partition is asked for. */
export interface SessionPartition {
  readonly fetchOffset: number
  readonly logStartOffset: number
}

/** A request to be: what to name in it, and all that it is about. */
export interface FetchRequestData {
  readonly toSend: TopicPartitionMap<SessionPartition>
  readonly toForget: readonly TopicPartition[]
  /** Every partition of the session, named or not; those that are named come last. */
  readonly sessionPartitions: TopicPartitionMap<SessionPartition>
  readonly sessionId: number
  readonly sessionEpoch: number
}

/**
 * Keeps one session with one leader.
 *
 * @kafka clients/src/main/java/org/apache/kafka/clients/FetchSessionHandler.java#FetchSessionHandler
 */
export class FetchSessionHandler {
  /** The leader, for the log. */
  readonly #node: number
  #sessionId = INVALID_SESSION_ID
  #epoch = INITIAL_EPOCH
  #sessionPartitions = new TopicPartitionMap<SessionPartition>()

  constructor(node: number) {
    this.#node = node
  }

  /**
   * Makes the next request from all partitions that are to be fetched.
   *
   * @param next - every one of them, in the order in which to fetch
   */
  build(next: TopicPartitionMap<SessionPartition>): FetchRequestData {
    const metadata = { sessionId: this.#sessionId, sessionEpoch: this.#epoch }
    if (this.#epoch === INITIAL_EPOCH) {
      this.#sessionPartitions = next
      return { toSend: next, toForget: [], sessionPartitions: next, ...metadata }
    }

    // Keep what stays as it is; take along what changed or went.
    const toSend = new TopicPartitionMap<SessionPartition>()
    const toForget: TopicPartition[] = []
    const unchanged = new TopicPartitionMap<SessionPartition>()
    for (const [topicPartition, before] of this.#sessionPartitions) {
      const now = next.get(topicPartition)
      if (now === undefined) toForget.push(topicPartition)
      else if (same(before, now)) unchanged.set(topicPartition, now)
    }
    for (const [topicPartition, now] of next) {
      if (!unchanged.has(topicPartition)) toSend.set(topicPartition, now)
    }

    // Follow the leader's order: what is named moves to the end of its line.
    const sessionPartitions = unchanged
    for (const [topicPartition, now] of toSend)
      sessionPartitions.set(topicPartition, now)
    this.#sessionPartitions = sessionPartitions
    return { toSend, toForget, sessionPartitions, ...metadata }
  }

  /**
   * Learns from an answer how to go on.
   *
   * @returns whether its partitions may be used; if not, the next request is a full one
   */
  handleResponse(response: FetchResponse): boolean {
    const error = Errors.forCode(response.errorCode)
    if (error !== Errors.NONE) {
      log.info(`broker ${this.#node} refused epoch ${this.#epoch}: ${error.name}`)
      if (error === Errors.FETCH_SESSION_ID_NOT_FOUND) this.#startAnew()
      else this.#closeExisting()
      return false
    }

    // Mistrust an answer that does not fit what was asked.
    const isFull = this.#epoch === INITIAL_EPOCH
    const problem = this.#problemOf(response, isFull)
    if (problem !== undefined) {
      log.warn(`broker ${this.#node} answered ${problem}`)
      if (isFull) this.#startAnew()
      else this.#closeExisting()
      return false
    }

    // Go on in the session, if there is one; a leader whose cache is full grants none.
    if (response.sessionId === INVALID_SESSION_ID) this.#startAnew()
    else {
      this.#sessionId = response.sessionId
      this.#epoch = isFull ? 1 : nextEpoch(this.#epoch)
    }
    return true
  }

  /** Notes that no answer came: what the leader knows is not known. */
  handleError(): void {
    this.#closeExisting()
  }

  #startAnew(): void {
    this.#sessionId = INVALID_SESSION_ID
    this.#epoch = INITIAL_EPOCH
  }

  #closeExisting(): void {
    this.#epoch = INITIAL_EPOCH
  }

  /** A full answer names exactly the partitions of the session, others some of them. */
  #problemOf({ responses }: FetchResponse, isFull: boolean): string | undefined {
    let count = 0
    for (const { topic, partitions } of responses) {
      for (const { partition } of partitions) {
        const topicPartition = new TopicPartition(topic, partition)
        if (!this.#sessionPartitions.has(topicPartition))
          return `for ${topicPartition}, which was not asked for`
        count++
      }
    }
    const missing = this.#sessionPartitions.size - count
    return isFull && missing !== 0 ? `without ${missing} partitions` : undefined
  }
}

function same(a: SessionPartition, b: SessionPartition): boolean {
  return a.fetchOffset === b.fetchOffset && a.logStartOffset === b.logStartOffset
}

/** After the largest comes 1: 0 would ask for another session. */
function nextEpoch(epoch: number): number {
  return epoch === 0x7fffffff ? 1 : epoch + 1
}
