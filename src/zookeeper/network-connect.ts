/**
 * # Sessions over a platform's network
 *
 * The session of `in-process-session`, over connections that the platform makes. On the
 * memory platform this puts a network with delays and cuts between a broker and its
 * ZooKeeper.
 *
 *     session ─ write ─▶ PendingConnection ─ connected ─▶ Connection of the platform
 *                          keeps bytes until then
 *
 * @differs no class of Kafka; on real sockets `node-zookeeper-client` does this
 * @module
 */
import { ClosedChannelException } from '../base/exceptions.ts'
import type { Connection, Platform } from '../base/platform/Platform.ts'
import type { ZooKeeperConnect } from './client.ts'
import { inProcessConnect } from './in-process-session.ts'
import { parseConnectString } from './paths.ts'

/**
 * Makes a connect function that reaches the servers of the connect string over the
 * network of a platform; after a failure it tries the next server.
 */
export function connectOverNetwork({
  network,
  clock,
}: Pick<Platform, 'network' | 'clock'>): ZooKeeperConnect {
  return (options) => {
    const { servers } = parseConnectString(options.connectString)
    let next = 0
    const connectInProcess = (): Connection => {
      const { host, port } = servers[next++ % servers.length]!
      const timeoutMs = options.sessionTimeoutMs / servers.length
      return new PendingConnection(network.connect({ host, port, timeoutMs }))
    }
    return inProcessConnect({ clock, connectInProcess })(options)
  }
}

/** A connection that is used before it stands. */
class PendingConnection implements Connection {
  #connection: Connection | undefined
  #closed = false
  #ended = false
  #paused = false
  readonly #unsent: Buffer[] = []
  #onData: ((chunk: Buffer) => void) | undefined
  #onClose: ((error?: Error) => void) | undefined

  constructor(connecting: Promise<Connection>) {
    connecting.then(
      (connection) => this.#adopt(connection),
      (error) => this.#close(error),
    )
  }

  get remoteAddress(): string {
    return this.#connection?.remoteAddress ?? ''
  }

  get remotePort(): number {
    return this.#connection?.remotePort ?? 0
  }

  get localAddress(): string {
    return this.#connection?.localAddress ?? ''
  }

  get localPort(): number {
    return this.#connection?.localPort ?? 0
  }

  get closed(): boolean {
    return this.#closed
  }

  onData(fn: (chunk: Buffer) => void): void {
    this.#onData = fn
  }

  onClose(fn: (error?: Error) => void): void {
    this.#onClose = fn
  }

  async write(chunks: Buffer | readonly Buffer[]): Promise<void> {
    if (this.#closed || this.#ended) throw new ClosedChannelException()
    if (this.#connection) return this.#connection.write(chunks)
    this.#unsent.push(...(Buffer.isBuffer(chunks) ? [chunks] : chunks))
  }

  pause(): void {
    this.#paused = true
    this.#connection?.pause()
  }

  resume(): void {
    this.#paused = false
    this.#connection?.resume()
  }

  end(): void {
    this.#ended = true
    this.#connection?.end()
  }

  destroy(): void {
    if (this.#connection) this.#connection.destroy()
    else this.#close()
  }

  #adopt(connection: Connection): void {
    // Hang up when nobody wants it any more.
    if (this.#closed) {
      connection.onClose(() => undefined)
      connection.destroy()
      return
    }
    this.#connection = connection
    connection.onData((chunk) => this.#onData?.(chunk))
    connection.onClose((error) => this.#close(error))
    if (this.#paused) connection.pause()

    // Send what was written so far. A failure shows as the end of the connection, too.
    const unsent = this.#unsent.splice(0)
    if (unsent.length > 0) connection.write(unsent).catch(() => undefined)
    if (this.#ended) connection.end()
  }

  #close(error?: Error): void {
    if (this.#closed) return
    this.#closed = true
    queueMicrotask(() => this.#onClose?.(error))
  }
}
