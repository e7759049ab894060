import fc from 'fast-check'
import { describe, expect, it } from 'vitest'
import { ByteReader } from '../../src/base/bytes/ByteReader.ts'
import { ByteWriter } from '../../src/base/bytes/ByteWriter.ts'
import {
  sizeOfUnsignedVarint,
  sizeOfVarint,
  sizeOfVarlong,
} from '../../src/base/bytes/varint.ts'
import {
  crc32,
  crc32c,
  crc32cInTypeScript,
  crc32InTypeScript,
} from '../../src/base/crc.ts'
import { SchemaException } from '../../src/base/errors.ts'
import {
  abs,
  javaBytesHashCode,
  javaStringHashCode,
  murmur2,
} from '../../src/base/hash.ts'

const seeded = { seed: 20180719, numRuns: 300 }
const int32 = fc.integer({ min: -(2 ** 31), max: 2 ** 31 - 1 })

function written(fill: (writer: ByteWriter) => void): Buffer {
  const writer = new ByteWriter(1)
  fill(writer)
  return Buffer.from(writer.toBuffer())
}

describe('ByteWriter and ByteReader', () => {
  it('read back every value that was written', () => {
    fc.assert(
      fc.property(
        fc.maxSafeInteger(),
        int32,
        fc.bigInt({ min: -(2n ** 63n), max: 2n ** 63n - 1n }),
        fc.option(fc.string({ unit: 'binary' })),
        fc.option(fc.uint8Array()),
        (long, int, big, text, bytes) => {
          const buffer = written((w) => {
            w.writeInt64(long).writeInt32(int).writeBigInt64(big)
            w.writeNullableString(text).writeNullableBytes(bytes)
            w.writeVarlong(long).writeVarint(int).writeUnsignedVarint(int)
          })
          const r = new ByteReader(buffer)
          expect(r.readInt64()).toBe(long)
          expect(r.readInt32()).toBe(int)
          expect(r.readBigInt64()).toBe(big)
          expect(r.readNullableString()).toBe(text)
          expect(r.readNullableBytes()).toEqual(bytes && Buffer.from(bytes))
          expect(r.readVarlong()).toBe(long)
          expect(r.readVarint()).toBe(int)
          expect(r.readUnsignedVarint()).toBe(int >>> 0)
          expect(r.remaining).toBe(0)
        },
      ),
      seeded,
    )
  })

  it('ByteReader refuses every truncation with SchemaException', () => {
    const whole = written((w) => {
      w.writeInt64(2 ** 40)
        .writeString('topic')
        .writeBytes(Buffer.from('abc'))
      w.writeVarlong(2 ** 50).writeVarint(-(2 ** 30))
    })
    for (let length = 0; length < whole.length; length++) {
      const r = new ByteReader(whole, 0, length)
      const readAll = () => {
        r.readInt64()
        r.readString()
        r.readBytes()
        r.readVarlong()
        r.readVarint()
      }
      expect(readAll, `truncated to ${length}`).toThrow(SchemaException)
      expect(r.position).toBeLessThanOrEqual(length)
    }
  })

  it('readInt64() rounds what is beyond 53 bits, and it can be written again', () => {
    const again = (value: bigint) => {
      const buffer = written((w) => w.writeBigInt64(value))
      const read = new ByteReader(buffer).readInt64()
      expect(read).toBe(Number(value))
      return new ByteReader(written((w) => w.writeInt64(read))).readBigInt64()
    }
    const max = 2n ** 63n - 1n
    for (const exact of [0n, -1n, 2n ** 53n - 1n, 2n ** 53n, max, -max - 1n]) {
      expect(again(exact)).toBe(exact)
    }
    expect(again(1_700_000_000_123_456_789n)).toBe(1_700_000_000_123_456_768n)
    expect(again(2n ** 53n + 1n)).toBe(2n ** 53n)
    expect(() => written((w) => w.writeInt64(0.5))).toThrow(SchemaException)
    expect(() => written((w) => w.writeInt64(2 ** 64))).toThrow(SchemaException)
  })

  it('readBytes() gives a view, not a copy', () => {
    const buffer = written((w) => w.writeBytes(Buffer.from('abc')))
    const bytes = new ByteReader(buffer).readBytes()
    buffer[4] = 0x7a
    expect(bytes.toString()).toBe('zbc')
  })

  it('varints have the bytes that the format says', () => {
    const hex = (fill: (w: ByteWriter) => void) => written(fill).toString('hex')
    expect(hex((w) => w.writeUnsignedVarint(300))).toBe('ac02')
    expect(hex((w) => w.writeVarint(-1))).toBe('01')
    expect(hex((w) => w.writeVarint(64))).toBe('8001')
    expect(hex((w) => w.writeVarint(-(2 ** 31)))).toBe('ffffffff0f')
    expect(hex((w) => w.writeVarlong(2 ** 31))).toBe('8080808010')
    expect(hex((w) => w.writeVarlong(-(2 ** 31) - 1))).toBe('8180808010')
  })

  it('sizeOf…() tells what writing takes', () => {
    fc.assert(
      fc.property(fc.maxSafeInteger(), int32, (long, int) => {
        expect(written((w) => w.writeVarlong(long)).length).toBe(sizeOfVarlong(long))
        expect(written((w) => w.writeVarint(int)).length).toBe(sizeOfVarint(int))
        expect(written((w) => w.writeUnsignedVarint(int)).length).toBe(
          sizeOfUnsignedVarint(int),
        )
      }),
      seeded,
    )
  })

  it('readVarint() and readVarlong() refuse endless bytes', () => {
    const endless = Buffer.alloc(20, 0xff)
    expect(() => new ByteReader(endless).readVarint()).toThrow(SchemaException)
    expect(() => new ByteReader(endless).readVarlong()).toThrow(SchemaException)
  })

  it('writeSource() lets a source copy itself, and holds it to its size', () => {
    const copyInto = (target: Buffer, offset: number) => target.write('xyz', offset)
    const buffer = written((w) =>
      w.writeInt8(1).writeSource({ sizeInBytes: 3, copyInto }),
    )
    expect(buffer.toString('latin1')).toBe('\u0001xyz')
    const lying = () => written((w) => w.writeSource({ sizeInBytes: 4, copyInto }))
    expect(lying).toThrow(SchemaException)
  })

  it('patchInt32() fills in a length afterwards', () => {
    const writer = new ByteWriter().writeInt32(0).writeString('ab')
    writer.patchInt32(0, writer.position - 4)
    expect(writer.toBuffer().toString('hex')).toBe('0000000400026162')
  })
})

