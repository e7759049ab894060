/**
 * # bench recording
 *
 * What recording costs: a produce and its answer over loopback, in the plain build, in the
 * traced build with its switch off, and with it on.
 *
 * @module
 */
import { startModule } from './processes.ts'
import { fixed, percentile, table } from './windows.ts'

const ROUNDS = 5

/** Runs the benchmark and prints its table. */
export async function recording(): Promise<string> {
  const variants = {
    'plain build': ['./recording-child.js', 'off'],
    'traced build, off': ['../../traced/cli/bench/recording-child.js', 'off'],
    'traced build, on': ['../../traced/cli/bench/recording-child.js', 'on'],
  } as const
  const times = new Map<string, number[]>()
  for (let round = 0; round < ROUNDS; round++) {
    // In turn, so that a slow moment of the machine meets all.
    for (const [name, [module, mode]] of Object.entries(variants)) {
      const run = await startModule(module, [mode])
      times.set(name, [...(times.get(name) ?? []), Number(run.line)])
      await run.stop()
    }
  }
  const [plain = []] = times.values()
  const base = percentile(plain, 0.5)
  const rows = Array.from(times, ([name, values]) => {
    const median = percentile(values, 0.5)
    const row = [Math.min(...values), median, Math.max(...values)].map((v) =>
      fixed(v, 0),
    )
    return [name, ...row, fixed(median / base, 2)]
  })
  return table([['a produce, µs', 'min', 'median', 'max', 'ratio'], ...rows])
}
