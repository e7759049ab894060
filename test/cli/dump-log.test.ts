import { describe, expect, it } from 'vitest'
import { TopicPartition } from '../../src/base/TopicPartition.ts'
import { type DumpLogOptions, DumpLogSegments } from '../../src/cli/DumpLogSegments.ts'
import {
  decoderMessageParser,
  defaultDecoder,
  offsetsMessageParser,
} from '../../src/cli/message-parsers.ts'
import {
  offsetCommitKey,
  offsetCommitValue,
} from '../../src/coordinator/group/group-messages.ts'
import { CompressionType } from '../../src/record/CompressionType.ts'
import { EndTransactionMarker } from '../../src/record/EndTransactionMarker.ts'
import { MemoryRecords } from '../../src/record/MemoryRecords.ts'
import { createLog, type LogFixture, partitionDir } from '../log/log-fixture.ts'

const first = `${partitionDir}/00000000000000000000`

/** What is printed, errors marked with `!`. */
function dump(
  { platform }: Pick<LogFixture, 'platform'>,
  files: string[],
  options: Partial<DumpLogOptions> = {},
): string[] {
  const lines: string[] = []
  const tool = new DumpLogSegments(
    platform.storage,
    {
      isDeepIteration: false,
      indexSanityOnly: false,
      verifyOnly: false,
      maxMessageSize: 5_242_880,
      ...options,
    },
    { out: (line) => lines.push(line), err: (line) => lines.push(`!${line}`) },
  )
  tool.dump(files)
  return lines
}

function record(i: number) {
  return {
    key: i % 4 === 3 ? null : Buffer.from(`key ${i % 7}`),
    value: i % 5 === 4 ? null : Buffer.from(`value ${i} ${'ä'.repeat(i % 50)}`),
    timestamp: 1_500_000_000_000 + i * 10,
  }
}

