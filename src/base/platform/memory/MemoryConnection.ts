/**
 * # MemoryConnection
 *
 * One end of a stream in memory. Each end has an inbox and a loop that empties it into
 * its handler; writing appends to the inbox of the other end and, when that is full,
 * waits until it has been read.
 *
 *     write ─▶ [ inbox of the peer, 64 KB ] ─▶ the peer's loop ─▶ onData
 *     end   ─▶ [ …, FIN ]                   ─▶ the peer says FIN too ─▶ both onClose
 *            ▲ the fabric's latency, drawn for each packet; order is kept
 *
 * Invariant: `onClose` is called exactly once, from the loop, after the last `onData`;
 * nothing is called in a process that is stopped or dead.
 *
 * @module
 */
import { Condition } from '../../async/Condition.ts'
import { ClosedChannelException } from '../../exceptions.ts'
import { logger } from '../../logger.ts'
import { HostError } from '../HostError.ts'
import type { Connection } from '../Platform.ts'
import type { MemoryNetwork } from './MemoryNetwork.ts'
import type { MemoryProcess } from './MemoryProcess.ts'

/** Bytes that may lie in an inbox before the sender waits. */
const INBOX_BYTES = 65536

const log = logger('MemoryNetwork')

/** A host, a port on it, and whose it is. */
interface Place {
  readonly hostName: string
  readonly port: number
  readonly process: MemoryProcess
}

/** What travels: bytes, a good-bye, or the news that the other end is gone. */
type Packet = Buffer | 'fin' | 'reset'

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
  readonly process: MemoryProcess
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
  #wasReset = false
  /** When the packet sent last arrives, by the fabric's clock. */
  #lastArrival = 0
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
    this.process = local.process
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
    peer.#inboxBytes += bytes.length
    this.#send(bytes)

    // Wait, as for a full socket buffer, until the peer has read enough.
    while (peer.#inboxBytes > INBOX_BYTES && !this.#closed) await peer.#room.wait()
    if (!this.process.isRunning) await this.process.untilRunning()
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
    this.#send('fin')
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

  /** Ends this side without a word to its process, which died; the peer sees a reset. */
  vanish(): void {
    this.#onData = undefined
    this.#onClose = undefined
    this.#close()
    if (!this.#finSent) this.#send('reset')
    this.#finSent = true
  }

  /** Puts a packet on its way; it arrives after those before it. */
  #send(packet: Packet): void {
    const { clock, latency = () => 0 } = this.#fabric
    const peer = this.#peer
    const now = clock.monotonic()

    // What waits for the disk of its sender leaves after that, if the sender lives.
    const blockedUntil = packet === 'reset' ? now : this.process.blockedUntilMs
    const leaves = Math.max(now, blockedUntil)
    if (leaves === now && this.#fabric.latency === undefined) {
      peer.#arrive(packet)
      return
    }
    let hasLeft = leaves === now
    if (!hasLeft) {
      clock.setTimeout(() => {
        hasLeft = !this.process.isDead
      }, leaves - now)
    }
    const due = leaves + latency(this.hostName, this.peerHostName)
    this.#lastArrival = Math.max(this.#lastArrival, due)
    clock.setTimeout(() => {
      if (hasLeft) peer.#arrive(packet)
    }, this.#lastArrival - now)
  }

  #arrive(packet: Packet): void {
    if (this.#closed) return
    if (packet === 'fin') this.#finReceived = true
    else if (packet === 'reset') this.#wasReset = true
    else this.#inbox.push(packet)
    this.#wake.signal()
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

      // Believe a reset when all before it was read.
      if (this.#wasReset && (this.#inbox.length === 0 || this.#onData === undefined)) {
        const { peerHostName, remotePort } = this
        this.#error ??= new HostError('ECONNRESET', `${peerHostName}:${remotePort}`)
        this.#close()
        break
      }

      // Answer a good-bye when all before it was read.
      if (this.#finReceived && this.#inbox.length === 0 && !this.#paused) {
        this.end()
        this.#close()
        break
      }
      if (!this.#closed) await this.#wake.wait()
    }
    const { isRunning, isDead } = this.process
    if (!isRunning && !isDead) await this.process.untilRunning()
    this.guard('closing', () => this.#onClose?.(this.#error))
  }

  /** @returns whether it waited, because the link was cut or the process stopped */
  async #waitsForLink(): Promise<boolean> {
    if (!this.process.isRunning && !this.#closed) {
      await this.process.untilRunning(this.#ended.signal).catch(() => undefined)
      return true
    }
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
