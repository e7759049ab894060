import fc from 'fast-check'
import { describe, expect, it } from 'vitest'
import { ByteReader } from '../../src/base/bytes/ByteReader.ts'
import { ByteWriter } from '../../src/base/bytes/ByteWriter.ts'
import { SchemaException, UnsupportedVersionException } from '../../src/base/errors.ts'
import { ApiKeys } from '../../src/protocol/ApiKeys.ts'
import { Fetch } from '../../src/protocol/messages/Fetch.ts'
import { Metadata } from '../../src/protocol/messages/Metadata.ts'
import { Produce } from '../../src/protocol/messages/Produce.ts'
import { arbitraryStruct, decoded, encoded, everyVersion } from './schema-tools.ts'

const seed = 20180719

describe.each(everyVersion)('$name', ({ schema, version }) => {
  const messages = arbitraryStruct(schema.fields, version)

  it('decode() gives back what encode() was given', () => {
    fc.assert(
      fc.property(messages, (message) => {
        const bytes = encoded(schema, version, message)
        expect(decoded(schema, version, bytes)).toEqual({
          value: message,
          remaining: 0,
        })
      }),
      { seed, numRuns: 20 },
    )
  })

  it('decode() refuses bytes that end early, wherever they end', () => {
    fc.assert(
      fc.property(messages, (message) => {
        const bytes = encoded(schema, version, message)
        for (let end = 0; end < bytes.length; end++)
          expect(() => decoded(schema, version, bytes.subarray(0, end))).toThrow(
            SchemaException,
          )
      }),
      { seed, numRuns: 5 },
    )
  })

  it('decode() reads or refuses any bytes, and fails in no other way', () => {
    fc.assert(
      fc.property(fc.uint8Array({ maxLength: 64 }), (random) => {
        try {
          decoded(schema, version, Buffer.from(random))
        } catch (e) {
          expect(e).toBeInstanceOf(SchemaException)
        }
      }),
      { seed, numRuns: 50 },
    )
  })
})

describe('Schema', () => {
  it('decode() refuses an array that claims more elements than there are bytes', () => {
    for (const count of [0x7fffffff, 1000, -2, -0x80000000]) {
      const bytes = Buffer.alloc(40)
      bytes.writeInt32BE(count)
      expect(() => Metadata.request.decode(1, new ByteReader(bytes))).toThrow(
        SchemaException,
      )
    }
  })

  it('decode() takes null only from the version on that allows it', () => {
    const nullArray = Buffer.from('ffffffff', 'hex')
    expect(() => Metadata.request.decode(0, new ByteReader(nullArray))).toThrow(
      SchemaException,
    )
    const request = Metadata.request.decode(1, new ByteReader(nullArray))
    expect(request).toEqual({ topics: null, allowAutoTopicCreation: true })
  })

  it('decode() gives records as a view of the frame', () => {
    const records = Buffer.from('records')
    const topicData = [{ name: 't', partitionData: [{ index: 0, records }] }]
    const bytes = encoded(Produce.request, 3, { acks: 1, timeoutMs: 1000, topicData })
    const request = Produce.request.decode(3, new ByteReader(bytes))
    const view = request.topicData[0]!.partitionData[0]!.records!
    expect(view).toEqual(records)
    expect(view.buffer).toBe(bytes.buffer)
  })

  it('encode() lets records copy themselves in place', () => {
    const source = {
      sizeInBytes: 3,
      copyInto: (target: Buffer, offset: number) => target.write('abc', offset),
    }
    const partition = { partition: 0, errorCode: 0, highWatermark: 1 }
    const response = (records: typeof source | Buffer) => ({
      responses: [{ topic: 't', partitions: [{ ...partition, records }] }],
    })
    expect(encoded(Fetch.response, 7, response(source))).toEqual(
      encoded(Fetch.response, 7, response(Buffer.from('abc'))),
    )
  })

  it('encode() names the field that is missing or may not be null', () => {
    const encode = (value: unknown) => () =>
      Produce.request.encode(0, value as never, new ByteWriter())
    expect(encode({ acks: 1, timeoutMs: 1 })).toThrow('field topicData is missing')
    expect(encode({ acks: 1, timeoutMs: 1, topicData: null })).toThrow(
      'cannot encode Produce request v0: field topicData cannot be null in version 0',
    )
  })

  it('refuses versions that 1.1.1 does not have', () => {
    for (const version of [-1, 6, 0.5])
      expect(() =>
        Produce.request.decode(version, new ByteReader(Buffer.alloc(9))),
      ).toThrow(UnsupportedVersionException)
  })
})

describe('ApiKeys', () => {
  it('lists keys 0 to 42, each found by its number', () => {
    expect(ApiKeys.all.map((api) => api.key)).toEqual([...Array(43).keys()])
    for (const api of ApiKeys.all) expect(ApiKeys.forId(api.key)).toBe(api)
    expect(ApiKeys.forId(43)).toBeUndefined()
    expect(ApiKeys.forId(-1)).toBeUndefined()
  })

  it('marks what only brokers may send', () => {
    const keys = ApiKeys.all.filter((api) => api.clusterAction).map((api) => api.key)
    expect(keys).toEqual([4, 5, 6, 7, 23, 27])
  })

  it('marks what needs message format 2 between brokers', () => {
    const keys = ApiKeys.all
      .filter((api) => api.minRequiredInterBrokerMagic === 2)
      .map((api) => api.key)
    expect(keys).toEqual([24, 25, 26, 27, 28])
  })
})
