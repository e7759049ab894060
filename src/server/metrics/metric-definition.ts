/**
 * # The definition of a metric
 *
 * A row of the table of metrics: what it is called in Kafka, what it means, and how it is
 * read when somebody asks.
 *
 *     kafka.server:type=BrokerTopicMetrics,name=MessagesInPerSec
 *       ─▶ kafka_server_broker_topic_metrics_messages_in_total
 *
 * @kafka core/src/main/scala/kafka/metrics/KafkaMetricsGroup.scala#KafkaMetricsGroup
 * @module
 */
import type { Distribution } from '../../base/metrics/Distribution.ts'
import type { KafkaServer } from '../KafkaServer.ts'

/** One number, or one distribution, with what tells it from others of its metric. */
export interface MetricSample {
  readonly labels?: Readonly<Record<string, string>>
  readonly value: number | Distribution
}

/** One metric. */
export interface MetricDefinition {
  /** As it is called in Kafka: `domain:type=…,name=…`, tags left out. */
  readonly mbean: string
  readonly type: 'counter' | 'gauge' | 'histogram'
  readonly help: string
  /** Names of the labels that its samples have. */
  readonly labels: readonly string[]
  /** Reads it now. */
  readonly collect: (broker: KafkaServer) => Iterable<MetricSample>
}

/** The name of a metric: its MBean, in the spelling of Prometheus. */
export function metricNameOf({ mbean, type }: MetricDefinition): string {
  const [domain = '', keys = ''] = mbean.split(':')
  const values = keys.split(',').map((pair) => pair.split('=')[1] ?? '')
  const words = [domain, ...values].map((word) =>
    word
      .replace(/PerSec$/, '')
      .replace(/([a-z0-9])([A-Z])/g, '$1_$2')
      .replace(/[^A-Za-z0-9]+/g, '_')
      .toLowerCase(),
  )
  return `${words.join('_')}${type === 'counter' ? '_total' : ''}`
}

/** Reads one number. */
export type Read = (broker: KafkaServer) => number

/** A number of the broker as a whole. */
export function gauge(mbean: string, help: string, read: Read): MetricDefinition {
  const collect = (broker: KafkaServer) => [{ value: read(broker) }]
  return { mbean, help, type: 'gauge', labels: [], collect }
}

/**
 * A word of the broker as a whole: a label of a number that is always 1.
 *
 * @differs JMX shows words as they are; the text format of Prometheus knows numbers.
 */
export function word(
  mbean: string,
  help: string,
  label: string,
  read: (broker: KafkaServer) => string,
): MetricDefinition {
  const collect = (broker: KafkaServer) => [
    { labels: { [label]: read(broker) }, value: 1 },
  ]
  return { mbean, help, type: 'gauge', labels: [label], collect }
}

/** A number that only grows. */
export function counter(mbean: string, help: string, read: Read): MetricDefinition {
  return { ...gauge(mbean, help, read), type: 'counter' }
}
