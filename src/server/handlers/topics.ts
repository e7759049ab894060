/**
 * # CreateTopics, DeleteTopics, CreatePartitions, DeleteRecords, DescribeConfigs, AlterConfigs
 *
 * The admin APIs. What changes topics is served by the controller only: it is the one that
 * has to act, so it is asked first and knows soonest.
 *
 *     | API              | who answers          | waits for                     |
 *     |------------------|----------------------|-------------------------------|
 *     | CreateTopics     | the controller       | a leader for each partition   |
 *     | CreatePartitions | the controller       | a leader for each partition   |
 *     | DeleteTopics     | the controller       | the topic to be forgotten     |
 *     | DeleteRecords    | the leader           | the low watermark             |
 *     | DescribeConfigs  | any; a broker itself | nothing                       |
 *     | AlterConfigs     | any                  | nothing                       |
 *
 * @kafka core/src/main/scala/kafka/server/KafkaApis.scala#KafkaApis
 * @module
 */
import { Errors } from '../../base/errors.ts'
import { TopicPartition } from '../../base/TopicPartition.ts'
import { TopicPartitionMap } from '../../base/TopicPartitionMap.ts'
import type { Request } from '../../network/RequestChannel.ts'
import {
  AlterConfigs,
  type AlterConfigsRequest,
} from '../../protocol/messages/AlterConfigs.ts'
import {
  CreatePartitions,
  type CreatePartitionsRequest,
} from '../../protocol/messages/CreatePartitions.ts'
import {
  CreateTopics,
  type CreateTopicsRequest,
} from '../../protocol/messages/CreateTopics.ts'
import {
  DeleteRecords,
  type DeleteRecordsRequest,
} from '../../protocol/messages/DeleteRecords.ts'
import {
  DeleteTopics,
  type DeleteTopicsRequest,
} from '../../protocol/messages/DeleteTopics.ts'
import {
  DescribeConfigs,
  type DescribeConfigsRequest,
} from '../../protocol/messages/DescribeConfigs.ts'
import { ResourceType, type TopicDetails } from '../AdminManager.ts'
import { ApiError } from '../ApiError.ts'
import type { ApisContext } from './ApisContext.ts'
import { byTopic } from './by-topic.ts'

/** Serves a CreateTopics request; see `KafkaApis.handleCreateTopicsRequest`. */
export async function handleCreateTopicsRequest(
  context: ApisContext,
  request: Request,
): Promise<void> {
  const body = request.body<CreateTopicsRequest>()
  const sendResponseCallback = (results: ReadonlyMap<string, ApiError>) =>
    context.sendResponseMaybeThrottle(request, CreateTopics, (throttleTimeMs) => ({
      throttleTimeMs,
      topics: Array.from(results, ([name, error]) => ({ name, ...error.fields })),
    }))
  const names = body.topics.map(({ name }) => name)
  if (!context.controller.isActive) {
    const error = new ApiError(Errors.NOT_CONTROLLER)
    sendResponseCallback(new Map(names.map((name) => [name, error])))
    return
  }

  // Refuse what is named twice: which of them is meant?
  const twice = repeated(names)
  const why = `the request of ${request.header.clientId} names a topic twice`
  const refusal = new ApiError(Errors.INVALID_REQUEST, why)
  const refused = Array.from(twice, (name) => [name, refusal] as const)

  // Create the others.
  const once = body.topics.filter(({ name }) => !twice.has(name))
  const createInfo = new Map(once.map((topic) => [topic.name, topicDetails(topic)]))
  await context.adminManager.createTopics(
    body.timeoutMs,
    body.validateOnly,
    createInfo,
    (results) => sendResponseCallback(new Map([...results, ...refused])),
  )
}

function topicDetails(topic: CreateTopicsRequest['topics'][number]): TopicDetails {
  const { numPartitions, replicationFactor, assignments, configs } = topic
  return {
    ...{ numPartitions, replicationFactor },
    replicasAssignments: new Map(
      assignments.map(({ partition, brokerIds }) => [partition, brokerIds]),
    ),
    configs: new Map(configs.map(({ name, value }) => [name, value])),
  }
}

/** The names that stand in a list more than once. */
function repeated(names: readonly string[]): ReadonlySet<string> {
  return new Set(names.filter((name, i) => names.indexOf(name) !== i))
}

/** Serves a DeleteTopics request; see `KafkaApis.handleDeleteTopicsRequest`. */
export async function handleDeleteTopicsRequest(
  context: ApisContext,
  request: Request,
): Promise<void> {
  const { topicNames, timeoutMs } = request.body<DeleteTopicsRequest>()
  const { metadataCache, adminManager, controller } = context
  const names = new Set(topicNames)
  const results = new Map<string, number>()
  const sendResponseCallback = () =>
    context.sendResponseMaybeThrottle(request, DeleteTopics, (throttleTimeMs) => ({
      throttleTimeMs,
      responses: Array.from(results, ([name, errorCode]) => ({ name, errorCode })),
    }))

  // Sort out what cannot be deleted.
  const refusal = controller.isActive
    ? Errors.UNKNOWN_TOPIC_OR_PARTITION
    : Errors.NOT_CONTROLLER
  for (const name of names) {
    if (controller.isActive && metadataCache.contains(name)) continue
    results.set(name, refusal.code)
    names.delete(name)
  }
  if (names.size === 0) {
    sendResponseCallback()
    return
  }

  // Delete the rest.
  await adminManager.deleteTopics(timeoutMs, names, (deleted) => {
    for (const [name, error] of deleted) results.set(name, error.code)
    sendResponseCallback()
  })
}

