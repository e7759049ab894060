import { mkdtempSync, readFileSync, rmSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { describe, expect, it } from 'vitest'
import { VirtualClock } from '../../src/base/platform/memory/VirtualClock.ts'
import { TopicPartition } from '../../src/base/TopicPartition.ts'
import { TopicPartitionSet } from '../../src/base/TopicPartitionMap.ts'

import { parseConfigsToBeAdded } from '../../src/cli/admin/ConfigCommand.ts'
import { parseDatetime, parseDuration } from '../../src/cli/admin/offset-reset.ts'
import { DefaultMessageFormatter } from '../../src/cli/tools/DefaultMessageFormatter.ts'
import { KafkaCSVMetricsReporter } from '../../src/cli/tools/KafkaCSVMetricsReporter.ts'
import { LineMessageReader } from '../../src/cli/tools/LineMessageReader.ts'
import { Meter } from '../../src/cli/tools/Meter.ts'
import { createMessageFormatter } from '../../src/cli/tools/message-formatters.ts'
import { assignRanges } from '../../src/clients/GroupConsumer.ts'
import { murmur2 } from '../../src/clients/murmur2.ts'
import { GroupMetadata } from '../../src/coordinator/group/GroupMetadata.ts'
import {
  groupMetadataKey,
  groupMetadataValue,
  offsetCommitKey,
  offsetCommitValue,
} from '../../src/coordinator/group/group-messages.ts'
import { MemberMetadata } from '../../src/coordinator/group/MemberMetadata.ts'
import { TransactionLog } from '../../src/coordinator/transaction/TransactionLog.ts'
import {
  deserializeAssignment,
  deserializeSubscription,
  serializeAssignment,
  serializeSubscription,
} from '../../src/protocol/ConsumerProtocol.ts'
import { Message } from '../../src/record/Message.ts'

describe('murmur2', () => {
  // What Kafka's own clients compute.
  it.each([
    ['21', -973932308],
    ['foobar', -790332482],
    ['a-little-bit-long-string', -985981536],
    ['a-little-bit-longer-string', -1486304829],
    ['lkjh234lh9fiuh90y23oiuhsafujhadof229phr9h19h89h8', -58897971],
    ['abc', 479470107],
  ])('hashes %s', (text, hash) => {
    expect(murmur2(Buffer.from(text))).toBe(hash)
  })
})

describe('ConsumerProtocol', () => {
  it('reads what it wrote', () => {
    expect(deserializeSubscription(serializeSubscription(['b', 'a']))).toEqual([
      'a',
      'b',
    ])
    const partitions = [0, 2].map((p) => new TopicPartition('t', p))
    expect(deserializeAssignment(serializeAssignment(partitions))).toEqual(partitions)
    expect(deserializeAssignment(Buffer.alloc(0))).toEqual([])
  })

  it('refuses counts that the bytes cannot hold', () => {
    const bytes = Buffer.from('00007fffffff', 'hex')
    expect(() => deserializeSubscription(bytes)).toThrow()
    expect(() => deserializeAssignment(bytes)).toThrow()
  })
})

describe('assignRanges()', () => {
  it('gives neighbours to each member, one more to the first', () => {
    const members = [
      { memberId: 'b', topics: ['t'] },
      { memberId: 'a', topics: ['t', 'u'] },
      { memberId: 'c', topics: ['u'] },
    ]
    const counts = new Map([
      ['t', 3],
      ['u', 1],
    ])
    const dealt = [...assignRanges(members, counts)].map(([id, partitions]) => [
      id,
      partitions.map(String),
    ])
    expect(dealt).toEqual([
      ['b', ['t-2']],
      ['a', ['t-0', 't-1', 'u-0']],
      ['c', []],
    ])
  })
})

describe('flags', () => {
  it('parseConfigsToBeAdded() keeps commas in brackets', () => {
    expect(parseConfigsToBeAdded('a=1,b=[x,y], c = d=e')).toEqual({
      ...{ a: '1', b: 'x,y', c: 'd=e' },
    })
    expect(() => parseConfigsToBeAdded('a=1,b')).toThrow('b')
  })

  it('parseDuration() and parseDatetime() read ISO 8601', () => {
    expect(parseDuration('P1DT2H3M4.5S')).toBe(93_784_500)
    for (const wrong of ['P', 'PT', 'P1DT', '1D', 'P1H']) {
      expect(() => parseDuration(wrong)).toThrow(wrong)
    }
    expect(parseDatetime('1970-01-01T00:00:01.000')).toBe(1000)
    expect(parseDatetime('1970-01-01T01:00:01.000+01:00')).toBe(1000)
    expect(() => parseDatetime('yesterday')).toThrow('yesterday')
  })
})

describe('LineMessageReader', () => {
  it('cuts the key off, and tells of a line without one', () => {
    const reader = new LineMessageReader({ 'parse.key': 'true', 'key.separator': ':' })
    const { key, value } = reader.readMessage('k:v:w')
    expect([String(key), String(value)]).toEqual(['k', 'v:w'])
    expect(() => reader.readMessage('none')).toThrow('line 2')
    expect(new LineMessageReader({}).readMessage('a\tb').key).toBeNull()
    expect(
      new LineMessageReader({ 'parse.keys': 'true' }).readMessage('a').key,
    ).toBeNull()
  })
})

describe('DefaultMessageFormatter', () => {
  const record = {
    ...{ topic: 't', partition: 0, offset: 1, timestamp: 5 },
    timestampType: 'CreateTime' as const,
    ...{ key: Buffer.from('k'), value: null },
  }

  it('prints what is asked for', () => {
    const format = (properties: Record<string, string>) =>
      String(new DefaultMessageFormatter(properties).format(record))
    expect(format({})).toBe('null\n')
    expect(format({ 'print.key': 'true', 'key.separator': '=' })).toBe('k=null\n')
    expect(format({ 'print.timestamp': 'TRUE', 'print.value': 'false' })).toBe(
      'CreateTime:5\n',
    )
  })

  it('reads numbers as Java writes them, and refuses what is no number', () => {
    const format = (name: string, value: Buffer) => {
      const deserializer = `org.apache.kafka.common.serialization.${name}Deserializer`
      const formatter = new DefaultMessageFormatter({
        'value.deserializer': deserializer,
      })
      return String(formatter.format({ ...record, value })).trimEnd()
    }
    const long = Buffer.alloc(8)
    long.writeBigInt64BE(-7n)
    expect(format('Long', long)).toBe('-7')
    expect(() => format('Long', Buffer.alloc(9))).toThrow('LongDeserializer is not 8')
    expect(format('Bytes', Buffer.from('a\\\n~'))).toBe('a\\x5C\\x0A~')

    // What Double.toString and Float.toString make of them.
    const doubles = [1, -0, 0.5, 1e7, 123456789, 0.00012, -1.5e300, Number.NaN]
    const texts = doubles.map((value) => {
      const bytes = Buffer.alloc(8)
      bytes.writeDoubleBE(value)
      return format('Double', bytes)
    })
    expect(texts).toEqual([
      ...['1.0', '-0.0', '0.5', '1.0E7', '1.23456789E8', '1.2E-4', '-1.5E300', 'NaN'],
    ])
    const float = Buffer.alloc(4)
    float.writeFloatBE(0.1)
    expect(format('Float', float)).toBe('0.1')
  })

  it('passes over a property that it does not know, not over a class', () => {
    expect(String(new DefaultMessageFormatter({ colour: 'red' }).format(record))).toBe(
      'null\n',
    )
    expect(() => new DefaultMessageFormatter({ 'key.deserializer': 'X' })).toThrow('X')
  })
})

describe('createMessageFormatter()', () => {
  const record = {
    ...{ topic: 't', partition: 0, offset: 1, timestamp: 5 },
    timestampType: 'CreateTime' as const,
    ...{ key: Buffer.from('k'), value: Buffer.from('v') },
  }
  const format = (name: string, changed: object = {}, properties = {}) =>
    String(createMessageFormatter(name, properties).format({ ...record, ...changed }))

  it('knows the names of Kafka, with and without their package', () => {
    expect(format('kafka.tools.DefaultMessageFormatter')).toBe('v\n')
    expect(format('kafka.tools.LoggingMessageFormatter')).toBe('v\n')
    expect(format('NoOpMessageFormatter')).toBe('')
    const silent = { 'print.value': 'false' }
    expect(format('DefaultMessageFormatter', {}, silent)).toBe('')
    expect(() => format('LoudMessageFormatter')).toThrow('LoudMessageFormatter')
    expect(() => format('constructor')).toThrow('expected one of')
  })

  it('writes the checksum of the message that a record would be', () => {
    const { checksum } = Message.of({
      ...{ bytes: record.value, key: record.key, timestamp: 5 },
    })
    const name = 'kafka.tools.ChecksumMessageFormatter'
    expect(format(name)).toBe(`checksum:${checksum}\n`)
    expect(format(name, {}, { topic: 't' })).toBe(`t:checksum:${checksum}\n`)
    const unstamped = { timestamp: -1, timestampType: 'NoTimestampType' as const }
    const old = Message.of({ bytes: record.value, key: record.key, magicValue: 0 })
    expect(format(name, unstamped)).toBe(`checksum:${old.checksum}\n`)
  })

  it('reads committed offsets, and passes groups by', () => {
    const name = 'kafka.coordinator.group.GroupMetadataManager$OffsetsMessageFormatter'
    const key = offsetCommitKey('g', new TopicPartition('t', 3))
    const value = offsetCommitValue({
      ...{ offset: 7, metadata: '', commitTimestamp: 1, expireTimestamp: 2 },
    })
    expect(format(name, { key, value })).toBe(
      '[g,t,3]::[OffsetMetadata[7,NO_METADATA],CommitTime 1,ExpirationTime 2]\n',
    )
    expect(format(name, { key, value: null })).toBe('[g,t,3]::NULL\n')
    expect(format(name, { key: groupMetadataKey('g') })).toBe('')
    expect(format(name, { key: null })).toBe('')
  })

  it('reads groups, and passes committed offsets by', () => {
    const name =
      'kafka.coordinator.group.GroupMetadataManager$GroupMetadataMessageFormatter'
    const key = groupMetadataKey('g')
    const member = new MemberMetadata({
      ...{ memberId: 'a-1', groupId: 'g', clientId: 'a', clientHost: '/127.0.0.1' },
      ...{ rebalanceTimeoutMs: 300_000, sessionTimeoutMs: 10_000 },
      ...{ protocolType: 'consumer' },
      supportedProtocols: [{ name: 'range', metadata: Buffer.alloc(0) }],
    })
    const group = GroupMetadata.loadGroup('g', {
      ...{ generationId: 3, protocolType: 'consumer', protocol: 'range' },
      ...{ leaderId: 'a-1', members: [member] },
    })
    const value = groupMetadataValue(group, new Map([['a-1', Buffer.alloc(0)]]))
    expect(format(name, { key, value })).toBe(
      'g::GroupMetadata(groupId=g, generation=3, protocolType=Some(consumer), ' +
        'currentState=Stable, members=Map(a-1 -> MemberMetadata(memberId=a-1, ' +
        'clientId=a, clientHost=/127.0.0.1, sessionTimeoutMs=10000, ' +
        'rebalanceTimeoutMs=300000, supportedProtocols=List(range), )))\n',
    )
    const empty = groupMetadataValue(new GroupMetadata('g', 'Empty'), new Map())
    expect(format(name, { key, value: empty })).toBe(
      'g::GroupMetadata(groupId=g, generation=0, protocolType=None, ' +
        'currentState=Empty, members=Map())\n',
    )
    expect(format(name, { key, value: null })).toBe('g::NULL\n')
    const offset = offsetCommitKey('g', new TopicPartition('t', 3))
    expect(format(name, { key: offset })).toBe('')
    expect(format(name, { key: null })).toBe('')
  })

  it('reads transactional ids', () => {
    const name =
      'kafka.coordinator.transaction.TransactionLog$TransactionLogMessageFormatter'
    const key = TransactionLog.keyToBytes('id')
    const value = TransactionLog.valueToBytes({
      ...{ producerId: 9n, producerEpoch: 2, txnTimeoutMs: 60_000 },
      ...{ txnState: 'Ongoing' as const, txnStartTimestamp: 5 },
      topicPartitions: new TopicPartitionSet([new TopicPartition('t', 1)]),
      txnLastUpdateTimestamp: 6,
    })
    expect(format(name, { key, value })).toBe(
      'id::TransactionMetadata(transactionalId=id, producerId=9, producerEpoch=2, ' +
        'txnTimeoutMs=60000, state=Ongoing, pendingState=None, ' +
        'topicPartitions=Set(t-1), txnStartTimestamp=5, txnLastUpdateTimestamp=6)\n',
    )
    expect(format(name, { key, value: null })).toBe('id::NULL\n')
    expect(format(name, { key: null })).toBe('')
  })
})

describe('KafkaCSVMetricsReporter', () => {
  it('writes counts and rates every 5 s, and at the end', async () => {
    const directory = mkdtempSync(join(tmpdir(), 'annotated-kafka-csv-'))
    const clock = new VirtualClock()
    const reporter = new KafkaCSVMetricsReporter(directory, clock)
    const record = {
      ...{ topic: 't', partition: 0, offset: 0, timestamp: 5 },
      ...{ timestampType: 'CreateTime' as const, key: null, value: Buffer.alloc(30) },
    }
    const source = reporter.over({
      run: async (deliver) => void (await deliver([record, record, record])),
    })

    // Only what was taken counts.
    await source.run(async () => 2, new AbortController().signal)
    await clock.advance(10_000)
    reporter.stop()
    await clock.advance(10_000)
    const read = (name: string) => readFileSync(join(directory, `${name}.csv`), 'utf8')
    const { count, rates } = meterAfter([60, 0])
    expect(read('BytesPerSec').split('\n')).toEqual([
      '# time,count,1 min rate,mean rate,5 min rate,15 min rate',
      '5,60,12.0,12.0,12.0,12.0',
      `10,${count},${rates[0]},6.0,${rates[1]},${rates[2]}`,
      `10,${count},${rates[0]},6.0,${rates[1]},${rates[2]}`,
      '',
    ])
    expect(read('MessagesPerSec')).toContain('\n5,2,0.4,0.4,0.4,0.4\n')
    rmSync(directory, { recursive: true })
  })

  it('Meter forgets with a memory of 1, 5 and 15 minutes', () => {
    // Values of com.yammer.metrics.stats.EWMA after 3 a second, then nothing for 1 min.
    const { rates } = meterAfter([15, ...Array.from({ length: 12 }, () => 0)])
    expect(rates.map((rate) => rate.toFixed(8))).toEqual([
      ...['1.10363832', '2.45619226', '2.80652096'],
    ])
  })
})

/** A meter after some ticks, with so many marks before each. */
function meterAfter(marks: readonly number[]): Meter {
  const meter = new Meter()
  for (const n of marks) {
    meter.mark(n)
    meter.tick()
  }
  return meter
}
