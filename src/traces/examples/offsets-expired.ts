/**
 * # The trace `offsets-expired`
 *
 * A group commits an offset that is to be kept for a moment only. When its time is over the
 * coordinator forgets it, and says so in the log.
 *
 * @module
 */
import { Errors } from '../../base/errors.ts'
import type { NetworkClient } from '../../network/NetworkClient.ts'
import { FindCoordinator } from '../../protocol/messages/FindCoordinator.ts'
import { OffsetCommit } from '../../protocol/messages/OffsetCommit.ts'
import { OffsetFetch } from '../../protocol/messages/OffsetFetch.ts'
import type { ExampleTrace } from '../ExampleTrace.ts'
import { clientOn, fillTopic, onStage, type Stage, TOPIC } from '../stage.ts'

const GROUP = 'annotated'

/** What the client wishes. A group of its own commits for a day, unless told otherwise. */
const RETENTION_MS = 250

/** Looks often; Kafka's own pause is ten minutes. */
const CHECKS = { 'offsets.retention.check.interval.ms': '100' }

/** A committed offset is forgotten. */
export const offsetsExpired: ExampleTrace = {
  name: 'offsets-expired',
  title: 'a committed offset is forgotten when its time is over',
  about:
    'The commit says that it is to be kept for 250 ms. The time stands in the record, beside ' +
    'the offset. Every 100 ms the coordinator looks for offsets whose time is over. It takes ' +
    'this one out of its memory, finds that the group has nothing left, and appends a record ' +
    'without a value, so that the next coordinator forgets it, too.',
  heading: '# KafkaApis',
  roots: [
    'KafkaApis.handleOffsetCommitRequest',
    'KafkaApis.handleOffsetFetchRequest',
    'GroupMetadataManager.cleanupExpiredGroupMetadata',
  ],
  drawn: [
    'KafkaApis.handleOffsetCommitRequest',
    'GroupMetadataManager.storeOffsets',
    'KafkaApis.handleOffsetFetchRequest',
    'GroupOffsets.removeExpiredOffsets',
    'Partition.appendRecordsToLeader',
  ],

  async run(record, world) {
    await onStage(
      world,
      async (stage) => {
        await fillTopic(stage, 'hello')
        const client = clientOn(stage, 'c1')
        await coordinatorIsThere(stage, client)
        await record(async () => {
          await commit(client)
          if ((await storedOffset(client)) !== 1) throw new Error('it was not stored')

          // Come back when its time is over, and it was looked for.
          await stage.cluster.platform.clock.sleep(2 * RETENTION_MS)
          if ((await storedOffset(client)) !== -1) throw new Error('it is still stored')
        }, stage.cluster)
        client.close()
      },
      1,
      CHECKS,
    )
  },
}

/** Resolves when the group has a coordinator that has read its log. */
async function coordinatorIsThere(
  { cluster }: Stage,
  client: NetworkClient,
): Promise<void> {
  for (;;) {
    const body = { key: GROUP, keyType: 0 }
    const answer = await client.sendAndReceive(FindCoordinator, 1, body)
    const isThere = answer.errorCode === 0
    if (isThere && (await storedOffset(client)) === -1) return
    await cluster.platform.clock.sleep(5)
  }
}

/** @returns -1 when nothing is stored, undefined when nobody can say */
async function storedOffset(client: NetworkClient): Promise<number | undefined> {
  const topics = [{ name: TOPIC, partitionIndexes: [0] }]
  const answer = await client.sendAndReceive(OffsetFetch, 3, { groupId: GROUP, topics })
  const found = answer.topics[0]?.partitions[0]
  return answer.errorCode === 0 && found?.errorCode === 0
    ? found.committedOffset
    : undefined
}

async function commit(client: NetworkClient): Promise<void> {
  const partition = { partition: 0, committedOffset: 1, committedMetadata: '' }
  const { topics } = await client.sendAndReceive(OffsetCommit, 3, {
    ...{ groupId: GROUP, generationId: -1, memberId: '' },
    retentionTimeMs: RETENTION_MS,
    topics: [{ name: TOPIC, partitions: [partition] }],
  })
  const errorCode = topics[0]?.partitions[0]?.errorCode ?? -1
  if (errorCode !== 0) throw Errors.forCode(errorCode).exception()
}