/** The lines in this file were printed by the real tool for the same records. */
describe('dump-log', () => {
  it('prints batches, and records with their contents', () => {
    const fixture = createLog()
    const who = { producerId: 100n, producerEpoch: 0 }
    fixture.log.appendAsLeader(
      MemoryRecords.withRecords(
        { ...who, isTransactional: true, baseSequence: 0 },
        ...[0, 1, 2, 3].map(record),
      ),
      0,
    )
    const marker = new EndTransactionMarker('COMMIT', 3)
    fixture.log.appendAsLeader(
      MemoryRecords.withEndTransactionMarker(
        { ...who, timestamp: 1_500_000_000_000 },
        marker,
      ),
      0,
      false,
    )
    const start = [`Dumping ${first}.log`, 'Starting offset: 0']
    const common = 'magic: 2 compresscodec: NONE producerId: 100 producerEpoch: 0'
    expect(dump(fixture, [`${first}.log`])).toEqual([
      ...start,
      expect.stringMatching(
        /^baseOffset: 0 lastOffset: 3 baseSequence: 0 lastSequence: 3 producerId: 100 producerEpoch: 0 partitionLeaderEpoch: 0 isTransactional: true position: 0 CreateTime: 1500000000030 isvalid: true size: 148 magic: 2 compresscodec: NONE crc: \d+$/,
      ),
      expect.stringMatching(
        /^baseOffset: 4 lastOffset: 4 baseSequence: -1 lastSequence: -1 producerId: 100 .* position: 148 CreateTime: 1500000000000 isvalid: true size: 78 /,
      ),
    ])
    const parser = decoderMessageParser(defaultDecoder, defaultDecoder)
    expect(dump(fixture, [`${first}.log`], { isDeepIteration: true, parser })).toEqual([
      ...start,
      `offset: 0 position: 0 CreateTime: 1500000000000 isvalid: true keysize: 5 valuesize: 8 ${common} sequence: 0 isTransactional: true headerKeys: [] key: key 0 payload: value 0 `,
      `offset: 1 position: 0 CreateTime: 1500000000010 isvalid: true keysize: 5 valuesize: 10 ${common} sequence: 1 isTransactional: true headerKeys: [] key: key 1 payload: value 1 ä`,
      `offset: 2 position: 0 CreateTime: 1500000000020 isvalid: true keysize: 5 valuesize: 12 ${common} sequence: 2 isTransactional: true headerKeys: [] key: key 2 payload: value 2 ää`,
      `offset: 3 position: 0 CreateTime: 1500000000030 isvalid: true keysize: -1 valuesize: 14 ${common} sequence: 3 isTransactional: true headerKeys: [] payload: value 3 äää`,
      `offset: 4 position: 148 CreateTime: 1500000000000 isvalid: true keysize: 4 valuesize: 6 ${common} sequence: -1 isTransactional: true headerKeys: [] endTxnMarker: COMMIT coordinatorEpoch: 3`,
    ])
  })

  it('prints the CRC of each message of the old formats', () => {
    const fixture = createLog({ 'message.format.version': '0.9.0' })
    const options = { magic: 0, compressionType: CompressionType.NONE }
    for (const i of [0, 1]) {
      fixture.log.appendAsLeader(MemoryRecords.withRecords(options, record(i)), 0)
    }
    expect(dump(fixture, [`${first}.log`], { isDeepIteration: true }).slice(2)).toEqual(
      [
        'offset: 0 position: 0 NoTimestampType: -1 isvalid: true keysize: 5 valuesize: 8 magic: 0 compresscodec: NONE crc: 3416359992',
        'offset: 1 position: 39 NoTimestampType: -1 isvalid: true keysize: 5 valuesize: 10 magic: 0 compresscodec: NONE crc: 3570713772',
      ],
    )
  })

  it('holds indexes against the log, and tells what does not fit at the end', async () => {
    const fixture = createLog({ 'index.interval.bytes': 100 })
    for (let i = 0; i < 12; i++) {
      fixture.log.appendAsLeader(MemoryRecords.withRecords({}, record(i)), 0)
    }
    await fixture.log.flush()
    const files = [`${first}.index`, `${first}.timeindex`]
    const clean = dump(fixture, files)
    expect(clean.some((line) => line.startsWith('!'))).toBe(false)
    expect(clean[1]).toMatch(/^offset: 2 position: \d+$/)
    expect(clean).toContain('timestamp: 1500000000020 offset: 2')
    expect(dump(fixture, files, { verifyOnly: true })).toHaveLength(2)

    // Bend one entry of each; zeros end an index.
    const { storage } = fixture.platform
    const index = storage.open(`${first}.index`, 'readwrite')
    index.write(Buffer.from([0, 0, 0, 3]), 0)
    index.write(Buffer.alloc(16), index.size())
    const timeIndex = storage.open(`${first}.timeindex`, 'readwrite')
    timeIndex.write(Buffer.from([0, 1, 0, 0]), 12 + 8)
    const bent = dump(fixture, files)
    expect(bent).toContain(`!Mismatches in :${first}.index`)
    expect(bent).toContain('!  Index offset: 3, log offset: 2')
    expect(bent).toContain('!The following indexed offsets are not found in the log.')
    expect(bent).toContain('!Indexed offset: 65536, found log offset: -1')
  })

  it('passes a sound index as a broker does, and refuses one that is not', async () => {
    const fixture = createLog({ 'index.interval.bytes': 100 })
    for (let i = 0; i < 12; i++) {
      fixture.log.appendAsLeader(MemoryRecords.withRecords({}, record(i)), 0)
    }
    await fixture.log.flush()
    const path = `${first}.timeindex`
    const sound = dump(fixture, [path], { indexSanityOnly: true })
    expect(sound).toEqual([`Dumping ${path}`, `${path} passed sanity check.`])
    fixture.platform.storage.open(path, 'readwrite').truncate(13)
    expect(() => dump(fixture, [path], { indexSanityOnly: true })).toThrow(
      'multiple of 12',
    )
  })

  it('prints what lies behind the last whole batch, and gaps in the offsets', () => {
    const fixture = createLog()
    for (let i = 0; i < 3; i++) {
      fixture.log.appendAsLeader(MemoryRecords.withRecords({}, record(i)), 0)
    }
    const { storage } = fixture.platform
    const bytes = storage.readFile(`${first}.log`)
    const size = 12 + bytes.readInt32BE(8)
    const next = size + 12 + bytes.readInt32BE(size + 8)
    storage.writeFile(
      `${first}.log`,
      Buffer.concat([bytes.subarray(0, size), bytes.subarray(next), Buffer.alloc(10)]),
    )
    const lines = dump(fixture, [`${first}.log`], { isDeepIteration: true })
    expect(lines).toContain(
      'Found 10 invalid bytes at the end of 00000000000000000000.log',
    )
    expect(lines.slice(-2)).toEqual([
      `!Non-consecutive offsets in :${first}.log`,
      '!  0 is followed by 2',
    ])
  })

  it('reads the offsets topic', () => {
    const fixture = createLog()
    const key = offsetCommitKey('grp', new TopicPartition('demo', 0))
    const value = (metadata: string) =>
      offsetCommitValue({
        offset: 3,
        metadata,
        commitTimestamp: 1,
        expireTimestamp: -1,
      })
    fixture.log.appendAsLeader(
      MemoryRecords.withRecords(
        {},
        { key, value: value('meta'), timestamp: 1 },
        { key, value: value(''), timestamp: 1 },
        { key, value: null, timestamp: 1 },
      ),
      0,
    )
    const parser = offsetsMessageParser
    const lines = dump(fixture, [`${first}.log`], { isDeepIteration: true, parser })
    expect(lines[2]).toMatch(
      /headerKeys: \[\] key: offset::grp:demo:0 payload: 3:meta$/,
    )
    expect(lines[3]).toMatch(/key: offset::grp:demo:0 payload: 3$/)
    expect(lines[4]).toMatch(/headerKeys: \[\]$/)
  })

  it('passes over files of another kind', () => {
    const fixture = createLog()
    expect(dump(fixture, ['/data/x.foo'])).toEqual([
      'Dumping /data/x.foo',
      '!Ignoring unknown file /data/x.foo',
    ])
  })

  it('refuses a name that is no offset', () => {
    const fixture = createLog()
    expect(() => dump(fixture, ['/data/first.log'])).toThrow(
      'first.log: expected an offset in front of the dot',
    )
  })
})
