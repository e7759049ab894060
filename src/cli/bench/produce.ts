/**
 * # bench produce
 *
 * MB a second into one partition, for records of 100 B, 1 KB and 10 KB, in turn with a
 * bare sink that checks and appends the same bytes.
 *
 * @module
 */
import { inTemporaryDirectory, portOf, startBroker, startModule } from './processes.ts'
import { batchOf, createTopic, produceFrame } from './produce-frames.ts'
import { pump } from './pump.ts'
import { fixed, percentile, table } from './windows.ts'

const ROUNDS = 4

/** Runs the benchmark and prints its table. */
export function produce(seconds: number): Promise<string> {
  return inTemporaryDirectory(async (dir) => {
    const broker = await startBroker(dir)
    const sink = await startModule('./sink.js', ['receive', dir])
    try {
      const rows = [
        ['produce, MB/s', 'broker p50', 'p95', 'sink p50', 'p95', 'ratio p50', 'p95'],
      ]
      for (const bytes of [100, 1024, 10_240]) {
        rows.push(
          await compare(
            bytes,
            seconds,
            portOf(broker.line),
            Number(sink.line.slice(5)),
          ),
        )
      }
      return table(rows)
    } finally {
      await broker.stop()
      await sink.stop()
    }
  })
}

async function compare(
  recordBytes: number,
  seconds: number,
  brokerPort: number,
  sinkPort: number,
): Promise<string[]> {
  const topic = `bench-${recordBytes}`
  await createTopic(brokerPort, topic)
  const frame = produceFrame(topic, batchOf(recordBytes))
  const options = {
    frame,
    inFlight: 5,
    seconds: seconds / ROUNDS,
    count: 'sent',
  } as const
  const rates = { broker: [] as number[], sink: [] as number[] }
  for (let round = 0; round < ROUNDS; round++) {
    rates.broker.push(...(await pump({ ...options, port: brokerPort })))
    rates.sink.push(...(await pump({ ...options, port: sinkPort })))
  }
  return ratioRow(`${recordBytes} B records`, rates.broker, rates.sink)
}

/** One row: rates of the broker, of its limit, and their ratios. */
export function ratioRow(
  name: string,
  broker: readonly number[],
  limit: readonly number[],
): string[] {
  const at = (values: readonly number[]) => [
    percentile(values, 0.5),
    percentile(values, 0.95),
  ]
  const [b50 = 0, b95 = 0] = at(broker)
  const [l50 = 0, l95 = 0] = at(limit)
  return [
    name,
    ...[b50, b95, l50, l95].map((value) => fixed(value, 0)),
    fixed(b50 / l50, 2),
    fixed(b95 / l95, 2),
  ]
}
