/**
 * # FileRecords
 *
 * The batches of a segment, in their file; or a slice of them. Reading a log gives slices:
 * nothing has been read from the disk then. The bytes are copied once, by `copyInto`, when
 * the response is written to its socket.
 *
 *     segment 0 │ 40.log ───────────────────────────────────── sizeInBytes
 *               │           slice: start ──────── end
 *
 * Appending writes the caller's bytes to the page cache in one call, without copying them.
 *
 * @kafka clients/src/main/java/org/apache/kafka/common/record/FileRecords.java#FileRecords
 * @module
 */
import type { BytesSource } from '../base/bytes/ByteWriter.ts'
import {
  CorruptRecordException,
  IllegalArgumentException,
  KafkaException,
} from '../base/errors.ts'
import type { Storage } from '../base/platform/Platform.ts'
import { batchSizeAt } from '../record/ByteBufferLogInputStream.ts'
import { type ConvertedRecords, MemoryRecords } from '../record/MemoryRecords.ts'
import { RecordBatch } from '../record/RecordBatch.ts'
import {
  type FileChannelRecordBatch,
  FileLogInputStream,
} from './FileLogInputStream.ts'
import { SegmentFile } from './segment-file.ts'
import type { TimestampOffset } from './TimeIndex.ts'

/** Bytes that are read at once where all batches are wanted. */
const chunkBytes = 1024 * 1024

/**
 * Where a batch lies that holds an offset.
 *
 * @kafka clients/src/main/java/org/apache/kafka/common/record/FileRecords.java#LogOffsetPosition
 */
export interface LogOffsetPosition {
  /** Last offset of the batch. */
  readonly offset: number

  /** Byte in the file where it begins. */
  readonly position: number

  /** Bytes of the batch. */
  readonly size: number
}

/** How a segment's file is opened. */
export interface OpenFileRecordsOptions {
  readonly storage: Storage
  readonly path: string
  /** True when the file is there and holds batches. */
  readonly fileAlreadyExists?: boolean
  /** Bytes that a new file is given at once if {@link preallocate} is set. */
  readonly initFileSize?: number
  readonly preallocate?: boolean
}

/**
 * Batches in a file.
 *
 * @kafka clients/src/main/java/org/apache/kafka/common/record/FileRecords.java#FileRecords
 */
export class FileRecords implements BytesSource {
  readonly #file: SegmentFile

  /** Byte of the file where these records begin; 0 but for a slice. */
  readonly #start: number

  /** Bytes that count; a preallocated file is longer. */
  #size: number

  /**
   * @param file the segment's file
   * @param start byte where these records begin
   * @param size bytes of records
   */
  constructor(file: SegmentFile, start: number, size: number) {
    this.#file = file
    this.#start = start
    this.#size = size
  }

  /** Opens a segment's file, or makes it. */
  static open(options: OpenFileRecordsOptions): FileRecords {
    // An existing file is not even opened before someone reads it.
    const { storage, path, fileAlreadyExists = false } = options
    const file = new SegmentFile(storage, path)
    if (fileAlreadyExists) return new FileRecords(file, 0, file.size())

    // A preallocated file has its length at once, but no batches.
    file.create()
    if (options.preallocate === true) {
      file.truncate(options.initFileSize ?? 0)
      return new FileRecords(file, 0, 0)
    }
    return new FileRecords(file, 0, file.size())
  }

  /** Bytes of records. */
  get sizeInBytes(): number {
    return this.#size
  }

  /** Absolute path of the file. */
  get path(): string {
    return this.#file.path
  }

  /** Byte of the file where these records begin. */
  get start(): number {
    return this.#start
  }

  /** Time of the file's last change, milliseconds since 1970. */
  get lastModified(): number {
    return this.#file.lastModified()
  }

  /** Sets the time of the file's last change. */
  set lastModified(ms: number) {
    this.#file.setLastModified(ms)
  }

  /** Sets the path, after the directory around the file was renamed. */
  setFile(path: string): void {
    this.#file.path = path
  }

