/**
 * Fuzzes the small files of log directories. Run it with vitest:
 *
 *     FUZZ_CHECKPOINTS=50000 FUZZ_SEED=7 npx vitest run --config test/fuzz/vitest.config.ts
 */
import { expect, it } from 'vitest'
import { Dice } from '../record/mutations.ts'
import { baseDirectories, tryDamagedDirectory } from './checkpoints.ts'

const cases = Number(process.env.FUZZ_CHECKPOINTS ?? 5_000)
const seed = Number(process.env.FUZZ_SEED ?? 1)

it(`no damaged checkpoint does harm (${cases} cases, seed ${seed})`, async () => {
  const disks = await baseDirectories(40)
  const outcomes = { served: 0, offline: 0, refused: 0 }
  for (let i = 0; i < cases; i++) {
    const dice = new Dice(seed * 1_000_003 + i)
    try {
      outcomes[await tryDamagedDirectory(dice.pick(disks), dice)] += 1
    } catch (cause) {
      throw new Error(`case ${i}, seed ${seed}`, { cause })
    }
  }
  console.log(
    `${cases} mutated directories of ${disks.length}: ${outcomes.served} served, ` +
      `${outcomes.offline} offline, ${outcomes.refused} refused`,
  )
  expect(outcomes.served).toBeGreaterThan(cases / 6)
}, 3_600_000)
