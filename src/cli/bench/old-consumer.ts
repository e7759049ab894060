/**
 * # bench old-consumer
 *
 * MB a second through a `KafkaStream` of the old consumer, in turn with a bare client that
 * asks for the same bytes with the same requests and looks at nothing but their length. The
 * broker is a process of its own and stores what the old clients send as it is, in format
 * 1; one more row is of a topic in the present format, whose messages it converts.
 *
 * @module
 */
import { ByteReader } from '../../base/bytes/ByteReader.ts'
import { ConsumerTimeoutException } from '../../base/errors.ts'
import { nodePlatform } from '../../base/platform/node/node-platform.ts'
import { ConsumerConfig } from '../../consumer/ConsumerConfig.ts'
import { Consumer } from '../../consumer/ConsumerConnector.ts'
import { DefaultDecoder } from '../../consumer/Decoder.ts'
import type { KafkaStream } from '../../consumer/KafkaStream.ts'
import { ApiKeys } from '../../protocol/ApiKeys.ts'
import { encodeRequest } from '../../protocol/framing.ts'
import { MemoryRecords } from '../../record/MemoryRecords.ts'
import { connectWithNodeZookeeperClient } from '../../zookeeper/node-zookeeper-client-session.ts'
import { inTemporaryDirectory, portOf, startBroker } from './processes.ts'
import { ratioRow } from './produce.ts'
import { createTopic, produceFrame } from './produce-frames.ts'
import { pump } from './pump.ts'
import { fixed, percentile, table, Windows } from './windows.ts'

const ROUNDS = 4
const BATCH_BYTES = 1_000_000
const FILL_SECONDS = 1

/** What both sides ask for at once: the default of `fetch.message.max.bytes`. */
const FETCH_BYTES = 1_048_576

/** Version of Fetch that the old consumer speaks. */
const FETCH_VERSION = 3

/** Version of Produce that takes messages of magic 1. */
const PRODUCE_VERSION = 2

/** Messages after which the clock is looked at. */
const MESSAGES_AT_ONCE = 100

/** Bytes of a message of magic 1 without a key, beside its value. */
const MESSAGE_OVERHEAD = 34

/** A topic to read. */
interface Reading {
  readonly topic: string
  readonly recordBytes: number
  readonly port: number
  readonly zookeeper: string
  readonly seconds: number
}

/** Runs the benchmark and prints its table. */
export async function oldConsumer(seconds: number): Promise<string> {
  const rows = [
    [
      ...['old consumer, MB/s', 'stream p50', 'p95', 'raw fetch p50', 'p95'],
      ...['ratio p50', 'p95', 'records/s'],
    ],
  ]
  rows.push(...(await onBroker('0.10.2', [100, 1024], '', seconds)))
  rows.push(...(await onBroker('1.1', [1024], ', converted', seconds)))
  return table(rows)
}

/** One row a size of records, on a broker that stores messages in one format. */
function onBroker(
  format: string,
  sizes: readonly number[],
  remark: string,
  seconds: number,
): Promise<string[][]> {
  return inTemporaryDirectory(async (dir) => {
    const setting = `log.message.format.version=${format}`
    const broker = await startBroker(dir, [setting])
    const zookeeper = /zookeeper\.connect=(\S+)/.exec(broker.line)?.[1] ?? ''
    const port = portOf(broker.line)
    const rows: string[][] = []
    try {
      for (const recordBytes of sizes) {
        const topic = `bench-${recordBytes}`
        const reading = { topic, recordBytes, port, zookeeper, seconds }
        const [name = '', ...figures] = await compare(reading)
        rows.push([`${name}${remark}`, ...figures])
      }
      return rows
    } finally {
      await broker.stop()
    }
  })
}

