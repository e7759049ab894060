/**
 * # Loading the boot bundle
 *
 * `start` in one file with everything it imports, and beside it what V8 made of that file
 * when the build ran it once: its functions need not be compiled again. V8 takes this
 * cache only if it is the same version with the same flags; another one compiles the file
 * as it would any other, and nobody notices but the clock.
 *
 * @module
 */
import { existsSync, readFileSync } from 'node:fs'
import { createRequire } from 'node:module'
import { dirname } from 'node:path'
import { constants, Script } from 'node:vm'

/** The bundle that runs, and the script that it came from. */
export interface BootBundle {
  readonly script: Script
  readonly exports: typeof import('./start.ts')
}

/**
 * Names the file of the cache.
 *
 * @param file - the bundle
 */
export function codeCacheOf(file: string): string {
  return `${file}.cache`
}

/**
 * Loads the bundle.
 *
 * @param file - absolute path of a CommonJS file
 * @returns undefined when there is none: the build did not run
 */
export function loadBootBundle(file: string): BootBundle | undefined {
  if (!existsSync(file)) return undefined
  const cache = codeCacheOf(file)
  const script = new Script(wrapped(readFileSync(file, 'utf8')), {
    filename: file,
    ...(existsSync(cache) ? { cachedData: readFileSync(cache) } : {}),
    importModuleDynamically: constants.USE_MAIN_CONTEXT_DEFAULT_LOADER,
  })

  // Give it what Node gives to any CommonJS module.
  const module = { exports: {} as BootBundle['exports'] }
  const run = script.runInThisContext() as (...args: unknown[]) => void
  run(module.exports, createRequire(file), module, file, dirname(file))
  return { script, exports: module.exports }
}

/** A function on one line, so that places in stack traces stay right. */
function wrapped(source: string): string {
  return `(function (exports, require, module, __filename, __dirname) { ${source}\n})`
}
