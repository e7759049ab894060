import { describe, expect, it } from 'vitest'
import { TopicPartition } from '../../src/base/TopicPartition.ts'
import { parseConfigsToBeAdded } from '../../src/cli/admin/ConfigCommand.ts'
import { parseDatetime, parseDuration } from '../../src/cli/admin/offset-reset.ts'
import { DefaultMessageFormatter } from '../../src/cli/tools/DefaultMessageFormatter.ts'
import { LineMessageReader } from '../../src/cli/tools/LineMessageReader.ts'
import { assignRanges } from '../../src/clients/GroupConsumer.ts'
import { murmur2 } from '../../src/clients/murmur2.ts'
import {
  deserializeAssignment,
  deserializeSubscription,
  serializeAssignment,
  serializeSubscription,
} from '../../src/protocol/ConsumerProtocol.ts'

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
