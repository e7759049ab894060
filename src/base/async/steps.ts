/**
 * # Steps
 *
 * Long work on the disk, cut into steps. Whoever is asked for it writes it once, as a
 * generator that pauses; whoever wants it done says how:
 *
 *     finish(steps)           at once: nothing else runs before it has ended
 *     new Pace(…).run(steps)  with breath: sockets, timers and signals go in between
 *
 *     one turn of the event loop ──┐ ┌── the next
 *     lane 1  ▓▓   ▓▓   ▓▓   ▓▓    │ │   ▓▓   ▓▓
 *     lane 2    ▓▓   ▓▓   ▓▓   ▓▓  │ │     ▓▓   ▓▓
 *             0 ms              10 ms
 *
 * Lanes are what threads are in Kafka. They share one thread here: they take turns with
 * what the processor does, and only their waits for the disk lie beside each other.
 *
 * A clock that stands still never says that a turn is over, so a run on virtual time is
 * the same run every time, and no slower for this.
 *
 * @differs Kafka hands such work to pools of threads.
 * @module
 */
import { nextMacrotask } from '../platform/node/macrotask.ts'
import type { Clock } from '../platform/Platform.ts'
import { throwIfAborted } from './abort.ts'

/** A wait for the disk, in the two ways in which it can be done. */
export interface Wait {
  /** Waits now; nothing else runs meanwhile. */
  now(): void
  /** Waits beside everything else. */
  beside(): Promise<void>
}

/**
 * Work that pauses between two steps, with nothing, or with a wait for the disk that must
 * be over before it goes on. It may be given up at any pause: `finally` blocks run.
 */
export type Steps<T> = Generator<Wait | undefined, T, undefined>

/** Does all steps, one right after the other. */
export function finish<T>(steps: Steps<T>): T {
  let step = steps.next()
  while (step.done !== true) {
    const wait = step.value
    step = wait === undefined ? steps.next() : afterWait(steps, () => wait.now())
  }
  return step.value
}

/** A wait that fails fails in the work, at the place where it waits. */
function afterWait<T>(
  steps: Steps<T>,
  wait: () => void,
): IteratorResult<Wait | undefined, T> {
  try {
    wait()
  } catch (error) {
    return steps.throw(error)
  }
  return steps.next()
}

/** Milliseconds of work after which everything else has its turn. */
export const TURN_MS = 10

/** What a pace is told. */
export interface PaceOptions {
  readonly clock: Clock
  /** Gives up all works at their next pause. */
  readonly signal?: AbortSignal | undefined
  /** Called after each turn, for those who want to tell how far it is. */
  readonly onTurn?: () => void
}

/** Does the steps of one or several works so that everything else goes on. */
export class Pace {
  readonly #options: PaceOptions
  #failure: { readonly error: unknown } | undefined

  /** When this turn of the event loop began, on the clock that only rises. */
  #turnBegan: number

  /** The turn that is waited for. */
  #nextTurn: Promise<void> | undefined

  constructor(options: PaceOptions) {
    this.#options = options
    this.#turnBegan = options.clock.monotonic()
  }

  /**
   * Gives up all works at their next pause: one of them has failed, and what the others do
   * is of no use without it.
   *
   * @param error what they then fail with
   */
  fail(error: unknown): void {
    this.#failure ??= { error }
  }

  /**
   * Does all steps, with pauses in which others run.
   *
   * @throws AbortError when the signal has fired; the work has then been given up
   */
  async run<T>(steps: Steps<T>): Promise<T> {
    try {
      let step = steps.next()
      while (step.done !== true) {
        const failure = await this.#pause(step.value)
        throwIfAborted(this.#options.signal)
        if (this.#failure !== undefined) throw this.#failure.error
        step = failure === undefined ? steps.next() : steps.throw(failure.error)
      }
      return step.value
    } finally {
      steps.return(undefined as T)
    }
  }

  /** Waits for the disk, or lets the other lanes, or everything else, have their turn. */
  async #pause(wait: Wait | undefined): Promise<{ error: unknown } | undefined> {
    if (wait === undefined) {
      await this.#breathe()
      return undefined
    }
    try {
      await wait.beside()
      return undefined
    } catch (error) {
      return { error }
    }
  }

  /** Ends this turn when it has lasted long enough. */
  async #breathe(): Promise<void> {
    const { clock, onTurn } = this.#options
    if (clock.monotonic() - this.#turnBegan < TURN_MS) return
    this.#nextTurn ??= nextMacrotask().then(() => {
      this.#nextTurn = undefined
      this.#turnBegan = clock.monotonic()
      onTurn?.()
    })
    await this.#nextTurn
  }
}

/**
 * Does jobs in lanes: each takes the next job when it has done one.
 *
 * @param lanes how many jobs are under way at a time, at least 1
 * @param work does one job
 * @throws what the first failing job throws, once no lane works any more; jobs that
 *   nobody had begun are left
 */
export async function inLanes<T>(
  lanes: number,
  jobs: readonly T[],
  work: (job: T) => Promise<void>,
): Promise<void> {
  // Each lane goes on in the same row; a failure ends all of them at their next job.
  let next = 0
  let failure: { readonly error: unknown } | undefined
  const lane = async () => {
    while (next < jobs.length && failure === undefined) {
      const job = jobs[next++] as T
      try {
        await work(job)
      } catch (error) {
        failure ??= { error }
      }
    }
  }

  // Nothing of it runs any more when the caller is told.
  await Promise.all(Array.from({ length: lanes }, lane))
  if (failure !== undefined) throw (failure as { error: unknown }).error
}
