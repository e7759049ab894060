/**
 * # ConsumerGroupService
 *
 * What {@link ConsumerGroupCommand} prints of groups. There are two kinds of groups, and
 * neither kind knows of the other:
 *
 *     ConsumerGroupCommand ─▶ ConsumerGroupService ─┬─ KafkaConsumerGroupService  held by a coordinator
 *                                                   └─ ZkConsumerGroupService     the notes' own, in znodes
 *
 * @kafka core/src/main/scala/kafka/admin/ConsumerGroupCommand.scala#ConsumerGroupService
 * @module
 */

/** A partition of a group, or a member without one; what is not known is absent. */
export interface PartitionAssignmentState {
  readonly topic?: string | undefined
  readonly partition?: number | undefined
  readonly offset?: number | undefined
  readonly logEndOffset?: number | undefined
  readonly consumerId?: string | undefined
  readonly host?: string | undefined
  readonly clientId?: string | undefined
}

/** A group's offsets. */
export interface GroupOffsets {
  /** As the coordinator calls it; absent for groups in ZooKeeper, which have no states. */
  readonly state: string | undefined
  /** Absent when there is no such group. */
  readonly rows: readonly PartitionAssignmentState[] | undefined
}

/** What became of one group that was to be deleted. */
export interface DeletedGroup {
  readonly group: string
  /** Why it is still there; absent when it is gone. */
  readonly problem: string | undefined
}

/** Groups of one kind. */
export interface ConsumerGroupService {
  /** Whether it knows from which host each member connects, and as which client. */
  readonly hasHosts: boolean

  /** Names of all groups, sorted. */
  listGroups(): Promise<readonly string[]>

  /** The partitions of a group: who reads them, how far, and how far behind. */
  collectGroupOffsets(group: string): Promise<GroupOffsets>

  /** Deletes groups that nobody is in. */
  deleteGroups(groups: readonly string[]): Promise<readonly DeletedGroup[]>

  /**
   * Deletes what groups keep about one topic; a group that keeps nothing else goes whole.
   * Only groups in ZooKeeper can forget a topic.
   *
   * @param groups - which; none: all that keep something about it
   */
  deleteGroupsInfoForTopic?(
    topic: string,
    groups: readonly string[],
  ): Promise<readonly DeletedGroup[]>
}
