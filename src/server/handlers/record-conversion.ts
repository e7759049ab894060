/**
 * # Conversions of records, counted
 *
 * A client of another format than the topic's has the broker write its records anew. This
 * notes it where operators look: in the counts of the topic, and with the request's times.
 *
 * @kafka core/src/main/scala/kafka/server/KafkaApis.scala#KafkaApis.updateRecordsProcessingStats
 * @module
 */
import type { TopicPartition } from '../../base/TopicPartition.ts'
import type { Request } from '../../network/RequestChannel.ts'
import type { RecordsProcessingStats } from '../../record/RecordsProcessingStats.ts'
import type { ApisContext } from './ApisContext.ts'

/** Counts records of a partition that a request had written anew. */
export function updateRecordConversionStats(
  { replicaManager }: ApisContext,
  request: Request,
  { topic }: TopicPartition,
  key: 'fetchMessageConversions' | 'produceMessageConversions',
  { conversionCount, conversionTimeMs }: RecordsProcessingStats,
): void {
  replicaManager.brokerTopicStats.count(topic, key, conversionCount)
  const before = Math.max(0, request.messageConversionsTimeMs)
  request.messageConversionsTimeMs = before + conversionTimeMs
}
