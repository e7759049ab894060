/**
 * # ServerCnxn
 *
 * One connection, seen from the server: cuts the stream into frames, tells a four-letter
 * word from a handshake, knows who is at the other end, and sends replies and events in
 * the order in which they were made.
 *
 *     first 4 bytes ─┬─ a known word ─▶ answer as text, close
 *                    └─ a length ─▶ ConnectRequest ─▶ session ─▶ requests …
 *
 * Invariants: a frame that is not understood costs this connection and nothing else. A
 * client that does not read its answers is not read from, either.
 *
 * @kafka none: org/apache/zookeeper/server/NIOServerCnxn.java
 * @module
 */
import type { ByteWriter } from '../../base/bytes/ByteWriter.ts'
import { SchemaException } from '../../base/exceptions.ts'
import { logger } from '../../base/logger.ts'
import type { Connection } from '../../base/platform/Platform.ts'
import type { WatchEvent } from '../client.ts'
import { decode, frame, type JuteType } from '../jute.ts'
import {
  ConnectRequest,
  ConnectResponse,
  EventType,
  ReplyHeader,
  RequestHeader,
  WatcherEvent,
  Xid,
} from '../records.ts'
import type { Id } from './access-control.ts'
import { TRACE_MASK_BYTES } from './four-letter-words.ts'
import { CnxnStats } from './ServerStats.ts'
import type { Watcher } from './WatchManager.ts'

const log = logger('ServerCnxn')

/** Bytes of ConnectRequest without the byte `readOnly`. */
const CONNECT_REQUEST_BYTES = 44

const REQUEST_HEADER_BYTES = 8
const STATE_SYNC_CONNECTED = 3

/** Answers that may wait before the client is no longer read from. */
const OUTSTANDING_LIMIT = 1000

/** What a connection needs of its server. */
export interface CnxnOwner {
  /** Bytes that a frame may have. */
  readonly maxBuffer: number
  /** @returns the answer to a four-letter word; undefined when it is none */
  fourLetterWord(word: string): string | undefined
  /** Called for the word `stmk`. @param mask - what is to be traced, bit by bit */
  setTraceMask(mask: bigint): void
  processConnectRequest(cnxn: ServerCnxn, request: ConnectRequest): void
  processPacket(
    cnxn: ServerCnxn,
    header: { readonly xid: number; readonly type: number },
    body: Buffer,
  ): void
  /** Called once, when the connection is over. */
  removeCnxn(cnxn: ServerCnxn): void
}

/** A connection and who is at its end. */
export class ServerCnxn implements Watcher {
  readonly connection: Connection
  readonly #owner: CnxnOwner
  #received: Buffer = Buffer.alloc(0)
  #initialized = false
  #wantsReadOnly = false
  #toSend: Buffer[] = []
  #sendScheduled = false
  #closing = false
  #outstanding = 0
  #paused = false

  /** The session; 0 before the handshake. */
  sessionId = 0n
  /** As negotiated, in ms. */
  sessionTimeoutMs = 0
  /** The session's secret. */
  passwd: Buffer = Buffer.alloc(16)
  /** Who is at the other end; grows by auth packets. */
  authInfo: readonly Id[]
  /** Packets, latencies and the last request, as `cons` tells them. */
  readonly stats: CnxnStats

