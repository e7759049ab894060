/**
 * # OffsetCommit, OffsetFetch
 *
 * How far a group has read. Version 0 of both keeps it in ZooKeeper, where the oldest
 * consumers look for it; all later ones in `__consumer_offsets`, with the coordinator of
 * the group.
 *
 *     v0    /consumers/<group>/offsets/<topic>/<partition>
 *     v1 …  GroupCoordinator ─▶ __consumer_offsets
 *
 * @kafka core/src/main/scala/kafka/server/KafkaApis.scala#KafkaApis.handleOffsetCommitRequest
 * @module
 */
import { Errors, type WireError } from '../../base/errors.ts'
import { logger } from '../../base/logger.ts'
import { TopicPartition } from '../../base/TopicPartition.ts'
import { TopicPartitionMap } from '../../base/TopicPartitionMap.ts'
import type { OffsetAndMetadata } from '../../coordinator/group/OffsetAndMetadata.ts'
import type { Request } from '../../network/RequestChannel.ts'
import {
  OffsetCommit,
  type OffsetCommitRequest,
} from '../../protocol/messages/OffsetCommit.ts'
import {
  OffsetFetch,
  type OffsetFetchRequest,
} from '../../protocol/messages/OffsetFetch.ts'
import type { ApisContext } from './ApisContext.ts'
import { byTopic } from './by-topic.ts'

const log = logger('KafkaApis')

/** In a request: as the broker is configured, or as the clock says. */
const DEFAULT_RETENTION_TIME = -1
const DEFAULT_TIMESTAMP = -1

/** As far as a time goes on the wire. */
const MAX_LONG = 2 ** 63

/** In a response: nothing is committed. */
const INVALID_OFFSET = -1
const NO_METADATA = ''

type Commit = OffsetCommitRequest['topics'][number]['partitions'][number]

/** What is answered for one partition of a fetch. */
interface FetchedOffset {
  readonly committedOffset: number
  readonly metadata: string
  readonly errorCode: number
}

/** Serves an OffsetCommit request; see `KafkaApis.handleOffsetCommitRequest`. */
export async function handleOffsetCommitRequest(
  context: ApisContext,
  request: Request,
): Promise<void> {
  const body = request.body<OffsetCommitRequest>()
  const answers = new TopicPartitionMap<{ readonly errorCode: number }>()
  const sendResponseCallback = (errors: Iterable<[TopicPartition, WireError]>) => {
    for (const [tp, { code }] of errors) answers.set(tp, { errorCode: code })
    const topics = byTopic(answers)
    context.sendResponseMaybeThrottle(request, OffsetCommit, (throttleTimeMs) => ({
      throttleTimeMs,
      topics,
    }))
  }

  // Sort out topics that do not exist; nobody asks how many partitions one has.
  const commits = new TopicPartitionMap<Commit>()
  for (const { name, partitions } of body.topics) {
    for (const commit of partitions) {
      const tp = new TopicPartition(name, commit.partition)
      if (context.metadataCache.contains(name)) commits.set(tp, commit)
      else answers.set(tp, { errorCode: Errors.UNKNOWN_TOPIC_OR_PARTITION.code })
    }
  }
  if (commits.size === 0) {
    sendResponseCallback([])
    return
  }

  // Store the others where the version says.
  if (request.header.apiVersion === 0) {
    const store = async ([tp, commit]: [TopicPartition, Commit]) =>
      [tp, await storeInZooKeeper(context, body.groupId, tp, commit)] as const
    const errors = await Promise.all(Array.from(commits, store))
    sendResponseCallback(errors.map(([tp, error]) => [tp, error]))
    return
  }
  context.groupCoordinator.handleCommitOffsets(
    ...([body.groupId, body.memberId, body.generationId] as const),
    offsetsAndMetadata(context, request, body.retentionTimeMs, commits),
    sendResponseCallback,
  )
}

async function storeInZooKeeper(
  { config, zkClient }: ApisContext,
  groupId: string,
  topicPartition: TopicPartition,
  { committedOffset, committedMetadata }: Commit,
): Promise<WireError> {
  const metadata = committedMetadata ?? NO_METADATA
  if (metadata.length > config.offsetMetadataMaxSize) {
    return Errors.OFFSET_METADATA_TOO_LARGE
  }
  try {
    await zkClient.setOrCreateConsumerOffset(groupId, topicPartition, committedOffset)
    return Errors.NONE
  } catch (error) {
    log.warn(`cannot commit ${topicPartition} of ${groupId} to ZooKeeper`, error)
    return Errors.forException(error)
  }
}