/** Serves a CreatePartitions request; see `KafkaApis.handleCreatePartitionsRequest`. */
export async function handleCreatePartitionsRequest(
  context: ApisContext,
  request: Request,
): Promise<void> {
  const body = request.body<CreatePartitionsRequest>()
  const { controller, adminManager } = context
  const sendResponseCallback = (results: ReadonlyMap<string, ApiError>) =>
    context.sendResponseMaybeThrottle(request, CreatePartitions, (throttleTimeMs) => ({
      throttleTimeMs,
      results: Array.from(results, ([name, error]) => ({ name, ...error.fields })),
    }))
  const names = body.topics.map(({ name }) => name)
  if (!controller.isActive) {
    const error = new ApiError(Errors.NOT_CONTROLLER)
    sendResponseCallback(new Map(names.map((name) => [name, error])))
    return
  }

  // Refuse topics that are named twice, and those on their way out.
  const refused = new Map<string, ApiError>()
  const twice = repeated(names)
  for (const name of names) {
    if (twice.has(name)) {
      const why = 'the request names the topic twice'
      refused.set(name, new ApiError(Errors.INVALID_REQUEST, why))
    } else if (controller.topicDeletionManager.isTopicQueuedUpForDeletion(name)) {
      const why = 'the topic is being deleted'
      refused.set(name, new ApiError(Errors.INVALID_TOPIC_EXCEPTION, why))
    }
  }

  // Grow the others.
  const growing = body.topics.filter(({ name }) => !refused.has(name))
  const newPartitions = new Map(
    growing.map(({ name, count, assignments }) => {
      const given = assignments?.map(({ brokerIds }) => brokerIds) ?? null
      return [name, { totalCount: count, assignments: given }]
    }),
  )
  await adminManager.createPartitions(
    body.timeoutMs,
    newPartitions,
    body.validateOnly,
    (results) => sendResponseCallback(new Map([...results, ...refused])),
  )
}

/** Serves a DeleteRecords request; see `KafkaApis.handleDeleteRecordsRequest`. */
export function handleDeleteRecordsRequest(
  context: ApisContext,
  request: Request,
): void {
  const body = request.body<DeleteRecordsRequest>()
  const { metadataCache, replicaManager } = context
  const answers = new TopicPartitionMap<{ lowWatermark: number; errorCode: number }>()
  const sendResponseCallback = () => {
    const topics = byTopic(answers)
    context.sendResponseMaybeThrottle(request, DeleteRecords, (throttleTimeMs) => ({
      throttleTimeMs,
      topics,
    }))
  }

  // Sort out what this broker does not know.
  const offsets = new TopicPartitionMap<number>()
  for (const { name, partitions } of body.topics) {
    for (const { partition, offset } of partitions) {
      const topicPartition = new TopicPartition(name, partition)
      const { code: errorCode } = Errors.UNKNOWN_TOPIC_OR_PARTITION
      if (metadataCache.contains(name)) offsets.set(topicPartition, offset)
      else answers.set(topicPartition, { lowWatermark: -1, errorCode })
    }
  }
  if (offsets.size === 0) {
    sendResponseCallback()
    return
  }

  // Delete; the answer comes when all replicas have.
  replicaManager.deleteRecords(body.timeoutMs, offsets, (results) => {
    for (const [topicPartition, { error, lowWatermark }] of results) {
      answers.set(topicPartition, { lowWatermark, errorCode: error.code })
    }
    sendResponseCallback()
  })
}

/** Resources without those that are named again; the last naming counts. */
function eachOnce<
  R extends { readonly resourceType: number; readonly resourceName: string },
>(resources: readonly R[]): R[] {
  const byName = new Map<string, R>()
  for (const resource of resources) {
    const { resourceType, resourceName } = resource
    byName.set(`${knownType(resourceType)} ${resourceName}`, resource)
  }
  return [...byName.values()]
}

/** The type of a resource; 0, which stands for unknown, where no type has the number. */
function knownType(resourceType: number): number {
  return Object.values<number>(ResourceType).includes(resourceType) ? resourceType : 0
}

/** Serves a DescribeConfigs request; see `KafkaApis.handleDescribeConfigsRequest`. */
export async function handleDescribeConfigsRequest(
  context: ApisContext,
  request: Request,
): Promise<void> {
  const body = request.body<DescribeConfigsRequest>()
  const resources = eachOnce(body.resources).map((resource) => {
    const { resourceType, resourceName: name, configurationKeys } = resource
    const names = configurationKeys && new Set(configurationKeys)
    return [{ type: knownType(resourceType), name }, names] as const
  })
  const described = await context.adminManager.describeConfigs(
    resources,
    body.includeSynonyms,
  )
  context.sendResponseMaybeThrottle(request, DescribeConfigs, (throttleTimeMs) => ({
    throttleTimeMs,
    results: described.map(([{ type, name }, { error, entries }]) => ({
      ...{ ...error.fields, resourceType: type, resourceName: name },
      configs: entries,
    })),
  }))
}

/** Serves an AlterConfigs request; see `KafkaApis.handleAlterConfigsRequest`. */
export async function handleAlterConfigsRequest(
  context: ApisContext,
  request: Request,
): Promise<void> {
  const body = request.body<AlterConfigsRequest>()
  const configs = eachOnce(body.resources).map((resource) => {
    const { resourceType, resourceName: name } = resource
    const type = knownType(resourceType)
    const values = resource.configs.map((entry) => [entry.name, entry.value] as const)
    return [{ type, name }, new Map(values)] as const
  })
  const altered = await context.adminManager.alterConfigs(configs, body.validateOnly)
  context.sendResponseMaybeThrottle(request, AlterConfigs, (throttleTimeMs) => ({
    throttleTimeMs,
    responses: altered.map(([{ type, name }, error]) => ({
      ...{ ...error.fields, resourceType: type, resourceName: name },
    })),
  }))
}