  /** @param establishedMs - the time of now, since 1970 */
  constructor(connection: Connection, owner: CnxnOwner, establishedMs: number) {
    this.connection = connection
    this.#owner = owner
    this.stats = new CnxnStats(establishedMs)
    this.authInfo = [{ scheme: 'ip', id: connection.remoteAddress }]
    connection.onData((chunk) => this.receive(chunk))
    connection.onClose(() => this.#over())
  }

  /** Whether the handshake is through. */
  get isInitialized(): boolean {
    return this.#initialized
  }

  /** Requests whose answers are not yet handed to the kernel. */
  get outstandingRequests(): number {
    return this.#outstanding
  }

  /** Takes bytes and handles the frames that they complete. */
  receive(chunk: Buffer): void {
    if (this.#closing) return
    this.#received =
      this.#received.length === 0 ? chunk : Buffer.concat([this.#received, chunk])
    let at = 0
    try {
      while (!this.#closing && this.#received.length - at >= 4) {
        const length = this.#received.readInt32BE(at)
        if (!this.#initialized && this.#answerWord()) break

        // Close on a length that no client can mean.
        if (length < 0 || length > this.#owner.maxBuffer) {
          log.info(`a frame of ${length} bytes from ${this.connection.remoteAddress}`)
          this.close()
          return
        }
        const end = at + 4 + length
        if (this.#received.length < end) break
        this.processFrame(this.#received.subarray(at + 4, end))
        at = end
      }
    } catch (error) {
      if (!(error instanceof SchemaException)) throw error
      log.info(`an undecodable frame from ${this.connection.remoteAddress}`, error)
      this.close()
    }
    this.#received = this.#received.subarray(at)
  }

  /** Handles one frame: the first is the handshake. */
  processFrame(bytes: Buffer): void {
    this.stats.packetsReceived++
    if (!this.#initialized) {
      this.#wantsReadOnly = bytes.length > CONNECT_REQUEST_BYTES
      const request = decode(ConnectRequest, bytes)
      this.#initialized = true
      this.#owner.processConnectRequest(this, request)
      return
    }

    // Count what is owed, and stop reading when it is too much.
    this.#outstanding++
    if (this.#outstanding > OUTSTANDING_LIMIT && !this.#paused) {
      this.#paused = true
      this.connection.pause()
    }
    const header = decode(RequestHeader, bytes)
    this.#owner.processPacket(this, header, bytes.subarray(REQUEST_HEADER_BYTES))
  }

  /**
   * Ends the handshake.
   *
   * @param valid - false tells the client that its session is over, and closes
   */
  finishSessionInit(valid: boolean): void {
    const response = {
      protocolVersion: 0,
      timeOut: valid ? this.sessionTimeoutMs : 0,
      sessionId: valid ? this.sessionId : 0n,
      passwd: valid ? this.passwd : Buffer.alloc(16),
    }
    this.#send(
      frame(
        (to) => ConnectResponse.write(to, response),
        (to) => {
          // Answer the byte only to those who sent it; older clients choke on it.
          if (this.#wantsReadOnly) to.writeBoolean(false)
        },
      ),
    )
    if (!valid) this.close()
  }

  /** Sends a reply. @param body - left out when there is none, as for errors */
  sendResponse(
    header: JuteType<typeof ReplyHeader>,
    body?: (to: ByteWriter) => void,
  ): void {
    this.#outstanding--
    this.#send(
      frame(
        (to) => ReplyHeader.write(to, header),
        (to) => body?.(to),
      ),
    )
  }

  /** Sends an event. */
  process({ type, path }: WatchEvent): void {
    const event = { type: EventType[type], state: STATE_SYNC_CONNECTED, path }
    this.#send(
      frame(
        (to) => ReplyHeader.write(to, { xid: Xid.notification, zxid: -1n, err: 0 }),
        (to) => WatcherEvent.write(to, event),
      ),
    )
  }

  /** Sends what was written, and closes. */
  close(): void {
    if (this.#closing) return
    this.#closing = true
    this.#flush()
    this.connection.end()
    this.#owner.removeCnxn(this)
  }

  /** Closes without a word more. */
  destroy(): void {
    this.#closing = true
    this.connection.destroy()
    this.#owner.removeCnxn(this)
  }

  #over(): void {
    this.#closing = true
    this.#owner.removeCnxn(this)
  }

  /** Answers a four-letter word, when it is whole. @returns whether it is one */
  #answerWord(): boolean {
    const word = this.#received.toString('latin1', 0, 4)
    if (!/^[a-z]{4}$/.test(word)) return false

    // Wait for the mask behind the one word that has something behind it.
    if (word === 'stmk') {
      if (this.#received.length < 4 + TRACE_MASK_BYTES) return true
      this.#owner.setTraceMask(this.#received.readBigInt64BE(4))
    }
    this.stats.packetsReceived++
    const answer = this.#owner.fourLetterWord(word)
    if (answer === undefined) {
      this.stats.packetsReceived--
      return false
    }
    this.#send(Buffer.from(answer, 'utf8'))
    this.close()
    return true
  }

  /** Queues bytes; all of one turn leave together. */
  #send(bytes: Buffer): void {
    if (this.#closing) return
    this.stats.packetsSent++
    this.#toSend.push(bytes)
    if (this.#sendScheduled) return
    this.#sendScheduled = true
    queueMicrotask(() => this.#flush())
  }

  #flush(): void {
    this.#sendScheduled = false
    const chunks = this.#toSend
    this.#toSend = []
    if (chunks.length === 0 || this.connection.closed) return
    this.connection.write(chunks).then(
      () => this.#drained(),
      () => this.#over(),
    )
  }

  #drained(): void {
    if (!this.#paused || this.#outstanding > OUTSTANDING_LIMIT / 2) return
    this.#paused = false
    this.connection.resume()
  }
}
