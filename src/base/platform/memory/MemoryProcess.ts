/**
 * # MemoryProcess
 *
 * A process on a host in memory, as far as the world around it can tell: it runs, it is
 * stopped for a while, or it was killed. Its timers and what the network brings come
 * through here, so a stopped process does nothing, and a killed one never does anything
 * again; what it awaits stays pending for ever.
 *
 *     timer due, bytes arrived ─▶ run ─▶ running: now
 *                                        paused:  at resume, in the same order
 *                                        dead:    never
 *
 * A process that waits for a slow disk is paused for that long; what it sends meanwhile
 * leaves when the disk is done.
 *
 * Stop and kill between two turns (after `VirtualClock.settle`), as a simulation does:
 * a promise of the process that has settled already still runs on.
 *
 * @module
 */
import { Condition } from '../../async/Condition.ts'
import type { Clock, TimerHandle } from '../Platform.ts'
import { sleepOn } from '../sleep.ts'

/** One life of a process. A restart is another one. */
export class MemoryProcess {
  #state: 'running' | 'paused' | 'dead' = 'running'
  /** When the last of its waits for a disk is over, by the world's monotonic clock. */
  #blockedUntilMs = 0
  #isBlocked = false
  readonly #held: (() => void)[] = []
  readonly #resumed = new Condition()

  get isRunning(): boolean {
    return this.#state === 'running' && !this.#isBlocked
  }

  /** Whether it was stopped by a signal. */
  get isPaused(): boolean {
    return this.#state === 'paused'
  }

  get isDead(): boolean {
    return this.#state === 'dead'
  }

  /** Time of the world's monotonic clock until which it waits for a disk, or waited. */
  get blockedUntilMs(): number {
    return this.#blockedUntilMs
  }

  /** Stops the process, as SIGSTOP does. */
  pause(): void {
    if (this.#state === 'running') this.#state = 'paused'
  }

  /** Lets it go on, as SIGCONT does: all that was held happens now, in order. */
  resume(): void {
    if (this.#state !== 'paused') return
    this.#state = 'running'
    this.#goOn()
  }

  /**
   * Stands still for a while, as a process does that waits for its disk. Waits add up.
   *
   * @param ms - how long this one takes
   * @param clock - the world's, which goes on meanwhile
   */
  block(ms: number, clock: Clock): void {
    this.#blockedUntilMs = Math.max(this.#blockedUntilMs, clock.monotonic()) + ms
    if (this.#isBlocked) return
    this.#isBlocked = true
    this.#unblockWhenDue(clock)
  }

  #unblockWhenDue(clock: Clock): void {
    const left = this.#blockedUntilMs - clock.monotonic()
    if (left > 0) {
      clock.setTimeout(() => this.#unblockWhenDue(clock), left)
      return
    }
    this.#isBlocked = false
    this.#goOn()
  }

  /** Does what was held, as far as it comes: one of these may wait for the disk again. */
  #goOn(): void {
    while (this.isRunning && this.#held.length > 0) this.#held.shift()?.()
    if (this.isRunning) this.#resumed.signalAll()
  }

  /** Kills it. `MemoryNetwork.kill` does this, and ends its connections. */
  kill(): void {
    this.#state = 'dead'
    this.#held.length = 0
  }

  /** Does something in this process: now, when it goes on, or never. */
  run(fn: () => void): void {
    if (this.isRunning) fn()
    else if (!this.isDead) this.#held.push(fn)
  }

  /** Waits until it is not stopped; for ever when it is dead. */
  async untilRunning(signal?: AbortSignal): Promise<void> {
    while (!this.isRunning) await this.#resumed.wait(signal)
  }
}

/** The time of the world, with timers that belong to one process. */
export class ProcessClock implements Clock {
  readonly #world: Clock
  readonly #process: MemoryProcess

  constructor(world: Clock, process: MemoryProcess) {
    this.#world = world
    this.#process = process
  }

  now(): number {
    return this.#world.now()
  }

  monotonic(): number {
    return this.#world.monotonic()
  }

  setTimeout(fn: () => void, ms: number): TimerHandle {
    const timer = { cancelled: false, handle: undefined as TimerHandle | undefined }
    const fire = () => {
      // One that came due while the process was stopped can still be taken back.
      if (!timer.cancelled) fn()
    }
    timer.handle = this.#world.setTimeout(() => this.#process.run(fire), ms)
    return timer as TimerHandle
  }

  clearTimeout(handle: TimerHandle | undefined): void {
    if (handle === undefined) return
    const timer = handle as { cancelled: boolean; handle: TimerHandle | undefined }
    timer.cancelled = true
    this.#world.clearTimeout(timer.handle)
  }

  sleep(ms: number, signal?: AbortSignal): Promise<void> {
    return sleepOn(this, ms, signal)
  }
}
