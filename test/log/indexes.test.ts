import { describe, expect, it } from 'vitest'
import { memoryPlatform } from '../../src/base/platform/memory/memory-platform.ts'
import { AbortedTxn } from '../../src/log/AbortedTxn.ts'
import {
  CorruptIndexException,
  InvalidOffsetException,
} from '../../src/log/CorruptIndexException.ts'
import { OffsetIndex } from '../../src/log/OffsetIndex.ts'
import { TimeIndex } from '../../src/log/TimeIndex.ts'
import { TransactionIndex } from '../../src/log/TransactionIndex.ts'

function options(maxIndexSize = 1200, baseOffset = 40) {
  const { storage } = memoryPlatform()
  return { storage, path: '/40.index', baseOffset, maxIndexSize }
}

describe('OffsetIndex', () => {
  it('lookup() finds the last entry at or before an offset', () => {
    const index = new OffsetIndex(options())
    expect(index.lookup(55)).toEqual({ offset: 40, position: 0 })
    for (let i = 1; i <= 50; i++) index.append(40 + 3 * i, 100 * i)
    expect(index.lookup(42)).toEqual({ offset: 40, position: 0 })
    for (let offset = 43; offset < 200; offset++) {
      const i = Math.min(Math.floor((offset - 40) / 3), 50)
      expect(index.lookup(offset)).toEqual({ offset: 40 + 3 * i, position: 100 * i })
    }
  })

  it('append() writes [relative offset i32 | position i32]', () => {
    const o = options()
    const index = new OffsetIndex(o)
    index.append(43, 0x1234)
    index.append(50, 0x5678)
    index.close()
    expect(o.storage.readFile(o.path).toString('hex')).toBe(
      '0000000300001234' + '0000000a00005678',
    )
  })

  it('append() refuses offsets that do not rise, and a full index', () => {
    const index = new OffsetIndex(options(16))
    index.append(41, 1)
    expect(() => index.append(41, 2)).toThrow(InvalidOffsetException)
    index.append(42, 2)
    expect(index.isFull).toBe(true)
    expect(() => index.append(43, 3)).toThrow(/is full/)
  })

  it('truncateTo() cuts memory and file, and appends go on from there', () => {
    const o = options(8000)
    const index = new OffsetIndex(o)
    for (let i = 1; i <= 600; i++) index.append(40 + i, i)
    index.truncateTo(50)
    expect([index.entries, index.lastOffset]).toEqual([9, 49])
    index.append(60, 77)
    index.close()
    const again = new OffsetIndex(o)
    expect([again.entries, again.lastOffset]).toEqual([10, 60])
    expect(again.lookup(55)).toEqual({ offset: 49, position: 9 })
    expect(again.isFull).toBe(true)
    again.sanityCheck()
  })

  it('fetchUpperBoundOffset() finds an offset behind a read', () => {
    const index = new OffsetIndex(options())
    index.append(50, 1000)
    index.append(60, 2000)
    const from = { offset: 40, position: 0 }
    expect(index.fetchUpperBoundOffset(from, 500)?.offset).toBe(50)
    expect(index.fetchUpperBoundOffset(from, 1001)?.offset).toBe(60)
    expect(index.fetchUpperBoundOffset(from, 2001)).toBeUndefined()
  })

  it('sanityCheck() refuses zeros and half an entry', () => {
    for (const bytes of [Buffer.alloc(80), Buffer.alloc(7)]) {
      const o = options()
      o.storage.writeFile(o.path, bytes)
      expect(() => new OffsetIndex(o).sanityCheck()).toThrow(CorruptIndexException)
    }
  })
})

describe('TimeIndex', () => {
  it('maybeAppend() keeps timestamps rising, and one entry for the roll', () => {
    const index = new TimeIndex(options(36))
    index.maybeAppend(1000, 41)
    index.maybeAppend(1000, 42)
    expect(index.entries).toBe(1)
    index.maybeAppend(2000, 43)
    expect(index.isFull).toBe(true)
    expect(() => index.maybeAppend(3000, 44)).toThrow(/is full/)
    index.maybeAppend(3000, 44, true)
    expect(index.lastEntry).toEqual({ timestamp: 3000, offset: 44 })
    expect(() => index.maybeAppend(3000, 43, true)).toThrow(InvalidOffsetException)
  })

  it('lookup() and truncateTo() go by time and by offset', () => {
    const o = options()
    const index = new TimeIndex(o)
    for (let i = 1; i <= 9; i++) index.maybeAppend(1000 * i, 40 + i)
    expect(index.lookup(999)).toEqual({ timestamp: -1, offset: 40 })
    expect(index.lookup(5500)).toEqual({ timestamp: 5000, offset: 45 })
    index.truncateTo(44)
    expect(index.lastEntry).toEqual({ timestamp: 3000, offset: 43 })
    index.close()
    const hex = o.storage.readFile(o.path).toString('hex')
    expect(hex.slice(0, 24)).toBe('00000000000003e8' + '00000001')
    expect(hex.length).toBe(3 * 24)
  })
})

describe('TransactionIndex', () => {
  it('writes 34 bytes an entry, and no file without one', () => {
    const { storage } = memoryPlatform()
    const index = new TransactionIndex(storage, 0, '/0.txnindex')
    expect(storage.exists('/0.txnindex')).toBe(false)
    index.append(
      new AbortedTxn({
        producerId: 7n,
        firstOffset: 1,
        lastOffset: 5,
        lastStableOffset: 6,
      }),
    )
    expect(storage.readFile('/0.txnindex').toString('hex')).toBe(
      '0000' +
        '0000000000000007' +
        '0000000000000001' +
        '0000000000000005' +
        '0000000000000006',
    )
  })

  it('is cut by truncateTo(), and cuts part of an entry at the next append', () => {
    const { storage } = memoryPlatform()
    const index = new TransactionIndex(storage, 0, '/0.txnindex')
    const txn = (lastOffset: number) =>
      new AbortedTxn({
        producerId: 7n,
        firstOffset: lastOffset - 3,
        lastOffset,
        lastStableOffset: lastOffset + 1,
      })
    for (const offset of [5, 10, 15]) index.append(txn(offset))
    index.truncateTo(10)
    expect(index.allAbortedTxns.map((t) => t.lastOffset)).toEqual([5])
    const whole = storage.readFile('/0.txnindex')
    storage.writeFile('/0.txnindex', Buffer.concat([whole, Buffer.alloc(20, 1)]))
    const again = new TransactionIndex(storage, 0, '/0.txnindex')
    again.sanityCheck()
    again.append(txn(20))
    const third = new TransactionIndex(storage, 0, '/0.txnindex')
    expect(third.allAbortedTxns.map((t) => t.lastOffset)).toEqual([5, 20])
    expect(third.collectAbortedTxns(0, 3)).toMatchObject({ isComplete: true })
  })
})
