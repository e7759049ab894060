/**
 * What a run has shown of each client and tool, kept for who makes a table of it:
 * `results.json`, beside the jars.
 */
import { mkdirSync, readFileSync, writeFileSync } from 'node:fs'
import { join } from 'node:path'
import { TestRunner } from 'vitest'
import type { Reporter, TestModule } from 'vitest/node'
import { cacheDir } from './fetch-jars.ts'

/** One thing that a client or tool was seen to do. */
export interface Proven {
  readonly client: string
  readonly feature: string
}

declare module 'vitest' {
  interface TaskMeta {
    proven?: Proven[]
  }
}

/** Notes what the test has shown; it counts when the whole test passes. */
export function proven(client: string, ...features: readonly string[]): void {
  const test = TestRunner.getCurrentTest()
  if (!test) throw new Error('proven() is for tests')
  test.meta.proven ??= []
  for (const feature of features) test.meta.proven.push({ client, feature })
}

/** One test of a run. */
export interface TestResult {
  readonly file: string
  readonly test: string
  readonly state: string
  readonly proven: readonly Proven[]
}

/** Where results are kept, of all files that ever ran here. */
export const resultsFile = join(cacheDir, 'results.json')

/** Writes the results of each run; files that did not run keep theirs. */
export default class ProvenReporter implements Reporter {
  onTestRunEnd(modules: readonly TestModule[]): void {
    const results = modules.flatMap((module) =>
      [...module.children.allTests()].map(
        (test): TestResult => ({
          file: module.relativeModuleId,
          test: test.fullName,
          state: test.result().state,
          proven: test.meta().proven ?? [],
        }),
      ),
    )
    const files = new Set(results.map(({ file }) => file))
    const kept = before().filter(({ file }) => !files.has(file))
    mkdirSync(cacheDir, { recursive: true })
    writeFileSync(resultsFile, `${JSON.stringify([...kept, ...results], null, 2)}\n`)
  }
}

function before(): TestResult[] {
  try {
    return JSON.parse(readFileSync(resultsFile, 'utf8')) as TestResult[]
  } catch {
    return []
  }
}
