import { availableParallelism } from 'node:os'
import { relative } from 'node:path'
import { defineConfig } from 'vitest/config'
import { instrument, isInstrumented } from './src/trace/instrument.ts'

const src = new URL('./src/', import.meta.url).pathname

/** Suites with a project of their own, below. */
const ownProjects = ['test/system/**', 'test/traces/**']

/** Suites with a configuration and a script of their own. */
const longSuites = ['test/interop/**', 'test/fuzz/**', 'test/chaos/**', 'test/site/**']

const shared = {
  testTimeout: 30_000,
  hookTimeout: 30_000,
  pool: 'forks' as const,
  env: { ANNOTATED_KAFKA_LOG: 'silent' },
}

/** `npm test`: every test that needs nothing but Node and, where present, real clients. */
export default defineConfig({
  test: {
    // Many tests wait for a process or a disk, so two cores have room for two of them.
    maxWorkers: Math.max(2, availableParallelism() - 1),
    projects: [
      {
        // The examples of the site name the package as its users do.
        resolve: {
          alias: [
            { find: /^annotated-kafka$/, replacement: `${src}index.ts` },
            {
              find: /^annotated-kafka\/testing$/,
              replacement: `${src}testing/index.ts`,
            },
          ],
        },
        test: {
          ...shared,
          name: 'plain',
          include: ['test/**/*.test.ts'],
          exclude: [...ownProjects, ...longSuites, 'node_modules/**'],
        },
      },
      {
        // The examples run on the same sources, instrumented on their way in.
        plugins: [
          {
            name: 'instrument',
            enforce: 'pre',
            transform(code: string, id: string) {
              const name = relative(src, id.split('?')[0] ?? id)
              if (name.startsWith('..') || !name.endsWith('.ts')) return null
              if (!isInstrumented(name)) return null
              const runtime = `${src}trace/runtime.ts`
              return { code: instrument(code, { runtime, fileName: name }), map: null }
            },
          },
        ],
        test: { ...shared, name: 'traced', include: ['test/traces/**/*.test.ts'] },
      },
      {
        // The tests of the command need it built.
        test: {
          ...shared,
          name: 'system',
          include: ['test/system/**/*.test.ts'],
          globalSetup: 'test/system/build-once.ts',
        },
      },
    ],
  },
})
