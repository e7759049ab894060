/**
 * # bench replicate
 *
 * What it costs to have every record three times before it is acknowledged: MB a second
 * into a partition with three replicas and acks=all, in turn with one that has a single
 * copy and acks=1, on the same leader. Three brokers share the machine: on few cores the
 * copies compete with the leader for it.
 *
 * @module
 */
import { ratioRow } from './produce.ts'
import { batchOf, produceFrame } from './produce-frames.ts'
import { pump } from './pump.ts'
import { createAssigned, withThreeBrokers } from './three-brokers.ts'
import { table } from './windows.ts'

const ROUNDS = 4
const IN_FLIGHT = 5
const BATCH_BYTES = 100_000

/** Windows of the pump in one of ours: a window must hold more than a batch or two. */
const WINDOWS_IN_ONE = 10

/** Runs the benchmark and prints its table. */
export function replicate(seconds: number): Promise<string> {
  return withThreeBrokers({ 'min.insync.replicas': '2' }, async (cluster) => {
    await createAssigned(cluster, 'three', [0, 1, 2])
    await createAssigned(cluster, 'one', [0])
    const port = cluster.ports[0] ?? 0
    const rows = [
      [
        'replicate, MB/s',
        'acks=all p50',
        'p95',
        'acks=1 p50',
        'p95',
        'ratio p50',
        'p95',
      ],
    ]
    for (const bytes of [100, 1024, 10_240]) {
      const records = batchOf(bytes, BATCH_BYTES)
      const options = { port, inFlight: IN_FLIGHT, seconds: seconds / ROUNDS }
      const rates = { three: [] as number[], one: [] as number[] }
      for (let round = 0; round < ROUNDS; round++) {
        const all = produceFrame('three', records, -1)
        rates.three.push(
          ...wider(await pump({ ...options, frame: all, count: 'sent' })),
        )
        const one = produceFrame('one', records, 1)
        rates.one.push(...wider(await pump({ ...options, frame: one, count: 'sent' })))
      }
      rows.push(ratioRow(`${bytes} B records`, rates.three, rates.one))
    }
    return table(rows)
  })
}

/** Joins windows, so that each holds several batches. */
function wider(rates: readonly number[]): number[] {
  const joined: number[] = []
  for (let at = 0; at + WINDOWS_IN_ONE <= rates.length; at += WINDOWS_IN_ONE) {
    const some = rates.slice(at, at + WINDOWS_IN_ONE)
    joined.push(some.reduce((sum, rate) => sum + rate, 0) / WINDOWS_IN_ONE)
  }
  return joined
}
