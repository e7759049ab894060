/**
 * # TransactionIndex
 *
 * The aborted transactions whose markers lie in a segment. A reader of committed data is
 * told of those that overlap what it fetched, and skips their records. Most segments have
 * none, and then the file does not exist.
 *
 * The entries are in the order of their markers. Searching goes from segment to segment
 * until an entry's last stable offset reaches the end of the fetch: every transaction that
 * was open there has been found by then.
 *
 * @kafka core/src/main/scala/kafka/log/TransactionIndex.scala#TransactionIndex
 * @differs entries are held in memory and written through; Kafka reads the file at each
 *   search. A file that ends in part of an entry is cut there.
 * @module
 */
import { ByteReader } from '../base/bytes/ByteReader.ts'
import { IllegalArgumentException, SchemaException } from '../base/errors.ts'
import type { Storage } from '../base/platform/Platform.ts'
import { AbortedTxn } from './AbortedTxn.ts'
import { CorruptIndexException } from './CorruptIndexException.ts'

/**
 * What one segment's index says about a range of offsets.
 *
 * @kafka core/src/main/scala/kafka/log/TransactionIndex.scala#TxnIndexSearchResult
 */
export interface TxnIndexSearchResult {
  /** Aborted transactions that overlap the range. */
  readonly abortedTransactions: readonly AbortedTxn[]

  /** True when later segments cannot hold more of them. */
  readonly isComplete: boolean
}

/**
 * The index of aborted transactions of one segment.
 *
 * @kafka core/src/main/scala/kafka/log/TransactionIndex.scala#TransactionIndex
 */
export class TransactionIndex {
  readonly #storage: Storage
  readonly #startOffset: number
  #path: string
  #needsSync = false

  /** The entries in order; `undefined` until an existing file is first looked into. */
  #entries: AbortedTxn[] | undefined

  /**
   * Takes over the file if it exists; it is not made before it is needed.
   *
   * @param storage the disk
   * @param startOffset first offset of the segment
   * @param path absolute path of the file
   */
  constructor(storage: Storage, startOffset: number, path: string) {
    this.#storage = storage
    this.#startOffset = startOffset
    this.#path = path
    if (!storage.exists(path)) this.#entries = []
  }

  /** Absolute path of the file. */
  get path(): string {
    return this.#path
  }

  /** Sets the path, after the directory around the file was renamed. */
  set path(path: string) {
    this.#path = path
  }

  /**
   * Adds an entry, in memory and in the file.
   *
   * @throws IllegalArgumentException when its marker is not after all others
   */
  append(abortedTxn: AbortedTxn): void {
    // Markers arrive in the order of the log.
    const entries = this.#loaded()
    const last = entries.at(-1)
    if (last !== undefined && last.lastOffset >= abortedTxn.lastOffset) {
      throw new IllegalArgumentException(
        `marker at ${abortedTxn.lastOffset} is not after the one at ${last.lastOffset}`,
      )
    }

    // Write behind the last whole entry.
    const file = this.#storage.open(this.#path, 'create')
    try {
      file.write(abortedTxn.toBuffer(), entries.length * AbortedTxn.TotalSize)
    } finally {
      file.close()
    }
    entries.push(abortedTxn)
    this.#needsSync = true
  }

  /** Brings the entries to the disk. */
  async flush(): Promise<void> {
    if (!this.#needsSync) return
    this.#needsSync = false
    const file = this.#storage.open(this.#path, 'readwrite')
    try {
      await file.sync()
    } finally {
      file.close()
    }
  }

  /** Like {@link flush}, without letting anything else run. */
  flushNow(): void {
    if (!this.#needsSync) return
    this.#needsSync = false
    const file = this.#storage.open(this.#path, 'readwrite')
    try {
      file.syncNow()
    } finally {
      file.close()
    }
  }

  /** Removes all entries. */
  reset(): void {
    this.#entries = []
    this.#cutFile(0)
  }

  /** Brings the entries to the disk; the index may be used again. */
  close(): void {
    this.flushNow()
  }

  /** Renames the file, if there is one. */
  renameTo(path: string): void {
    try {
      if (this.#storage.exists(this.#path)) this.#storage.rename(this.#path, path)
    } finally {
      this.#path = path
    }
  }

  /** Removes the file; returns whether it was there. */
  deleteIfExists(): boolean {
    if (!this.#storage.exists(this.#path)) return false
    this.#storage.unlink(this.#path)
    return true
  }

  /** Cuts off the transactions whose markers are at this offset or later. */
  truncateTo(offset: number): void {
    const entries = this.#loaded()
    const kept = entries.filter((entry) => entry.lastOffset < offset)
    if (kept.length === entries.length) return
    this.#entries = kept
    this.#cutFile(kept.length)
  }

  /** All entries in order. */
  get allAbortedTxns(): readonly AbortedTxn[] {
    return this.#loaded()
  }

  /**
   * Collects the aborted transactions that overlap a fetch.
   *
   * @param fetchOffset first offset of the fetch
   * @param upperBoundOffset offset at or behind its end
   */
  collectAbortedTxns(
    fetchOffset: number,
    upperBoundOffset: number,
  ): TxnIndexSearchResult {
    const abortedTransactions: AbortedTxn[] = []
    for (const entry of this.#loaded()) {
      if (entry.lastOffset >= fetchOffset && entry.firstOffset < upperBoundOffset) {
        abortedTransactions.push(entry)
      }
      if (entry.lastStableOffset >= upperBoundOffset) {
        return { abortedTransactions, isComplete: true }
      }
    }
    return { abortedTransactions, isComplete: false }
  }

  /** @throws CorruptIndexException when the file cannot be this segment's index */
  sanityCheck(): void {
    for (const entry of this.#loaded()) {
      if (entry.lastOffset < this.#startOffset) {
        throw new CorruptIndexException(
          `${this.#path} holds a marker at ${entry.lastOffset}, before the segment's ` +
            `first offset ${this.#startOffset}`,
        )
      }
    }
  }

  #loaded(): AbortedTxn[] {
    this.#entries ??= this.#read()
    return this.#entries
  }

  /** Reads all whole entries of the file. */
  #read(): AbortedTxn[] {
    const reader = new ByteReader(this.#storage.readFile(this.#path))
    const entries: AbortedTxn[] = []
    while (reader.remaining >= AbortedTxn.TotalSize) {
      const entry = this.#readEntry(reader)
      if (entry.version > AbortedTxn.CurrentVersion || entry.version < 0) {
        throw new CorruptIndexException(
          `${this.#path} holds an entry of unknown version ${entry.version}`,
        )
      }
      entries.push(entry)
    }
    return entries
  }

  #readEntry(reader: ByteReader): AbortedTxn {
    try {
      return AbortedTxn.read(reader)
    } catch (error) {
      if (!(error instanceof SchemaException)) throw error
      throw new CorruptIndexException(`${this.#path} holds an impossible offset`, {
        cause: error,
      })
    }
  }

  #cutFile(entries: number): void {
    if (!this.#storage.exists(this.#path)) return
    const file = this.#storage.open(this.#path, 'readwrite')
    try {
      file.truncate(entries * AbortedTxn.TotalSize)
    } finally {
      file.close()
    }
    this.#needsSync = true
  }
}
