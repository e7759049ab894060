/**
 * # annotated-kafka bench
 *
 * Runs benchmarks and prints, beside each figure, what the machine can do at most, measured
 * in the same run.
 *
 * @module
 */

/** Options of the command. */
export interface BenchOptions {
  /** Length of one measurement. */
  readonly seconds: number
}

const benches: Readonly<Record<string, (seconds: number) => Promise<string>>> = {
  boot: async () => (await import('./bench/boot.ts')).boot(),
  produce: async (seconds) => (await import('./bench/produce.ts')).produce(seconds),
  fetch: async (seconds) => (await import('./bench/fetch.ts')).fetch(seconds),
  latency: async () => (await import('./bench/latency.ts')).latency(),
  replicate: async (seconds) =>
    (await import('./bench/replicate.ts')).replicate(seconds),
  failover: async () => (await import('./bench/failover.ts')).failover(),
  append: async (seconds) => (await import('./bench/storage.ts')).append(seconds),
  read: async (seconds) => (await import('./bench/storage.ts')).read(seconds),
  recover: async () => (await import('./bench/storage.ts')).recover(),
  clean: async () => (await import('./bench/clean.ts')).clean(),
  rebalance: async () => (await import('./bench/rebalance.ts')).rebalance(),
  'old-consumer': async (seconds) =>
    (await import('./bench/old-consumer.ts')).oldConsumer(seconds),
  recording: async () => (await import('./bench/recording.ts')).recording(),
}

/**
 * Runs the command.
 *
 * @returns the exit code.
 * @throws for a name that is not a benchmark.
 */
export async function bench(
  names: readonly string[],
  { seconds }: BenchOptions,
): Promise<number> {
  const chosen =
    names.length === 0 || names.includes('all') ? Object.keys(benches) : names
  for (const name of chosen) {
    const run = benches[name]
    if (!run) {
      const known = Object.keys(benches).join(', ')
      throw new Error(`no benchmark is named ${name}; there are: ${known}`)
    }
    process.stdout.write(`${await run(seconds)}\n\n`)
  }
  return 0
}
