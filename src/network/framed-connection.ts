/**
 * # FramedConnection
 *
 * The client's end of a connection: whole frames go out, whole frames come in. What
 * `BlockingChannel` and `NetworkClient` have in common.
 *
 * @module
 */
import { IOException } from '../base/errors.ts'
import type { Connection, Network } from '../base/platform/Platform.ts'
import { FrameParser } from '../protocol/framing.ts'

/** Whom to connect to, and who is told. */
export interface FramedConnectionOptions {
  readonly network: Network
  readonly host: string
  readonly port: number
  readonly connectTimeoutMs: number
  /** Called for each frame, with its payload. */
  readonly onFrame: (payload: Buffer) => void
  /** Called once when the connection is over, whoever ended it. */
  readonly onClose: (error: IOException) => void
}

/** An open connection that speaks in frames. */
export class FramedConnection {
  readonly #connection: Connection
  readonly #parser = new FrameParser()
  readonly #options: FramedConnectionOptions
  #over = false

  /**
   * Connects.
   *
   * @throws IOException (rejects) with the host's reason as its cause
   */
  static async connect(options: FramedConnectionOptions): Promise<FramedConnection> {
    const { network, host, port, connectTimeoutMs } = options
    try {
      const timeoutMs = connectTimeoutMs
      const connection = await network.connect({ host, port, timeoutMs })
      return new FramedConnection(connection, options)
    } catch (cause) {
      throw new IOException(`no connection to ${host}:${port}`, { cause })
    }
  }

  constructor(connection: Connection, options: FramedConnectionOptions) {
    this.#connection = connection
    this.#options = options
    connection.onData((chunk) => this.receive(chunk))
    connection.onClose((cause) => this.close(cause))
  }

  get isOpen(): boolean {
    return !this.#over && !this.#connection.closed
  }

  /**
   * Takes bytes off the connection. Those of a broker that make no sense end it; the
   * frames before them count.
   */
  receive(chunk: Buffer): void {
    const frames: Buffer[] = []
    try {
      this.#parser.push(chunk, frames)
    } catch (error) {
      this.#handOn(frames)
      this.close(error)
      return
    }
    this.#handOn(frames)
  }

  #handOn(frames: readonly Buffer[]): void {
    try {
      for (const payload of frames) this.#options.onFrame(payload)
    } catch (error) {
      this.close(error)
    }
  }

  /** Sends a whole frame. @throws IOException (rejects) when that fails */
  async send(frame: Buffer): Promise<void> {
    try {
      await this.#connection.write(frame)
    } catch (cause) {
      throw this.#lost(cause)
    }
  }

  /** Drops the connection; whoever waits is told. */
  close(cause?: unknown): void {
    if (this.#over) return
    this.#over = true
    this.#connection.destroy()
    this.#options.onClose(this.#lost(cause))
  }

  #lost(cause: unknown): IOException {
    const { host, port } = this.#options
    return new IOException(
      `the connection to ${host}:${port} was closed`,
      cause === undefined ? undefined : { cause },
    )
  }
}
