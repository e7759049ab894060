import { describe, expect, it } from 'vitest'
import { TopicPartition } from '../../src/base/TopicPartition.ts'
import { TopicPartitionSet } from '../../src/base/TopicPartitionMap.ts'

import { parseConfigsToBeAdded } from '../../src/cli/admin/ConfigCommand.ts'
import { parseDatetime, parseDuration } from '../../src/cli/admin/offset-reset.ts'
import { DefaultMessageFormatter } from '../../src/cli/tools/DefaultMessageFormatter.ts'
import { LineMessageReader } from '../../src/cli/tools/LineMessageReader.ts'
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
    expect(() => new LineMessageReader({ 'parse.keys': 'true' })).toThrow('parse.keys')
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

  it('reads numbers, and refuses what it does not know', () => {
    const value = Buffer.alloc(8)
    value.writeBigInt64BE(-7n)
    const name = 'org.apache.kafka.common.serialization.LongDeserializer'
    const formatter = new DefaultMessageFormatter({ 'value.deserializer': name })
    expect(String(formatter.format({ ...record, value }))).toBe('-7\n')
    expect(() => new DefaultMessageFormatter({ colour: 'red' })).toThrow('colour')
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
