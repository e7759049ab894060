/**
 * # This process
 *
 * What the operating system tells of it: its surroundings, under the names that a JVM has
 * for them, and its file descriptors, where there is a `/proc`.
 *
 * @module
 */
import { readdirSync, readFileSync } from 'node:fs'
import os from 'node:os'
import type { ProcessView } from '../Platform.ts'

/** The process that runs this. */
export const nodeProcess: ProcessView = {
  openFileDescriptorCount() {
    try {
      // One of them is the directory that is read.
      return readdirSync('/proc/self/fd').length - 1
    } catch {
      return undefined
    }
  },
  maxFileDescriptorCount() {
    try {
      const limits = readFileSync('/proc/self/limits', 'latin1')
      const soft = /^Max open files\s+(\d+)/m.exec(limits)?.[1]
      return soft === undefined ? undefined : Number(soft)
    } catch {
      return undefined
    }
  },
  properties: () => ({
    'java.io.tmpdir': os.tmpdir(),
    'os.name': os.type(),
    'os.arch': os.arch() === 'x64' ? 'amd64' : os.arch(),
    'os.version': os.release(),
    'user.name': userName(),
    'user.home': os.homedir(),
    'user.dir': process.cwd(),
  }),
}

/** Who runs it; a container may have a user without a name. */
function userName(): string {
  try {
    return os.userInfo().username
  } catch {
    return '?'
  }
}
