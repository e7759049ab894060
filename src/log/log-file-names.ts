/**
 * # Names of files and directories of a log
 *
 * A log directory holds one directory a partition, `topic-partition`. In it, every segment
 * is a family of files that carry the segment's first offset, padded to 20 digits so that a
 * listing sorted by name is sorted by offset:
 *
 *     00000000000000000040.log        the batches
 *     00000000000000000040.index      offset → position
 *     00000000000000000040.timeindex  timestamp → offset
 *     00000000000000000040.txnindex   aborted transactions, only if there were any
 *     00000000000000000040.snapshot   producer state just before offset 40
 *     leader-epoch-checkpoint         which leader epoch began at which offset
 *
 * A second suffix tells a file that is not in service: `.deleted` waits for its deletion,
 * `.cleaned` is being written by the cleaner, `.swap` is being put in place of others.
 *
 * @kafka core/src/main/scala/kafka/log/Log.scala#Log
 * @differs in Kafka these are members of `object Log`; here a room of their own, because
 *   segments need the names and `Log` needs the segments.
 * @module
 */
import { KafkaException } from '../base/errors.ts'
import { basename, join } from '../base/platform/path.ts'
import { TopicPartition } from '../base/TopicPartition.ts'

/** Suffix of a file of batches. */
export const LogFileSuffix = '.log'

/** Suffix of an offset index. */
export const IndexFileSuffix = '.index'

/** Suffix of a time index. */
export const TimeIndexFileSuffix = '.timeindex'

/** Suffix of a snapshot of the producer state. */
export const ProducerSnapshotFileSuffix = '.snapshot'

/** Suffix of the index of aborted transactions. */
export const TxnIndexFileSuffix = '.txnindex'

/** Second suffix of a file that waits for its deletion. */
export const DeletedFileSuffix = '.deleted'

/** Second suffix of a file that the cleaner is writing. */
export const CleanedFileSuffix = '.cleaned'

/** Second suffix of a file that is being put in place of older ones. */
export const SwapFileSuffix = '.swap'

/** Marker in a log directory: every log in it was closed properly, nothing to recover. */
export const CleanShutdownFile = '.kafka_cleanshutdown'

/** Suffix of a partition's directory that waits for its deletion. */
export const DeleteDirSuffix = '-delete'

/** Suffix of a partition's directory that is being filled to replace the current one. */
export const FutureDirSuffix = '-future'

/** Name of the file that holds a partition's leader epochs. */
export const LeaderEpochCheckpointFilename = 'leader-epoch-checkpoint'

const suffixedDirPattern = /^(\S+)-(\S+)\.(\S+)-(delete|future)$/

/**
 * Pads an offset to the 20 digits of a segment's file name.
 *
 * @kafka core/src/main/scala/kafka/log/Log.scala#filenamePrefixFromOffset
 */
export function filenamePrefixFromOffset(offset: number): string {
  return String(offset).padStart(20, '0')
}

/** Path of a segment's batches. */
export function logFile(dir: string, offset: number, suffix = ''): string {
  return join(dir, filenamePrefixFromOffset(offset) + LogFileSuffix + suffix)
}

/** Path of a segment's offset index. */
export function offsetIndexFile(dir: string, offset: number, suffix = ''): string {
  return join(dir, filenamePrefixFromOffset(offset) + IndexFileSuffix + suffix)
}

/** Path of a segment's time index. */
export function timeIndexFile(dir: string, offset: number, suffix = ''): string {
  return join(dir, filenamePrefixFromOffset(offset) + TimeIndexFileSuffix + suffix)
}

/** Path of a segment's index of aborted transactions. */
export function transactionIndexFile(dir: string, offset: number, suffix = ''): string {
  return join(dir, filenamePrefixFromOffset(offset) + TxnIndexFileSuffix + suffix)
}

/** Path of the producer snapshot that covers everything below `offset`. */
export function producerSnapshotFile(dir: string, offset: number): string {
  return join(dir, filenamePrefixFromOffset(offset) + ProducerSnapshotFileSuffix)
}

/** Reads the offset out of a file's name: the digits before the first dot. */
export function offsetFromFile(path: string): number {
  const name = basename(path)
  return Number(name.slice(0, name.indexOf('.')))
}

/** Says whether a name is that of an index of any of the three kinds. */
export function isIndexFile(name: string): boolean {
  return /^\d+\.(index|timeindex|txnindex)$/.test(name)
}

/** Says whether a name is that of a file of batches in service. */
export function isLogFile(name: string): boolean {
  return /^\d+\.log$/.test(name)
}

/** Directory of a partition in service: `topic-partition`. */
export function logDirName(topicPartition: TopicPartition): string {
  return `${topicPartition.topic}-${topicPartition.partition}`
}

/**
 * Name that a partition's directory is given when it waits for deletion:
 * `topic-partition.<32 hex digits>-delete`.
 *
 * @param uniqueId a UUID; its dashes are dropped
 */
export function logDeleteDirName(
  topicPartition: TopicPartition,
  uniqueId: string,
): string {
  const id = uniqueId.replaceAll('-', '')
  return `${logDirName(topicPartition)}.${id}${DeleteDirSuffix}`
}

/** Like {@link logDeleteDirName}, for a replica that is moving to this directory. */
export function logFutureDirName(
  topicPartition: TopicPartition,
  uniqueId: string,
): string {
  const id = uniqueId.replaceAll('-', '')
  return `${logDirName(topicPartition)}.${id}${FutureDirSuffix}`
}

/**
 * Reads topic and partition out of the path of a partition's directory.
 *
 * @throws KafkaException when the name has none of the three forms
 * @kafka core/src/main/scala/kafka/log/Log.scala#parseTopicPartitionName
 */
export function parseTopicPartitionName(dir: string): TopicPartition {
  // Refuse a name that only looks like a suffixed one.
  const dirName = basename(dir)
  const suffixed =
    dirName.endsWith(DeleteDirSuffix) || dirName.endsWith(FutureDirSuffix)
  if (suffixed && !suffixedDirPattern.test(dirName)) throw badDirName(dir)

  // Cut at the last dash: a topic may hold dashes itself.
  const name = suffixed ? dirName.slice(0, dirName.lastIndexOf('.')) : dirName
  const dash = name.lastIndexOf('-')
  const topic = name.slice(0, Math.max(dash, 0))
  const partition = name.slice(dash + 1)
  if (topic === '' || !/^\d+$/.test(partition)) throw badDirName(dir)
  return new TopicPartition(topic, Number(partition))
}

function badDirName(dir: string): KafkaException {
  return new KafkaException(
    `found directory ${dir}, whose name is not of the form topic-partition or ` +
      'topic-partition.uniqueId-delete (or -future); a log directory should only ' +
      'contain topic data',
  )
}
