import { describe, expect, it } from 'vitest'
import { Dice, damage, goodSets, readEverything } from './mutations.ts'

const SEED = 20180719
const MUTATIONS = 4000

describe('damaged batches', () => {
  it(`end in an exception that a broker can answer (${MUTATIONS}, seed ${SEED})`, () => {
    const dice = new Dice(SEED)
    const sets = goodSets()
    let taken = 0
    for (let i = 0; i < MUTATIONS; i++) {
      const bytes = damage(dice.pick(sets), dice)
      try {
        taken += readEverything(bytes, dice)
      } catch (cause) {
        throw new Error(`mutation ${i}: ${bytes.toString('hex')}`, { cause })
      }
    }
    // Some damage is harmless; if none were, the readers would not have been reached.
    expect(taken).toBeGreaterThan(MUTATIONS / 10)
  })

  it('cut at every byte are read up to the cut', () => {
    const dice = new Dice(SEED)
    for (const set of goodSets()) {
      for (let length = 0; length < set.length; length++) {
        readEverything(set.subarray(0, length), dice)
      }
    }
  })
})
