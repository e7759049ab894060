/**
 * # NodeNetwork
 *
 * TCP by `node:net`. Every socket sends without delay and keeps itself alive, as Kafka's
 * do. A handler that throws costs its own connection, never the process.
 *
 * @module
 */
import net from 'node:net'
import { ClosedChannelException } from '../../exceptions.ts'
import { logger } from '../../logger.ts'
import { HostError } from '../HostError.ts'
import type {
  Connection,
  ConnectOptions,
  Listener,
  ListenOptions,
  Network,
} from '../Platform.ts'

const log = logger('NodeNetwork')

/** The network of the machine. */
export class NodeNetwork implements Network {
  listen(options: ListenOptions): Promise<Listener> {
    const { host, port, onConnection, backlog } = options
    const server = net.createServer({ noDelay: true, keepAlive: true }, (socket) => {
      const connection = new NodeConnection(socket)
      connection.guard('accepting', () => onConnection(connection))
    })
    return new Promise((resolve, reject) => {
      server.once('error', reject)
      server.listen(
        {
          port,
          ...(host === '' ? {} : { host }),
          ...(backlog === undefined ? {} : { backlog }),
        },
        () => {
          server.removeListener('error', reject)
          server.on('error', (error) => log.error('accepting failed', error))
          resolve(new NodeListener(server, host))
        },
      )
    })
  }

  connect({ host, port, timeoutMs }: ConnectOptions): Promise<Connection> {
    return new Promise((resolve, reject) => {
      const socket = net.connect({ host, port, noDelay: true, keepAlive: true })
      const timer = setTimeout(() => {
        socket.destroy(new HostError('ETIMEDOUT', `connect ${host}:${port}`))
      }, timeoutMs)
      const onError = (error: Error): void => {
        clearTimeout(timer)
        reject(error)
      }
      socket.once('error', onError)
      socket.once('connect', () => {
        clearTimeout(timer)
        socket.removeListener('error', onError)
        resolve(new NodeConnection(socket))
      })
    })
  }
}

/** A bound server socket. */
class NodeListener implements Listener {
  readonly host: string
  readonly port: number
  readonly #server: net.Server

  constructor(server: net.Server, host: string) {
    this.host = host
    this.port = (server.address() as net.AddressInfo).port
    this.#server = server
  }

  async close(): Promise<void> {
    if (!this.#server.listening) return

    // Node calls back only when all connections have ended; the port is free at once.
    this.#server.close()
    await new Promise((resolve) => setImmediate(resolve))
  }
}

/** One end of a TCP connection. */
class NodeConnection implements Connection {
  readonly remoteAddress: string
  readonly remotePort: number
  readonly localAddress: string
  readonly localPort: number
  readonly #socket: net.Socket
  #error: Error | undefined
  #onClose: ((error?: Error) => void) | undefined

  constructor(socket: net.Socket) {
    this.remoteAddress = plainAddress(socket.remoteAddress)
    this.remotePort = socket.remotePort ?? 0
    this.localAddress = plainAddress(socket.localAddress)
    this.localPort = socket.localPort ?? 0
    this.#socket = socket
    socket.on('error', (error) => {
      this.#error = error
    })
    socket.on('close', () => {
      this.guard('closing', () => this.#onClose?.(this.#error))
    })
  }

  get closed(): boolean {
    return this.#socket.destroyed
  }

  onData(fn: (chunk: Buffer) => void): void {
    this.#socket.on('data', (chunk: Buffer) => {
      if (this.#socket.destroyed) return
      try {
        fn(chunk)
      } catch (error) {
        this.#fail('receiving', error)
      }
    })
  }

  onClose(fn: (error?: Error) => void): void {
    this.#onClose = fn
  }

  write(chunks: Buffer | readonly Buffer[]): Promise<void> {
    return new Promise((resolve, reject) => {
      const socket = this.#socket
      if (!socket.writable) throw new ClosedChannelException()
      const done = (error?: Error | null): void => {
        if (error) reject(error)
        else resolve()
      }
      if (Buffer.isBuffer(chunks)) {
        socket.write(chunks, done)
        return
      }

      // Hand several pieces over in one system call.
      if (chunks.length === 0) return resolve()
      socket.cork()
      const last = chunks.length - 1
      chunks.forEach((chunk, i) => {
        socket.write(chunk, i === last ? done : undefined)
      })
      socket.uncork()
    })
  }

  pause(): void {
    this.#socket.pause()
  }

  resume(): void {
    this.#socket.resume()
  }

  end(): void {
    this.#socket.end()
  }

  destroy(): void {
    this.#socket.destroy()
  }

  /** Runs a handler; what it throws closes this connection. */
  guard(doing: string, fn: () => void): void {
    try {
      fn()
    } catch (error) {
      this.#fail(doing, error)
    }
  }

  #fail(doing: string, error: unknown): void {
    log.error(`a handler failed while ${doing}; the connection is dropped`, error)
    this.#socket.destroy()
  }
}

/** Takes the IPv6 wrapping off an IPv4 address. */
function plainAddress(address: string | undefined): string {
  return address?.replace(/^::ffff:(?=\d+\.)/, '') ?? ''
}
