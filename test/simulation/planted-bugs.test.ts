import { describe, expect, it } from 'vitest'
import { runSimulation } from '../../src/testing/simulation/run-simulation.ts'
import { type PlantedBug, plantedBugs } from './planted-bugs.ts'

/** Seeds that are tried from the named one on: other changes shift what a seed shows. */
const SEEDS_TRIED = 30

/** Runs seeds with a bug until one shows it. */
async function catchIt(bug: PlantedBug) {
  for (let seed = bug.seed; seed < bug.seed + SEEDS_TRIED; seed++) {
    const undo = bug.plant()
    try {
      const { check } = await runSimulation(seed)
      const rules = check.violations.map(({ rule }) => rule)
      if (rules.length > 0) return { seed, rules }
    } finally {
      undo()
    }
  }
  return undefined
}

describe('a planted bug', { timeout: 300_000 }, () => {
  it.each(plantedBugs)('is caught: a cluster that $name', async (bug) => {
    const caught = await catchIt(bug)
    expect(caught?.rules).toContain(bug.finds)

    // The right product passes the same history.
    const { check } = await runSimulation(caught?.seed ?? bug.seed)
    expect(check.report()).toBe('')
  })
})
