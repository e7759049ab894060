/**
 * Fuzzes the record formats, beyond what `npm test` has time for. Run it with vitest:
 *
 *     FUZZ_CASES=1000000 FUZZ_SEED=7 npx vitest run --config test/fuzz/vitest.config.ts
 */
import { expect, it } from 'vitest'
import { Dice, damage, goodSets, readEverything } from '../record/mutations.ts'

const cases = Number(process.env.FUZZ_CASES ?? 100_000)
const seed = Number(process.env.FUZZ_SEED ?? 1)

it(`no damaged batch gets past the readers (${cases} cases, seed ${seed})`, () => {
  const dice = new Dice(seed)
  const sets = goodSets()
  let taken = 0
  for (let i = 0; i < cases; i++) {
    const bytes = damage(dice.pick(sets), dice)
    try {
      taken += readEverything(bytes, dice)
    } catch (cause) {
      throw new Error(`case ${i}, seed ${seed}: ${bytes.toString('hex')}`, { cause })
    }
  }
  console.log(
    `${cases} mutated sets, ${taken} of ${cases * 5} reads found nothing wrong`,
  )
  expect(taken).toBeGreaterThan(0)
}, 3_600_000)
