/**
 * # annotated-kafka chaos
 *
 * Runs a cluster of processes under faults and says whether it kept its promises. Exit
 * code 0 when it did, 1 when not; then the data stays where the last line says.
 *
 * @module
 */
import { mkdtempSync, rmSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { type ChaosResult, runChaos } from '../testing/chaos/run-chaos.ts'

/** Options of the command. */
export interface ChaosCommandOptions {
  readonly seconds: number
  readonly brokers: number
  readonly seed?: number
  readonly keep?: boolean
  readonly verbose?: boolean
}

/** Fewest brokers: each partition has three copies. */
const MIN_BROKERS = 3

/** Runs the command. @returns the exit code */
export async function chaos(options: ChaosCommandOptions): Promise<number> {
  const { seconds, brokers } = options
  if (brokers < MIN_BROKERS) throw new Error(`chaos needs ${MIN_BROKERS} brokers`)
  const seed = options.seed ?? Math.floor(Math.random() * 1e9)
  const home = mkdtempSync(join(tmpdir(), 'annotated-kafka-chaos-'))
  const begin = performance.now()
  const onEvent = (message: string) => {
    const at = ((performance.now() - begin) / 1000).toFixed(1).padStart(6)
    if (options.verbose) process.stdout.write(`${at} s  ${message}\n`)
  }

  // Say the seed first: a run that never ends has one, too.
  process.stdout.write(`chaos: ${brokers} brokers, ${seconds} s, seed ${seed}\n`)
  let result: ChaosResult
  try {
    result = await runChaos({ seconds, brokers, seed, home, onEvent })
  } catch (error) {
    process.stdout.write(`the run failed; its directory stays: ${home}\n`)
    throw error
  }
  process.stdout.write(report(result))
  if (result.violations.length > 0 || options.keep)
    process.stdout.write(`the directory stays: ${home}\n`)
  else rmSync(home, { recursive: true, force: true })
  return result.violations.length > 0 ? 1 : 0
}

function report(result: ChaosResult): string {
  const { faults, healedMs, violations } = result
  const total = [...faults.values()].reduce((sum, count) => sum + count, 0)
  const kinds = [...faults].sort().map(([kind, count]) => `  ${kind}: ${count}`)
  const healed =
    healedMs === undefined ? 'not in time' : `after ${healedMs.toFixed()} ms`
  const verdict =
    violations.length === 0
      ? 'verdict: every promise was kept'
      : `verdict: ${violations.length} VIOLATIONS`
  const lines = [
    `faults: ${total}`,
    ...kinds,
    `acknowledged records: ${result.acknowledged}`,
    `consumed records: ${result.consumed}`,
    `delivered to the group: ${result.delivered}, ` +
      `${result.commits} commits, ${result.rebalances} rebalances`,
    `elections: ${result.leaderElections} of leaders, ` +
      `${result.controllerElections} of controllers`,
    `whole again: ${healed}`,
    ...violations.map((violation) => `  ${violation}`),
    verdict,
  ]
  return `${lines.join('\n')}\n`
}
