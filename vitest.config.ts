import { defineConfig } from 'vitest/config'

/** `npm test`: every test that needs nothing but Node (and, where present, the real clients). */
export default defineConfig({
  test: {
    include: ['test/**/*.test.ts'],
    exclude: ['test/interop/**', 'test/fuzz/**', 'test/chaos/**', 'node_modules/**'],
    testTimeout: 30_000,
    hookTimeout: 30_000,
    pool: 'forks',
    env: { ANNOTATED_KAFKA_LOG: 'silent' },
  },
})
