/**
 * Builds `dist` before the tests of the command, when it is missing or older than what it
 * is made of. Two runs at once build once: who comes second waits for the first.
 */
import { spawnSync } from 'node:child_process'
import {
  closeSync,
  existsSync,
  openSync,
  readdirSync,
  readFileSync,
  rmSync,
  statSync,
  writeSync,
} from 'node:fs'
import { join } from 'node:path'
import { setTimeout as sleep } from 'node:timers/promises'

const LOCK = 'node_modules/.annotated-kafka-build.lock'

/** Called by vitest, once a run. */
export default async function buildOnce(): Promise<void> {
  if (isFresh()) return
  await underLock(() => {
    if (isFresh()) return
    const npm = process.platform === 'win32' ? 'npm.cmd' : 'npm'
    const built = spawnSync(npm, ['run', 'build'], { encoding: 'utf8' })
    if (built.status !== 0) {
      throw new Error(`npm run build failed:\n${built.stdout}\n${built.stderr}`)
    }
  })
}

/** The bundle is the last file that a build makes. */
function isFresh(): boolean {
  if (!existsSync('dist/boot/start.cjs')) return false
  const builtMs = statSync('dist/boot/start.cjs').mtimeMs
  const sources = readdirSync('src', { recursive: true, encoding: 'utf8' })
    .filter((name) => name.endsWith('.ts'))
    .map((name) => join('src', name))
  const inputs = ['tsconfig.json', 'tsconfig.build.json', ...sources]
  return inputs.every((path) => statSync(path).mtimeMs <= builtMs)
}

async function underLock(body: () => void): Promise<void> {
  let lock: number | undefined
  while (lock === undefined) {
    try {
      lock = openSync(LOCK, 'wx')
    } catch {
      // A lock whose owner died is nobody's.
      if (!isAlive(ownerOfLock())) rmSync(LOCK, { force: true })
      await sleep(100)
    }
  }
  try {
    writeSync(lock, String(process.pid))
    body()
  } finally {
    closeSync(lock)
    rmSync(LOCK, { force: true })
  }
}

function ownerOfLock(): number | undefined {
  try {
    return Number(readFileSync(LOCK, 'utf8')) || undefined
  } catch {
    return undefined
  }
}

/** Whether it runs; who has not yet written a name is taken to run. */
function isAlive(pid: number | undefined): boolean {
  if (pid === undefined) return true
  try {
    process.kill(pid, 0)
    return true
  } catch {
    return false
  }
}
