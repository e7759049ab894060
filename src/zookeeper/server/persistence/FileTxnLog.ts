/**
 * # FileTxnLog
 *
 * The transactions, in the order of their numbers, in files named after the first of
 * each. ZooKeeper's own format, so that its tools read ours and we read theirs.
 *
 *     log.<zxid hex>   [ "ZKLG" 4 | version 4 | dbid 8 ] record*  zeros?
 *     record           [ adler32 8 | length 4 | header and txn | 'B' ]
 *
 * A crash may leave half a record at the end of the last file. It was acknowledged to
 * nobody, so it is cut off. Damage anywhere else is told, not repaired.
 *
 * @kafka none: org/apache/zookeeper/server/persistence/FileTxnLog.java
 * @differs files are padded with zeros in advance only when told to, and not 64 MiB by
 *   default
 * @module
 */
import { IOException } from '../../../base/exceptions.ts'
import { logger } from '../../../base/logger.ts'
import type { Platform, StorageFile } from '../../../base/platform/Platform.ts'
import { join } from '../../../base/platform/path.ts'
import { adler32 } from '../adler32.ts'
import { decodeTxn, encodeTxn, type Txn, type TxnHeader } from '../txn.ts'
import { fileName, filesOf } from './file-names.ts'

const log = logger('FileTxnLog')

const MAGIC = 0x5a4b4c47
const VERSION = 2
const FILE_HEADER_BYTES = 16
const RECORD_HEADER_BYTES = 12
const END_OF_RECORD = 0x42

/** A flush of the log that takes longer, in ms, keeps clients waiting too long. */
const FSYNC_WARNING_THRESHOLD_MS = 1000

/** A file is made longer when less room than this is left, in bytes. */
const PREALLOCATION_MARGIN = 4096

/** How a log is written. */
export interface FileTxnLogOptions {
  /** False trades the promise to survive a power cut for speed; true when left out. */
  readonly fsync?: boolean
  /** Bytes of zeros by which a file grows in advance; none when left out. */
  readonly preAllocSizeBytes?: number
  /** Milliseconds of a flush that are too many; 1000 when left out. */
  readonly fsyncWarningThresholdMs?: number
}

/** The log of one data directory. */
export class FileTxnLog {
  readonly #platform: Platform
  readonly #directory: string
  readonly #fsync: boolean
  readonly #preAllocSize: number
  readonly #warningThresholdMs: number
  /** Flushes that took too long. */
  fsyncThresholdExceedCount = 0
  #file: StorageFile | undefined
  #fileSize = 0
  #position = 0
  #pending: Buffer[] = []

  /** Takes the directory; a file comes with the first transaction. */
  constructor(platform: Platform, directory: string, options: FileTxnLogOptions = {}) {
    this.#platform = platform
    this.#directory = directory
    this.#fsync = options.fsync ?? true
    this.#preAllocSize = options.preAllocSizeBytes ?? 0
    this.#warningThresholdMs =
      options.fsyncWarningThresholdMs ?? FSYNC_WARNING_THRESHOLD_MS
  }

