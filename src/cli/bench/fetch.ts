/**
 * # bench fetch
 *
 * MB a second out of one partition, a megabyte a request, in turn with a bare server that
 * sends the same file.
 *
 * @module
 */
import { readdirSync } from 'node:fs'
import { join } from 'node:path'
import { ByteReader } from '../../base/bytes/ByteReader.ts'
import { ApiKeys } from '../../protocol/ApiKeys.ts'
import { inTemporaryDirectory, portOf, startBroker, startModule } from './processes.ts'
import { ratioRow } from './produce.ts'
import { batchOf, createTopic, fetchFrame, produceFrame } from './produce-frames.ts'
import { pump } from './pump.ts'
import { table } from './windows.ts'

const ROUNDS = 4
const FILL_SECONDS = 1
const FETCH_BYTES = 1_048_576

/** Runs the benchmark and prints its table. */
export function fetch(seconds: number): Promise<string> {
  return inTemporaryDirectory(async (dir) => {
    const broker = await startBroker(dir)
    const rows = [
      ['fetch, MB/s', 'broker p50', 'p95', 'file p50', 'p95', 'ratio p50', 'p95'],
    ]
    try {
      for (const bytes of [100, 1024, 10_240]) {
        rows.push(await compare(bytes, seconds, portOf(broker.line), dir))
      }
      return table(rows)
    } finally {
      await broker.stop()
    }
  })
}

async function compare(
  recordBytes: number,
  seconds: number,
  port: number,
  dir: string,
): Promise<string[]> {
  // Fill a partition, then read it over and over.
  const topic = `bench-${recordBytes}`
  await createTopic(port, topic)
  const records = batchOf(recordBytes, 100_000)
  const frame = produceFrame(topic, records)
  await pump({ port, frame, inFlight: 5, seconds: FILL_SECONDS, count: 'sent' })
  const file = await startModule('./sink.js', [
    'serve',
    segmentOf(dir, topic),
    String(FETCH_BYTES),
  ])
  const filePort = Number(file.line.slice(5))

  const reader = new PartitionReader(topic)
  const rates = { broker: [] as number[], file: [] as number[] }
  const slice = { inFlight: 1, seconds: seconds / ROUNDS, count: 'received' } as const
  for (let round = 0; round < ROUNDS; round++) {
    rates.broker.push(
      ...(await pump({
        ...slice,
        port,
        frame: () => reader.next(),
        inspect: (payload) => reader.take(payload),
      })),
    )
    rates.file.push(
      ...(await pump({
        ...slice,
        port: filePort,
        frame: () => reader.next(),
        inspect: () => {},
      })),
    )
  }
  await file.stop()
  return ratioRow(`${recordBytes} B records`, rates.broker, rates.file)
}

function segmentOf(dir: string, topic: string): string {
  const found = readdirSync(dir, { recursive: true, encoding: 'utf8' }).find(
    (name) => name.includes(`${topic}-0`) && name.endsWith('.log'),
  )
  if (!found) throw new Error(`no segment of ${topic} below ${dir}`)
  return join(dir, found)
}

/** Walks over a partition from its beginning, again and again. */
class PartitionReader {
  readonly #topic: string
  #offset = 0

  constructor(topic: string) {
    this.#topic = topic
  }

  next(): Buffer {
    // Do not wait at the end: begin again.
    return fetchFrame(this.#topic, this.#offset, FETCH_BYTES, 0)
  }

  take(payload: Buffer): void {
    const response = ApiKeys.FETCH.response.decode(4, new ByteReader(payload, 4))
    const partition = response.responses[0]?.partitions[0]
    const records = partition?.records
    if (!records || records.length === 0) {
      this.#offset = 0
      return
    }

    // Go behind the last whole batch: its base offset and last delta say where.
    let at = 0
    while (at + 27 <= records.length) {
      const size = 12 + records.readInt32BE(at + 8)
      if (at + size > records.length) break
      this.#offset =
        Number(records.readBigInt64BE(at)) + records.readInt32BE(at + 23) + 1
      at += size
    }
  }
}
