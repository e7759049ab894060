/**
 * # The boot bundle
 *
 * Makes `dist/boot/start.cjs`: the command `start` with everything it imports in one file.
 * It is the same code; but Node finds, reads and links six hundred files in the time in
 * which a user wants a broker to serve, and one file in a fifth of it. Then runs a broker
 * from it once, and keeps what V8 has compiled on the way. Run by `npm run build`; without
 * it `start` works from the plain build, slower.
 *
 * @module
 */
import { rmSync, writeFileSync } from 'node:fs'
import { dirname, join } from 'node:path'
import { fileURLToPath } from 'node:url'
import { buildSync } from 'esbuild'
import { inTemporaryDirectory } from './bench/processes.ts'
import { codeCacheOf, loadBootBundle } from './boot-bundle.ts'

const dist = join(dirname(fileURLToPath(import.meta.url)), '..')
const bundle = join(dist, 'boot', 'start.cjs')

// Packages in machine code stay outside; `import.meta` is a word of ES modules only.
buildSync({
  entryPoints: [join(dist, 'cli', 'start.js')],
  outfile: bundle,
  bundle: true,
  platform: 'node',
  format: 'cjs',
  minify: true,
  keepNames: true,
  legalComments: 'none',
  logLevel: 'error',
  external: ['@node-rs/crc32', 'snappy', 'lz4-napi'],
  define: { 'import.meta.url': '$url' },
  banner: { js: "const $url = require('node:url').pathToFileURL(__filename).href;" },
})

// Where no broker can run, the bundle serves without a cache.
rmSync(codeCacheOf(bundle), { force: true })
await inTemporaryDirectory(keepCompiled).catch((error: unknown) => {
  process.stderr.write(`no code cache for ${bundle}: ${String(error)}\n`)
})

/** Runs a broker of the bundle until it serves, and writes what V8 compiled for it. */
async function keepCompiled(dataDir: string): Promise<void> {
  const boot = loadBootBundle(bundle)
  if (boot === undefined) throw new Error(`${bundle} was not made`)
  const ready = nextLine()
  const options = { brokers: 1, port: 0, zookeeperPort: 0, override: [], dataDir }
  const ended = boot.exports.start(options)
  await Promise.race([ready, ended])
  writeFileSync(codeCacheOf(bundle), boot.script.createCachedData())
  process.kill(process.pid, 'SIGTERM')
  await ended
}

/** Takes the next line of standard output for itself. */
function nextLine(): Promise<void> {
  const { stdout } = process
  const write = stdout.write
  return new Promise((resolve) => {
    stdout.write = () => {
      stdout.write = write
      resolve()
      return true
    }
  })
}
