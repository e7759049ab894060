/**
 * # bench boot
 *
 * How long until a user can send the first request: process start to the `ready` line for
 * one broker with its embedded ZooKeeper, beside a Node process that does nothing; and
 * `startCluster()` in a process that is warm.
 *
 * @module
 */
import { startCluster } from '../../testing/start-cluster.ts'
import { inTemporaryDirectory, startBroker, startModule } from './processes.ts'
import { fixed, percentile, table } from './windows.ts'

const RUNS = 9

/** Runs the benchmark and prints its table. */
export async function boot(): Promise<string> {
  const ready: number[] = []
  const loaded: number[] = []
  const bare: number[] = []
  for (let i = 0; i < RUNS; i++) {
    // In turn, so that a slow moment of the machine meets both.
    const empty = await startModule('./empty.js', [])
    bare.push(empty.elapsedMs)
    await empty.stop()
    await inTemporaryDirectory(async (dir) => {
      const broker = await startBroker(dir)
      ready.push(broker.elapsedMs)
      loaded.push(Number(/loading\.ms=(\d+)/.exec(broker.line)?.[1] ?? 0))
      await broker.stop()
    })
  }

  const warm: number[] = []
  for (let i = 0; i < RUNS + 3; i++) {
    const begin = performance.now()
    const cluster = await startCluster()
    if (i >= 3) warm.push(performance.now() - begin)
    await cluster.close()
  }
  const row = (name: string, values: readonly number[]) => [
    name,
    fixed(Math.min(...values)),
    fixed(percentile(values, 0.5)),
    fixed(Math.max(...values)),
  ]
  return table([
    ['boot, ms', 'min', 'median', 'max'],
    row('node alone (the limit)', bare),
    row('process start to ready', ready),
    row('  of that, loading modules', loaded),
    row('startCluster(), warm', warm),
  ])
}
