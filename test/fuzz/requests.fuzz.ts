/**
 * Fuzzes a whole broker through its protocol. Run it with vitest:
 *
 *     FUZZ_REQUESTS=100000 FUZZ_SEED=7 npx vitest run --config test/fuzz/vitest.config.ts
 */
import { expect, it } from 'vitest'
import { Dice } from '../record/mutations.ts'
import { askBroker } from './requests.ts'

const cases = Number(process.env.FUZZ_REQUESTS ?? 20_000)
const seed = Number(process.env.FUZZ_SEED ?? 1)

/** How many requests one broker gets before the next one starts. */
const EACH = 500

it(`no request does harm to a broker (${cases} requests, seed ${seed})`, async () => {
  const all = { answered: 0, closed: 0, waiting: 0 }
  for (let world = 0; world * EACH < cases; world++) {
    const dice = new Dice(seed * 1_000_003 + world)
    try {
      const outcome = await askBroker(dice, EACH, world % 4 === 3)
      for (const key of ['answered', 'closed', 'waiting'] as const) {
        all[key] += outcome[key]
      }
    } catch (cause) {
      throw new Error(`world ${world}, seed ${seed}`, { cause })
    }
  }
  console.log(
    `${cases} requests: ${all.answered} answered, ${all.closed} connections closed, ` +
      `${all.waiting} that waited`,
  )
  expect(all.answered).toBeGreaterThan(cases / 3)
}, 3_600_000)
