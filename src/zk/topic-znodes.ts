/**
 * # topic-znodes
 *
 * Topics, which brokers hold each partition, who leads it now, and the notes that brokers
 * leave for the controller when a partition's in-sync replicas or a disk changed.
 *
 *     /brokers/topics/<topic>                               assignment
 *     /brokers/topics/<topic>/partitions/<p>/state          leader and ISR
 *     /isr_change_notification/isr_change_<n>               look at these states again
 *     /log_dir_event_notification/log_dir_event_<n>         this broker lost a disk
 *
 * @kafka core/src/main/scala/kafka/zk/ZkData.scala
 * @module
 */

import { TopicPartition } from '../base/TopicPartition.ts'
import { TopicPartitionMap } from '../base/TopicPartitionMap.ts'
import { LeaderAndIsr, LeaderIsrAndControllerEpoch } from './LeaderAndIsr.ts'
import { parentZNode, type ZNodeObject } from './znode.ts'
import { encodeJson, malformed, ZNodeJson } from './znode-json.ts'

/** The parent of all topics. */
export const TopicsZNode = {
  ...parentZNode(
    '/brokers/topics',
    'the controller: new and vanished topics; an old consumer that takes topics by pattern',
  ),
} satisfies ZNodeObject

/**
 * One topic: the brokers that hold each partition, the preferred leader first.
 *
 * @kafka core/src/main/scala/kafka/zk/ZkData.scala#TopicZNode
 */
export const TopicZNode = {
  pattern: '/brokers/topics/<topic>',
  kind: 'persistent',
  payload: '{"version":1,"partitions":{"0":[1,2],"1":[2,3]}}',
  writer: 'who creates the topic, adds partitions to it or moves them',
  watchers: 'the controller: added partitions; old consumers of the topic: the same',
  deleted: 'by the controller, with all below it, at the end of a deletion',

  path(topic: string): string {
    return `/brokers/topics/${topic}`
  },

  /** Partition numbers are the names of fields, so they become strings. */
  encode(assignment: ReadonlyMap<number, readonly number[]>): Buffer {
    return encodeJson({ version: 1, partitions: Object.fromEntries(assignment) })
  },

  /** Replicas by partition, in ascending order of partitions. */
  decode(topic: string, data: Buffer): TopicPartitionMap<number[]> {
    const path = TopicZNode.path(topic)
    const map = new TopicPartitionMap<number[]>()
    for (const [partition, replicas] of new ZNodeJson(path, data).entries(
      'partitions',
    )) {
      // Check one partition and its brokers.
      if (!/^\d+$/.test(partition)) {
        throw malformed(path, `${partition} is not the number of a partition`)
      }
      if (!Array.isArray(replicas) || !replicas.every((r) => Number.isSafeInteger(r))) {
        throw malformed(path, `the replicas of partition ${partition} are not integers`)
      }
      map.set(new TopicPartition(topic, Number(partition)), replicas as number[])
    }
    return map
  },
} satisfies ZNodeObject

/** The parent of a topic's partitions. */
export const TopicPartitionsZNode = {
  pattern: '/brokers/topics/<topic>/partitions',
  kind: 'persistent',
  payload: 'null',
  writer: 'the controller, before the first state',
  watchers: 'none',
  deleted: 'with its topic',

  path(topic: string): string {
    return `${TopicZNode.path(topic)}/partitions`
  },
} satisfies ZNodeObject

/** The parent of one partition's state. */
export const TopicPartitionZNode = {
  pattern: '/brokers/topics/<topic>/partitions/<p>',
  kind: 'persistent',
  payload: 'null',
  writer: 'the controller, before the state',
  watchers: 'none',
  deleted: 'with its topic',

  path({ topic, partition }: TopicPartition): string {
    return `${TopicPartitionsZNode.path(topic)}/${partition}`
  },
} satisfies ZNodeObject

/**
 * Leader, epoch and in-sync replicas of one partition.
 *
 * @kafka core/src/main/scala/kafka/zk/ZkData.scala#TopicPartitionStateZNode
 */
