/**
 * # The settings of a topic
 *
 * One row a setting: its name, its type, its default, what values are allowed, and the
 * broker setting that gives the default on a running broker. Parsing, checking, describing
 * and documenting all read this table.
 *
 * @kafka core/src/main/scala/kafka/log/LogConfig.scala#LogConfig
 * @module
 */

/** How a value is written and read. */
export type LogConfigType = 'INT' | 'LONG' | 'DOUBLE' | 'BOOLEAN' | 'STRING' | 'LIST'

/** One setting of a topic. */
export interface LogConfigKey {
  /** Name, as in `kafka-topics --config name=value`. */
  readonly name: string

  readonly type: LogConfigType

  /** Default in written form; numbers without limit are Java's largest long. */
  readonly defaultValue: string

  /** Broker setting that gives the default of a running broker. */
  readonly serverConfigName: string

  /** What the setting does, for `DescribeConfigs` and the documentation. */
  readonly documentation: string

  /** Smallest number allowed. */
  readonly min?: number

  /** Largest number allowed. */
  readonly max?: number

  /** Words allowed; of a list, each element must be one of them. */
  readonly values?: readonly string[]

  /** Pattern that each element of a list must match; `*` alone is allowed too. */
  readonly elementPattern?: RegExp
}

const LongMaxValue = '9223372036854775807'
const weekMs = String(7 * 24 * 60 * 60 * 1000)
const dayMs = String(24 * 60 * 60 * 1000)
const replicaPattern = /^(\d+:\d+)?$/

/**
 * All settings of a topic, in Kafka's order of definition.
 *
 * @kafka core/src/main/scala/kafka/log/LogConfig.scala#configDef
 */
