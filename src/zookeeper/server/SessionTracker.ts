/**
 * # SessionTracker
 *
 * Which sessions live, and until when. Deadlines are rounded up to whole ticks, so that
 * many sessions share one deadline: touching a session moves it from one bucket to
 * another, and one timer for the next bucket serves all.
 *
 *     deadline   12000: { s1, s4 }   14000: { s2 }   16000: { s3 }
 *                  ▲ the timer
 *
 * Invariant: a session expires no earlier than its timeout after it was last touched, and
 * less than a tick later than that (when the process is not held up).
 *
 * @kafka none: org/apache/zookeeper/server/SessionTrackerImpl.java
 * @differs a timer instead of a thread. It looks at the sockets before it lets a session
 *   go: a process that was held up must not expire clients whose pings lie unread.
 * @module
 */

import { nextMacrotask } from '../../base/platform/node/macrotask.ts'
import type { Clock, TimerHandle } from '../../base/platform/Platform.ts'

/** A session. Its owner is the tracker. */
export interface Session {
  readonly sessionId: bigint
  timeoutMs: number
  /** Set when its end was decided; from then on requests are refused. */
  isClosing: boolean
  /** Bucket it lies in, by `clock.monotonic()`. */
  deadline: number
}

/** Sessions and their deadlines. */
export class SessionTracker {
  readonly #clock: Clock
  readonly #tickTimeMs: number
  readonly #expire: (sessionId: bigint) => void
  readonly #sessions = new Map<bigint, Session>()
  readonly #buckets = new Map<number, Set<Session>>()
  #timer: TimerHandle | undefined
  #timerDeadline = Number.POSITIVE_INFINITY
  #nextSessionId: bigint
  #running = true

  constructor(options: {
    readonly clock: Clock
    readonly tickTimeMs: number
    /** Called for each session that ran out; must not throw. */
    readonly expire: (sessionId: bigint) => void
  }) {
    this.#clock = options.clock
    this.#tickTimeMs = options.tickTimeMs
    this.#expire = options.expire
    this.#nextSessionId = initializeNextSession(options.clock.now())
  }

  get sessions(): ReadonlyMap<bigint, Session> {
    return this.#sessions
  }

  /** The sessions that expire together, by when they do (on the monotonic clock). */
  *sessionSets(): IterableIterator<[number, bigint[]]> {
    for (const [deadline, bucket] of this.#buckets) {
      yield [deadline, Array.from(bucket, ({ sessionId }) => sessionId)]
    }
  }

  /** Makes a session of which nobody knows yet. @returns its id */
  createSession(timeoutMs: number): bigint {
    while (this.#sessions.has(this.#nextSessionId)) this.#nextSessionId++
    const sessionId = this.#nextSessionId++
    this.addSession(sessionId, timeoutMs)
    return sessionId
  }

  /** Takes a session up, or gives one that is known a fresh timeout. */
  addSession(sessionId: bigint, timeoutMs: number): void {
    if (!this.#sessions.has(sessionId)) {
      const session = { sessionId, timeoutMs, isClosing: false, deadline: -1 }
      this.#sessions.set(sessionId, session)
    }
    this.touchSession(sessionId, timeoutMs)
  }

  /**
   * Notes a sign of life.
   *
   * @param timeoutMs - a new timeout; the old one when left out
   * @returns false when the session is unknown or closing
   */
  touchSession(sessionId: bigint, timeoutMs?: number): boolean {
    const session = this.#sessions.get(sessionId)
    if (!session || session.isClosing) return false
    if (timeoutMs !== undefined) session.timeoutMs = timeoutMs
    const deadline = this.#roundToInterval(this.#clock.monotonic() + session.timeoutMs)
    if (deadline !== session.deadline) this.#move(session, deadline)
    return true
  }

  /** Whether requests of a session are served. */
  isLive(sessionId: bigint): boolean {
    return this.#sessions.get(sessionId)?.isClosing === false
  }

  /** Refuses further requests of a session, which is about to end. */
  setSessionClosing(sessionId: bigint): void {
    const session = this.#sessions.get(sessionId)
    if (session) session.isClosing = true
  }

  /** Forgets a session. */
  removeSession(sessionId: bigint): void {
    const session = this.#sessions.get(sessionId)
    if (!session) return
    this.#sessions.delete(sessionId)
    this.#leaveBucket(session)
  }

  /** Stops the timer; no session expires any more. */
  shutdown(): void {
    this.#running = false
    this.#clock.clearTimeout(this.#timer)
  }

  #move(session: Session, deadline: number): void {
    this.#leaveBucket(session)
    session.deadline = deadline
    const bucket = this.#buckets.get(deadline)
    if (bucket) bucket.add(session)
    else this.#buckets.set(deadline, new Set([session]))
    if (deadline < this.#timerDeadline) this.#setTimer(deadline)
  }

  #leaveBucket(session: Session): void {
    const bucket = this.#buckets.get(session.deadline)
    bucket?.delete(session)
    if (bucket?.size === 0) this.#buckets.delete(session.deadline)
  }

  #setTimer(deadline: number): void {
    this.#clock.clearTimeout(this.#timer)
    if (!this.#running) return
    this.#timerDeadline = deadline
    const delay = Math.max(0, Math.ceil(deadline - this.#clock.monotonic()))
    this.#timer = this.#clock.setTimeout(() => {
      // Floats on purpose: expireDue never rejects.
      void this.expireDue()
    }, delay)
  }

  /** Ends the sessions whose time is up, once what lies in the sockets was read. */
  async expireDue(): Promise<void> {
    await nextMacrotask()
    const now = this.#clock.monotonic()
    for (const [deadline, bucket] of [...this.#buckets]) {
      if (deadline > now || !this.#running) continue
      this.#buckets.delete(deadline)
      for (const session of bucket) {
        session.isClosing = true
        this.#expire(session.sessionId)
      }
    }

    // Wait for the next bucket, if there is one.
    this.#timerDeadline = Number.POSITIVE_INFINITY
    if (this.#buckets.size > 0) this.#setTimer(Math.min(...this.#buckets.keys()))
  }

  #roundToInterval(time: number): number {
    return (Math.floor(time / this.#tickTimeMs) + 1) * this.#tickTimeMs
  }
}

/**
 * The first session id of a server: its start time in the middle bits, so that ids of
 * one run differ from those of another. The highest byte would be the server's number.
 */
function initializeNextSession(nowMs: number): bigint {
  const id = BigInt.asUintN(64, BigInt(nowMs) << 24n) >> 8n
  return id === 0n ? 1n : id
}
