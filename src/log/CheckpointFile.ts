/**
 * # CheckpointFile
 *
 * A small text file that is replaced as a whole: a version, the number of entries, one
 * entry a line. It is written beside itself, flushed to disk and renamed into place, so a
 * crash leaves the old content or the new, never half of either.
 *
 *     0
 *     2
 *     orders 0 1042
 *     orders 1 988
 *
 * @kafka core/src/main/scala/kafka/server/checkpoints/CheckpointFile.scala#CheckpointFile
 * @module
 */
import { IOException, KafkaStorageException } from '../base/errors.ts'
import type { Storage } from '../base/platform/Platform.ts'
import { isIOException } from './io-exception.ts'
import type { LogDirFailureChannel } from './LogDirFailureChannel.ts'

/**
 * How an entry becomes a line and back.
 *
 * @kafka core/src/main/scala/kafka/server/checkpoints/CheckpointFile.scala#CheckpointFileFormatter
 */
export interface CheckpointFileFormatter<T> {
  /** Writes an entry as a line without its end. */
  toLine(entry: T): string

  /** Reads a line; `undefined` when it is malformed. */
  fromLine(line: string): T | undefined
}

/** What a checkpoint file is made of. */
export interface CheckpointFileOptions<T> {
  readonly storage: Storage
  /** Absolute path of the file. */
  readonly path: string
  /** Version on the first line. */
  readonly version: number
  readonly formatter: CheckpointFileFormatter<T>
  /** Where a failure is reported; left out by tools that only read. */
  readonly logDirFailureChannel?: LogDirFailureChannel | undefined
  /** The log directory that a failure takes offline. */
  readonly logDir: string
}

/**
 * Reads and replaces one checkpoint file.
 *
 * @kafka core/src/main/scala/kafka/server/checkpoints/CheckpointFile.scala#CheckpointFile
 */
export class CheckpointFile<T> {
  readonly #options: CheckpointFileOptions<T>

  /** Makes the file, empty, if it is missing. */
  constructor(options: CheckpointFileOptions<T>) {
    this.#options = options
    const { storage, path } = options
    if (!storage.exists(path)) storage.open(path, 'create').close()
  }

  /** Absolute path of the file. */
  get path(): string {
    return this.#options.path
  }

  /**
   * Replaces the content; when it returns, the new content is on the disk.
   *
   * @throws KafkaStorageException when the disk fails; the log directory is then offline
   */
  write(entries: readonly T[]): void {
    const { storage, path, version, formatter } = this.#options

    // Build the whole text first.
    const lines = [String(version), String(entries.length)]
    for (const entry of entries) lines.push(formatter.toLine(entry))
    const text = `${lines.join('\n')}\n`

    // Replace the file in one step.
    this.#guard(`Error while writing to checkpoint file ${path}`, () => {
      storage.writeFileAtomic(path, text)
    })
  }

  /**
   * Reads all entries, in the order of the file; an empty file has none.
   *
   * @throws KafkaStorageException when the file is malformed or the disk fails; the log
   *   directory is then offline
   */
  read(): T[] {
    const { storage, path } = this.#options
    return this.#guard(`Error while reading checkpoint file ${path}`, () =>
      this.#parse(storage.readFile(path).toString('utf8')),
    )
  }

  #parse(text: string): T[] {
    const { path, version, formatter } = this.#options

    // A file that was created and never written is empty.
    const lines = text.split(/\r?\n/)
    if (lines.at(-1) === '') lines.pop()
    const [versionLine, sizeLine, ...entryLines] = lines
    if (versionLine === undefined) return []

    // Refuse a version that this code does not know.
    if (this.#integer(versionLine) !== version) {
      throw new IOException(`unrecognized version of ${path}: ${versionLine}`)
    }
    if (sizeLine === undefined) return []
    const expectedSize = this.#integer(sizeLine)

    // Read the entries, and hold their number against the second line.
    const entries = entryLines.map((line) => {
      const entry = formatter.fromLine(line)
      if (entry === undefined) throw this.#malformed(line)
      return entry
    })
    if (entries.length !== expectedSize) {
      throw new IOException(
        `expected ${expectedSize} entries in checkpoint file ${path}, ` +
          `but found only ${entries.length}`,
      )
    }
    return entries
  }

  #integer(line: string): number {
    if (!/^[+-]?\d+$/.test(line)) throw this.#malformed(line)
    return Number(line)
  }

  #malformed(line: string): IOException {
    return new IOException(`malformed line in ${this.#options.path}: '${line}'`)
  }

  #guard<R>(message: string, action: () => R): R {
    const { logDirFailureChannel, logDir } = this.#options
    try {
      return action()
    } catch (error) {
      if (!isIOException(error)) throw error
      logDirFailureChannel?.maybeAddOfflineLogDir(logDir, message, error)
      throw new KafkaStorageException(message, { cause: error })
    }
  }
}

/** Reads a whole number; `undefined` for anything else, as a formatter wants it. */
export function parseWholeNumber(text: string): number | undefined {
  if (!/^[+-]?\d+$/.test(text)) return undefined
  const value = Number(text)
  return Number.isSafeInteger(value) ? value : undefined
}
