/**
 * # LeaderEpochCheckpointFile
 *
 * `leader-epoch-checkpoint` in a partition's directory: `epoch startOffset`, one a line.
 *
 * @kafka core/src/main/scala/kafka/server/checkpoints/LeaderEpochCheckpointFile.scala#LeaderEpochCheckpointFile
 * @module
 */

import type { Storage } from '../base/platform/Platform.ts'
import { dirname, join } from '../base/platform/path.ts'
import {
  CheckpointFile,
  type CheckpointFileFormatter,
  parseWholeNumber,
} from './CheckpointFile.ts'
import type { LogDirFailureChannel } from './LogDirFailureChannel.ts'
import { LeaderEpochCheckpointFilename } from './log-file-names.ts'

const CurrentVersion = 0

/**
 * A leader epoch and the offset of the first record that was written in it.
 *
 * @kafka core/src/main/scala/kafka/server/epoch/LeaderEpochFileCache.scala#EpochEntry
 */
export interface EpochEntry {
  /** Number of the leadership; rises with every election. */
  readonly epoch: number

  /** Offset of its first record. */
  readonly startOffset: number
}

/**
 * Where a cache of leader epochs keeps itself.
 *
 * @kafka core/src/main/scala/kafka/server/checkpoints/LeaderEpochCheckpointFile.scala#LeaderEpochCheckpoint
 */
export interface LeaderEpochCheckpoint {
  /** Replaces what is kept. */
  write(epochs: readonly EpochEntry[]): void

  /** Reads what is kept, oldest first. */
  read(): EpochEntry[]
}

/** `epoch startOffset`. */
const Formatter: CheckpointFileFormatter<EpochEntry> = {
  toLine({ epoch, startOffset }) {
    return `${epoch} ${startOffset}`
  },

  fromLine(line) {
    const [epochText, offsetText, ...rest] = line.split(/\s+/)
    const epoch = parseWholeNumber(epochText ?? '')
    const startOffset = parseWholeNumber(offsetText ?? '')
    if (epoch === undefined || startOffset === undefined) return undefined
    return rest.length > 0 ? undefined : { epoch, startOffset }
  },
}

/**
 * The file of one partition's leader epochs.
 *
 * @kafka core/src/main/scala/kafka/server/checkpoints/LeaderEpochCheckpointFile.scala#LeaderEpochCheckpointFile
 */
export class LeaderEpochCheckpointFile implements LeaderEpochCheckpoint {
  readonly #checkpoint: CheckpointFile<EpochEntry>

  /**
   * Makes the file if it is missing.
   *
   * @param storage the disk
   * @param dir the partition's directory; its parent is the log directory
   * @param logDirFailureChannel told of failures
   */
  constructor(
    storage: Storage,
    dir: string,
    logDirFailureChannel?: LogDirFailureChannel,
  ) {
    this.#checkpoint = new CheckpointFile({
      storage,
      path: join(dir, LeaderEpochCheckpointFilename),
      version: CurrentVersion,
      formatter: Formatter,
      logDirFailureChannel,
      logDir: dirname(dir),
    })
  }

  /** Replaces the file, flushed to disk. */
  write(epochs: readonly EpochEntry[]): void {
    this.#checkpoint.write(epochs)
  }

  /** Reads the file, oldest epoch first. */
  read(): EpochEntry[] {
    return this.#checkpoint.read()
  }
}
