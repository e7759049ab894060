import { describe, expect, it } from 'vitest'
import {
  finish,
  inLanes,
  Pace,
  type Steps,
  TURN_MS,
} from '../../src/base/async/steps.ts'
import { memoryPlatform } from '../../src/base/platform/memory/memory-platform.ts'
import type { Clock } from '../../src/base/platform/Platform.ts'

/** A clock on which every look takes some time. */
function tickingClock(ms: number): Clock {
  let now = 0
  const { clock } = memoryPlatform()
  return {
    now: () => clock.now(),
    monotonic: () => {
      now += ms
      return now
    },
    setTimeout: (fn, delayMs) => clock.setTimeout(fn, delayMs),
    clearTimeout: (timer) => clock.clearTimeout(timer),
    sleep: (delayMs, signal) => clock.sleep(delayMs, signal),
  }
}

function* count(name: string, to: number, told: string[]): Steps<number> {
  try {
    for (let i = 1; i <= to; i++) {
      told.push(`${name}${i}`)
      yield
    }
    return to
  } finally {
    told.push(`${name} ends`)
  }
}

/** Waits once; says in which way it was done, and what came of it. */
function* waiting(told: string[], failure?: Error): Steps<string> {
  const wait = (way: string) => {
    told.push(way)
    if (failure) throw failure
  }
  try {
    yield { now: () => wait('now'), beside: async () => wait('beside') }
    return 'waited'
  } catch (error) {
    return `caught ${(error as Error).message}`
  }
}

describe('finish()', () => {
  it('does all steps at once, waits included', () => {
    const told: string[] = []
    expect(finish(count('a', 2, told))).toBe(2)
    expect(finish(waiting(told))).toBe('waited')
    expect(told).toEqual(['a1', 'a2', 'a ends', 'now'])
  })

  it('lets a wait fail where it waits', () => {
    expect(finish(waiting([], new Error('disk')))).toBe('caught disk')
  })
})

describe('Pace', () => {
  it('run() takes turns with other works, step by step', async () => {
    const told: string[] = []
    const pace = new Pace({ clock: memoryPlatform().clock })
    const works = [pace.run(count('a', 2, told)), pace.run(count('b', 2, told))]
    expect(await Promise.all(works)).toEqual([2, 2])
    expect(told).toEqual(['a1', 'b1', 'a2', 'b2', 'a ends', 'b ends'])
  })

  it('run() waits beside, and lets a wait fail where it waits', async () => {
    const told: string[] = []
    const pace = new Pace({ clock: memoryPlatform().clock })
    expect(await pace.run(waiting(told))).toBe('waited')
    expect(await pace.run(waiting(told, new Error('disk')))).toBe('caught disk')
    expect(told).toEqual(['beside', 'beside'])
  })

  it('run() lets the event loop go on when a turn is over, not before', async () => {
    const turnsIn = async (clock: Clock) => {
      let turns = 0
      await new Pace({ clock, onTurn: () => turns++ }).run(count('a', 20, []))
      return turns
    }
    expect(await turnsIn(tickingClock(TURN_MS))).toBe(20)
    expect(await turnsIn(tickingClock(TURN_MS / 4))).toBe(5)

    // Time that stands still never ends a turn.
    expect(await turnsIn(memoryPlatform().clock)).toBe(0)
  })

  it('run() gives up at the next pause when the signal fires', async () => {
    const told: string[] = []
    const ending = new AbortController()
    const { clock } = memoryPlatform()
    const pace = new Pace({ clock, signal: ending.signal })
    const run = pace.run(count('a', 9, told))
    ending.abort()
    await expect(run).rejects.toThrow('the wait was aborted')
    expect(told).toEqual(['a1', 'a ends'])
  })

  it('fail() gives up all works with one error', async () => {
    const pace = new Pace({ clock: memoryPlatform().clock })
    const works = [pace.run(count('a', 9, [])), pace.run(count('b', 9, []))]
    pace.fail(new Error('first'))
    pace.fail(new Error('second'))
    const ends = await Promise.allSettled(works)
    const errors = ends.map((end) => (end as PromiseRejectedResult).reason.message)
    expect(errors).toEqual(['first', 'first'])
  })
})

describe('inLanes()', () => {
  it('has as many jobs under way as there are lanes', async () => {
    const told: string[] = []
    await inLanes(2, [1, 2, 3], async (job) => {
      told.push(`begin ${job}`)
      await Promise.resolve()
      told.push(`end ${job}`)
    })
    expect(told).toEqual([
      ...['begin 1', 'begin 2', 'end 1', 'end 2', 'begin 3', 'end 3'],
    ])
  })

  it('ends when nothing is under way any more, and begins no job after a failure', async () => {
    const told: string[] = []
    const all = inLanes(2, [1, 2, 3, 4], async (job) => {
      told.push(`begin ${job}`)
      if (job === 1) throw new Error('job 1')
      for (let i = 0; i < 5; i++) await Promise.resolve()
      told.push(`end ${job}`)
    })
    await expect(all).rejects.toThrow('job 1')
    expect(told).toEqual(['begin 1', 'begin 2', 'end 2'])
  })

  it('does nothing without jobs', async () => {
    await inLanes(3, [], () => Promise.reject(new Error('no job')))
  })
})
