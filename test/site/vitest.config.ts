import { defineConfig } from 'vitest/config'

/** `npm run test:site`: the built site in a browser; `npm run docs:build` comes first. */
export default defineConfig({
  test: {
    name: 'site',
    include: ['test/site/**/*.test.ts'],
    testTimeout: 240_000,
    hookTimeout: 120_000,
    pool: 'forks',
    fileParallelism: false,
  },
})
