/**
 * # SegmentFile
 *
 * The one open handle of a segment's `.log`, shared by the segment and by every slice of it
 * that a fetch response still holds. It is opened when first used, so that a broker with
 * thousands of old segments opens thousands of files only if someone reads them.
 *
 * A flush waits for the disk while appends go on, and a segment may be closed meanwhile:
 * the handle is then given back when the flush is done.
 *
 * @module
 */
import { ClosedChannelException } from '../base/errors.ts'
import type { Storage, StorageFile } from '../base/platform/Platform.ts'

/** A file that is opened on first use. */
export class SegmentFile {
  readonly #storage: Storage
  #path: string
  #handle: StorageFile | undefined
  #syncing = 0
  #needsSync = false
  #closed = false

  /**
   * @param storage the disk
   * @param path absolute path; the file exists or is made by {@link create}
   */
  constructor(storage: Storage, path: string) {
    this.#storage = storage
    this.#path = path
  }

  /** Absolute path of the file. */
  get path(): string {
    return this.#path
  }

  /** Sets the path, after the directory around the file was renamed. */
  set path(path: string) {
    this.#path = path
  }

  /** Makes the file if it is missing. */
  create(): void {
    this.#handle ??= this.#storage.open(this.#path, 'create')
  }

  /** Length of the file on the disk, in bytes. */
  size(): number {
    return this.#storage.stat(this.#path)?.size ?? 0
  }

  /** Time of the last change, milliseconds since 1970; 0 when the file is gone. */
  lastModified(): number {
    return this.#storage.stat(this.#path)?.mtimeMs ?? 0
  }

  /** Sets the time of the last change. */
  setLastModified(ms: number): void {
    this.#storage.setMtime(this.#path, ms)
  }

  /**
   * Reads bytes.
   *
   * @returns how many there were, fewer than `length` only at the end of the file
   * @throws ClosedChannelException when the segment was closed
   */
  read(target: Buffer, targetOffset: number, length: number, position: number): number {
    return this.#open().read(target, targetOffset, length, position)
  }

  /** Writes all bytes at a position, in one call. */
  write(data: Buffer, position: number): void {
    this.#needsSync = true
    this.#open().write(data, position)
  }

  /** Cuts the file, or fills it up with zeros, to a length in bytes. */
  truncate(size: number): void {
    this.#needsSync = true
    this.#open().truncate(size)
  }

  /** Says that the file may hold bytes of an earlier run that are not on the disk. */
  noteUnflushed(): void {
    this.#needsSync = true
  }

  /** Brings the file to the disk, if it changed since it last was. */
  async sync(): Promise<void> {
    if (!this.#needsSync) return
    const handle = this.#open()
    this.#needsSync = false
    this.#syncing += 1
    try {
      await handle.sync()
    } catch (error) {
      this.#needsSync = true
      throw error
    } finally {
      this.#syncing -= 1
      if (this.#closed) this.#release()
    }
  }

  /** Like {@link sync}, without letting anything else run. */
  syncNow(): void {
    if (!this.#needsSync) return
    this.#open().syncNow()
    this.#needsSync = false
  }

  /** Renames the file. */
  renameTo(path: string): void {
    try {
      this.#storage.rename(this.#path, path)
    } finally {
      this.#path = path
    }
  }

  /** Gives the handle back; reads of what is left of it fail from then on. */
  close(): void {
    this.#closed = true
    this.#release()
  }

  /** Closes and removes the file; returns whether it was there. */
  deleteIfExists(): boolean {
    this.close()
    if (!this.#storage.exists(this.#path)) return false
    this.#storage.unlink(this.#path)
    return true
  }

  #open(): StorageFile {
    if (this.#closed) throw new ClosedChannelException(`${this.#path} is closed`)
    this.#handle ??= this.#storage.open(this.#path, 'readwrite')
    return this.#handle
  }

  #release(): void {
    if (this.#syncing > 0) return
    this.#handle?.close()
    this.#handle = undefined
  }
}
