/**
 * # Ships the playground
 *
 * Bundles the cluster for a browser's tab, from the same sources that Node runs, and puts
 * it beside the pages: only who opens the playground loads it.
 *
 *     docs/.vitepress/playground/load.ts ─▶ esbuild ─▶ docs/public/vendor/playground/*.js
 *
 * What a tab does not have is replaced by `absent.ts`: packages that compress, and the
 * library that prints metrics. `Buffer` comes from the package `buffer`.
 *
 * @module
 */
import { readdirSync, readFileSync, rmSync } from 'node:fs'
import { join } from 'node:path'
import { gzipSync } from 'node:zlib'
import { buildSync } from 'esbuild'

/** What was shipped. */
export interface ShippedPlayground {
  /** Bytes of JavaScript, compressed as a web server does. */
  readonly compressedBytes: number
}

/**
 * Makes the bundle.
 *
 * @param root - of the project
 * @param outDir - where the files go; emptied first
 * @throws when a part of `src/` that the playground uses needs something of Node
 */
export function shipPlayground(
  root: string,
  outDir = join(root, 'docs', 'public', 'vendor', 'playground'),
): ShippedPlayground {
  const own = join(root, 'docs', '.vitepress', 'playground')
  const absent = join(own, 'absent.ts')
  rmSync(outDir, { recursive: true, force: true })
  buildSync({
    entryPoints: [join(own, 'load.ts')],
    outdir: outDir,
    ...{ bundle: true, splitting: true, minify: true, format: 'esm' },
    ...{ platform: 'browser', target: 'es2022', logLevel: 'error' },

    // Errors and loggers carry the names of classes.
    keepNames: true,
    alias: { 'node:module': absent, 'node:zlib': absent, 'prom-client': absent },
  })
  let compressedBytes = 0
  for (const name of readdirSync(outDir)) {
    compressedBytes += gzipSync(readFileSync(join(outDir, name))).length
  }
  return { compressedBytes }
}
