/**
 * # Lock file
 *
 * Keeps two brokers out of one directory, whether of two processes or of one. Node has no
 * file locks, so the file holds who took it:
 *
 *     <process id> <start time of that process, where the system tells>
 *
 * A lock is stale when that process is gone, or when its number now belongs to another
 * (containers start with the same number each time): then it is taken over. A process that
 * has ended is gone even if its parent has yet to ask how; in a container where nobody
 * ever does, its number stays.
 *
 * @differs Kafka asks the operating system for a `FileLock`, which dies with the process.
 * @kafka core/src/main/scala/kafka/utils/FileLock.scala#FileLock
 * @module
 */
import fs from 'node:fs'
import nodePath from 'node:path'
import { hostErrorCode } from '../HostError.ts'

/** Locks that this process holds, by absolute path. */
const held = new Set<string>()

/**
 * Takes the lock at `path`.
 *
 * @returns a function that gives it back
 * @throws when a live process holds it
 */
export function takeLock(path: string): () => void {
  const absolute = nodePath.resolve(path)
  if (held.has(absolute)) throw new Error(`this process holds the lock ${path}`)

  // Make the file, or learn who made it; a stale one is removed once.
  const mine = `${process.pid} ${statOf(process.pid)?.startTime ?? ''}`.trim()
  for (let attempt = 0; !create(absolute, mine); attempt++) {
    const owner = readOwner(absolute)
    if (attempt > 0 || isAlive(owner)) {
      throw new Error(`process ${owner.split(' ')[0]} holds the lock ${path}`)
    }
    fs.rmSync(absolute, { force: true })
  }
  held.add(absolute)

  return () => {
    if (!held.delete(absolute)) return
    if (readOwner(absolute) === mine) fs.rmSync(absolute, { force: true })
  }
}

/** @returns whether the file was made; `false` when it exists */
function create(path: string, content: string): boolean {
  try {
    fs.writeFileSync(path, content, { flag: 'wx' })
    return true
  } catch (error) {
    if (hostErrorCode(error) === 'EEXIST') return false
    throw error
  }
}

function readOwner(path: string): string {
  try {
    return fs.readFileSync(path, 'utf8').trim()
  } catch (error) {
    if (hostErrorCode(error) === 'ENOENT') return ''
    throw error
  }
}

function isAlive(owner: string): boolean {
  const [pidText = '', startTime] = owner.split(' ')
  const pid = Number(pidText)
  if (!Number.isInteger(pid) || pid <= 0) return false

  // Tell the process from a later one with the same number, where the system can.
  const now = statOf(pid)
  if (now?.hasEnded) return false
  if (startTime !== undefined && now?.startTime !== undefined) {
    return startTime === now.startTime
  }
  if (pid === process.pid) return false
  try {
    process.kill(pid, 0)
    return true
  } catch (error) {
    return hostErrorCode(error) === 'EPERM'
  }
}

/** What the system tells of a process; `undefined` where it does not, or knows none. */
function statOf(pid: number) {
  try {
    const stat = fs.readFileSync(`/proc/${pid}/stat`, 'latin1')
    const fields = stat.slice(stat.lastIndexOf(')') + 2).split(' ')

    // Ticks since boot at which it began; whether only its exit code is left of it.
    return { startTime: fields[19], hasEnded: /^[ZX]/i.test(fields[0] ?? '') }
  } catch {
    return undefined
  }
}
