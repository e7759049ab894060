/**
 * # Metadata, ApiVersions
 *
 * The two questions that a client asks first: what can you do, and who leads what. The
 * second may create the topics it asks about.
 *
 * @kafka core/src/main/scala/kafka/server/KafkaApis.scala#KafkaApis.handleTopicMetadataRequest
 * @module
 */
import { Errors } from '../../base/errors.ts'
import { ApiVersion } from '../../log/ApiVersion.ts'
import type { Request } from '../../network/RequestChannel.ts'
import { ApiKeys } from '../../protocol/ApiKeys.ts'
import { ApiVersions } from '../../protocol/messages/ApiVersions.ts'
import { Metadata, type MetadataRequest } from '../../protocol/messages/Metadata.ts'
import { Topic } from '../../zk/Topic.ts'
import type { TopicMetadata } from '../MetadataCache.ts'
import type { ApisContext } from './ApisContext.ts'
import { createTopic, getOrCreateInternalTopic } from './internal-topics.ts'

/** Serves a Metadata request; see `KafkaApis.handleTopicMetadataRequest`. */
export async function handleTopicMetadata(
  context: ApisContext,
  request: Request,
): Promise<void> {
  const body = request.body<MetadataRequest>()
  const { metadataCache, clusterId } = context
  const { apiVersion } = request.header
  const { listenerName } = request.context

  // In version 0 an empty list asks for all topics, later a null does.
  const all = body.topics === null || (apiVersion === 0 && body.topics.length === 0)
  const names = all
    ? metadataCache.getAllTopics()
    : [...new Set((body.topics ?? []).map(({ name }) => name))]
  const known = metadataCache.getTopicMetadata(names, listenerName, apiVersion === 0)
  const missing = all ? [] : metadataCache.getNonExistingTopics(names)
  const made: TopicMetadata[] = []
  for (const name of missing) {
    const mayCreate = body.allowAutoTopicCreation
    made.push(await describeMissing(context, name, mayCreate))
  }

  // Name the brokers that can be reached on the listener that was asked.
  const brokers = metadataCache.getAliveBrokers().flatMap(({ id: nodeId, rack }) => {
    const endPoint = metadataCache.getAliveEndpoint(nodeId, listenerName)
    if (!endPoint) return []
    return [{ nodeId, host: endPoint.host, port: endPoint.port, rack: rack ?? null }]
  })
  context.sendResponseMaybeThrottle(request, Metadata, (throttleTimeMs) => ({
    ...{ throttleTimeMs, brokers, clusterId },
    controllerId: metadataCache.getControllerId() ?? -1,
    topics: [...known, ...made],
  }))
}

/** Creates a topic that does not exist, if it may; says what became of it. */
async function describeMissing(
  context: ApisContext,
  name: string,
  allowAutoTopicCreation: boolean,
): Promise<TopicMetadata> {
  const { config } = context
  const isInternal = Topic.isInternal(name)
  const describe = (errorCode: number) => ({
    ...{ errorCode, name, isInternal, partitions: [] },
  })
  if (isInternal) {
    // Too few brokers is a lasting state for this question, not one to wait out.
    const { error } = await getOrCreateInternalTopic(context, name)
    const tooFew = error === Errors.COORDINATOR_NOT_AVAILABLE
    return describe((tooFew ? Errors.INVALID_REPLICATION_FACTOR : error).code)
  }
  if (!allowAutoTopicCreation || !config.autoCreateTopicsEnable) {
    return describe(Errors.UNKNOWN_TOPIC_OR_PARTITION.code)
  }
  return describe((await createTopic(context, name)).code)
}

/** What works only where every broker stores batches of format 2. */
const transactional: ReadonlySet<number> = new Set(
  [
    ...[ApiKeys.ADD_PARTITIONS_TO_TXN, ApiKeys.ADD_OFFSETS_TO_TXN, ApiKeys.END_TXN],
    ...[ApiKeys.WRITE_TXN_MARKERS, ApiKeys.TXN_OFFSET_COMMIT],
  ].map(({ key }) => key),
)

/**
 * The format that brokers must know for an API to be of use.
 *
 * @kafka clients/src/main/java/org/apache/kafka/common/protocol/ApiKeys.java#ApiKeys.minRequiredInterBrokerMagic
 */
function minRequiredMagic(apiKey: number): 0 | 2 {
  return transactional.has(apiKey) ? 2 : 0
}

/**
 * Serves an ApiVersions request; see `KafkaApis.handleApiVersionsRequest`.
 *
 * While brokers speak an older version to each other, what needs batches of format 2 in
 * the whole cluster is not advertised: transactions.
 *
 * @param handled - keys of the APIs that this broker serves: only they are advertised
 */
export function handleApiVersions(
  context: ApisContext,
  request: Request,
  handled: ReadonlySet<number>,
): void {
  // A version that is not known is answered in the oldest layout, with an empty list.
  const { apiVersion } = request.header
  if (apiVersion < 0 || apiVersion > ApiVersions.maxVersion) {
    const errorCode = Errors.UNSUPPORTED_VERSION.code
    context.sendResponseMaybeThrottle(request, ApiVersions, (throttleTimeMs) => ({
      throttleTimeMs,
      errorCode,
      apiKeys: [],
    }))
    return
  }
  const { interBrokerProtocolVersion } = context.config
  const magic = ApiVersion.forName(interBrokerProtocolVersion).messageFormatVersion
  const apiKeys = ApiKeys.all
    .filter((api) => handled.has(api.key) && magic >= minRequiredMagic(api.key))
    .map(({ key, minVersion, maxVersion }) => ({ apiKey: key, minVersion, maxVersion }))
  context.sendResponseMaybeThrottle(request, ApiVersions, (throttleTimeMs) => ({
    ...{ errorCode: Errors.NONE.code, apiKeys, throttleTimeMs },
  }))
}
