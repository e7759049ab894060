/**
 * # Platform
 *
 * The four things a broker takes from the world, as interfaces: time, network, storage
 * and chance. Nothing outside `base/platform/node` touches Node's own modules, so the
 * same broker runs on real sockets and files, or wholly in memory with a clock that a
 * test moves by hand.
 *
 *     KafkaServer ──▶ Platform ─┬─ clock    now, timers
 *                               ├─ network  listen, connect
 *                               ├─ storage  files, directories, a lock
 *                               └─ random   numbers, uuids
 *
 * Two implementations exist, `node/` and `memory/`; one conformance test holds both to
 * what is written here.
 *
 * @differs Kafka has `Time` for the clock only; sockets and files are used directly.
 * @kafka clients/src/main/java/org/apache/kafka/common/utils/Time.java#Time
 * @module
 */

/** Everything from outside the process that a part of it may use. */
export interface Platform {
  readonly clock: Clock
  readonly network: Network
  readonly storage: Storage
  readonly random: Random
  /** The name under which other machines reach this one. */
  readonly hostName: string
  /** What the process tells of itself; left out where there is none. */
  readonly processView?: ProcessView
}

/** What monitors want to know of a process. */
export interface ProcessView {
  /** Files and sockets that are open; undefined where the system does not tell. */
  openFileDescriptorCount(): number | undefined
  /** How many may be; undefined where the system does not tell. */
  maxFileDescriptorCount(): number | undefined
  /** Its surroundings, by the names that Java has for them, such as `user.dir`. */
  properties(): Readonly<Record<string, string>>
}

/** A timer that was set and has not fired; opaque. */
export interface TimerHandle {
  readonly [timerHandle]?: never
}

declare const timerHandle: unique symbol

/** Time, and waiting for it. */
export interface Clock {
  /** Wall time in ms since 1970, an integer. It may jump. */
  now(): number

  /** A time in ms, with fraction, that never goes back; its zero means nothing. */
  monotonic(): number

  /**
   * Calls `fn` once, `ms` from now.
   *
   * @param ms - at least 0; any length, also beyond the 2^31-1 of the host's timers
   */
  setTimeout(fn: () => void, ms: number): TimerHandle

  /** Takes a timer back; nothing happens when it fired, or is `undefined`. */
  clearTimeout(handle: TimerHandle | undefined): void

  /**
   * Waits.
   *
   * @param ms - 0 lets everything else run that is due, once
   * @throws AbortError when `signal` is aborted first
   */
  sleep(ms: number, signal?: AbortSignal): Promise<void>
}

/** Chance. Seeded on the memory platform, so that a run can be repeated. */
export interface Random {
  /** @returns a number from 0 (included) to 1 (not included) */
  next(): number

  /** @returns an integer from 0 (included) to `bound` (not included) */
  nextInt(bound: number): number

  /** @returns `n` fresh bytes */
  bytes(n: number): Buffer

  /** @returns a version 4 UUID in its usual form */
  uuid(): string
}

/** What a listener is asked for. */
export interface ListenOptions {
  /** Address to bind; empty or `0.0.0.0` for all. */
  readonly host: string
  /** Port to bind; 0 lets the platform choose. */
  readonly port: number
  /** Called for each accepted connection: must set its handlers, or pause it. */
  readonly onConnection: (connection: Connection) => void
  /** Connections that may wait for being accepted. */
  readonly backlog?: number
}

/** What a connection is asked for. */
export interface ConnectOptions {
  readonly host: string
  readonly port: number
  /** How long to try before giving up, in ms. */
  readonly timeoutMs: number
}

/** Streams of bytes between hosts. */
export interface Network {
  /** @throws (rejects) when the address is taken or cannot be bound */
  listen(options: ListenOptions): Promise<Listener>

  /** @throws (rejects) when nobody listens there, or nobody answers in time */
  connect(options: ConnectOptions): Promise<Connection>
}

