/**
 * # MemoryConnection
 *
 * One end of a stream in memory. Each end has an inbox and a loop that empties it into
 * its handler; writing appends to the inbox of the other end and, when that is full,
 * waits until it has been read.
 *
 *     write ─▶ [ inbox of the peer, 64 KB ] ─▶ the peer's loop ─▶ onData
 *     end   ─▶ [ …, FIN ]                   ─▶ the peer says FIN too ─▶ both onClose
 *
 * Invariant: `onClose` is called exactly once, from the loop, after the last `onData`.
 *
 * @module
 */
import { Condition } from '../../async/Condition.ts'
import { ClosedChannelException } from '../../exceptions.ts'
import { logger } from '../../logger.ts'
import type { Connection } from '../Platform.ts'
import type { MemoryNetwork } from './MemoryNetwork.ts'

/** Bytes that may lie in an inbox before the sender waits. */
const INBOX_BYTES = 65536

const log = logger('MemoryNetwork')

/** A host and a port on it. */
interface Place {
  readonly hostName: string
  readonly port: number
}

/** Makes the two ends of a connection. `begin` each where its loop belongs. */
export function connectedPair(
  fabric: MemoryNetwork,
  places: { readonly near: Place; readonly far: Place },
): [near: MemoryConnection, far: MemoryConnection] {
  const near = new MemoryConnection(fabric, places.near, places.far)
  const far = new MemoryConnection(fabric, places.far, places.near)
  near.join(far)
  far.join(near)
  return [near, far]
}

/** One of two ends. */
export class MemoryConnection implements Connection {
  readonly hostName: string
  readonly peerHostName: string
  readonly localAddress: string
  readonly localPort: number
  readonly remoteAddress: string
  readonly remotePort: number
  readonly #fabric: MemoryNetwork
  readonly #untrack: () => void
  #peer!: MemoryConnection

  readonly #inbox: Buffer[] = []
  #inboxBytes = 0
  #finReceived = false
  #finSent = false
  #paused = false
  #closed = false
  #error: Error | undefined

  /** Something for the loop to look at. */
  readonly #wake = new Condition()
  /** The inbox has room again, or is closed. */
  readonly #room = new Condition()
  readonly #ended = new AbortController()
  #onData: ((chunk: Buffer) => void) | undefined
  #onClose: ((error?: Error) => void) | undefined

  constructor(fabric: MemoryNetwork, local: Place, remote: Place) {
    this.#fabric = fabric
    this.hostName = local.hostName
    this.peerHostName = remote.hostName
    this.localAddress = addressOf(local.hostName)
    this.localPort = local.port
    this.remoteAddress = addressOf(remote.hostName)
    this.remotePort = remote.port
    this.#untrack = fabric.track(this)
  }

  get closed(): boolean {
    return this.#closed
  }

  /** Ties this end to the other. */
  join(peer: MemoryConnection): void {
    this.#peer = peer
  }

  /** Starts the loop of this end, in the context of the caller. */
  begin(): void {
    // Floats on purpose: the loop catches what its handlers throw.
    void this.#run()
  }

  onData(fn: (chunk: Buffer) => void): void {
    this.#onData = fn
    this.#wake.signal()
  }

  onClose(fn: (error?: Error) => void): void {
    this.#onClose = fn
  }

  async write(chunks: Buffer | readonly Buffer[]): Promise<void> {
    if (this.#closed || this.#finSent) throw new ClosedChannelException()
    const bytes = Buffer.isBuffer(chunks) ? Buffer.from(chunks) : Buffer.concat(chunks)
    const peer = this.#peer
    if (peer.#closed) return
    peer.#inbox.push(bytes)
    peer.#inboxBytes += bytes.length
    peer.#wake.signal()

    // Wait, as for a full socket buffer, until the peer has read enough.
    while (peer.#inboxBytes > INBOX_BYTES && !this.#closed) await peer.#room.wait()
    if (this.#closed && peer.#inboxBytes > 0) throw new ClosedChannelException()
  }

  pause(): void {
    this.#paused = true
  }

  resume(): void {
    this.#paused = false
    this.#wake.signal()
  }

  end(): void {
    if (this.#finSent) return
    this.#finSent = true
    this.#peer.#finReceived = true
    this.#peer.#wake.signal()
    this.#wake.signal()
  }

  destroy(): void {
    this.#close()
    this.end()
  }

  /** Ends both sides with an error, as a reset does. */
  break(error: Error): void {
    for (const end of [this, this.#peer]) {
      end.#error ??= error
      end.#close()
    }
  }

  /** Runs a handler; what it throws closes this connection. */
  guard(doing: string, fn: () => void): void {
    try {
      fn()
    } catch (error) {
      log.error(`a handler failed while ${doing}; the connection is dropped`, error)
      this.destroy()
    }
  }

  #close(): void {
    if (this.#closed) return
    this.#closed = true
    this.#inbox.length = 0
    this.#inboxBytes = 0
    this.#untrack()
    this.#ended.abort()
    this.#room.signalAll()
    this.#peer.#room.signalAll()
    this.#wake.signalAll()
  }

  async #run(): Promise<void> {
    while (!this.#closed) {
      await this.#fabric.hop()
      if (await this.#waitsForLink()) continue

      // Deliver one chunk, and let the sender go on.
      if (this.#inbox.length > 0 && !this.#paused && this.#onData !== undefined) {
        const chunk = this.#inbox.shift()!
        this.#inboxBytes -= chunk.length
        this.#room.signalAll()
        this.guard('receiving', () => this.#onData?.(chunk))
        continue
      }

      // Answer a good-bye when all before it was read.
      if (this.#finReceived && this.#inbox.length === 0 && !this.#paused) {
        this.end()
        this.#close()
        break
      }
      if (!this.#closed) await this.#wake.wait()
    }
    this.guard('closing', () => this.#onClose?.(this.#error))
  }

  /** @returns whether it waited, because the link was cut */
  async #waitsForLink(): Promise<boolean> {
    const cut = this.#fabric.isCut(this.hostName, this.peerHostName)
    if (!cut || this.#closed) return false
    await this.#fabric.untilHealed(this.#ended.signal).catch(() => undefined)
    return true
  }
}

/** What a peer sees as the address of a host. */
function addressOf(hostName: string): string {
  return hostName === 'localhost' ? '127.0.0.1' : hostName
}