export const logConfigKeys: readonly LogConfigKey[] = [
  {
    name: 'segment.bytes',
    type: 'INT',
    defaultValue: '1073741824',
    min: 14,
    serverConfigName: 'log.segment.bytes',
    documentation: 'Size in bytes at which a new segment file is begun.',
  },
  {
    name: 'segment.ms',
    type: 'LONG',
    defaultValue: weekMs,
    min: 0,
    serverConfigName: 'log.roll.ms',
    documentation:
      'Time in ms after which a new segment is begun even if the last one is not full.',
  },
  {
    name: 'segment.jitter.ms',
    type: 'LONG',
    defaultValue: '0',
    min: 0,
    serverConfigName: 'log.roll.jitter.ms',
    documentation:
      'At most this many ms, chosen at random, are taken off segment.ms, so that not ' +
      'all partitions begin new segments together.',
  },
  {
    name: 'segment.index.bytes',
    type: 'INT',
    defaultValue: '10485760',
    min: 0,
    serverConfigName: 'log.index.size.max.bytes',
    documentation: 'Size in bytes at which an index counts as full.',
  },
  {
    name: 'flush.messages',
    type: 'LONG',
    defaultValue: LongMaxValue,
    min: 0,
    serverConfigName: 'log.flush.interval.messages',
    documentation:
      'Number of messages after which the log is flushed to disk; by default replication ' +
      'is relied upon instead.',
  },
  {
    name: 'flush.ms',
    type: 'LONG',
    defaultValue: LongMaxValue,
    min: 0,
    serverConfigName: 'log.flush.interval.ms',
    documentation: 'Time in ms after which the log is flushed to disk.',
  },
  {
    name: 'retention.bytes',
    type: 'LONG',
    defaultValue: '-1',
    serverConfigName: 'log.retention.bytes',
    documentation:
      'Size in bytes of a partition above which its oldest segments are deleted; -1 for ' +
      'no limit.',
  },
  {
    name: 'retention.ms',
    type: 'LONG',
    defaultValue: weekMs,
    serverConfigName: 'log.retention.ms',
    documentation:
      'Age in ms at which a segment is deleted, counted from its newest message; -1 for ' +
      'no limit.',
  },
  {
    name: 'max.message.bytes',
    type: 'INT',
    defaultValue: '1000012',
    min: 0,
    serverConfigName: 'message.max.bytes',
    documentation: 'Largest batch in bytes, as it is stored.',
  },
  {
    name: 'index.interval.bytes',
    type: 'INT',
    defaultValue: '4096',
    min: 0,
    serverConfigName: 'log.index.interval.bytes',
    documentation: 'Bytes of log between two entries of its index.',
  },
  {
    name: 'delete.retention.ms',
    type: 'LONG',
    defaultValue: dayMs,
    min: 0,
    serverConfigName: 'log.cleaner.delete.retention.ms',
    documentation:
      'Time in ms that a tombstone is kept in a compacted topic, and so the time a reader ' +
      'has to see it.',
  },
  {
    name: 'min.compaction.lag.ms',
    type: 'LONG',
    defaultValue: '0',
    min: 0,
    serverConfigName: 'log.cleaner.min.compaction.lag.ms',
    documentation: 'Time in ms that a message stays before it may be compacted away.',
  },
  {
    name: 'file.delete.delay.ms',
    type: 'LONG',
    defaultValue: '60000',
    min: 0,
    serverConfigName: 'log.segment.delete.delay.ms',
    documentation: 'Time in ms between taking a file out of service and deleting it.',
  },
  {
    name: 'min.cleanable.dirty.ratio',
    type: 'DOUBLE',
    defaultValue: '0.5',
    min: 0,
    max: 1,
    serverConfigName: 'log.cleaner.min.cleanable.ratio',
    documentation:
      'Share of a compacted log that must be uncompacted for it to be cleaned.',
  },
  {
    name: 'cleanup.policy',
    type: 'LIST',
    defaultValue: 'delete',
    values: ['compact', 'delete'],
    serverConfigName: 'log.cleanup.policy',
    documentation:
      'What becomes of old segments: delete, compact (keep the last value of each key), ' +
      'or both.',
  },
  {
    name: 'unclean.leader.election.enable',
    type: 'BOOLEAN',
    defaultValue: 'false',
    serverConfigName: 'unclean.leader.election.enable',
    documentation:
      'Whether a replica that is not in sync may lead as a last resort, losing data.',
  },
  {
    name: 'min.insync.replicas',
    type: 'INT',
    defaultValue: '1',
    min: 1,
    serverConfigName: 'min.insync.replicas',
    documentation:
      'Replicas that must be in sync for a write with acks=all to be taken.',
  },
  {
    name: 'compression.type',
    type: 'STRING',
    defaultValue: 'producer',
    values: ['uncompressed', 'snappy', 'lz4', 'gzip', 'producer'],
    serverConfigName: 'compression.type',
    documentation: 'Codec in which batches are stored; producer keeps what was sent.',
  },
  {
    name: 'preallocate',
    type: 'BOOLEAN',
    defaultValue: 'false',
    serverConfigName: 'log.preallocate',
    documentation: 'Whether a new segment file is given its full size at once.',
  },
  {
    name: 'message.format.version',
    type: 'STRING',
    defaultValue: '1.1-IV0',
    serverConfigName: 'log.message.format.version',
    documentation: 'Version of Kafka whose batch format is stored.',
  },
  {
    name: 'message.timestamp.type',
    type: 'STRING',
    defaultValue: 'CreateTime',
    values: ['CreateTime', 'LogAppendTime'],
    serverConfigName: 'log.message.timestamp.type',
    documentation:
      'Whether the timestamp is the one of the producer or the time of the append.',
  },
  {
    name: 'message.timestamp.difference.max.ms',
    type: 'LONG',
    defaultValue: LongMaxValue,
    min: 0,
    serverConfigName: 'log.message.timestamp.difference.max.ms',
    documentation:
      "Largest difference in ms between a message's timestamp and the broker's clock.",
  },
  {
    name: 'leader.replication.throttled.replicas',
    type: 'LIST',
    defaultValue: '',
    elementPattern: replicaPattern,
    serverConfigName: 'leader.replication.throttled.replicas',
    documentation:
      'Replicas to throttle on the side of the leader, as partition:broker, or * for all.',
  },
  {
    name: 'follower.replication.throttled.replicas',
    type: 'LIST',
    defaultValue: '',
    elementPattern: replicaPattern,
    serverConfigName: 'follower.replication.throttled.replicas',
    documentation:
      'Replicas to throttle on the side of the follower, as partition:broker, or * for all.',
  },
]

/** The same table by name. */
export const logConfigKeyByName: ReadonlyMap<string, LogConfigKey> = new Map(
  logConfigKeys.map((key) => [key.name, key]),
)
