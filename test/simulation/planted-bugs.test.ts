import { afterAll, describe, expect, it } from 'vitest'
import { setLogSink } from '../../src/base/logger.ts'
import { runSimulation } from '../../src/testing/simulation/run-simulation.ts'
import { type PlantedBug, plantedBugs } from './planted-bugs.ts'

/** Seeds that are tried from the named one on: other changes shift what a seed shows. */
const SEEDS_TRIED = 30

/** Long form: how many of so many seeds catch each bug. */
const ratedSeeds = Number(process.env.SIM_BUG_SEEDS ?? 0)

/** Runs a seed with a bug. @returns the rules that it broke */
async function rulesBroken(bug: PlantedBug, seed: number): Promise<string[]> {
  const undo = bug.plant()
  try {
    const { check } = await runSimulation(seed, { aim: bug.aim })
    return check.violations.map(({ rule }) => rule)
  } finally {
    undo()
  }
}

/** Runs seeds with a bug until one shows it. */
async function catchIt(bug: PlantedBug) {
  for (let seed = bug.seed; seed < bug.seed + SEEDS_TRIED; seed++) {
    const rules = await rulesBroken(bug, seed)
    if (rules.length > 0) return { seed, rules }
  }
  return undefined
}

describe('a planted bug', { timeout: 300_000 }, () => {
  const needed: string[] = []
  afterAll(() => console.log(`seeds needed: ${needed.join(', ')}`))

  it.each(plantedBugs)('is caught: a cluster that $name', async (bug) => {
    const caught = await catchIt(bug)
    const seeds = (caught?.seed ?? Number.NaN) - bug.seed + 1
    needed.push(`${seeds} for one that ${bug.name}`)
    expect(caught?.rules, 'no history showed it').toBeDefined()

    // The right product passes the same history.
    const { check } = await runSimulation(caught?.seed ?? bug.seed, { aim: bug.aim })
    expect(check.report()).toBe('')
  })
})

describe.runIf(ratedSeeds > 0)('many seeds', { timeout: 3_600_000 }, () => {
  it('catch each planted bug, some more often than others', async () => {
    setLogSink(() => undefined)
    for (const bug of plantedBugs) {
      let caught = 0
      let asForeseen = 0
      for (let seed = 1; seed <= ratedSeeds; seed++) {
        const rules = await rulesBroken(bug, seed).catch(() => ['hangs'])
        if (rules.length > 0) caught++
        if (rules.includes(bug.finds)) asForeseen++
      }
      const by = `${caught}, ${asForeseen} by ${bug.finds}`
      console.log(`${by}, of ${ratedSeeds} seeds: ${bug.name} (${bug.aim})`)
      expect(asForeseen).toBeGreaterThan(0)
    }
  })
})
