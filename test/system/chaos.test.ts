/**
 * Brokers as processes, under faults of every kind, against the promises of Kafka. The
 * long form takes five minutes: `npm run test:chaos`.
 */
import { describe, expect, it } from 'vitest'
import { runCommand } from './running-command.ts'

const FULL = process.env.SYSTEM_FULL === '1' || process.env.CHAOS_FULL === '1'
const SECONDS = FULL ? 300 : 30
const SEED = 4

describe('chaos', () => {
  it(
    `keeps every promise through ${SECONDS} s of faults, seed ${SEED}`,
    async () => {
      const { stdout, code } = await runCommand(
        ...['chaos', '--seconds', `${SECONDS}`, '--seed', `${SEED}`, '--verbose'],
      )

      // What was printed tells what happened; a verdict over nothing would be none.
      expect(stdout).toContain('verdict: every promise was kept')
      expect(code).toBe(0)
      const count = (what: string) =>
        Number(new RegExp(`^${what}: (\\d+)`, 'm').exec(stdout)?.[1])
      expect(count('faults')).toBeGreaterThan(SECONDS / 3)
      expect(count('acknowledged records')).toBeGreaterThan(SECONDS)
      expect(count('delivered to the group')).toBeGreaterThan(SECONDS)
      expect(count('elections')).toBeGreaterThan(0)
    },
    (SECONDS + 180) * 1000,
  )
})
