/**
 * # Loading groups from the log
 *
 * A broker that becomes the leader of a partition of `__consumer_offsets` becomes the
 * coordinator of its groups, and learns of them by reading that partition from start to
 * end: the last record of each key wins.
 *
 *     offset key, value ─▶ loadedOffsets     null ─▶ taken out
 *     group key, value  ─▶ loadedGroups      null ─▶ removedGroups
 *     transactional     ─▶ pendingOffsets of the producer ── COMMIT ─▶ loadedOffsets
 *
 * @kafka core/src/main/scala/kafka/coordinator/group/GroupMetadataManager.scala#GroupMetadataManager.loadGroupsAndOffsets
 * @module
 */
import { KafkaException } from '../../base/errors.ts'
import type { TopicPartition } from '../../base/TopicPartition.ts'
import { TopicPartitionMap } from '../../base/TopicPartitionMap.ts'
import { ControlRecordType } from '../../record/ControlRecordType.ts'
import type { KafkaRecord } from '../../record/KafkaRecord.ts'
import type { RecordBatch } from '../../record/RecordBatch.ts'
import { GroupMetadata } from './GroupMetadata.ts'
import {
  readGroupMessageValue,
  readMessageKey,
  readOffsetMessageValue,
} from './group-messages.ts'
import { type CommitRecordMetadataAndOffset, olderThan } from './OffsetAndMetadata.ts'

type Commits = TopicPartitionMap<CommitRecordMetadataAndOffset>

/** One group as the log has it. */
export interface GroupFromLog {
  readonly group: GroupMetadata
  readonly offsets: Commits
  /** Producer id → commits that wait for its marker. */
  readonly pendingOffsets: Map<bigint, Commits>
}

/** Takes batches in the order of the log and says in the end what they amount to. */
export class GroupLoader {
  /** Groups that the log deletes and does not make again. */
  readonly removedGroups = new Set<string>()
  readonly #loadedGroups = new Map<string, GroupMetadata>()
  readonly #loadedOffsets = new Map<string, Commits>()
  readonly #pendingOffsets = new Map<bigint, Map<string, Commits>>()

  /** Takes one batch in. */
  add(batch: RecordBatch): void {
    if (batch.isControlBatch) {
      this.#endTransaction(batch)
      return
    }

    // Keep what belongs to an open transaction apart until its marker comes.
    let offsets = this.#loadedOffsets
    if (batch.isTransactional) {
      offsets = this.#pendingOffsets.get(batch.producerId) ?? new Map()
      this.#pendingOffsets.set(batch.producerId, offsets)
    }

    // The first offset of the batch stands for all its commits: they are compared with
    // other batches only.
    let batchBaseOffset: number | undefined
    for (const record of batch) {
      batchBaseOffset ??= record.offset
      this.#addRecord(record, batchBaseOffset, offsets)
    }
  }

  #addRecord(
    record: KafkaRecord,
    batchBaseOffset: number,
    offsets: Map<string, Commits>,
  ): void {
    if (record.key === null) throw new KafkaException('a group record needs a key')
    const key = readMessageKey(record.key)
    if (key.kind === 'group') {
      this.#addGroup(key.group, record.value)
      return
    }

    // Take or delete a committed offset.
    const ofGroup: Commits = offsets.get(key.group) ?? new TopicPartitionMap()
    offsets.set(key.group, ofGroup)
    if (record.value === null) {
      ofGroup.delete(key.topicPartition)
    } else {
      const offsetAndMetadata = readOffsetMessageValue(record.value)
      const commit = { appendedBatchOffset: batchBaseOffset, offsetAndMetadata }
      ofGroup.set(key.topicPartition, commit)
    }
  }

  #addGroup(groupId: string, value: Buffer | null): void {
    if (value === null) {
      this.#loadedGroups.delete(groupId)
      this.removedGroups.add(groupId)
    } else {
      this.removedGroups.delete(groupId)
      this.#loadedGroups.set(groupId, readGroupMessageValue(groupId, value))
    }
  }

  #endTransaction(batch: RecordBatch): void {
    const pending = this.#pendingOffsets.get(batch.producerId)
    this.#pendingOffsets.delete(batch.producerId)
    const [marker] = batch
    if (!pending || !marker) return
    if (ControlRecordType.parse(marker.key) !== 'COMMIT') return

    // Take the commits as of where they stand, not as of the marker.
    for (const [groupId, commits] of pending) {
      const loaded: Commits =
        this.#loadedOffsets.get(groupId) ?? new TopicPartitionMap()
      this.#loadedOffsets.set(groupId, loaded)
      for (const [tp, commit] of commits) keepNewer(loaded, tp, commit)
    }
  }

  /** The groups: those with a record of their own, then those with offsets only. */
  *groups(): Generator<GroupFromLog> {
    const pendingByGroup = this.#pendingByGroup()
    const names = new Set([
      ...this.#loadedGroups.keys(),
      ...nonEmpty(this.#loadedOffsets),
      ...pendingByGroup.keys(),
    ])
    for (const name of names) {
      yield {
        group: this.#loadedGroups.get(name) ?? new GroupMetadata(name, 'Empty'),
        offsets: this.#loadedOffsets.get(name) ?? new TopicPartitionMap(),
        pendingOffsets: pendingByGroup.get(name) ?? new Map(),
      }
    }
  }

  #pendingByGroup(): Map<string, Map<bigint, Commits>> {
    const byGroup = new Map<string, Map<bigint, Commits>>()
    for (const [producerId, groups] of this.#pendingOffsets) {
      for (const [groupId, commits] of groups) {
        const producers = byGroup.get(groupId) ?? new Map<bigint, Commits>()
        byGroup.set(groupId, producers.set(producerId, commits))
      }
    }
    return byGroup
  }
}

function* nonEmpty(offsets: Map<string, Commits>): Generator<string> {
  for (const [groupId, commits] of offsets) if (commits.size > 0) yield groupId
}

function keepNewer(
  commits: Commits,
  topicPartition: TopicPartition,
  commit: CommitRecordMetadataAndOffset,
): void {
  const current = commits.get(topicPartition)
  if (!current || olderThan(current, commit)) commits.set(topicPartition, commit)
}
