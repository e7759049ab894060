import { defineConfig } from 'vitest/config'

/** The suites against Apache Kafka 1.1.1 itself, which `npm test` leaves out. */
export default defineConfig({
  test: {
    name: 'interop',
    include: ['test/interop/**/*.test.ts'],
    globalSetup: ['test/interop/fetch-jars.ts', 'test/system/build-once.ts'],
    reporters: ['default', 'test/interop/proven.ts'],
    pool: 'forks',
    fileParallelism: false,
    testTimeout: 120_000,
    hookTimeout: 120_000,
    env: { ANNOTATED_KAFKA_LOG: 'silent' },
  },
})