  /**
   * Reads bytes of these records.
   *
   * @param target filled from its beginning, as far as there are bytes
   * @param position first byte, counted from the beginning of these records
   * @returns the filled part of `target`
   */
  readInto(target: Buffer, position: number): Buffer {
    const length = Math.min(target.length, Math.max(this.#size - position, 0))
    const read = this.#file.read(target, 0, length, this.#start + position)
    return target.subarray(0, read)
  }

  /**
   * Copies all bytes; this is where a fetched record leaves its file.
   *
   * @param target where to
   * @param offset first byte in the target
   * @returns bytes copied
   * @throws KafkaException when the segment was truncated meanwhile
   */
  copyInto(target: Buffer, offset: number): number {
    const read = this.#file.read(target, offset, this.#size, this.#start)
    if (read < this.#size) {
      throw new KafkaException(
        `${this.#file.path} was truncated: ${this.#size} bytes were there, now ${read}`,
      )
    }
    return read
  }

  /**
   * Cuts out a slice; nothing is read.
   *
   * @param position first byte, counted from the beginning of these records
   * @param size bytes, cut down to what there is
   */
  read(position: number, size: number): FileRecords {
    if (position < 0)
      throw new IllegalArgumentException(`invalid position: ${position}`)
    if (size < 0) throw new IllegalArgumentException(`invalid size: ${size}`)
    const length = Math.max(Math.min(size, this.#size - position), 0)
    return new FileRecords(this.#file, this.#start + position, length)
  }

  /** The same as {@link read}, by the name that buffers use. */
  slice(position: number, size: number): FileRecords {
    return this.read(position, size)
  }

  /**
   * Appends batches: one write of the caller's own bytes into the page cache.
   *
   * @returns bytes written
   */
  append(records: MemoryRecords): number {
    const { buffer } = records
    this.#file.write(buffer, this.#size)
    this.#size += buffer.length
    return buffer.length
  }

  /** Brings the batches to the disk. */
  flush(): Promise<void> {
    return this.#file.sync()
  }

  /** Like {@link flush}, without letting anything else run. */
  flushNow(): void {
    this.#file.syncNow()
  }

  /** Says that the next flush must reach the disk, whoever wrote the bytes. */
  noteUnflushed(): void {
    this.#file.noteUnflushed()
  }

  /** Cuts off the part of a preallocated file that was not used. */
  trim(): void {
    this.truncateTo(this.#size)
  }

  /**
   * Cuts the file.
   *
   * @param targetSize bytes to keep
   * @returns bytes of records cut off
   * @throws KafkaException when there are fewer bytes than that
   */
  truncateTo(targetSize: number): number {
    const originalSize = this.#size
    if (targetSize > originalSize || targetSize < 0) {
      throw new KafkaException(
        `cannot truncate ${this.path} to ${targetSize} bytes, it has ${originalSize}`,
      )
    }
    if (targetSize < this.#file.size()) {
      this.#file.truncate(targetSize)
      this.#size = targetSize
    }
    return originalSize - targetSize
  }

  /** Renames the file. */
  renameTo(path: string): void {
    this.#file.renameTo(path)
  }

  /** Brings the batches to the disk and gives the file back. */
  close(): void {
    this.flushNow()
    this.trim()
    this.#file.close()
  }

  /** Gives the file back as it is. */
  closeHandlers(): void {
    this.#file.close()
  }

  /** Closes and removes the file; returns whether it was there. */
  deleteIfExists(): boolean {
    return this.#file.deleteIfExists()
  }

  /**
   * Finds the first batch whose last offset is at or above a target.
   *
   * @param targetOffset wanted offset
   * @param startingPosition byte, at which a batch begins, from which to look
   * @param indexedOffset an offset that the index says is in the batch there, -1 for none;
   *   when it is not, the index is wrong, and the search begins at the first batch
   * @returns `undefined` when all batches end below the target
   */
  searchForOffsetWithSize(
    targetOffset: number,
    startingPosition: number,
    indexedOffset = -1,
  ): LogOffsetPosition | undefined {
    const isKnown =
      startingPosition === 0 ||
      indexedOffset < 0 ||
      this.isBatchAt(startingPosition, indexedOffset)
    for (const batch of this.batchesFrom(isKnown ? startingPosition : 0)) {
      const { lastOffset, position, sizeInBytes } = batch
      if (lastOffset >= targetOffset) {
        return { offset: lastOffset, position, size: sizeInBytes }
      }
    }
    return undefined
  }

  /**
   * Says whether a batch with an offset in it begins at a position.
   *
   * @param position byte of the file
   */
  isBatchAt(position: number, offset: number): boolean {
    if (position < 0 || position >= this.#start + this.#size) return false
    try {
      const [batch] = this.batchesFrom(position)
      return batch?.holds(offset) === true
    } catch (error) {
      if (error instanceof CorruptRecordException) return false
      throw error
    }
  }

  /**
   * Finds the first record that is as young as a given time.
   *
   * @param targetTimestamp milliseconds
   * @param startingPosition byte, at which a batch begins, from which to look
   * @param startingOffset records below this offset do not count
   */
  searchForTimestamp(
    targetTimestamp: number,
    startingPosition: number,
    startingOffset: number,
  ): TimestampOffset | undefined {
    for (const batch of this.batchesFrom(startingPosition)) {
      // Pass over batches that are too old as a whole.
      if (batch.maxTimestamp < targetTimestamp) continue

      // Unpack this one, and take its first record that is young enough.
      for (const { timestamp, offset } of batch.loadFullBatch()) {
        if (timestamp >= targetTimestamp && offset >= startingOffset) {
          return { timestamp, offset }
        }
      }
    }
    return undefined
  }

  /**
   * Finds the largest timestamp from a position on.
   *
   * @returns timestamp and offset, both -1 when there is none
   */
  largestTimestampAfter(startingPosition: number): TimestampOffset {
    let timestamp: number = RecordBatch.NO_TIMESTAMP
    let offset = -1
    for (const batch of this.batchesFrom(startingPosition)) {
      if (batch.maxTimestamp > timestamp) {
        timestamp = batch.maxTimestamp
        offset = batch.lastOffset
      }
    }
    return { timestamp, offset }
  }

  /** Walks over the headers of the batches, from a position in the file on. */
  *batchesFrom(position: number): Generator<FileChannelRecordBatch> {
    const end = this.#start + this.#size
    const from = Math.max(position, this.#start)
    const stream = new FileLogInputStream(this.#file, from, end)
    for (let batch = stream.nextBatch(); batch; batch = stream.nextBatch()) yield batch
  }

  /**
   * Walks over the batches with all their bytes; stops before a part of a batch.
   *
   * @param scratch memory to read into; each batch is then valid only until the next one.
   *   Without it, every batch keeps its bytes.
   * @throws CorruptRecordException where no batch can begin
   */
  *batches(scratch?: Buffer): Generator<RecordBatch> {
    let position = 0
    let wanted = Math.max(scratch?.length ?? chunkBytes, chunkBytes)
    while (position < this.#size) {
      // Read the next chunk, and give the batches that lie in it whole.
      const size = Math.min(wanted, this.#size - position)
      const fits = scratch !== undefined && scratch.length >= size
      const target = fits ? scratch.subarray(0, size) : Buffer.allocUnsafe(size)
      const chunk = this.readInto(target, position)
      let consumed = 0
      for (const batch of new MemoryRecords(chunk).batches()) {
        yield batch
        consumed += batch.sizeInBytes
      }
      position += consumed

      // None did: read one large batch alone, or stop where the file ends inside it.
      const rest = this.#size - position
      const next = consumed > 0 ? 0 : (batchSizeAt(chunk, 0) ?? rest + 1)
      if (next > rest || chunk.length < size) return
      wanted = Math.max(next, chunkBytes)
    }
  }

  /** Reads all bytes into memory. */
  toMemoryRecords(): MemoryRecords {
    const bytes = Buffer.allocUnsafe(this.#size)
    this.copyInto(bytes, 0)
    return new MemoryRecords(bytes)
  }

  /**
   * Reads the records into memory in an older format, for a client that knows no newer.
   *
   * @param toMagic 0 or 1
   * @param firstOffset offset that was asked for; uncompressed records below are left out
   */
  downConvert(toMagic: number, firstOffset: number): ConvertedRecords {
    return this.toMemoryRecords().downConvert(toMagic, firstOffset)
  }
}
