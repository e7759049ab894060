/**
 * Standard output as a place that can be full, or gone.
 *
 * @module
 */
import { IOException } from '../base/errors.ts'

/** Commands that go on when nobody reads their output, or end in a way of their own. */
const ENDS_BY_ITSELF = new Set(['start', 'zookeeper', 'produce', 'consume', 'chaos'])

/**
 * Ends a command that only prints once nobody reads any more, as `| head` does when it has
 * seen enough: with 0, for that is no failure of the command.
 *
 * @param command its name
 */
export function endWithReader(command: string): void {
  if (ENDS_BY_ITSELF.has(command)) return
  process.stdout.on('error', (error: NodeJS.ErrnoException) => {
    process.exit(error.code === 'EPIPE' ? 0 : 1)
  })
}

/** Bytes that are collected before they are written. */
const CHUNK_BYTES = 65_536

/**
 * Opens standard output for many small writes.
 *
 * @returns `write`, which collects what is written in one turn of the event loop, waits when the reader
 *   is slow, and rejects when nobody reads any more
 */
export function stdout(): { write(bytes: Buffer): Promise<void> } {
  let pending: Buffer[] = []
  let size = 0
  let gone: Error | undefined
  let scheduled = false
  process.stdout.on('error', (error) => {
    gone = error
  })
  const flush = () => {
    const chunk = Buffer.concat(pending)
    pending = []
    size = 0
    return process.stdout.write(chunk)
  }
  return {
    async write(bytes) {
      if (gone) throw new IOException('nobody reads the output any more')
      pending.push(bytes)
      size += bytes.length
      if (size >= CHUNK_BYTES) {
        if (!flush()) {
          await new Promise<void>((resolve) => {
            process.stdout.once('drain', resolve)
            process.stdout.once('error', () => resolve())
          })
        }
      } else if (!scheduled) {
        scheduled = true
        setImmediate(() => {
          scheduled = false
          if (size > 0) flush()
        })
      }
    },
  }
}
