import { describe, expect, it } from 'vitest'
import { SchemaException } from '../../src/base/errors.ts'
import { TopicPartition } from '../../src/base/TopicPartition.ts'
import { GroupMetadata } from '../../src/coordinator/group/GroupMetadata.ts'
import {
  groupMetadataKey,
  groupMetadataValue,
  offsetCommitKey,
  offsetCommitValue,
  readGroupMessageValue,
  readMessageKey,
  readOffsetMessageValue,
} from '../../src/coordinator/group/group-messages.ts'
import { MemberMetadata } from '../../src/coordinator/group/MemberMetadata.ts'

const t3 = new TopicPartition('t', 3)

describe('records of __consumer_offsets', () => {
  it('the key of an offset is [1 | group | topic | partition]', () => {
    const key = offsetCommitKey('g', t3)
    expect(key.toString('hex')).toBe(`0001${'0001' + '67'}${'0001' + '74'}00000003`)
    expect(readMessageKey(key)).toMatchObject({ kind: 'offset', group: 'g' })
    key.writeInt16BE(0)
    expect(readMessageKey(key)).toMatchObject({ kind: 'offset', version: 0 })
  })

  it('the key of a group is [2 | group]', () => {
    expect(groupMetadataKey('g').toString('hex')).toBe('0002000167')
    expect(readMessageKey(groupMetadataKey('g'))).toMatchObject({ kind: 'group' })
    expect(() => readMessageKey(Buffer.from('0003000167', 'hex'))).toThrow('version 3')
  })

  it('an offset is [1 | offset | metadata | commit time | expire time]', () => {
    const offset = { offset: 5, metadata: 'm', commitTimestamp: 6, expireTimestamp: 7 }
    const value = offsetCommitValue(offset)
    const hex = `0001${'5'.padStart(16, '0')}00016d${'6'.padStart(16, '0')}${'7'.padStart(16, '0')}`
    expect(value.toString('hex')).toBe(hex)
    expect(readOffsetMessageValue(value)).toEqual(offset)

    // The oldest form has one time.
    const old = Buffer.concat([Buffer.from('0000', 'hex'), value.subarray(2, 21)])
    expect(readOffsetMessageValue(old)).toEqual({ ...offset, expireTimestamp: -1 })
    for (let end = 0; end < value.length; end++) {
      expect(() => readOffsetMessageValue(value.subarray(0, end))).toThrow(
        SchemaException,
      )
    }
  })

  it('a group is read as it was written', () => {
    const group = new GroupMetadata('g', 'PreparingRebalance')
    group.add(
      new MemberMetadata({
        memberId: 'm-1',
        groupId: 'g',
        clientId: 'm',
        clientHost: '/h',
        rebalanceTimeoutMs: 60_000,
        sessionTimeoutMs: 10_000,
        protocolType: 'consumer',
        supportedProtocols: [{ name: 'range', metadata: Buffer.from('sub') }],
      }),
    )
    group.initNextGeneration()
    const value = groupMetadataValue(group, new Map([['m-1', Buffer.from('all')]]))
    const read = readGroupMessageValue('g', value)
    expect(read.toString()).toBe('group g Stable generation 1 members 1')
    expect(read.summary()).toMatchObject({
      protocol: 'range',
      protocolType: 'consumer',
    })
    expect(read.get('m-1')).toMatchObject({
      rebalanceTimeoutMs: 60_000,
      clientHost: '/h',
    })
    expect(read.get('m-1').assignment.toString()).toBe('all')
    expect(() => readGroupMessageValue('g', value.subarray(0, -1))).toThrow(
      SchemaException,
    )
  })
})
