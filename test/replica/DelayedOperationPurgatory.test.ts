import { afterEach, describe, expect, it } from 'vitest'
import { VirtualClock } from '../../src/base/platform/memory/VirtualClock.ts'
import { DelayedOperation } from '../../src/replica/DelayedOperation.ts'
import { GroupKey, MemberKey } from '../../src/replica/DelayedOperationKey.ts'
import { DelayedOperationPurgatory } from '../../src/replica/DelayedOperationPurgatory.ts'

/** Completes when told that it may; keeps a diary. */
class Wish extends DelayedOperation {
  granted = false
  readonly diary: string[] = []
  afterwards: () => void = () => {}

  override tryComplete(): boolean {
    return this.granted ? this.forceComplete() : false
  }

  override onComplete(): void {
    this.diary.push('complete')
    this.afterwards()
  }

  override onExpiration(): void {
    this.diary.push('expire')
  }
}

const a = new GroupKey('a')
const b = new GroupKey('b')

describe('DelayedOperationPurgatory', () => {
  let purgatory: DelayedOperationPurgatory<Wish>
  const open = (clock: VirtualClock, purgeInterval = 1000) => {
    purgatory = new DelayedOperationPurgatory({
      purgatoryName: 'test',
      clock,
      purgeInterval,
    })
    return purgatory
  }
  afterEach(() => purgatory.shutdown())

  it('tryCompleteElseWatch() completes at once and watches nothing', () => {
    const room = open(new VirtualClock())
    const wish = new Wish(1000)
    wish.granted = true
    expect(room.tryCompleteElseWatch(wish, [a, b])).toBe(true)
    expect(wish.diary).toEqual(['complete'])
    expect([room.watched, room.delayed]).toEqual([0, 0])
  })

  it('tryCompleteElseWatch() refuses an operation without a key', () => {
    const room = open(new VirtualClock())
    expect(() => room.tryCompleteElseWatch(new Wish(1), [])).toThrow('key')
  })

  it('checkAndComplete() completes by any key, once', () => {
    const room = open(new VirtualClock())
    const wish = new Wish(1000)
    expect(room.tryCompleteElseWatch(wish, [a, b])).toBe(false)
    expect([room.watched, room.delayed]).toEqual([2, 1])

    // Nothing happens before the conditions hold, nor under a key nobody watches.
    expect(room.checkAndComplete(a)).toBe(0)
    expect(room.checkAndComplete(new GroupKey('c'))).toBe(0)

    // The second key finds it dead, and both lists go.
    wish.granted = true
    expect(room.checkAndComplete(a)).toBe(1)
    expect([room.watched, room.delayed]).toEqual([1, 0])
    expect(room.checkAndComplete(b)).toBe(0)
    expect(room.watchersForKey.size).toBe(0)
    expect(wish.diary).toEqual(['complete'])
  })

  it('run() completes first and reports the expiry after', async () => {
    const clock = new VirtualClock()
    const room = open(clock)
    const wish = new Wish(500)
    room.tryCompleteElseWatch(wish, [a])
    await clock.advance(499)
    expect(wish.diary).toEqual([])
    await clock.advance(2)
    expect(wish.diary).toEqual(['complete', 'expire'])
    expect(wish.forceComplete()).toBe(false)
  })

  it('run() does nothing for what completed in time', async () => {
    const clock = new VirtualClock()
    const room = open(clock)
    const wish = new Wish(500)
    room.tryCompleteElseWatch(wish, [a])
    wish.granted = true
    room.checkAndComplete(a)
    await clock.advance(1000)
    expect(wish.diary).toEqual(['complete'])
  })

  it('advanceClock() sweeps the lists when too much in them is dead', async () => {
    const clock = new VirtualClock()
    const room = open(clock, 3)

    // Five operations under two keys each die by the first key.
    for (let i = 0; i < 5; i++) {
      const wish = new Wish(100)
      room.tryCompleteElseWatch(wish, [a, b])
      wish.granted = true
    }
    expect(room.checkAndComplete(a)).toBe(5)
    expect(room.watched).toBe(5)
    await clock.advance(200)
    expect(room.watched).toBe(0)
    expect(room.watchersForKey.size).toBe(0)
  })

  it('tryCompleteWatched() survives an answer that comes back with a new operation', () => {
    const room = open(new VirtualClock())
    const first = new Wish(1000)
    const second = new Wish(1000)
    first.afterwards = () => {
      room.checkAndComplete(a)
      room.tryCompleteElseWatch(second, [a])
    }
    room.tryCompleteElseWatch(first, [a])
    first.granted = true
    expect(room.checkAndComplete(a)).toBe(1)
    expect(room.watched).toBe(1)
    second.granted = true
    expect(room.checkAndComplete(a)).toBe(1)
    expect(room.watchersForKey.size).toBe(0)
  })

  it('cancelForKey() gives back who waits without completing them', () => {
    const room = open(new VirtualClock())
    const wish = new Wish(1000)
    room.tryCompleteElseWatch(wish, [a])
    expect(room.cancelForKey(a)).toEqual([wish])
    expect(room.cancelForKey(a)).toEqual([])
    expect(wish.diary).toEqual([])
  })

  it('keys with the same parts in other places are different keys', () => {
    const one = new MemberKey('a-b', 'c').keyLabel
    expect(one).not.toBe(new MemberKey('a', 'b-c').keyLabel)
  })
})