describe('crc', () => {
  it('crc32c() and crc32() give the check values', () => {
    const check = Buffer.from('123456789')
    expect(crc32c(check)).toBe(0xe3069283)
    expect(crc32(check)).toBe(0xcbf43926)
  })

  it('agree with and without machine code, in pieces and as a whole', () => {
    const bytes = fc.uint8Array({ minLength: 0, maxLength: 2000 })
    fc.assert(
      fc.property(bytes, fc.nat(2000), (data, cut) => {
        const buffer = Buffer.from(data)
        const at = Math.min(cut, buffer.length)
        const castagnoli = crc32cInTypeScript(buffer)
        expect(crc32c(buffer)).toBe(castagnoli)
        const front = crc32c(buffer, 0, at)
        expect(crc32c(buffer, at, buffer.length, front)).toBe(castagnoli)
        expect(crc32(buffer)).toBe(crc32InTypeScript(buffer))
      }),
      seeded,
    )
  })
})

describe('hash', () => {
  it('gives the numbers that Java gives', () => {
    expect(javaStringHashCode('')).toBe(0)
    expect(javaStringHashCode('hello')).toBe(99162322)
    expect(javaStringHashCode('polygenelubricants')).toBe(-2147483648)
    expect(abs(javaStringHashCode('polygenelubricants'))).toBe(0)
    expect(javaBytesHashCode(Buffer.from('abc'))).toBe(126145)
    expect(javaBytesHashCode(Buffer.from([0xff]))).toBe(30)
  })

  it('murmur2() gives the numbers of Kafka’s own test', () => {
    const cases = {
      '21': -973932308,
      foobar: -790332482,
      'a-little-bit-long-string': -985981536,
    }
    for (const [text, hash] of Object.entries(cases)) {
      expect(murmur2(Buffer.from(text))).toBe(hash)
    }
  })
})
