/**
 * # MemoryNetwork
 *
 * A network in memory between named hosts. Each broker sees it through its own
 * `MemoryHost`; what `localhost` means depends on who asks, as in life.
 *
 *     b1 ── connect('b2', 9092) ──▶ ┌────────┐ ──▶ listener of b2
 *                                   │ fabric │
 *     cut(b1, b2): nothing passes   └────────┘   refuse(b2): nobody answers
 *     heal(b1, b2): it goes on                   reset(b1, b2): both ends see an error
 *     latency(b1, b2): each packet takes its time     kill(process): its peers see resets
 *
 * Bytes arrive in the receiver's own loop and in the order in which they were written. A
 * receiver that pauses holds the sender back: at most 64 KB wait in between.
 *
 * Invariant: nothing is delivered from inside a call of `write`, `connect` or `end`.
 *
 * @module
 */
import { AsyncQueue } from '../../async/AsyncQueue.ts'
import { Condition } from '../../async/Condition.ts'
import { HostError } from '../HostError.ts'
import type {
  Clock,
  Connection,
  ConnectOptions,
  Listener,
  ListenOptions,
  Network,
} from '../Platform.ts'
import { connectedPair, type MemoryConnection } from './MemoryConnection.ts'
import { MemoryProcess } from './MemoryProcess.ts'

/** Ports below are never chosen by the network itself. */
const FIRST_EPHEMERAL_PORT = 49152

/** What the fabric knows of a bound address. */
interface Binding {
  readonly hostName: string
  readonly process: MemoryProcess
  readonly backlog: AsyncQueue<MemoryConnection>
}

/** All hosts and what lies between them. */
export class MemoryNetwork {
  readonly clock: Clock
  /** Lets a turn pass between two deliveries. */
  readonly hop: () => Promise<void>
  /**
   * How long the next packet takes from one host to another, in whole ms; no time when
   * left out. Set it before anything is connected.
   */
  latency: ((from: string, to: string) => number) | undefined
  readonly #bindings = new Map<string, Binding>()
  readonly #cuts = new Set<string>()
  readonly #refusing = new Set<string>()
  readonly #connections = new Set<MemoryConnection>()
  readonly #changed = new Condition()
  #nextPort = FIRST_EPHEMERAL_PORT

  /**
   * @param hop - what passes between two deliveries: a microtask under a virtual clock,
   *   a turn of the event loop under a real one, so that others get their share
   */
  constructor(clock: Clock, hop: () => Promise<void>) {
    this.clock = clock
    this.hop = hop
  }

  /**
   * @param clock - whose timers a process on that host waits with; the world's when left out
   * @returns the network as the host of that name sees it
   */
  host(name: string, process = new MemoryProcess(), clock = this.clock): MemoryHost {
    return new MemoryHost(this, name, process, clock)
  }

  /** Ends of open connections. */
  get openEnds(): number {
    return this.#connections.size
  }

  /** Stops everything between two hosts; what is under way waits for `heal`. */
  cut(a: string, b: string): void {
    this.#cuts.add(linkName(a, b))
  }

  /** Lets bytes pass between two hosts again. */
  heal(a: string, b: string): void {
    this.#cuts.delete(linkName(a, b))
    this.#changed.signalAll()
  }

  /** @returns whether the link between two hosts is cut */
  isCut(a: string, b: string): boolean {
    return this.#cuts.has(linkName(a, b))
  }

  /** Makes a host refuse new connections. @returns a function that ends it */
  refuse(host: string): () => void {
    this.#refusing.add(host)
    return () => {
      this.#refusing.delete(host)
    }
  }

