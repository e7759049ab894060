/**
 * Brokers start on directories whose checkpoints are damaged. Here on a few of them;
 * `npm run test:fuzz` takes thousands.
 */
import { expect, it } from 'vitest'
import { baseDirectories, tryDamagedDirectory } from '../fuzz/checkpoints.ts'
import { Dice } from '../record/mutations.ts'

it('damaged checkpoints are read, or take their directory offline, and nothing else', async () => {
  const disks = await baseDirectories(12)
  const outcomes = { served: 0, offline: 0, refused: 0 }
  for (let i = 0; i < 16; i++) {
    const dice = new Dice(500 + i)
    try {
      outcomes[await tryDamagedDirectory(dice.pick(disks), dice)] += 1
    } catch (cause) {
      throw new Error(`case ${i}`, { cause })
    }
  }
  expect(outcomes.served).toBeGreaterThan(2)
  expect(outcomes.offline).toBeGreaterThan(2)
})
