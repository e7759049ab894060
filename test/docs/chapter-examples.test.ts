/**
 * Chapters show small runs in figures. Here they are done again, and what comes out must
 * stand in the chapter, letter for letter.
 */
import { readFileSync } from 'node:fs'
import { basename } from 'node:path'
import { describe, expect, it } from 'vitest'
import { TopicPartition } from '../../src/base/TopicPartition.ts'
import { LeaderEpochFileCache } from '../../src/log/LeaderEpochFileCache.ts'
import { LogOffsetMetadata } from '../../src/log/LogOffsetMetadata.ts'
import type { LogSegment } from '../../src/log/LogSegment.ts'
import { MemoryRecords } from '../../src/record/MemoryRecords.ts'
import { createLog } from '../log/log-fixture.ts'

const chapter = (name: string) =>
  readFileSync(new URL(`../../docs/chapters/${name}.md`, import.meta.url), 'utf8')

describe('the chapter offset-index', () => {
  it('shows the entries and searches of a log of forty batches', () => {
    // Forty batches of 1,000 bytes; the clock of record 7 is ahead.
    const { log, platform } = createLog()
    for (let i = 0; i < 40; i++) {
      const timestamp = i === 7 ? 1400 : 1000 + 10 * i
      const value = Buffer.alloc(930)
      log.appendAsLeader(MemoryRecords.withRecords({}, { timestamp, value }), 0)
    }
    const [segment] = log.logSegments as [LogSegment]
    expect(segment.size).toBe(40 * 1000)
    segment.flushNow()

    // The files, entry by entry.
    const { offsetIndex, timeIndex } = segment
    const rows = [
      `${basename(offsetIndex.path)}          ${basename(timeIndex.path)}`,
      'offset  position  bytes             timestamp  offset  bytes',
    ]
    const bytes = (path: string, size: number, n: number) =>
      platform.storage
        .readFile(path)
        .subarray(n * size, (n + 1) * size)
        .toString('hex')
    for (let n = 0; n < offsetIndex.entries; n++) {
      const { offset, position } = offsetIndex.entry(n)
      let row = `${pad(offset, 6)}  ${pad(position, 8)}  ${bytes(offsetIndex.path, 8, n)}`
      if (n < timeIndex.entries) {
        const { timestamp, offset: at } = timeIndex.entry(n)
        row += `  ${pad(timestamp, 9)}  ${pad(at, 6)}  ${bytes(timeIndex.path, 12, n)}`
      }
      rows.push(row)
    }

    // Two searches.
    const near = offsetIndex.lookup(17)
    const place = segment.translateOffset(17)!
    const steps = (place.position - near.position) / 1000 + 1
    const young = timeIndex.lookup(1175)
    const found = segment.findOffsetByTimestamp(1175)!
    rows.push(
      '',
      `offset 17        index: ${near.offset} at ${near.position}     ` +
        `walked: ${steps} batches    found at ${place.position}`,
      `time 1175        index: ${young.timestamp} at ${young.offset}       ` +
        `walked: ${found.offset - young.offset + 1} batches    ` +
        `found: offset ${found.offset}, time ${found.timestamp}`,
    )
    expect(chapter('offset-index')).toContain(
      `\`\`\`text\n${rows.join('\n')}\n\`\`\`\n`,
    )
  })
})

describe('the chapter leader-epoch', () => {
  it('shows what a leader answers about the epochs that it knows', () => {
    // Epoch 1 wrote nothing here; the log ends at 91.
    const checkpoint = { read: () => [], write: () => {} }
    const tp = new TopicPartition('orders', 0)
    const end = new LogOffsetMetadata(91)
    const cache = new LeaderEpochFileCache(tp, () => end, checkpoint)
    for (const [epoch, offset] of [
      [0, 0],
      [3, 42],
      [4, 58],
    ] as const) {
      cache.assign(epoch, offset)
    }

    // Each row of the table is a question, and says the answer.
    const rows = [...chapter('leader-epoch').matchAll(/^\| (-?\d+) \| (-?\d+) \|/gm)]
    const told = rows.map(([, epoch, answer]) => [Number(epoch), Number(answer)])
    expect(told).toEqual([4, 3, 1, 0, 9].map((e) => [e, cache.endOffsetFor(e)]))
  })
})

function pad(figure: number, width: number): string {
  return String(figure).padStart(width)
}
