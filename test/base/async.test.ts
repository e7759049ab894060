import { afterEach, describe, expect, it } from 'vitest'
import { AsyncQueue } from '../../src/base/async/AsyncQueue.ts'
import { AbortError } from '../../src/base/async/abort.ts'
import { CountDownLatch } from '../../src/base/async/CountDownLatch.ts'
import { Deferred } from '../../src/base/async/Deferred.ts'
import { KafkaScheduler } from '../../src/base/async/KafkaScheduler.ts'
import { Mutex } from '../../src/base/async/Mutex.ts'
import { mapInTurn } from '../../src/base/async/map-in-turn.ts'
import { ShutdownableThread } from '../../src/base/async/ShutdownableThread.ts'
import { IllegalStateException } from '../../src/base/errors.ts'
import { type LogLine, setLogLevel, setLogSink } from '../../src/base/logger.ts'
import { VirtualClock } from '../../src/base/platform/memory/VirtualClock.ts'
import { nextMacrotask } from '../../src/base/platform/node/macrotask.ts'

afterEach(() => {
  setLogSink(undefined)
  setLogLevel('silent')
})

function captureLog(): LogLine[] {
  const lines: LogLine[] = []
  setLogLevel('warn')
  setLogSink((line) => lines.push(line))
  return lines
}

describe('AsyncQueue', () => {
  it('put() waits while it is full, first come first served', async () => {
    const queue = new AsyncQueue<number>(2)
    const puts = [1, 2, 3, 4].map((n) => queue.put(n))
    await Promise.all(puts.slice(0, 2))
    expect(queue.size).toBe(2)
    expect(queue.offer(9)).toBe(false)
    const taken = []
    for (let i = 0; i < 4; i++) taken.push(await queue.take())
    await Promise.all(puts)
    expect(taken).toEqual([1, 2, 3, 4])
  })

  it('take() waits while it is empty and rejects when its signal fires', async () => {
    const queue = new AsyncQueue<string>()
    const abort = new AbortController()
    const given = queue.take()
    const aborted = queue.take(abort.signal)
    queue.offer('a')
    expect(await given).toBe('a')
    abort.abort()
    await expect(aborted).rejects.toThrow(AbortError)
    queue.offer('b')
    expect(queue.tryTake()).toBe('b')
  })

  it('poll() answers undefined when the time runs out', async () => {
    const clock = new VirtualClock()
    const queue = new AsyncQueue<string>()
    const polled = queue.poll(100, clock)
    await clock.advance(100)
    expect(await polled).toBeUndefined()
    expect(clock.pendingTimers).toBe(0)
    queue.offer('late')
    expect(await queue.poll(0, clock)).toBe('late')
  })

  it('clear() lets those who wait to put go on', async () => {
    const queue = new AsyncQueue<number>(1)
    queue.offer(1)
    const put = queue.put(2)
    expect(queue.clear()).toEqual([1])
    await put
    expect(queue.tryTake()).toBe(2)
  })

  it('keeps order over many items', async () => {
    const queue = new AsyncQueue<number>()
    for (let i = 0; i < 5000; i++) queue.offer(i)
    for (let i = 0; i < 5000; i++) expect(queue.tryTake()).toBe(i)
    expect(queue.size).toBe(0)
  })
})

describe('Mutex', () => {
  it('runExclusive() lets one in at a time, in order, also after an error', async () => {
    const mutex = new Mutex()
    const seen: string[] = []
    const enter = (name: string, fail = false) =>
      mutex.runExclusive(async () => {
        seen.push(`+${name}`)
        await Promise.resolve()
        seen.push(`-${name}`)
        if (fail) throw new Error(name)
      })
    const all = [enter('a'), enter('b', true).catch(() => undefined), enter('c')]
    expect(mutex.isLocked).toBe(true)
    await Promise.all(all)
    expect(seen).toEqual(['+a', '-a', '+b', '-b', '+c', '-c'])
    expect(mutex.isLocked).toBe(false)
  })
})

describe('CountDownLatch', () => {
  it('await() answers whether it opened in time', async () => {
    const clock = new VirtualClock()
    const latch = new CountDownLatch(2)
    const tooShort = latch.await(5, clock)
    const long = latch.await(50, clock)
    await clock.advance(10)
    expect(await tooShort).toBe(false)
    latch.countDown()
    latch.countDown()
    expect(await long).toBe(true)
    expect(await latch.await()).toBe(true)
  })
})

