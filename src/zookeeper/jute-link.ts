/**
 * # JuteLink
 *
 * One stream to a server, seen from the client: frames, numbers of requests, and what
 * kind of packet came in. It lives as long as the stream; the session outlives it.
 *
 * Invariant: replies come in the order of the requests; a reply out of order ends the
 * link.
 *
 * @module
 */
import { Deferred } from '../base/async/Deferred.ts'
import { ByteReader } from '../base/bytes/ByteReader.ts'
import type { ByteWriter } from '../base/bytes/ByteWriter.ts'
import type { Connection } from '../base/platform/Platform.ts'
import { type AuthInfo, KeeperCode, type WatchEvent } from './client.ts'
import { frame } from './jute.ts'
import {
  AuthPacket,
  ConnectRequest,
  ConnectResponse,
  EventType,
  OpCode,
  ReplyHeader,
  RequestHeader,
  WatcherEvent,
  Xid,
} from './records.ts'

/** Who a client is, and what it has seen. */
export type Hello = ConnectRequest & { readonly passwd: Buffer | null }

/** What a session is told by its link. */
export interface LinkHandlers {
  /** The handshake is through. */
  onWelcome(hello: Hello): void
  /** The server does not know the session, any more. */
  onRefused(): void
  onAuthFailed(): void
  /** The oldest request is answered. */
  onReply(err: number, zxid: bigint, body: ByteReader): void
  onEvent(event: WatchEvent): void
  /** Bytes came, of whatever kind: the server lives. */
  onHeard(): void
  /** The stream is over. */
  onClose(): void
}

const eventTypes = new Map(
  Object.entries(EventType).map(([name, type]) => [
    type as number,
    name as WatchEvent['type'],
  ]),
)

/** A stream and its numbers. */
export class JuteLink {
  readonly #connection: Connection
  readonly #handlers: LinkHandlers
  readonly #closed = new Deferred()
  #received: Buffer = Buffer.alloc(0)
  #greeted = false
  #nextXid = 1
  #awaitedXid = 1

  constructor(connection: Connection, handlers: LinkHandlers) {
    this.#connection = connection
    this.#handlers = handlers
    connection.onData((chunk) => this.receive(chunk))
    connection.onClose(() => {
      this.#closed.resolve()
      handlers.onClose()
    })
  }

  /** Sends the first frame. */
  sayHello(hello: Hello): void {
    this.#write(
      frame(
        (to) => ConnectRequest.write(to, hello),
        (to) => to.writeBoolean(false),
      ),
    )
  }

  /** Sends a proof of identity. */
  authenticate({ scheme, auth }: AuthInfo): void {
    this.#write(
      frame(
        (to) => RequestHeader.write(to, { xid: Xid.auth, type: OpCode.auth }),
        (to) => AuthPacket.write(to, { type: 0, scheme, auth }),
      ),
    )
  }

  /** Sends a request that will be answered in its turn. */
  send(type: number, body?: (to: ByteWriter) => void): void {
    const xid = this.#nextXid++
    this.#write(
      frame(
        (to) => RequestHeader.write(to, { xid, type }),
        (to) => body?.(to),
      ),
    )
  }

  /** Shows a sign of life. */
  ping(): void {
    const header = { xid: Xid.ping, type: OpCode.ping }
    this.#write(frame((to) => RequestHeader.write(to, header)))
  }

  /** Ends the session, and waits for the server to hang up. */
  async sayGoodBye(): Promise<void> {
    this.send(OpCode.closeSession)
    await this.#closed.promise
  }

  /** Drops the stream. */
  destroy(): void {
    this.#connection.destroy()
  }

  /** Takes bytes and handles the frames that they complete. */
  receive(chunk: Buffer): void {
    this.#handlers.onHeard()
    this.#received =
      this.#received.length === 0 ? chunk : Buffer.concat([this.#received, chunk])
    let at = 0
    while (this.#received.length - at >= 4 && !this.#connection.closed) {
      const end = at + 4 + this.#received.readInt32BE(at)
      if (this.#received.length < end) break
      const from = new ByteReader(this.#received, at + 4, end)
      at = end
      if (this.#greeted) this.#packet(from)
      else this.#greeting(from)
    }
    this.#received = this.#received.subarray(at)
  }

  #greeting(from: ByteReader): void {
    this.#greeted = true
    const response = ConnectResponse.read(from)
    if (response.timeOut <= 0) this.#handlers.onRefused()
    else this.#handlers.onWelcome({ ...response, lastZxidSeen: 0n })
  }

  #packet(from: ByteReader): void {
    const { xid, zxid, err } = ReplyHeader.read(from)
    if (xid === Xid.ping) return
    if (xid === Xid.auth) {
      if (err === KeeperCode.AUTHFAILED) this.#handlers.onAuthFailed()
      return
    }
    if (xid === Xid.notification) {
      const { type, path } = WatcherEvent.read(from)
      const name = eventTypes.get(type)
      if (name) this.#handlers.onEvent({ type: name, path })
      return
    }

    // Settle the oldest request; another number means that we have lost count.
    if (xid !== this.#awaitedXid++) this.destroy()
    else this.#handlers.onReply(err, zxid, from)
  }

  #write(bytes: Buffer): void {
    // A write that fails shows as the end of the stream, too.
    this.#connection.write(bytes).catch(() => undefined)
  }
}
