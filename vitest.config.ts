import { defineConfig } from 'vitest/config'

/** Suites with a configuration and a script of their own. */
const longSuites = ['test/interop/**', 'test/fuzz/**', 'test/chaos/**']

/** `npm test`: every test that needs nothing but Node (and, where present, the real clients). */
export default defineConfig({
  test: {
    // The tests of the command need it built; all others run from the source.
    projects: [
      {
        extends: true,
        test: {
          name: 'source',
          include: ['test/**/*.test.ts'],
          exclude: [...longSuites, 'test/system/**', 'node_modules/**'],
        },
      },
      {
        extends: true,
        test: {
          name: 'system',
          include: ['test/system/**/*.test.ts'],
          globalSetup: 'test/system/build-once.ts',
        },
      },
    ],
    testTimeout: 30_000,
    hookTimeout: 30_000,
    pool: 'forks',
    env: { ANNOTATED_KAFKA_LOG: 'silent' },
  },
})
