import { defineConfig } from 'vitest/config'

/** The fuzz suites, which `npm test` leaves out. */
export default defineConfig({
  test: {
    include: ['test/fuzz/**/*.fuzz.ts'],
    pool: 'forks',
    testTimeout: 3_600_000,
    env: { ANNOTATED_KAFKA_LOG: 'silent' },
  },
})