async function compare(reading: Reading): Promise<string[]> {
  // Fill a partition as an old producer would.
  const { topic, recordBytes, port } = reading
  await createTopic(port, topic)
  const frame = produceFrame(topic, oldBatchOf(recordBytes), 1, PRODUCE_VERSION)
  await pump({ port, frame, inFlight: 5, seconds: FILL_SECONDS, count: 'sent' })

  // Read it with both, in turn.
  const rates = { stream: [] as number[], raw: [] as number[] }
  const seconds = reading.seconds / ROUNDS
  for (let round = 0; round < ROUNDS; round++) {
    rates.stream.push(...(await readStream(reading, round, seconds)))
    const reader = new OldPartitionReader(topic)
    rates.raw.push(
      ...(await pump({
        ...{ port, seconds, inFlight: 1, count: 'received' },
        frame: () => reader.next(),
        inspect: (payload) => reader.take(payload),
      })),
    )
  }
  const row = ratioRow(`${recordBytes} B records`, rates.stream, rates.raw)
  const bytes = recordBytes + MESSAGE_OVERHEAD
  const recordsPerSecond = (percentile(rates.stream, 0.5) * 1e6) / bytes
  return [...row, fixed(recordsPerSecond, 0)]
}

/** Messages of magic 1, as many as fill a batch. */
function oldBatchOf(recordBytes: number): MemoryRecords {
  const count = Math.floor(BATCH_BYTES / (recordBytes + MESSAGE_OVERHEAD))
  const value = Buffer.alloc(recordBytes, 'annotated kafka ')
  const records = Array.from({ length: count }, () => ({ value, timestamp: 1 }))
  return MemoryRecords.withRecords({ magic: 1 }, ...records)
}

/** Reads from the beginning, in a group of its own. @returns MB/s of every window */
async function readStream(
  { topic, recordBytes, zookeeper }: Reading,
  round: number,
  seconds: number,
): Promise<number[]> {
  const config = new ConsumerConfig({
    'group.id': `${topic}-${round}`,
    'zookeeper.connect': zookeeper,
    'auto.offset.reset': 'smallest',
    'auto.commit.enable': 'false',
    'fetch.message.max.bytes': String(FETCH_BYTES),
    'consumer.timeout.ms': '1000',
  })
  const connector = await Consumer.create(config, {
    ...{ platform: nodePlatform(), zooKeeperConnect: connectWithNodeZookeeperClient },
  })
  const decoder = new DefaultDecoder()
  try {
    const topics = new Map([[topic, 1]])
    const streams = await connector.createMessageStreams(topics, decoder, decoder)
    const [stream] = streams.get(topic) ?? []
    if (stream === undefined) throw new Error(`no stream of ${topic}`)

    return await countMessages(stream, recordBytes, seconds)
  } finally {
    await connector.shutdown()
  }
}

/** Counts from the first message on, until the time or the messages are over. */
async function countMessages(
  stream: KafkaStream<Buffer, Buffer>,
  recordBytes: number,
  seconds: number,
): Promise<number[]> {
  let windows: Windows | undefined
  let until = 0
  let messages = 0
  try {
    for await (const message of stream) {
      if (windows === undefined) {
        windows = new Windows()
        until = performance.now() + seconds * 1000
      }
      if (message.message()?.length !== recordBytes) throw new Error('another message')
      if (++messages % MESSAGES_AT_ONCE !== 0) continue
      windows.add(MESSAGES_AT_ONCE * (recordBytes + MESSAGE_OVERHEAD))
      if (performance.now() > until) break
    }
  } catch (error) {
    if (!(error instanceof ConsumerTimeoutException)) throw error
  }
  return windows?.rates() ?? []
}

/** Walks over a partition of equal messages from its beginning, again and again. */
class OldPartitionReader {
  readonly #topic: string
  #offset = 0

  constructor(topic: string) {
    this.#topic = topic
  }

  next(): Buffer {
    const partition = { partition: 0, fetchOffset: this.#offset }
    return encodeRequest(ApiKeys.FETCH, FETCH_VERSION, 1, 'bench', {
      ...{ replicaId: -1, maxWaitMs: 0, minBytes: 1, maxBytes: 0x7fffffff },
      topics: [
        {
          topic: this.#topic,
          partitions: [{ ...partition, partitionMaxBytes: FETCH_BYTES }],
        },
      ],
    })
  }

  take(payload: Buffer): void {
    // At the end begin again.
    const reader = new ByteReader(payload, 4)
    const { responses } = ApiKeys.FETCH.response.decode(FETCH_VERSION, reader)
    const records = responses[0]?.partitions[0]?.records
    if (!records || records.length < MESSAGE_OVERHEAD) {
      this.#offset = 0
      return
    }

    // All messages have the size of the first.
    const bytes = 12 + records.readInt32BE(8)
    this.#offset =
      Number(records.readBigInt64BE(0)) + Math.floor(records.length / bytes)
  }
}
