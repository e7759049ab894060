/**
 * Fuzzes whole directories. Run it with vitest:
 *
 *     FUZZ_SEGMENTS=100000 FUZZ_SEED=7 npx vitest run --config test/fuzz/vitest.config.ts
 */
import { expect, it } from 'vitest'
import { Dice } from '../record/mutations.ts'
import { baseDisks, tryDamaged } from './segments.ts'

const cases = Number(process.env.FUZZ_SEGMENTS ?? 50_000)
const seed = Number(process.env.FUZZ_SEED ?? 1)

it(`no damaged directory does harm (${cases} cases, seed ${seed})`, async () => {
  const disks = await baseDisks(60)
  const outcomes = { opened: 0, refused: 0 }
  for (let i = 0; i < cases; i++) {
    const dice = new Dice(seed * 1_000_003 + i)
    const base = dice.pick(disks)
    try {
      outcomes[await tryDamaged(base, dice)] += 1
    } catch (cause) {
      throw new Error(`case ${i}, seed ${seed}, ${base.topic}`, { cause })
    }
  }
  console.log(
    `${cases} mutated directories of ${disks.length}: ${outcomes.opened} opened, ` +
      `${outcomes.refused} refused with an exception of ours`,
  )
  expect(outcomes.opened).toBeGreaterThan(cases / 2)
}, 3_600_000)
