/**
 * Output that is cut short by its reader, as `| head` does: a command that only prints ends
 * without a word of complaint.
 */
import { spawn } from 'node:child_process'
import { describe, expect, it } from 'vitest'

describe('a reader that leaves', () => {
  it.each([
    ['trace', 'server-startup', '--format', 'json'],
    ['trace', 'produce'],
  ])(
    'ends %s %s with 0 and no error',
    async (...args) => {
      const child = spawn(process.execPath, ['dist/cli/main.js', ...args], {
        stdio: ['ignore', 'pipe', 'pipe'],
      })
      child.stdout.destroy()
      let said = ''
      child.stderr.on('data', (chunk) => {
        said += chunk
      })
      const code = await new Promise((resolve) => child.once('close', resolve))
      expect({ code, said }).toEqual({ code: 0, said: '' })
    },
    60_000,
  )
})
