/**
 * # AbstractIndex
 *
 * A file of fixed-size entries in rising order, beside a segment's `.log`. It is sparse: one
 * entry for every `index.interval.bytes` of log, so a search finds a place at or before the
 * wanted one, and the reader scans the log from there.
 *
 *     entry 0 │ entry 1 │ … │ entry n-1 │          │ maxEntries
 *     ────────────────────────────────── written to the file
 *                              ───────── only in memory, up to 4 KiB
 *
 * An index may always be lost: it is rebuilt from the log. That is why entries may wait in
 * memory; they reach the file at the latest when the segment is flushed, rolled or closed,
 * and a segment that was not flushed is scanned at the next start anyway.
 *
 * Invariants: `entries` × `entrySize` bytes are valid; keys rise strictly.
 *
 * @kafka core/src/main/scala/kafka/log/AbstractIndex.scala#AbstractIndex
 * @differs Kafka maps the file into memory at its largest size and cuts it when the segment
 *   is full. Node has no memory maps: the entries are held in a buffer, and the file is
 *   never longer than they are. The index of an older segment is read when first searched.
 * @module
 */
import { ClosedChannelException, IllegalArgumentException } from '../base/errors.ts'
import type { Storage } from '../base/platform/Platform.ts'

/** Entries are written to the file in pieces of at least this many bytes. */
const writeThresholdBytes = 4096

/**
 * By which half of an entry a search goes.
 *
 * @kafka core/src/main/scala/kafka/log/AbstractIndex.scala#IndexSearchType
 */
export type IndexSearchType = 'KEY' | 'VALUE'

/** What every index is made of. */
export interface IndexOptions {
  readonly storage: Storage
  /** Absolute path of the index file. */
  readonly path: string
  /** First offset of the segment; entries hold offsets relative to it. */
  readonly baseOffset: number
  /** Bytes at which the index is full. */
  readonly maxIndexSize: number
}

/**
 * The part that both indexes share: memory, file, size, binary search.
 *
 * @kafka core/src/main/scala/kafka/log/AbstractIndex.scala#AbstractIndex
 */
export abstract class AbstractIndex {
  /** First offset of the segment. */
  readonly baseOffset: number

  /** Bytes at which the index is full when its segment is the active one. */
  readonly maxIndexSize: number

  readonly #storage: Storage
  readonly #entrySize: number
  #path: string

  /** The entries; `undefined` until an existing file is first searched. */
  #buffer: Buffer | undefined

  #entries: number
  #maxEntries: number

  /** Bytes of the file that equal the buffer; the rest has yet to be written. */
  #writtenBytes: number

  #fileLength: number
  #needsSync = false
  #closed = false

  /** True while a scan makes the entries anew, and there is no file. */
  #isAway = false

