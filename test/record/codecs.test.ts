import { gzipSync } from 'node:zlib'
import { compressFrameSync } from 'lz4-napi'
import { compressSync } from 'snappy'
import { describe, expect, it } from 'vitest'
import {
  IllegalArgumentException,
  InvalidRecordException,
  KafkaException,
} from '../../src/base/errors.ts'
import { BrokerCompressionCodec } from '../../src/record/BrokerCompressionCodec.ts'
import { CompressionType } from '../../src/record/CompressionType.ts'
import { optionalPackage } from '../../src/record/codecs/optional-package.ts'
import { xxHash32Short } from '../../src/record/codecs/xxhash32.ts'

const { NONE, GZIP, SNAPPY, LZ4 } = CompressionType
const CODECS = [NONE, GZIP, SNAPPY, LZ4]
const unpack = (type: CompressionType, data: Buffer, maxBytes = 1 << 24, magic = 2) =>
  type.decompress(data, { magic, maxBytes })

/** Bytes of which half repeat. */
function sample(length: number): Buffer {
  return Buffer.from(
    Array.from({ length }, (_, i) => (i % 3 ? i % 251 : (i * i) & 0xff)),
  )
}

describe.each(CODECS)('%s', (codec) => {
  it.each([0, 1, 100, 32_768, 32_769, 70_000, 300_000])(
    'gives back %i bytes',
    (length) => {
      const data = sample(length)
      for (const magic of [0, 1, 2]) {
        const packed = codec.compress(data, magic)
        expect(unpack(codec, packed, length, magic).equals(data)).toBe(true)
      }
    },
  )

  it('refuses to give one byte more than allowed', () => {
    const packed = codec.compress(Buffer.alloc(50_000))
    expect(() => unpack(codec, packed, 49_999)).toThrow(/more than the 49999 bytes/)
    expect(() => unpack(codec, packed, 49_999)).toThrow(InvalidRecordException)
  })

  it('refuses data that is cut short anywhere, if it is packed', () => {
    if (codec === NONE) return
    const packed = codec.compress(sample(2000))
    for (let length = 0; length < packed.length; length += 7) {
      // Cut behind its header, an empty xerial stream is whole.
      if (codec === SNAPPY && length === 16) continue
      expect(() => unpack(codec, packed.subarray(0, length))).toThrow(
        InvalidRecordException,
      )
    }
  })
})

describe('gzip', () => {
  it('reads several members as one', () => {
    const joined = Buffer.concat([gzipSync('ab'), gzipSync('cd')])
    expect(unpack(GZIP, joined).toString()).toBe('abcd')
  })
})

describe('snappy', () => {
  it('writes the xerial header and blocks of 32 KiB', () => {
    const packed = SNAPPY.compress(sample(40_000))
    expect(packed.subarray(0, 16).toString('hex')).toBe(
      '82534e41505059000000000100000001',
    )
    const first = packed.readInt32BE(16)
    expect(packed.readUIntLE(20, 3)).toBe(0x02_80_80) // 32768 as varint
    expect(packed.readInt32BE(20 + first)).toBe(packed.length - 24 - first)
  })

  it('reads a bare block', () => {
    expect(unpack(SNAPPY, compressSync('hello hello hello')).toString()).toBe(
      'hello hello hello',
    )
  })

  it('reads joined streams, whose header comes again', () => {
    const joined = Buffer.concat([
      SNAPPY.compress(Buffer.from('ab')),
      SNAPPY.compress(Buffer.from('cd')),
    ])
    expect(unpack(SNAPPY, joined).toString()).toBe('abcd')
  })

  it('allocates nothing for a block that announces gigabytes', () => {
    const bomb = Buffer.from([0xff, 0xff, 0xff, 0xff, 0x0f, 0, 0])
    expect(() => unpack(SNAPPY, bomb, 2 ** 40)).toThrow(/cannot hold/)
  })
})

describe('lz4', () => {
  it('writes independent blocks of 64 KiB without checksums', () => {
    const packed = LZ4.compress(Buffer.from('hello'))
    expect(packed.subarray(0, 7).toString('hex')).toBe('04224d18604082')
  })

  it('checks the header only from magic 1 on, where Kafka 0.8 had hashed too much', () => {
    const data = sample(100)
    const right = LZ4.compress(data, 1)
    const quirky = LZ4.compress(data, 0)
    expect(quirky[6]).toBe((xxHash32Short(quirky.subarray(0, 6)) >>> 8) & 0xff)
    expect(quirky[6]).not.toBe(right[6])
    expect(unpack(LZ4, quirky, 100, 0).equals(data)).toBe(true)
    expect(unpack(LZ4, right, 100, 0).equals(data)).toBe(true)
    expect(() => unpack(LZ4, quirky, 100, 1)).toThrow(/checksum/)
  })

  it('refuses dependent blocks', () => {
    const packed = LZ4.compress(Buffer.from('hello'))
    packed[4]! &= ~0x20
    packed[6] = (xxHash32Short(packed.subarray(4, 6)) >>> 8) & 0xff
    expect(() => unpack(LZ4, packed)).toThrow(/dependent blocks/)
  })

  it('passes over a content checksum, even a wrong one, and what follows', () => {
    const data = sample(500)
    const packed = compressFrameSync(data, {
      contentChecksum: true,
      blockChecksums: true,
    })
    packed[packed.length - 1]! ^= 0xff
    const more = Buffer.concat([packed, Buffer.from('rest')])
    expect(unpack(LZ4, more).equals(data)).toBe(true)
  })
})

describe('xxHash32Short()', () => {
  it.each([
    ['', 0x02cc5d05],
    ['a', 0x550d7456],
    ['abc', 0x32d153ff],
  ])('hashes %j as the reference does', (text, hash) => {
    expect(xxHash32Short(Buffer.from(text))).toBe(hash)
  })
})

describe('optionalPackage()', () => {
  it('says what to install when a package is missing', () => {
    const load = optionalPackage('snappy', 'no-such-package')
    expect(load).toThrow(KafkaException)
    expect(load).toThrow(/snappy batches need the package 'no-such-package'/)
  })
})

describe('forId()', () => {
  it.each([4, 5, 6, 7])('refuses id %i with the error that 1.1.1 gives', (id) => {
    expect(() => CompressionType.forId(id)).toThrow(IllegalArgumentException)
    try {
      CompressionType.forId(id)
    } catch (error) {
      expect((error as KafkaException).error.name).toBe('UNKNOWN_SERVER_ERROR')
    }
  })
})

describe('getTargetCompressionCodec()', () => {
  it('follows the producer only when told to', () => {
    const target = BrokerCompressionCodec.getTargetCompressionCodec
    expect(target('producer', LZ4)).toBe(LZ4)
    expect(target('uncompressed', LZ4)).toBe(NONE)
    expect(target('gzip', LZ4)).toBe(GZIP)
    expect(() => target('zstd', LZ4)).toThrow(IllegalArgumentException)
  })
})