  /** Breaks all connections between two hosts: both ends see `ECONNRESET`. */
  reset(a: string, b: string): void {
    for (const end of [...this.#connections]) {
      if (linkName(end.hostName, end.peerHostName) !== linkName(a, b)) continue
      end.break(new HostError('ECONNRESET', `${a} - ${b}`))
    }
  }

  /**
   * Kills a process: nothing runs in it from now on, its ports are free, and the other
   * ends of its connections see `ECONNRESET` when the news has travelled.
   */
  kill(process: MemoryProcess): void {
    process.kill()
    for (const [key, binding] of [...this.#bindings]) {
      if (binding.process !== process) continue
      this.#bindings.delete(key)
      for (const end of binding.backlog.clear()) end.vanish()
    }
    for (const end of [...this.#connections]) {
      if (end.process === process) end.vanish()
    }
  }

  /** Waits until links were healed. For the connections. */
  untilHealed(signal: AbortSignal): Promise<void> {
    return this.#changed.wait(signal)
  }

  /** Keeps account of an open end. @returns what to call when it has closed */
  track(end: MemoryConnection): () => void {
    this.#connections.add(end)
    return () => {
      this.#connections.delete(end)
    }
  }

  /** Binds an address, or a free port for port 0. @returns the port and how to unbind */
  bind(hostName: string, wantedPort: number, binding: Binding) {
    const port = wantedPort === 0 ? this.freePort() : wantedPort
    const key = `${hostName}:${port}`
    if (this.#bindings.has(key)) throw new HostError('EADDRINUSE', `listen ${key}`)
    this.#bindings.set(key, binding)
    return { port, unbind: () => this.#bindings.delete(key) }
  }

  /** @returns a port that nobody was given yet */
  freePort(): number {
    return this.#nextPort++
  }

  /**
   * Finds who listens.
   *
   * @throws HostError ECONNREFUSED when nobody does, ETIMEDOUT (after that time) when the
   *   link is cut
   */
  async reach(from: MemoryHost, host: string, o: ConnectOptions): Promise<Binding> {
    // Ask who is there, which takes a way and back.
    if (this.latency === undefined) await this.hop()
    else {
      const way = this.latency(from.name, host) + this.latency(host, from.name)
      await from.clock.sleep(way)
    }
    const binding = this.#bindings.get(`${host}:${o.port}`)
    if (this.isCut(from.name, binding?.hostName ?? host)) {
      await from.clock.sleep(o.timeoutMs)
      throw new HostError('ETIMEDOUT', `connect ${o.host}:${o.port}`)
    }
    if (binding === undefined || this.#refusing.has(binding.hostName)) {
      throw new HostError('ECONNREFUSED', `connect ${o.host}:${o.port}`)
    }
    return binding
  }
}

/** The network as one host sees it. */
export class MemoryHost implements Network {
  readonly fabric: MemoryNetwork
  readonly name: string
  readonly process: MemoryProcess
  readonly clock: Clock

  constructor(
    fabric: MemoryNetwork,
    name: string,
    process: MemoryProcess,
    clock: Clock,
  ) {
    this.fabric = fabric
    this.name = name
    this.process = process
    this.clock = clock
  }

  async listen(options: ListenOptions): Promise<Listener> {
    const backlog = new AsyncQueue<MemoryConnection>()
    const host = this.#resolve(options.host)
    const binding = { hostName: this.name, process: this.process, backlog }
    const { port, unbind } = this.fabric.bind(host, options.port, binding)
    const closing = new AbortController()

    // Accept in a loop that belongs to the listener; it ends by the abort in close().
    const accepting = this.#accept(backlog, options.onConnection, closing.signal)
    return {
      host: options.host,
      port,
      close: async () => {
        unbind()
        closing.abort()
        for (const end of backlog.clear()) {
          end.break(new HostError('ECONNRESET', 'the listener was closed'))
        }
        await accepting
      },
    }
  }

  async connect(options: ConnectOptions): Promise<Connection> {
    const host = this.#resolve(options.host)
    const { hostName, process, backlog } = await this.fabric.reach(this, host, options)
    const [near, far] = connectedPair(this.fabric, {
      near: {
        hostName: this.name,
        port: this.fabric.freePort(),
        process: this.process,
      },
      far: { hostName, port: options.port, process },
    })
    if (!backlog.offer(far)) throw new HostError('ECONNREFUSED', options.host)
    near.begin()
    return near
  }

  async #accept(
    backlog: AsyncQueue<MemoryConnection>,
    onConnection: (connection: Connection) => void,
    signal: AbortSignal,
  ): Promise<void> {
    while (!signal.aborted) {
      const connection = await backlog.take(signal).catch(() => undefined)
      if (connection === undefined) return
      if (!this.process.isRunning) await this.process.untilRunning()
      connection.guard('accepting', () => onConnection(connection))
      connection.begin()
    }
  }

  #resolve(host: string): string {
    return /^(|localhost|127\.0\.0\.1|0\.0\.0\.0|::|::1)$/.test(host) ? this.name : host
  }
}

function linkName(a: string, b: string): string {
  return a < b ? `${a} ${b}` : `${b} ${a}`
}
