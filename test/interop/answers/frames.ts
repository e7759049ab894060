/** Bytes that are no request, or one with everything wrong. */

import { crc32c } from '../../../src/base/crc.ts'
import type { AnyApi, RequestInputOf } from '../../../src/protocol/Api.ts'
import { ApiKeys } from '../../../src/protocol/ApiKeys.ts'
import { encodeRequest } from '../../../src/protocol/framing.ts'
import { ControlledShutdown } from '../../../src/protocol/messages/ControlledShutdown.ts'
import { DeleteRecords } from '../../../src/protocol/messages/DeleteRecords.ts'
import { Fetch } from '../../../src/protocol/messages/Fetch.ts'
import { ListOffsets } from '../../../src/protocol/messages/ListOffsets.ts'
import { OffsetCommit } from '../../../src/protocol/messages/OffsetCommit.ts'
import { Produce } from '../../../src/protocol/messages/Produce.ts'
import { batchOf } from '../../server/clients.ts'
import { type BrokerPair, versionsOf } from './BrokerPair.ts'

/** A header without a client id, and bytes behind it. */
function frameOf(apiKey: number, version: number, behind = Buffer.alloc(50)): Buffer {
  const header = Buffer.alloc(10)
  header.writeInt16BE(apiKey, 0)
  header.writeInt16BE(version, 2)
  header.writeInt32BE(7, 4)
  header.writeInt16BE(-1, 8)
  return Buffer.concat([header, behind])
}

/** Asks all of it. */
export async function frames(pair: BrokerPair): Promise<void> {
  // Every API, with zeros, with ones, with nothing, in versions there are not.
  for (const api of ApiKeys.all) {
    // The shutdown of broker 0 would be carried out.
    for (const version of api === ControlledShutdown ? [] : versionsOf(api)) {
      const name = `${api.name} ${version}`
      await pair.compareBytes(`${name} of zeros`, frameOf(api.key, version), api)
    }
    const { key, maxVersion, name } = api
    const ones = Buffer.alloc(50, 0xff)
    await pair.compareBytes(`${name} of ones`, frameOf(key, maxVersion, ones), api)
    const nothing = frameOf(key, maxVersion, Buffer.alloc(0))
    await pair.compareBytes(`${name} of nothing`, nothing, api)
    for (const version of [-1, maxVersion + 1]) {
      await pair.compareBytes(`${name} in version ${version}`, frameOf(key, version))
    }
  }
  for (const key of [-1, -2, 43, 44, 100, 32_767, -32_768]) {
    await pair.compareBytes(`API ${key}`, frameOf(key, 0))
  }

  // Headers and lengths.
  for (const length of [0, 1, 3, 7, 8, 9]) {
    await pair.compareBytes(`${length} bytes`, Buffer.alloc(length))
  }
  for (const length of [30_000, -7]) {
    const frame = frameOf(18, 0, Buffer.alloc(4))
    frame.writeInt16BE(length, 8)
    await pair.compareBytes(`a client id of ${length} bytes`, frame)
  }
  for (const size of [-1, 0, 104_857_601]) {
    const bytes = Buffer.alloc(4)
    bytes.writeInt32BE(size)
    await pair.compareStream(`a frame of ${size} bytes`, bytes)
  }
  await numbers(pair)
}

/** Numbers of 64 bits that no offset and no time ever reaches. */
async function numbers(pair: BrokerPair): Promise<void> {
  await pair.createTopics(['numbers'])
  const mark = Buffer.from('0001122334455667', 'hex')
  const marked = Number(mark.readBigInt64BE())
  const where = (fields: object) => [
    { name: 'numbers', topic: 'numbers', partitions: [{ partition: 0, ...fields }] },
  ]
  const commit = (fields: object) => ({
    ...{ groupId: 'numbers', generationId: -1, memberId: '' },
    topics: where({ committedOffset: 1, committedMetadata: '', ...fields }),
  })
  const fetch = { replicaId: -1, maxWaitMs: 0, minBytes: 1, maxBytes: 1000 }
  const questions: readonly (readonly [
    string,
    AnyApi,
    number,
    RequestInputOf<AnyApi>,
  ])[] = [
    [
      'Fetch',
      Fetch,
      4,
      { ...fetch, topics: where({ fetchOffset: marked, partitionMaxBytes: 1000 }) },
    ],
    ...[0, 1, 2].map((version) => {
      const topics = where({ timestamp: marked, maxNumOffsets: 1 })
      return [
        `ListOffsets ${version}`,
        ListOffsets,
        version,
        { replicaId: -1, topics },
      ] as const
    }),
    [
      'DeleteRecords',
      DeleteRecords,
      0,
      { topics: where({ offset: marked }), timeoutMs: 100 },
    ],
    [
      'OffsetCommit, how long',
      OffsetCommit,
      3,
      { ...commit({}), retentionTimeMs: marked },
    ],
    ['OffsetCommit, when', OffsetCommit, 1, commit({ commitTimestamp: marked })],
    ['OffsetCommit, what', OffsetCommit, 2, commit({ committedOffset: marked })],
  ]
  const values = [(1n << 63n) - 1n, -(1n << 63n), 1n << 53n, 1_700_000_000_000_000_000n]
  for (const value of values) {
    for (const [name, api, version, body] of questions) {
      const frame = encodeRequest(api, version, 7, 'client', body).subarray(4)
      frame.writeBigInt64BE(value, frame.indexOf(mark))
      await pair.compareBytes(`${name} of ${value}`, frame, api)
    }

    // The same in a batch: as its base offset, which says nothing, and as its times.
    const offset = batchOf(['a'])
    offset.writeBigInt64BE(value, 0)
    const time = batchOf(['a'])
    time.writeBigInt64BE(value, 27)
    time.writeBigInt64BE(value, 35)
    time.writeUInt32BE(crc32c(time.subarray(21)) >>> 0, 17)
    for (const [what, records] of [
      ['base offset', offset],
      ['time', time],
    ] as const) {
      const partitionData = [{ index: 0, records }]
      const body = { transactionalId: null, acks: 1, timeoutMs: 1000 }
      const topicData = [{ name: 'numbers', partitionData }]
      await pair.compare(`${what} of ${value}`, Produce, { ...body, topicData }, [5])
    }
  }
}
