/**
 * # annotated-kafka tour
 *
 * The main job, `npm start`: runs the notes on a cluster in this process, prints what ran
 * line by line, then serves the site until Ctrl-C.
 *
 * @module
 */
import { spawn } from 'node:child_process'
import { existsSync, statSync } from 'node:fs'
import { join } from 'node:path'
import { fileURLToPath } from 'node:url'
import { serveDirectory } from './serve-directory.ts'
import { untilSignal } from './until-signal.ts'

/** Options of the command. */
export interface TourOptions {
  readonly port: number
  readonly site: boolean
}

const root = fileURLToPath(new URL('../../', import.meta.url))
const site = join(root, 'docs', '.vitepress', 'dist')

/** Runs the command; sets the exit code. */
export async function tour(options: TourOptions): Promise<void> {
  const say = (text: string) => process.stdout.write(`${text}\n`)
  say(
    'The Annotated Kafka: every line of the notes, run on a cluster in this process.\n',
  )
  const traced = new URL('../traced/cli/trace.js', import.meta.url).href
  const { trace } = (await import(traced)) as typeof import('./trace.ts')
  process.exitCode = await trace([], { check: true, format: 'tree' })
  if (!options.site) return

  // Build the pages when they are missing or older than the program.
  if (!existsSync(join(site, 'index.html')) || isStale()) {
    say('\nBuilding the site (about a minute, once) …')
    if ((await run('npm', ['run', '--silent', 'docs:build'])) !== 0) {
      throw new Error('the site did not build; `npm run docs:build` says why')
    }
  }
  const server = await serveDirectory(site, options.port)
  const address = server.address()
  const port = typeof address === 'object' && address ? address.port : options.port
  say(`\nThe site is served at http://127.0.0.1:${port}/ (Ctrl-C ends)`)
  await untilSignal()
  server.close()
  server.closeAllConnections()
}

function isStale(): boolean {
  const built = statSync(join(site, 'index.html')).mtimeMs
  return statSync(join(root, 'dist', 'cli', 'main.js')).mtimeMs > built
}

function run(command: string, args: readonly string[]): Promise<number> {
  const child = spawn(command, args, {
    cwd: root,
    stdio: ['ignore', 'ignore', 'inherit'],
  })
  return new Promise((resolve, reject) => {
    child.once('error', reject)
    child.once('exit', (code) => resolve(code ?? 1))
  })
}
