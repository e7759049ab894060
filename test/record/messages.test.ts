import { describe, expect, it } from 'vitest'
import { IllegalArgumentException } from '../../src/base/errors.ts'
import { ByteBufferMessageSet } from '../../src/record/ByteBufferMessageSet.ts'
import { CompressionType } from '../../src/record/CompressionType.ts'
import { MemoryRecords } from '../../src/record/MemoryRecords.ts'
import { Message } from '../../src/record/Message.ts'

const { NONE, GZIP } = CompressionType
const b = (text: string) => Buffer.from(text)

/** Messages `a`, `b`, `c` of a format. */
const abc = (magicValue: number) =>
  ['a', 'b', 'c'].map((text) =>
    Message.of({ bytes: b(text), key: b(`k${text}`), magicValue }),
  )

describe('Message', () => {
  it('of() writes the fixed bytes of a magic-0 message', () => {
    const message = Message.of({ bytes: b('hi'), key: b('k'), magicValue: 0 })
    expect(message.buffer.subarray(4).toString('hex')).toBe(
      '0000000000016b000000026869',
    )
    expect(message.isValid).toBe(true)
  })

  it('of() keeps null apart from empty', () => {
    const message = Message.of({ bytes: null, key: b(''), timestamp: 77 })
    expect(message).toMatchObject({
      payload: null,
      payloadSize: -1,
      isNull: true,
      keySize: 0,
      hasKey: true,
      timestamp: 77,
      timestampType: 'CreateTime',
      magic: 1,
      compressionCodec: NONE,
    })
  })

  it('of() refuses a timestamp where the format has none', () => {
    const attempt = () => Message.of({ bytes: null, timestamp: 5, magicValue: 0 })
    expect(attempt).toThrow(IllegalArgumentException)
  })
})

describe.each([0, 1])('ByteBufferMessageSet of magic %i', (magic) => {
  it('gives messages with offsets 0, 1, 2', () => {
    const messages = abc(magic)
    const set = ByteBufferMessageSet.create(NONE, ...messages)
    expect(set.sizeInBytes).toBe(ByteBufferMessageSet.messageSetSize(messages))
    const read = [...set]
    expect(read.map(({ offset, nextOffset }) => [offset, nextOffset])).toEqual([
      [0, 1],
      [1, 2],
      [2, 3],
    ])
    for (const [i, { message }] of read.entries()) {
      expect(message.equals(messages[i]!)).toBe(true)
    }
  })

  it('goes over a wrapper shallow and deep', () => {
    const entries = abc(magic).map((message, i) => ({ message, offset: 40 + i }))
    const set = ByteBufferMessageSet.createWithOffsets(GZIP, entries)
    const [wrapper, ...more] = [...set.shallowIterator()]
    expect(more).toEqual([])
    expect(wrapper).toMatchObject({ offset: 42 })
    expect(wrapper!.message.compressionCodec).toBe(GZIP)

    const deep = [...set].map(({ offset, message }) => [
      offset,
      String(message.payload),
    ])
    expect(deep).toEqual([
      [40, 'a'],
      [41, 'b'],
      [42, 'c'],
    ])
  })

  it('stops at a message that a fetch cut off', () => {
    const whole = ByteBufferMessageSet.create(NONE, ...abc(magic))
    const cut = new ByteBufferMessageSet(
      whole.buffer.subarray(0, whole.sizeInBytes - 1),
    )
    expect([...cut]).toHaveLength(2)
    expect(cut.validBytes).toBe((whole.sizeInBytes / 3) * 2)
    expect(cut.lastShallow?.offset).toBe([...cut.shallowIterator()].at(-1)?.offset)
    expect(cut.lastShallow?.message.payload?.toString()).toBe('b')
    expect(ByteBufferMessageSet.Empty.lastShallow).toBeUndefined()
  })
})

describe('ByteBufferMessageSet', () => {
  it('refuses messages of two formats, and packed ones', () => {
    const [old] = abc(0)
    const [newer] = abc(1)
    const mixed = () => ByteBufferMessageSet.create(NONE, old!, newer!)
    expect(mixed).toThrow(IllegalArgumentException)
    const packed = Message.of({ bytes: b('x'), codec: GZIP })
    expect(() => ByteBufferMessageSet.create(NONE, packed)).toThrow(
      IllegalArgumentException,
    )
  })

  it('refuses to show magic 2', () => {
    const set = new ByteBufferMessageSet(MemoryRecords.withRecords({}, {}).buffer)
    expect(() => [...set]).toThrow(IllegalArgumentException)
    expect(() => [...set.shallowIterator()]).toThrow(IllegalArgumentException)
  })
})
