/**
 * The plug is pulled at every operation on the disk while a log is cleaned: before the new
 * segment is written, while it is, between any two of the renames that put it in place, and
 * while the old files are removed. Every time the log opens, and no key has lost its value.
 */
import { describe, expect, it } from 'vitest'
import { HostError } from '../../src/base/platform/HostError.ts'
import { TopicPartitionMap } from '../../src/base/TopicPartitionMap.ts'
import type { Log } from '../../src/log/Log.ts'
import {
  cleanerFor,
  compacted,
  contents,
  createCleanedLog,
  orders,
} from './cleaner-fixture.ts'
import { openLog } from './log-fixture.ts'

const keys = 5
const messages = 24

/** The last value of each key, and that nothing is there twice or out of order. */
function lastValues(log: Log, history: readonly string[]): Map<string, string> {
  const last = new Map<string, string>()
  let previous = -1
  for (const line of contents(log)) {
    const [offset, key, value] = line.split(/[:=]/) as [string, string, string]
    expect(Number(offset)).toBeGreaterThan(previous)
    expect(history[Number(offset)]).toBe(line)
    previous = Number(offset)
    last.set(key, value)
  }
  return last
}

/** Cleans until the n-th operation on the disk; returns whether that many were needed. */
async function crashAt(n: number, tail: 'drop' | 'keep' | 'tear'): Promise<boolean> {
  // A log that is on the disk.
  const fixture = createCleanedLog({ 'file.delete.delay.ms': 1000 })
  const { log, put, platform, scheduler, channel } = fixture
  for (let i = 0; i < messages; i++) put(`k${i % keys}`, `v${i}`)
  await log.flush()
  const history = contents(log)
  const expected = lastValues(log, history)

  // Clean it, on a disk that takes so many operations.
  const { storage } = platform
  const strike = storage.strike.bind(storage)
  let left = n
  storage.strike = (operation, path) => {
    if (operation === 'read' || operation === 'readdir') return strike(operation, path)
    left -= 1
    if (left < 0) throw new HostError('EIO', `the plug was pulled before ${operation}`)
    strike(operation, path)
  }
  await fixture.clean()
  const isCut = left < 0
  storage.strike = strike
  await fixture.cleaner.shutdown()
  await scheduler.shutdown()

  // Open it again as it is then on the disk.
  storage.crash(tail)
  scheduler.startup()
  const again = openLog({
    ...{ platform, scheduler, channel, props: compacted },
    recoveryPoint: messages,
  })
  expect(again.logEndOffset).toBe(messages)
  expect(lastValues(again, history)).toEqual(expected)

  // Every offset is still found through the indexes.
  for (let offset = 0; offset < messages; offset++) {
    const info = again.read(offset, 1, undefined, true, 'READ_UNCOMMITTED')
    const [batch] = info.records.batches()
    expect(batch?.lastOffset).toBeGreaterThanOrEqual(offset)
  }

  // It can be cleaned from there on.
  const logs = new TopicPartitionMap<Log>()
  logs.set(orders, again)
  const cleaner = cleanerFor(fixture, logs)
  cleaner.startup()
  await platform.virtualClock.advance(15_000)
  await cleaner.shutdown()
  expect(lastValues(again, history)).toEqual(expected)
  const leftovers = storage
    .readdir(again.dir)
    .filter((name) => /\.(cleaned|log\.swap)$/.test(name))
  expect(leftovers).toEqual([])
  return isCut
}

describe('cleaning that is cut off', () => {
  it.each(['drop', 'keep', 'tear'] as const)(
    'loses no key at any operation on the disk (unflushed bytes: %s)',
    async (tail) => {
      let points = 0
      while (await crashAt(points, tail)) points += 1
      console.info(`cleaning was cut at ${points} points, unflushed bytes: ${tail}`)
      expect(points).toBeGreaterThan(40)
    },
  )
})