  /**
   * Opens the file, or makes an empty one.
   *
   * @param options file and limits
   * @param entrySize bytes of an entry
   */
  constructor(options: IndexOptions, entrySize: number) {
    // Refuse a limit that no entry would fit into.
    const { storage, path, baseOffset, maxIndexSize } = options
    if (maxIndexSize < entrySize) {
      throw new IllegalArgumentException(`invalid max index size: ${maxIndexSize}`)
    }
    this.baseOffset = baseOffset
    this.maxIndexSize = maxIndexSize
    this.#storage = storage
    this.#path = path
    this.#entrySize = entrySize

    // A new index has room; an old one counts as full until it is resized.
    const stat = storage.stat(path)
    this.#fileLength = stat?.size ?? 0
    this.#entries = Math.floor(this.#fileLength / entrySize)
    this.#writtenBytes = this.#entries * entrySize
    this.#maxEntries =
      stat === undefined ? this.#roundDown(maxIndexSize) : this.#entries

    // Make the file: a segment without one would be rebuilt at the next start.
    if (stat === undefined) storage.open(path, 'create').close()
    if (this.#entries === 0) this.#buffer = Buffer.alloc(0)
  }

  /** Absolute path of the file. */
  get path(): string {
    return this.#path
  }

  /** Sets the path, after the directory around the file was renamed. */
  set path(path: string) {
    this.#path = path
  }

  /** Number of entries. */
  get entries(): number {
    return this.#entries
  }

  /** Number of entries at which the index is full. */
  get maxEntries(): number {
    return this.#maxEntries
  }

  /** Bytes of the valid entries. */
  get sizeInBytes(): number {
    return this.#entries * this.#entrySize
  }

  /** Length of the file when it was opened, or last written. */
  get length(): number {
    return this.#fileLength
  }

  /** Says whether the next append must go to a new segment. */
  get isFull(): boolean {
    return this.#entries >= this.#maxEntries
  }

  /** The number by which entry `n` is ordered: its offset, or its timestamp. */
  protected abstract keyAt(n: number): number

  /** The other number of entry `n`: its position, or its offset. */
  protected abstract valueAt(n: number): number

  /** Called whenever entries were cut off, for what a subclass remembers of the last. */
  protected abstract onEntriesChanged(): void

  /**
   * Checks that the file can be an index of this segment.
   *
   * @throws CorruptIndexException when not; the segment must then be scanned
   */
  abstract sanityCheck(): void

  /** Cuts off all entries for this offset and later ones. */
  abstract truncateTo(offset: number): void

  /** Empties the index and gives it room again. */
  reset(): void {
    this.truncateToEntries(0)
    this.resize(this.maxIndexSize)
  }

  /**
   * Empties the index for a scan that makes it anew. Its file is away until
   * {@link trimToValidSize}: a start that finds none knows that a scan was cut off.
   */
  resetWithoutFile(): void {
    if (this.#storage.exists(this.#path)) this.#storage.unlink(this.#path)
    this.#fileLength = 0
    this.#writtenBytes = 0
    this.#isAway = true
    this.reset()
  }

  /**
   * Changes how many entries fit.
   *
   * @param newSize bytes
   * @returns whether anything changed
   */
  resize(newSize: number): boolean {
    const maxEntries = this.#roundDown(newSize)
    if (maxEntries === this.#maxEntries) return false
    this.#maxEntries = maxEntries
    if (maxEntries < this.#entries) this.truncateToEntries(maxEntries)
    return true
  }

  /** Takes away the unused room: from then on the index is full. */
  trimToValidSize(): void {
    if (this.#isAway) this.#storage.open(this.#path, 'create').close()
    this.#isAway = false
    this.#writeOut()
    this.resize(this.sizeInBytes)
  }

  /** Renames the file. */
  renameTo(path: string): void {
    try {
      this.#storage.rename(this.#path, path)
    } finally {
      this.#path = path
    }
  }

  /** Brings all entries to the disk. */
  async flush(): Promise<void> {
    this.#writeOut()
    if (!this.#needsSync || this.#isAway) return
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
    this.#writeOut()
    if (!this.#needsSync || this.#isAway) return
    this.#needsSync = false
    const file = this.#storage.open(this.#path, 'readwrite')
    try {
      file.syncNow()
    } finally {
      file.close()
    }
  }

  /** Writes what is left, to the disk, and gives up the memory. */
  close(): void {
    if (this.#closed) return
    this.trimToValidSize()
    this.flushNow()
    this.closeHandler()
  }

  /** Gives up the memory without touching the disk. */
  closeHandler(): void {
    this.#closed = true
    this.#buffer = undefined
  }

  /** Removes the file; returns whether it was there. */
  deleteIfExists(): boolean {
    this.closeHandler()
    if (!this.#storage.exists(this.#path)) return false
    this.#storage.unlink(this.#path)
    return true
  }

  /** The entries in memory, read from the file if they are not there yet. */
  protected loaded(): Buffer {
    if (this.#buffer !== undefined) return this.#buffer
    if (this.#closed) throw new ClosedChannelException(`${this.#path} is closed`)
    this.#buffer = this.#storage.readFile(this.#path)
    return this.#buffer
  }

  /** The bytes of one entry, read alone if the index is not in memory. */
  protected entryBytes(n: number): Buffer {
    const start = n * this.#entrySize
    const bytes = this.#buffer?.subarray(start, start + this.#entrySize)
    if (bytes !== undefined) return bytes

    // Reading all of it can wait until someone searches.
    if (this.#closed) throw new ClosedChannelException(`${this.#path} is closed`)
    const file = this.#storage.open(this.#path, 'read')
    try {
      const entry = Buffer.alloc(this.#entrySize)
      file.read(entry, 0, this.#entrySize, start)
      return entry
    } finally {
      file.close()
    }
  }

  /**
   * Makes room for one more entry and counts it.
   *
   * @returns the memory and where in it the entry is to be put
   */
  protected appendEntry(): { buffer: Buffer; at: number } {
    // Grow by doubling, up to the limit.
    const at = this.sizeInBytes
    let buffer = this.loaded()
    if (buffer.length < at + this.#entrySize) {
      const room = Math.max(this.#maxEntries, this.#entries + 1) * this.#entrySize
      buffer = Buffer.alloc(Math.min(Math.max(buffer.length * 2, 512), room))
      this.#buffer?.copy(buffer, 0, 0, at)
      this.#buffer = buffer
    }
    this.#entries += 1
    return { buffer, at }
  }

  /** Writes the new entries to the file once there are enough of them. */
  protected maybeWriteOut(): void {
    if (this.sizeInBytes - this.#writtenBytes >= writeThresholdBytes) this.#writeOut()
  }

  /** Keeps the first entries only, in memory and in the file. */
  protected truncateToEntries(entries: number): void {
    // Cut the memory.
    this.#entries = entries
    this.#writtenBytes = Math.min(this.#writtenBytes, this.sizeInBytes)
    if (entries === 0) this.#buffer = Buffer.alloc(0)

    // Cut the file, so that no later reader takes the rest for valid.
    if (this.#fileLength > this.#writtenBytes) {
      const file = this.#storage.open(this.#path, 'readwrite')
      try {
        file.truncate(this.#writtenBytes)
      } finally {
        file.close()
      }
      this.#fileLength = this.#writtenBytes
      this.#needsSync = true
    }
    this.onEntriesChanged()
  }

  /** The last entry at or before the target; -1 when all are after it. */
  protected largestLowerBoundSlotFor(target: number, by: IndexSearchType): number {
    return this.#slotRangeFor(target, by)[0]
  }

  /** The first entry at or after the target; -1 when all are before it. */
  protected smallestUpperBoundSlotFor(target: number, by: IndexSearchType): number {
    return this.#slotRangeFor(target, by)[1]
  }

  #slotRangeFor(target: number, by: IndexSearchType): [lower: number, upper: number] {
    // An empty index bounds nothing; before the first entry only that one does.
    if (this.#entries === 0) return [-1, -1]
    const at = (n: number) => (by === 'KEY' ? this.keyAt(n) : this.valueAt(n))
    if (at(0) > target) return [-1, 0]

    // Halve until the last entry that is not above the target is found.
    let low = 0
    let high = this.#entries - 1
    while (low < high) {
      const middle = (low + high + 1) >>> 1
      const found = at(middle)
      if (found === target) return [middle, middle]
      if (found > target) high = middle - 1
      else low = middle
    }
    if (at(low) === target) return [low, low]
    return [low, low === this.#entries - 1 ? -1 : low + 1]
  }

  /** Appends to the file what is in memory only. */
  #writeOut(): void {
    const end = this.sizeInBytes
    if (this.#writtenBytes >= end || this.#isAway) return
    const file = this.#storage.open(this.#path, 'readwrite')
    try {
      file.write(this.loaded().subarray(this.#writtenBytes, end), this.#writtenBytes)
    } finally {
      file.close()
    }
    this.#writtenBytes = end
    this.#fileLength = Math.max(this.#fileLength, end)
    this.#needsSync = true
  }

  #roundDown(bytes: number): number {
    return Math.floor(bytes / this.#entrySize)
  }
}
