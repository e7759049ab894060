/**
 * # Processes of a benchmark
 *
 * Starts a broker or a sink as a process of its own, as a user would, and ends it.
 *
 * @module
 */
import { type ChildProcess, spawn } from 'node:child_process'
import { mkdtempSync, rmSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { fileURLToPath } from 'node:url'

/** A process that printed the line it was started for. */
export interface Started {
  readonly child: ChildProcess
  /** The first line of its output. */
  readonly line: string
  /** Milliseconds from its start to that line. */
  readonly elapsedMs: number
  stop(): Promise<void>
}

/** Starts a module of this build in a process of its own, and waits for its first line. */
export function startModule(
  module: string,
  args: readonly string[],
  env: NodeJS.ProcessEnv = {},
): Promise<Started> {
  const script = fileURLToPath(new URL(module, import.meta.url))
  const begin = performance.now()
  const child = spawn(process.execPath, [script, ...args], {
    stdio: ['ignore', 'pipe', 'inherit'],
    env: { ...process.env, ...env },
  })
  const exited = new Promise<void>((resolve) => child.once('exit', () => resolve()))
  const stop = async () => {
    child.kill('SIGTERM')
    await exited
  }
  return new Promise((resolve, reject) => {
    let text = ''
    child.stdout?.on('data', (chunk: Buffer) => {
      const elapsedMs = performance.now() - begin
      text += chunk.toString()
      const end = text.indexOf('\n')
      if (end >= 0) resolve({ child, line: text.slice(0, end), elapsedMs, stop })
    })
    child.once('exit', (code) => reject(new Error(`${module} ended with code ${code}`)))
    child.once('error', reject)
  })
}

/** Starts a broker on a free port, with its data in `dataDir`. */
export function startBroker(
  dataDir: string,
  overrides: readonly string[] = [],
): Promise<Started> {
  const settings = overrides.flatMap((setting) => ['--override', setting])
  const args = ['start', '--port', '0', '--data-dir', dataDir, ...settings]
  return startModule('../main.js', args)
}

/** The port in a `ready bootstrap.servers=…` line. */
export function portOf(line: string): number {
  const port = /bootstrap\.servers=[^:\s]+:(\d+)/.exec(line)?.[1]
  if (!port) throw new Error(`no port in: ${line}`)
  return Number(port)
}

/** Runs `body` with a directory that is removed afterwards. */
export async function inTemporaryDirectory<T>(
  body: (dir: string) => Promise<T>,
): Promise<T> {
  const dir = mkdtempSync(join(tmpdir(), 'annotated-kafka-bench-'))
  try {
    return await body(dir)
  } finally {
    rmSync(dir, { recursive: true, force: true })
  }
}
