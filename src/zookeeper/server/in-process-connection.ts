/**
 * # Connection in process
 *
 * Two ends of a stream that never leaves the process, for a client of the embedded server
 * that wants no socket. Bytes arrive in a later turn, in order, as they would from one.
 *
 * @module
 */
import { ClosedChannelException } from '../../base/exceptions.ts'
import type { Connection } from '../../base/platform/Platform.ts'

const ADDRESS = '127.0.0.1'

/** One end. */
class InProcessConnection implements Connection {
  readonly remoteAddress = ADDRESS
  readonly remotePort = 0
  readonly localAddress = ADDRESS
  readonly localPort = 0
  closed = false
  peer: InProcessConnection | undefined
  #onData: ((chunk: Buffer) => void) | undefined
  #onClose: ((error?: Error) => void) | undefined
  #ended = false
  #paused = false
  #held: (() => void)[] = []

  onData(fn: (chunk: Buffer) => void): void {
    this.#onData = fn
  }

  onClose(fn: (error?: Error) => void): void {
    this.#onClose = fn
  }

  async write(chunks: Buffer | readonly Buffer[]): Promise<void> {
    if (this.closed || this.#ended) throw new ClosedChannelException()
    const list = Buffer.isBuffer(chunks) ? [chunks] : chunks
    const bytes = list.length === 1 ? list[0]! : Buffer.concat(list)
    const { peer } = this
    await Promise.resolve()
    peer?.deliver(() => peer.#onData?.(bytes))
  }

  pause(): void {
    this.#paused = true
  }

  resume(): void {
    this.#paused = false
    const held = this.#held
    this.#held = []
    for (const each of held) this.deliver(each)
  }

  end(): void {
    if (this.#ended) return
    this.#ended = true
    const { peer } = this
    queueMicrotask(() => {
      peer?.deliver(() => peer.destroy())
      this.destroy()
    })
  }

  destroy(): void {
    if (this.closed) return
    this.closed = true
    this.#held = []
    const { peer } = this
    queueMicrotask(() => {
      this.#onClose?.()
      peer?.destroy()
    })
  }

  /** Does what the other end wants, or keeps it for later while reading is paused. */
  deliver(what: () => void): void {
    if (this.closed) return
    if (this.#paused) {
      this.#held.push(what)
      return
    }

    // What a handler throws costs the connection, as with a socket.
    try {
      what()
    } catch {
      this.destroy()
    }
  }
}

/** Makes a stream. @returns its two ends */
export function connectionPair(): [Connection, Connection] {
  const left = new InProcessConnection()
  const right = new InProcessConnection()
  left.peer = right
  right.peer = left
  return [left, right]
}