  /** Takes a transaction; opens a file named after it when none is open. */
  append(header: TxnHeader, txn: Txn): void {
    if (!this.#file) this.#openFile(header.zxid)
    const bytes = encodeTxn(header, txn)
    const head = Buffer.alloc(RECORD_HEADER_BYTES)
    head.writeBigInt64BE(BigInt(adler32(bytes)), 0)
    head.writeInt32BE(bytes.length, 8)
    this.#pending.push(head, bytes, Buffer.of(END_OF_RECORD))
  }

  /** Writes what was appended, and waits for the disk. */
  async commit(): Promise<void> {
    const file = this.#file
    if (!file || this.#pending.length === 0) return
    const pending = this.#pending
    this.#pending = []
    const size = pending.reduce((sum, { length }) => sum + length, 0)
    this.#padFile(file, this.#position + size)
    this.#position += file.write(pending, this.#position)
    if (!this.#fsync) return

    // Everybody waits for this.
    const { clock } = this.#platform
    const startMs = clock.monotonic()
    await file.sync()
    const tookMs = Math.round(clock.monotonic() - startMs)
    if (tookMs <= this.#warningThresholdMs) return
    this.fsyncThresholdExceedCount++
    log.warn(`fsync of the transaction log took ${tookMs} ms: its disk is slow`)
  }

  /** Makes the file longer before its end comes near: a flush then needs no new size. */
  #padFile(file: StorageFile, end: number): void {
    if (this.#preAllocSize === 0) return
    if (end + PREALLOCATION_MARGIN < this.#fileSize) return
    while (this.#fileSize <= end + PREALLOCATION_MARGIN) {
      this.#fileSize += this.#preAllocSize
    }
    file.truncate(this.#fileSize)
  }

  /** Ends the file; the next transaction begins another. */
  rollLog(): void {
    if (this.#file && this.#pending.length > 0) {
      this.#position += this.#file.write(this.#pending, this.#position)
      this.#pending = []
      if (this.#fsync) this.#file.syncNow()
    }
    this.#file?.close()
    this.#file = undefined
  }

  /**
   * Reads the transactions behind `zxid`, and cuts a torn tail off the last file.
   *
   * @param each - called in the order of the numbers
   * @throws IOException when transactions are missing in the middle
   */
  replay(zxid: bigint, each: (header: TxnHeader, txn: Txn) => void): void {
    const files = filesOf(this.#platform.storage, this.#directory, 'log')

    // Begin with the last file that may hold the first transaction wanted.
    const later = files.findIndex((file) => file.zxid > zxid + 1n)
    const first = Math.max(0, (later < 0 ? files.length : later) - 1)
    let last = zxid
    for (const [i, { name, zxid: start }] of files.slice(first).entries()) {
      if (i > 0 && start > last + 1n) {
        throw new IOException(`transactions after 0x${last.toString(16)} are missing`)
      }
      const isLast = first + i === files.length - 1
      this.#readFile(join(this.#directory, name), isLast, (header, txn) => {
        if (header.zxid <= last) return
        last = header.zxid
        each(header, txn)
      })
    }
  }

  #openFile(zxid: bigint): void {
    const path = join(this.#directory, fileName('log', zxid))
    const head = Buffer.alloc(FILE_HEADER_BYTES)
    head.writeInt32BE(MAGIC, 0)
    head.writeInt32BE(VERSION, 4)
    this.#file = this.#platform.storage.open(path, 'create')
    this.#file.truncate(0)
    this.#fileSize = 0
    this.#position = this.#file.write(head, 0)

    // Make the name durable before anything is promised on its account.
    if (this.#fsync) this.#platform.storage.syncDirectory(this.#directory)
  }

  #readFile(
    path: string,
    isLast: boolean,
    each: (header: TxnHeader, txn: Txn) => void,
  ): void {
    const bytes = this.#platform.storage.readFile(path)
    if (bytes.length >= 4 && bytes.readInt32BE(0) !== MAGIC) {
      throw new IOException(`${path} is not a transaction log`)
    }
    let at = Math.min(FILE_HEADER_BYTES, bytes.length)
    for (;;) {
      // Stop at the end, which may be a stretch of zeros.
      const record = recordAt(bytes, at)
      if (record === 'end') return
      if (record === 'torn') break
      const { header, txn } = decodeTxn(record)
      each(header, txn)
      at += RECORD_HEADER_BYTES + record.length + 1
    }
    if (!isLast) {
      log.warn(`${path} has a torn record at ${at}; what follows it is ignored`)
      return
    }

    // Cut off what was never acknowledged.
    log.warn(`${path} has a torn record at ${at}; it is cut there`)
    const file = this.#platform.storage.open(path, 'readwrite')
    file.truncate(at)
    file.syncNow()
    file.close()
  }
}

/** @returns the header and transaction at a position, or what stands there instead */
function recordAt(bytes: Buffer, at: number): Buffer | 'end' | 'torn' {
  if (at === bytes.length) return 'end'
  if (bytes.length - at < RECORD_HEADER_BYTES) {
    return bytes.subarray(at).every((byte) => byte === 0) ? 'end' : 'torn'
  }
  const length = bytes.readInt32BE(at + 8)
  if (length === 0) return 'end'
  const from = at + RECORD_HEADER_BYTES
  if (length < 0 || from + length >= bytes.length) return 'torn'
  const record = bytes.subarray(from, from + length)
  const isWhole = bytes[from + length] === END_OF_RECORD
  const isSound = bytes.readBigInt64BE(at) === BigInt(adler32(record))
  return isWhole && isSound ? record : 'torn'
}
