/**
 * # OffsetCheckpointFile
 *
 * One offset a partition, for all partitions of a log directory. Three files have this
 * form: `recovery-point-offset-checkpoint` (what is known to be on the disk),
 * `log-start-offset-checkpoint` (what has been deleted) and
 * `replication-offset-checkpoint` (the high watermarks).
 *
 * @kafka core/src/main/scala/kafka/server/checkpoints/OffsetCheckpointFile.scala#OffsetCheckpointFile
 * @module
 */

import type { Storage } from '../base/platform/Platform.ts'
import { dirname } from '../base/platform/path.ts'
import { TopicPartition } from '../base/TopicPartition.ts'
import { TopicPartitionMap } from '../base/TopicPartitionMap.ts'
import {
  CheckpointFile,
  type CheckpointFileFormatter,
  parseWholeNumber,
} from './CheckpointFile.ts'
import type { LogDirFailureChannel } from './LogDirFailureChannel.ts'

const CurrentVersion = 0

/** `topic partition offset`. */
const Formatter: CheckpointFileFormatter<readonly [TopicPartition, number]> = {
  toLine([topicPartition, offset]) {
    return `${topicPartition.topic} ${topicPartition.partition} ${offset}`
  },

  fromLine(line) {
    const [topic, partitionText, offsetText, ...rest] = line.split(/\s+/)
    const partition = parseWholeNumber(partitionText ?? '')
    const offset = parseWholeNumber(offsetText ?? '')
    if (topic === undefined || partition === undefined) return undefined
    if (offset === undefined || rest.length > 0) return undefined
    return [new TopicPartition(topic, partition), offset]
  },
}

/**
 * Reads and replaces a file of offsets.
 *
 * @kafka core/src/main/scala/kafka/server/checkpoints/OffsetCheckpointFile.scala#OffsetCheckpointFile
 */
export class OffsetCheckpointFile {
  readonly #checkpoint: CheckpointFile<readonly [TopicPartition, number]>

  /**
   * Makes the file if it is missing.
   *
   * @param storage the disk
   * @param path absolute path; its parent is the log directory
   * @param logDirFailureChannel told of failures; left out by tools that only read
   */
  constructor(
    storage: Storage,
    path: string,
    logDirFailureChannel?: LogDirFailureChannel,
  ) {
    this.#checkpoint = new CheckpointFile({
      storage,
      path,
      version: CurrentVersion,
      formatter: Formatter,
      logDirFailureChannel,
      logDir: dirname(path),
    })
  }

  /** Absolute path of the file. */
  get path(): string {
    return this.#checkpoint.path
  }

  /**
   * Replaces the file, flushed to disk.
   *
   * @param offsets offset by partition, written in the order of the map
   * @throws KafkaStorageException when the disk fails
   */
  write(offsets: TopicPartitionMap<number>): void {
    this.#checkpoint.write([...offsets.entries()])
  }

  /**
   * Reads the file.
   *
   * @throws KafkaStorageException when it is malformed or the disk fails
   */
  read(): TopicPartitionMap<number> {
    const offsets = new TopicPartitionMap<number>()
    for (const [topicPartition, offset] of this.#checkpoint.read()) {
      offsets.set(topicPartition, offset)
    }
    return offsets
  }
}
