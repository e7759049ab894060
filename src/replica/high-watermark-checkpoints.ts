/**
 * # High watermark checkpoints
 *
 * One file in each log directory that keeps the high watermarks of its partitions, so that
 * a restarted broker knows which of its records are surely replicated.
 *
 *     <dir>/replication-offset-checkpoint:  0 ⏎ 2 ⏎ t 0 17 ⏎ t 1 4 ⏎
 *
 * @kafka core/src/main/scala/kafka/server/ReplicaManager.scala#ReplicaManager.checkpointHighWatermarks
 * @module
 */
import { KafkaStorageException } from '../base/errors.ts'
import { logger } from '../base/logger.ts'
import type { Storage } from '../base/platform/Platform.ts'
import { dirname, join } from '../base/platform/path.ts'
import { TopicPartitionMap } from '../base/TopicPartitionMap.ts'
import type { Log } from '../log/Log.ts'
import type { LogDirFailureChannel } from '../log/LogDirFailureChannel.ts'
import { OffsetCheckpointFile } from '../log/OffsetCheckpointFile.ts'
import type { Partition } from './Partition.ts'
import { FutureLocalReplicaId } from './read-from-local-log.ts'

const log = logger('ReplicaManager')

/** File in each log directory that keeps the high watermarks. */
export const HighWatermarkFilename = 'replication-offset-checkpoint'

/** The high watermark files of all live log directories. */
export class HighWatermarkCheckpoints {
  readonly #files = new Map<string, OffsetCheckpointFile>()

  /** Opens the files; those that are missing are made. */
  constructor(
    logDirs: readonly string[],
    storage: Storage,
    logDirFailureChannel: LogDirFailureChannel,
  ) {
    for (const dir of logDirs) {
      const path = join(dir, HighWatermarkFilename)
      const file = new OffsetCheckpointFile(storage, path, logDirFailureChannel)
      this.#files.set(dir, file)
    }
  }

  /** The high watermark on file for a log; 0 when there is none. */
  read(partitionLog: Log): number {
    const file = this.#files.get(dirname(partitionLog.dir))
    return file?.read().get(partitionLog.topicPartition) ?? 0
  }

  /** Writes the high watermarks of all local copies, those that are being made too. */
  write(partitions: Iterable<Partition>): void {
    // Sort the copies by the directory that holds them.
    const byDir = new Map<string, TopicPartitionMap<number>>()
    for (const partition of partitions) {
      const here = [partition.getReplica(), partition.getReplica(FutureLocalReplicaId)]
      for (const replica of here) {
        if (!replica?.log) continue
        const dir = dirname(replica.log.dir)
        const offsets = byDir.get(dir) ?? new TopicPartitionMap<number>()
        byDir.set(dir, offsets)
        offsets.set(partition.topicPartition, replica.highWatermark.messageOffset)
      }
    }

    // Write each file whole. A failed disk must not keep the others from being written.
    for (const [dir, offsets] of byDir) {
      try {
        this.#files.get(dir)?.write(offsets)
      } catch (error) {
        if (!(error instanceof KafkaStorageException)) throw error
        log.error(`cannot write the high watermarks of ${dir}`, error)
      }
    }
  }

  /** Stops writing to a failed directory. */
  remove(dir: string): void {
    this.#files.delete(dir)
  }
}