export const TopicPartitionStateZNode = {
  pattern: '/brokers/topics/<topic>/partitions/<p>/state',
  kind: 'persistent',
  payload: '{"version":1,"leader":1,"leader_epoch":0,"controller_epoch":1,"isr":[1,2]}',
  writer:
    'the controller creates and changes it; the leader changes its ISR; both only if ' +
    'the version is the one they know',
  watchers: 'the controller, while the partition is being moved',
  deleted: 'with its topic',

  path(tp: TopicPartition): string {
    return `${TopicPartitionZNode.path(tp)}/state`
  },

  encode({ leaderAndIsr, controllerEpoch }: LeaderIsrAndControllerEpoch): Buffer {
    return encodeJson({
      version: 1,
      leader: leaderAndIsr.leader,
      leader_epoch: leaderAndIsr.leaderEpoch,
      controller_epoch: controllerEpoch,
      isr: leaderAndIsr.isr,
    })
  },

  /**
   * Reads a state.
   *
   * @param zkVersion - version of the znode it was read from
   */
  decode(
    tp: TopicPartition,
    data: Buffer,
    zkVersion: number,
  ): LeaderIsrAndControllerEpoch {
    const json = new ZNodeJson(TopicPartitionStateZNode.path(tp), data)
    const leaderAndIsr = new LeaderAndIsr(
      json.int('leader'),
      json.int('leader_epoch'),
      json.ints('isr'),
      zkVersion,
    )
    return new LeaderIsrAndControllerEpoch(leaderAndIsr, json.int('controller_epoch'))
  },
} satisfies ZNodeObject

/** The parent of the notes about changed in-sync replicas. */
export const IsrChangeNotificationZNode = {
  ...parentZNode('/isr_change_notification', 'the controller'),
} satisfies ZNodeObject

/**
 * A note of a leader: the in-sync replicas of these partitions changed.
 *
 * @kafka core/src/main/scala/kafka/zk/ZkData.scala#IsrChangeNotificationSequenceZNode
 */
export const IsrChangeNotificationSequenceZNode = {
  pattern: '/isr_change_notification/isr_change_<n>',
  kind: 'persistent sequential',
  payload: '{"version":1,"partitions":[{"topic":"t","partition":0}]}',
  writer: 'leaders, at most every 2.5 s, when their ISR changes have settled',
  watchers: 'the controller, through the parent',
  deleted: 'by the controller once processed; all of them when one takes office',
  SequenceNumberPrefix: 'isr_change_',

  path(sequenceNumber = ''): string {
    return `/isr_change_notification/isr_change_${sequenceNumber}`
  },

  encode(partitions: Iterable<TopicPartition>): Buffer {
    return encodeJson({ version: 1, partitions: partitionObjects(partitions) })
  },

  decode(sequenceNumber: string, data: Buffer): TopicPartition[] {
    const path = IsrChangeNotificationSequenceZNode.path(sequenceNumber)
    return readPartitions(new ZNodeJson(path, data))
  },

  sequenceNumber(child: string): string {
    return child.slice(IsrChangeNotificationSequenceZNode.SequenceNumberPrefix.length)
  },
} satisfies ZNodeObject

/** The parent of the notes about failed disks. */
export const LogDirEventNotificationZNode = {
  ...parentZNode('/log_dir_event_notification', 'the controller'),
} satisfies ZNodeObject

/**
 * A note of a broker: one of its log directories failed.
 *
 * @kafka core/src/main/scala/kafka/zk/ZkData.scala#LogDirEventNotificationSequenceZNode
 */
export const LogDirEventNotificationSequenceZNode = {
  pattern: '/log_dir_event_notification/log_dir_event_<n>',
  kind: 'persistent sequential',
  payload: '{"version":1,"broker":1,"event":1}',
  writer: 'the broker whose log directory failed',
  watchers: 'the controller, through the parent',
  deleted: 'by the controller once processed; all of them when one takes office',
  SequenceNumberPrefix: 'log_dir_event_',
  /** The only event there is: a log directory failed. */
  LogDirFailureEvent: 1,

  path(sequenceNumber = ''): string {
    return `/log_dir_event_notification/log_dir_event_${sequenceNumber}`
  },

  encode(brokerId: number): Buffer {
    const event = LogDirEventNotificationSequenceZNode.LogDirFailureEvent
    return encodeJson({ version: 1, broker: brokerId, event })
  },

  decode(sequenceNumber: string, data: Buffer): number {
    const path = LogDirEventNotificationSequenceZNode.path(sequenceNumber)
    return new ZNodeJson(path, data).int('broker')
  },

  sequenceNumber(child: string): string {
    return child.slice(LogDirEventNotificationSequenceZNode.SequenceNumberPrefix.length)
  },
} satisfies ZNodeObject

/** Partitions as the JSON lists them. */
export function partitionObjects(partitions: Iterable<TopicPartition>) {
  return Array.from(partitions, ({ topic, partition }) => ({ topic, partition }))
}

/** Reads a `partitions` list of topics and numbers. */
export function readPartitions(json: ZNodeJson): TopicPartition[] {
  return json
    .objects('partitions')
    .map((p) => new TopicPartition(p.string('topic'), p.int('partition')))
}