/** Stamps commits with when they were made and when they may be forgotten. */
function offsetsAndMetadata(
  { config, platform }: ApisContext,
  { header: { apiVersion } }: Request,
  retentionTimeMs: number,
  commits: TopicPartitionMap<Commit>,
): TopicPartitionMap<OffsetAndMetadata> {
  // Keep them as long as the client says, if it does.
  const isDefault = apiVersion <= 1 || retentionTimeMs === DEFAULT_RETENTION_TIME
  const retentionMs = isDefault
    ? config.offsetsRetentionMinutes * 60_000
    : retentionTimeMs
  const now = platform.clock.now()

  // Count from now on, or from when the client of version 1 says.
  const offsets = new TopicPartitionMap<OffsetAndMetadata>()
  for (const [tp, { committedOffset, committedMetadata, commitTimestamp }] of commits) {
    const from = commitTimestamp === DEFAULT_TIMESTAMP ? now : commitTimestamp
    offsets.set(tp, {
      offset: committedOffset,
      metadata: committedMetadata ?? NO_METADATA,
      commitTimestamp: now,
      expireTimestamp: Math.max(-MAX_LONG, Math.min(MAX_LONG, from + retentionMs)),
    })
  }
  return offsets
}

/** Serves an OffsetFetch request; see `KafkaApis.handleOffsetFetchRequest`. */
export async function handleOffsetFetchRequest(
  context: ApisContext,
  request: Request,
): Promise<void> {
  const { groupId, topics } = request.body<OffsetFetchRequest>()
  const { apiVersion } = request.header

  // Null asks for all partitions that the group has committed.
  const partitions = topics?.flatMap(({ name, partitionIndexes }) =>
    partitionIndexes.map((partition) => new TopicPartition(name, partition)),
  )
  const { error, answers } =
    apiVersion === 0
      ? await fetchFromZooKeeper(context, groupId, partitions ?? [])
      : fetchFromCoordinator(context, groupId, partitions)

  // Before version 2 an error of the whole had no place but in each part.
  if (error !== Errors.NONE && apiVersion < 2) {
    const nothing = { committedOffset: INVALID_OFFSET, metadata: NO_METADATA }
    for (const tp of partitions ?? []) {
      answers.set(tp, { ...nothing, errorCode: error.code })
    }
  }
  context.sendResponseMaybeThrottle(request, OffsetFetch, (throttleTimeMs) => ({
    ...{ throttleTimeMs, topics: byTopic(answers), errorCode: error.code },
  }))
}

/** What a fetch found. */
interface FetchResult {
  readonly error: WireError
  readonly answers: TopicPartitionMap<FetchedOffset>
}

function fetchFromCoordinator(
  { groupCoordinator }: ApisContext,
  groupId: string,
  partitions: readonly TopicPartition[] | undefined,
): FetchResult {
  const { error, offsets } = groupCoordinator.handleFetchOffsets(groupId, partitions)
  const answers = new TopicPartitionMap<FetchedOffset>()
  for (const [tp, { offset, metadata, error: own }] of offsets) {
    answers.set(tp, { committedOffset: offset, metadata, errorCode: own.code })
  }
  return { error, answers }
}

async function fetchFromZooKeeper(
  context: ApisContext,
  groupId: string,
  partitions: readonly TopicPartition[],
): Promise<FetchResult> {
  const read = async (tp: TopicPartition) =>
    [tp, await readFromZooKeeper(context, groupId, tp)] as const
  const answers = new TopicPartitionMap<FetchedOffset>()
  for (const [tp, answer] of await Promise.all(partitions.map(read))) {
    answers.set(tp, answer)
  }
  return { error: Errors.NONE, answers }
}

async function readFromZooKeeper(
  { metadataCache, zkClient }: ApisContext,
  groupId: string,
  topicPartition: TopicPartition,
): Promise<FetchedOffset> {
  const answer = (committedOffset: number, { code: errorCode }: WireError) => {
    return { committedOffset, metadata: NO_METADATA, errorCode }
  }
  const unknown = answer(INVALID_OFFSET, Errors.UNKNOWN_TOPIC_OR_PARTITION)
  if (!metadataCache.contains(topicPartition.topic)) return unknown
  try {
    const offset = await zkClient.getConsumerOffset(groupId, topicPartition)
    return offset === undefined ? unknown : answer(offset, Errors.NONE)
  } catch (error) {
    log.warn(`cannot read ${topicPartition} of ${groupId} from ZooKeeper`, error)
    return answer(INVALID_OFFSET, Errors.forException(error))
  }
}
