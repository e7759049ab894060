/**
 * # BrokerMetrics
 *
 * The metrics of one broker in the text format of Prometheus. Each broker has a registry
 * of its own, whose metrics are read when somebody asks, and not before.
 *
 *     GET /metrics ─▶ metricsText ─▶ each definition reads the broker ─▶ text
 *
 * @differs Kafka shows its metrics by JMX.
 * @module
 */
import type { Registry } from 'prom-client'
import { Distribution } from '../base/metrics/Distribution.ts'
import type { KafkaServer } from './KafkaServer.ts'
import { metricDefinitions } from './metric-definitions.ts'
import {
  type MetricDefinition,
  type MetricSample,
  metricNameOf,
} from './metrics/metric-definition.ts'

/** The metrics of one broker. */
export class BrokerMetrics {
  readonly #broker: KafkaServer
  #registry: Registry | undefined

  constructor(broker: KafkaServer) {
    this.#broker = broker
  }

  /** The registry, into which others may put metrics of their own. */
  async registry(): Promise<Registry> {
    if (this.#registry) return this.#registry

    // Load the library when it is first asked for: a start does not need it.
    const { Registry } = await import('prom-client')
    if (this.#registry) return this.#registry
    const registry = new Registry()
    for (const definition of metricDefinitions) {
      registry.registerMetric(collected(definition, this.#broker) as never)
    }
    this.#registry = registry
    return registry
  }

  /** Reads all metrics. */
  async text(): Promise<string> {
    return (await this.registry()).metrics()
  }
}

/** A metric that is read when it is asked for; what a registry needs of one. */
function collected(definition: MetricDefinition, broker: KafkaServer) {
  const name = metricNameOf(definition)
  const { help, type, labels } = definition
  return {
    ...{ name, help, type, labelNames: [...labels], aggregator: 'sum' },
    reset() {},
    get: async () => {
      const values = [...definition.collect(broker)].flatMap((s) => valuesOf(name, s))
      return { name, help, type, values, aggregator: 'sum' }
    },
  }
}

/** One line for a number; one a bucket, and two more, for a distribution. */
function valuesOf(name: string, { labels = {}, value }: MetricSample) {
  if (!(value instanceof Distribution)) return [{ labels: { ...labels }, value }]
  let below = 0
  const metricName = `${name}_bucket`
  const buckets = value.bounds.map((bound, i) => {
    below += value.counts[i]!
    return { metricName, labels: { le: String(bound), ...labels }, value: below }
  })
  return [
    ...buckets,
    { metricName, labels: { le: '+Inf', ...labels }, value: value.count },
    { metricName: `${name}_sum`, labels: { ...labels }, value: value.sum },
    { metricName: `${name}_count`, labels: { ...labels }, value: value.count },
  ]
}
