/**
 * # LinkProxy
 *
 * Stands in front of one server on loopback and can harm what passes: a link is one
 * party's way to that server, and each link is cut, stalled, slowed and healed by itself.
 *
 *     party a ─▶ ┌───────────┐
 *     party b ─▶ │ LinkProxy │ ─▶ server
 *     party c ─▶ └───────────┘
 *
 * Who a connection belongs to is read from its first bytes: a Kafka request names its
 * client. Nothing passes before that is known.
 *
 * - *cut*: connections are reset, new ones, too: the other side is known to be gone.
 * - *stalled*: nothing passes, nothing is closed: packets are lost, nobody is told. What
 *   was held passes later, as TCP repeats it.
 * - *delayed*: each piece waits before it goes on.
 *
 * Invariant: bytes that pass are whole and in order; a proxy never makes any up.
 *
 * @module
 */
import net from 'node:net'
import { setTimeout as sleep } from 'node:timers/promises'
import { Condition } from '../../base/async/Condition.ts'

/** What a proxy stands in front of. */
export interface LinkProxyOptions {
  /** The port of the server, on loopback. */
  readonly targetPort: () => number
  /**
   * Names the party of a connection.
   *
   * @returns `undefined` when more bytes are needed to tell
   */
  readonly partyOf: (firstBytes: Buffer) => string | undefined
}

/** How one party's bytes fare. */
interface Link {
  mode: 'open' | 'cut' | 'stalled'
  delayMs: number
  readonly changed: Condition
  readonly sockets: Set<net.Socket>
}

/** A proxy in front of one server. */
export class LinkProxy {
  readonly port: number
  readonly #options: LinkProxyOptions
  readonly #server: net.Server
  readonly #links = new Map<string, Link>()
  readonly #sockets = new Set<net.Socket>()

  /** Opens a proxy on a free port. */
  static listen(options: LinkProxyOptions): Promise<LinkProxy> {
    const server = net.createServer({ noDelay: true })
    return new Promise((resolve, reject) => {
      server.once('error', reject)
      server.listen(0, '127.0.0.1', () => resolve(new LinkProxy(server, options)))
    })
  }

  private constructor(server: net.Server, options: LinkProxyOptions) {
    this.#server = server
    this.#options = options
    this.port = (server.address() as net.AddressInfo).port
    server.on('connection', (socket) => this.#accept(socket))
  }

  /** Resets a party's connections, and those it tries to make. */
  cut(party: string): void {
    const link = this.#link(party)
    this.#set(link, 'cut')
    for (const socket of link.sockets) socket.resetAndDestroy()
  }

  /** Lets nothing of a party pass, in either direction, without telling anybody. */
  stall(party: string): void {
    this.#set(this.#link(party), 'stalled')
  }

  /** Makes each piece of a party's bytes wait. */
  delay(party: string, delayMs: number): void {
    this.#link(party).delayMs = delayMs
  }

  /** Lets everything of a party pass again. */
  heal(party: string): void {
    const link = this.#link(party)
    link.delayMs = 0
    this.#set(link, 'open')
  }

  /** Ends the proxy and all that passes through it. */
  close(): Promise<void> {
    for (const socket of this.#sockets) socket.destroy()
    return new Promise((resolve) => {
      this.#server.close(() => resolve())
    })
  }

  #link(party: string): Link {
    let link = this.#links.get(party)
    if (link === undefined) {
      link = { mode: 'open', delayMs: 0, changed: new Condition(), sockets: new Set() }
      this.#links.set(party, link)
    }
    return link
  }

  #set(link: Link, mode: Link['mode']): void {
    link.mode = mode
    link.changed.signalAll()
  }

  #accept(socket: net.Socket): void {
    this.#track(socket)

    // Collect bytes until they say whose connection it is.
    let first: Buffer = Buffer.alloc(0)
    const onData = (chunk: Buffer) => {
      first = Buffer.concat([first, chunk])
      const party = this.#options.partyOf(first)
      if (party === undefined) return
      socket.pause()
      socket.removeListener('data', onData)
      this.#join(socket, this.#link(party), first)
    }
    socket.on('data', onData)
  }

  #join(socket: net.Socket, link: Link, first: Buffer): void {
    if (link.mode === 'cut') {
      socket.resetAndDestroy()
      return
    }

    // Either end takes the other along when it goes.
    const target = net.connect(this.#options.targetPort(), '127.0.0.1')
    target.setNoDelay(true)
    this.#track(target)
    for (const [one, other] of [
      [socket, target],
      [target, socket],
    ] as const) {
      link.sockets.add(one)
      one.once('close', () => {
        link.sockets.delete(one)
        if (link.mode !== 'stalled') other.destroy()
      })
    }
    socket.unshift(first)
    void this.#pump(socket, target, link)
    void this.#pump(target, socket, link)
  }

  /** Carries bytes one way until either end closes. Never rejects. */
  async #pump(from: net.Socket, to: net.Socket, link: Link): Promise<void> {
    try {
      for await (const chunk of from) {
        if (link.delayMs > 0) await sleep(link.delayMs)
        await this.#open(link)
        if (!to.write(chunk as Buffer)) await drained(to)
      }
    } catch {
      // A reset says what an end says, less politely.
    }
    await this.#open(link)
    to.destroy()
  }

  async #open(link: Link): Promise<void> {
    while (link.mode === 'stalled') await link.changed.wait()
  }

  #track(socket: net.Socket): void {
    this.#sockets.add(socket)
    socket.on('error', () => {})
    socket.once('close', () => this.#sockets.delete(socket))
  }
}

function drained(socket: net.Socket): Promise<void> {
  return new Promise((resolve) => {
    const done = () => {
      socket.removeListener('drain', done)
      socket.removeListener('close', done)
      resolve()
    }
    socket.on('drain', done)
    socket.on('close', done)
  })
}

/** How brokers and clients are told apart at the door of a broker. */
export const KafkaParties = {
  /** The one name for all that are not brokers. */
  client: 'client',

  broker(id: number): string {
    return `broker ${id}`
  },

  /**
   * Reads the client id of the first request: fetchers and marker senders call
   * themselves `broker-<id>-…`, controllers and brokers that stop by their number.
   */
  of(firstBytes: Buffer): string | undefined {
    // [size 4 | apiKey 2 | apiVersion 2 | correlationId 4 | clientId length 2 | clientId]
    if (firstBytes.length < 14) return undefined
    const length = firstBytes.readInt16BE(12)
    if (length < 0) return KafkaParties.client
    if (firstBytes.length < 14 + length) return undefined
    const clientId = firstBytes.toString('utf8', 14, 14 + length)
    const id = /^(?:broker-(\d+)-.*|(\d+))$/.exec(clientId)
    if (id === null) return KafkaParties.client
    return KafkaParties.broker(Number(id[1] ?? id[2]))
  },
}