/** A bound address. */
export interface Listener {
  readonly host: string
  /** The port really bound. */
  readonly port: number

  /** Stops accepting. Connections that were accepted live on. */
  close(): Promise<void>
}

/**
 * One end of a stream. `onData` and `onClose` are set once, in the same turn in which the
 * connection was handed over; each is then called from the platform's own loop, never
 * from inside a call of `write`. Who wants to set them later pauses the connection in
 * that turn, and looks at `closed` when setting them.
 */
export interface Connection {
  readonly remoteAddress: string
  readonly remotePort: number
  readonly localAddress: string
  readonly localPort: number
  /** Whether `onClose` was called, or `destroy`. */
  readonly closed: boolean

  /** Sets who receives the bytes. A chunk belongs to the receiver from then on. */
  onData(fn: (chunk: Buffer) => void): void

  /** Sets who is told, once, that both directions are over. */
  onClose(fn: (error?: Error) => void): void

  /**
   * Sends bytes, which must not be changed before the promise settles.
   *
   * @returns when they were handed to the kernel (or the peer)
   * @throws (rejects) when the connection is, or becomes, closed
   */
  write(chunks: Buffer | readonly Buffer[]): Promise<void>

  /** Stops reading: soon no `onData` follows and the sender is held back. */
  pause(): void

  /** Reads on after `pause`. */
  resume(): void

  /** Sends what was written, then says good-bye. */
  end(): void

  /** Drops the connection now. */
  destroy(): void
}

/** What `stat` tells of a path. */
export interface FileStat {
  readonly size: number
  /** Last change, wall ms. */
  readonly mtimeMs: number
  readonly isDirectory: boolean
}

/** `create` is `readwrite`, and makes the file when it is missing. */
export type OpenMode = 'read' | 'readwrite' | 'create'

/**
 * Files and directories. Synchronous, because an append to a log runs in one stretch and
 * lands in the page cache; only `StorageFile.sync` waits for the disk. Paths are joined
 * with `/` (`base/platform/path.ts`). Failures throw what the host throws, an `Error`
 * with a `code` such as `ENOENT`, `ENOSPC` or `EIO`.
 */
export interface Storage {
  open(path: string, mode: OpenMode): StorageFile
  exists(path: string): boolean
  /** Makes a directory and those above it. */
  mkdir(path: string): void
  /** @returns the names in a directory, in order */
  readdir(path: string): string[]
  rename(from: string, to: string): void
  unlink(path: string): void
  /** Removes a directory and all below it; nothing happens when it is missing. */
  removeDirectory(path: string): void
  /** @returns `undefined` when there is nothing at that path */
  stat(path: string): FileStat | undefined
  readFile(path: string): Buffer
  writeFile(path: string, data: Buffer | string): void
  /** Replaces a file so that a crash leaves the old or the new one, whole. */
  writeFileAtomic(path: string, data: Buffer | string): void
  setMtime(path: string, ms: number): void
  /** Makes names created, renamed or removed in a directory durable. */
  syncDirectory(path: string): void
  /**
   * Takes the lock file at `path`.
   *
   * @returns a function that gives it back
   * @throws when a live process, this one included, holds it
   */
  lock(path: string): () => void
  /** @returns whether a directory is there and can be written */
  usable(path: string): boolean
}

/** An open file, read and written at positions. */
export interface StorageFile {
  readonly path: string
  size(): number

  /**
   * Reads up to `length` bytes at `position` into `target` at `targetOffset`.
   *
   * @returns how many were read; fewer than asked only at the end of the file
   */
  read(target: Buffer, targetOffset: number, length: number, position: number): number

  /** Writes all of `data` at `position`. @returns the number of bytes */
  write(data: Buffer | readonly Buffer[], position: number): number

  truncate(size: number): void

  /** Waits until what was written is on the disk. */
  sync(): Promise<void>

  /** The same, holding everything up meanwhile. */
  syncNow(): void

  close(): void
}
