/**
 * # What node-zookeeper-client is taught
 *
 * The library is sound while the link is sound. This file replaces, on one client object,
 * the few insides that go wrong when it is not:
 *
 * - its reader keeps half a frame over a reconnect, copies quadratically and recurses:
 *   it is given whole frames, one at a time;
 * - it throws out of the socket's handler at an error code or an event that it does not
 *   know: such a code is kept aside, such an event is left out;
 * - it calls a watcher twice when both of its tables hold it: events are taken where they
 *   come in, once;
 * - it opens a socket after it was closed: where to connect next is decided here;
 * - it writes each request by itself: those of one turn leave together.
 *
 * @module
 */
import type { Client, RawEvent, RawServer } from 'node-zookeeper-client'
import type { Clock, TimerHandle } from '../base/platform/Platform.ts'

/** States of the library's ConnectionManager. */
export const ManagerState = { connecting: 1, connected: 2, closing: -1 } as const

/** Codes for which the library has an exception. */
const KNOWN_CODES = new Set([
  0, -1, -2, -3, -4, -5, -6, -7, -8, -100, -101, -102, -103, -108, -110, -111, -112,
  -113, -114, -115,
])

const XID_NOTIFICATION = -1
const XID_AT = 4
const ERR_AT = 16
const EVENT_TYPE_AT = 20
const SYSTEM_ERROR = -1

/** The largest frame that is believed; a server never sends more. */
const MAX_FRAME_BYTES = 64 << 20

/** Ms before all servers are tried once more. */
const ROUND_PAUSE_MS = 250

/** Who is told what the library has no words for. */
export interface Hooks {
  readonly clock: Clock
  /** An event of type 1 to 4 came in. */
  onEvent(event: RawEvent): void
  /** A server is about to be tried. */
  onAttempt(): void
}

/** The hold on a hardened client. */
export interface Hardened {
  /** The error code of the reply being handled, when the library does not know it. */
  readonly unknownCode: number | undefined
  /** Forgets half a frame, and requests that were not sent. */
  reset(): void
  /** Lets no further socket be opened. */
  stop(): void
}

/** Replaces what goes wrong; to be called before `connect`. */
export function harden(client: Client, hooks: Hooks): Hardened {
  const reader = hardenReader(client)
  const stopServers = chooseServers(client, hooks)
  writeTogether(client)
  const { connectionManager: manager } = client
  const { watcherManager } = manager
  const emit = watcherManager.emit.bind(watcherManager)
  watcherManager.emit = (event) => {
    emit(event)
    hooks.onEvent(event)
  }
  return {
    get unknownCode() {
      return reader.unknownCode
    },
    reset: () => {
      reader.forget()
      manager.pendingBuffer = null
      manager.packetQueue.queue.length = 0
    },
    stop: stopServers,
  }
}

/**
 * Holds requests back until everything that is due has run: ten answers that come in one
 * packet bring ten requests, and those leave in one packet.
 */
function writeTogether(client: Client): void {
  const { connectionManager: manager } = client
  const { packetQueue } = manager
  const push = packetQueue.push.bind(packetQueue)
  let isHeld = false
  packetQueue.push = (packet) => {
    const { socket } = manager
    if (socket && !isHeld) {
      isHeld = true
      socket.cork()
      queueMicrotask(() => {
        isHeld = false
        socket.uncork()
      })
    }
    push(packet)
  }
}

/** Feeds the library whole frames that it understands. */
function hardenReader(client: Client): {
  unknownCode: number | undefined
  forget(): void
} {
  const { connectionManager: manager } = client
  const handleFrame = manager.onSocketData.bind(manager)
  let pending: Buffer[] = []
  let size = 0
  const reader = {
    unknownCode: undefined as number | undefined,
    forget: () => {
      pending = []
      size = 0
    },
  }
  manager.onSocketData = (chunk) => {
    pending.push(chunk)
    size += chunk.length
    const socket = manager.socket
    let bytes = wholeFrames(pending, size)
    try {
      for (; bytes; bytes = bytes.subarray(4 + bytes.readInt32BE(0))) {
        if (bytes.length < 4 || bytes.length < 4 + bytes.readInt32BE(0)) break
        const frame = Buffer.from(bytes.subarray(0, 4 + bytes.readInt32BE(0)))
        if (manager.state > ManagerState.connecting) {
          reader.unknownCode = coverUnknownCode(frame)
          if (isUnknownEvent(frame)) continue
        }
        handleFrame(frame)
        reader.unknownCode = undefined
      }
    } catch {
      // What cannot be understood costs this connection; the next one starts clean.
      reader.forget()
      socket?.destroy()
      return
    }

    // Keep what is left, unless the link was lost in between.
    if (!bytes || socket !== manager.socket || socket?.destroyed) return
    pending = bytes.length === 0 ? [] : [bytes]
    size = bytes.length
  }
  return reader
}

/**
 * Joins chunks once they hold at least one whole frame.
 *
 * @returns `undefined` while they do not
 * @throws RangeError when a frame has an impossible length
 */
function wholeFrames(chunks: readonly Buffer[], size: number): Buffer | undefined {
  if (size < 4) return undefined
  const head = chunks[0]!.length >= 4 ? chunks[0]! : Buffer.concat(chunks)
  const length = head.readInt32BE(0)
  if (length < 0 || length > MAX_FRAME_BYTES) throw new RangeError(`frame of ${length}`)
  if (size < 4 + length) return undefined
  return chunks.length === 1 ? chunks[0] : Buffer.concat(chunks)
}

/** Puts a code that the library knows in place of one that it does not. */
function coverUnknownCode(frame: Buffer): number | undefined {
  if (frame.length < ERR_AT + 4) return undefined
  const code = frame.readInt32BE(ERR_AT)
  if (KNOWN_CODES.has(code)) return undefined
  frame.writeInt32BE(SYSTEM_ERROR, ERR_AT)
  return code
}

function isUnknownEvent(frame: Buffer): boolean {
  if (frame.length < EVENT_TYPE_AT + 4) return false
  if (frame.readInt32BE(XID_AT) !== XID_NOTIFICATION) return false
  const type = frame.readInt32BE(EVENT_TYPE_AT)
  return type < 1 || type > 4
}

/** Tries the servers in turn, with a pause after each round. @returns how to end it */
function chooseServers(client: Client, hooks: Hooks): () => void {
  const { connectionManager: manager } = client
  let tried = 0
  let timer: TimerHandle | undefined
  let stopped = false
  manager.findNextServer = (use: (server: RawServer) => void) => {
    hooks.onAttempt()
    const server = manager.servers[tried % manager.servers.length]!
    const delay = tried > 0 && tried % manager.servers.length === 0 ? ROUND_PAUSE_MS : 0
    tried++
    timer = hooks.clock.setTimeout(() => {
      if (!stopped) use(server)
    }, delay)
  }
  return () => {
    stopped = true
    hooks.clock.clearTimeout(timer)
  }
}