class Loop extends ShutdownableThread {
  readonly queue = new AsyncQueue<number | Error>()
  readonly done: number[] = []

  override async doWork(): Promise<void> {
    const work = await this.queue.take(this.signal)
    if (work instanceof Error) throw work
    this.done.push(work)
  }
}

describe('ShutdownableThread', () => {
  it('shutdown() interrupts the wait and ends the loop', async () => {
    const loop = new Loop('loop')
    loop.start()
    loop.queue.offer(1)
    loop.queue.offer(2)
    await new VirtualClock().settle()
    expect(loop.initiateShutdown()).toBe(true)
    expect(loop.initiateShutdown()).toBe(false)
    await loop.awaitShutdown()
    expect(loop.done).toEqual([1, 2])
    expect(loop.isShutdownComplete).toBe(true)
  })

  it('logs an error of doWork() and ends', async () => {
    const lines = captureLog()
    const loop = new Loop('loop')
    loop.start()
    loop.queue.offer(new Error('boom'))
    await loop.awaitShutdown()
    expect(lines.map((line) => [line.level, line.name])).toEqual([['error', 'loop']])
    expect(loop.isRunning).toBe(true)
    await loop.shutdown()
  })

  it('shutdown() returns when it was never started', async () => {
    const loop = new Loop('loop')
    await loop.shutdown()
    loop.start()
    expect(loop.isShutdownComplete).toBe(true)
  })
})

describe('KafkaScheduler', () => {
  it('schedule() repeats at a fixed rate and goes on after errors', async () => {
    const lines = captureLog()
    const clock = new VirtualClock()
    const scheduler = new KafkaScheduler(clock)
    scheduler.startup()
    const runs: number[] = []
    const task = scheduler.schedule(
      'tick',
      () => {
        runs.push(clock.monotonic())
        if (runs.length === 2) throw new Error('boom')
      },
      10,
      100,
    )
    await clock.advance(350)
    expect(runs).toEqual([10, 110, 210, 310])
    expect(lines.map((line) => line.message)).toEqual(['task tick failed'])
    task.cancel()
    await clock.advance(1000)
    expect(runs).toHaveLength(4)
    expect(clock.pendingTimers).toBe(0)
    await scheduler.shutdown()
  })

  it('never overlaps a task with itself', async () => {
    const clock = new VirtualClock()
    const scheduler = new KafkaScheduler(clock)
    scheduler.startup()
    let inside = 0
    let most = 0
    const slow = async () => {
      most = Math.max(most, ++inside)
      await clock.sleep(250)
      inside--
    }
    scheduler.schedule('slow', slow, 0, 100)
    await clock.advance(1000)
    expect(most).toBe(1)
    const stopped = scheduler.shutdown()
    await clock.advance(1000)
    await stopped
    expect(inside).toBe(0)
  })

  it('schedule() refuses before startup() and after shutdown()', async () => {
    const scheduler = new KafkaScheduler(new VirtualClock())
    expect(() => scheduler.schedule('x', () => {})).toThrow(IllegalStateException)
    scheduler.startup()
    scheduler.schedule('never', () => expect.fail('ran after shutdown'), 1)
    await scheduler.shutdown()
    expect(() => scheduler.schedule('x', () => {})).toThrow(IllegalStateException)
  })
})

describe('mapInTurn', () => {
  it('does as many at a time as it may, and answers in the order of the items', async () => {
    const begun: Deferred<string>[] = []
    const answers = mapInTurn([0, 1, 2, 3], 2, (item) => {
      begun[item] = new Deferred()
      return begun[item].promise
    })
    expect(begun.length).toBe(2)
    begun[1]?.resolve('b')
    await nextMacrotask()
    expect(begun.length).toBe(3)
    begun[2]?.resolve('c')
    begun[0]?.resolve('a')
    await nextMacrotask()
    begun[3]?.resolve('d')
    expect(await answers).toEqual(['a', 'b', 'c', 'd'])
  })

  it('begins nothing more once one has failed', async () => {
    const begun: number[] = []
    const answers = mapInTurn([0, 1, 2, 3], 2, async (item) => {
      begun.push(item)
      if (item === 0) throw new Error('no')
    })
    await expect(answers).rejects.toThrow('no')
    expect(begun).toEqual([0, 1])
    expect(await mapInTurn([], 2, async () => 1)).toEqual([])
  })
})
