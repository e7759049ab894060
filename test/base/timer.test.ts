import fc from 'fast-check'
import { describe, expect, it } from 'vitest'
import { DelayQueue } from '../../src/base/async/timer/DelayQueue.ts'
import { SystemTimer } from '../../src/base/async/timer/SystemTimer.ts'
import { TimerTask } from '../../src/base/async/timer/TimerTask.ts'
import { VirtualClock } from '../../src/base/platform/memory/VirtualClock.ts'

class Task extends TimerTask {
  readonly #onRun: (task: Task) => void

  constructor(delayMs: number, onRun: (task: Task) => void) {
    super(delayMs)
    this.#onRun = onRun
  }

  override run(): void {
    this.#onRun(this)
  }
}

/** Turns the hand of a timer until `stop` is called, as a purgatory's reaper does. */
function reap(timer: SystemTimer): () => Promise<void> {
  const stop = new AbortController()
  const loop = (async () => {
    while (!stop.signal.aborted) {
      await timer.advanceClock(Number.POSITIVE_INFINITY, stop.signal).catch(() => {})
    }
  })()
  return () => {
    stop.abort()
    return loop
  }
}

describe('SystemTimer', () => {
  it('runs each task in the millisecond in which it is due, on every level', async () => {
    await fc.assert(
      fc.asyncProperty(
        fc.array(fc.integer({ min: 0, max: 200_000 }), { maxLength: 40 }),
        async (delays) => {
          const clock = new VirtualClock()
          const timer = new SystemTimer('test', clock)
          const stop = reap(timer)
          const ran: [number, number][] = []
          for (const delay of delays) {
            timer.add(new Task(delay, () => ran.push([delay, clock.monotonic()])))
          }
          await clock.advance(200_000)
          expect(ran.every(([delay, at]) => delay === at)).toBe(true)
          expect(ran.map(([delay]) => delay)).toEqual([...delays].sort((a, b) => a - b))
          expect(timer.size).toBe(0)
          await stop()
        },
      ),
      { seed: 7, numRuns: 40 },
    )
  })

  it('makes overflow wheels on demand: 20 ms, 400 ms, 8 s, 160 s', () => {
    const timer = new SystemTimer('test', new VirtualClock())
    const levels = [19, 20, 399, 400, 7999, 8000, 160_000].map((delay) => {
      timer.add(new Task(delay, () => {}))
      return timer.levels
    })
    expect(levels).toEqual([1, 2, 2, 3, 3, 4, 5])
    expect(timer.size).toBe(7)
  })

  it('never runs a cancelled task, and counts it out at once', async () => {
    const clock = new VirtualClock()
    const timer = new SystemTimer('test', clock)
    const stop = reap(timer)
    const task = new Task(50, () => expect.fail('ran although cancelled'))
    timer.add(task)
    task.cancel()
    expect(timer.size).toBe(0)
    await clock.advance(100)
    await stop()
  })

  it('add() runs a task without delay soon, but not inside the call', async () => {
    const clock = new VirtualClock()
    const timer = new SystemTimer('test', clock)
    let ran = false
    timer.add(
      new Task(0, () => {
        ran = true
      }),
    )
    expect(ran).toBe(false)
    await clock.settle()
    expect(ran).toBe(true)
  })

  it('goes on when a task throws or adds another', async () => {
    const clock = new VirtualClock()
    const timer = new SystemTimer('test', clock)
    const stop = reap(timer)
    const ran: number[] = []
    timer.add(
      new Task(10, () => {
        throw new Error('boom')
      }),
    )
    timer.add(
      new Task(10, (task) => {
        ran.push(clock.monotonic())
        if (ran.length < 3) timer.add(task)
      }),
    )
    await clock.advance(100)
    expect(ran).toEqual([10, 20, 30])
    await stop()
  })

  it('advanceClock() answers whether something was due in time', async () => {
    const clock = new VirtualClock()
    const timer = new SystemTimer('test', clock)
    timer.add(new Task(300, () => {}))
    const answers = []
    for (let i = 0; i < 2; i++)
      answers.push(await clock.runUntil(timer.advanceClock(200)))
    expect(answers).toEqual([false, true])
    const last = timer.advanceClock(Number.POSITIVE_INFINITY)
    timer.shutdown()
    expect(await last).toBe(false)
  })
})

describe('DelayQueue', () => {
  it('poll() wakes for an earlier item that comes while it waits', async () => {
    const clock = new VirtualClock()
    const queue = new DelayQueue<{ expirationMs: number }>(clock)
    queue.offer({ expirationMs: 100 })
    const polled = queue.poll(1000)
    await clock.advance(10)
    queue.offer({ expirationMs: 30 })
    expect(await clock.runUntil(polled)).toEqual({ expirationMs: 30 })
    expect(clock.monotonic()).toBe(30)
  })

  it('gives items back in the order of their times', () => {
    fc.assert(
      fc.property(fc.array(fc.integer({ min: -1000, max: 0 })), (times) => {
        const queue = new DelayQueue<{ expirationMs: number }>(new VirtualClock())
        for (const expirationMs of times) queue.offer({ expirationMs })
        const out = times.map(() => queue.tryPoll()!.expirationMs)
        expect(out).toEqual([...times].sort((a, b) => a - b))
      }),
      { seed: 3 },
    )
  })
})
