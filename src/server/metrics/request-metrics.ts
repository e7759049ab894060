/**
 * # The metrics of requests
 *
 * How many there are of each kind, where their time goes, what they are answered.
 *
 * @kafka core/src/main/scala/kafka/network/RequestChannel.scala#RequestMetrics
 * @module
 */
import { Errors } from '../../base/errors.ts'
import { gauge, type MetricDefinition } from './metric-definition.ts'

const requestTimes = [
  ['RequestQueueTimeMs', 'time that requests wait for a handler'],
  ['LocalTimeMs', 'time that handlers take for requests'],
  ['RemoteTimeMs', 'time that requests wait for other brokers, or for records'],
  ['ThrottleTimeMs', 'time that answers are held back by quotas'],
  ['ResponseQueueTimeMs', 'time that answers wait for the network'],
  ['ResponseSendTimeMs', 'time that it takes to send answers'],
  ['TotalTimeMs', 'time from reading requests to having sent their answers'],
  ['RequestBytes', 'size of requests'],
] as const

const requestsPerSec: MetricDefinition = {
  mbean: 'kafka.network:type=RequestMetrics,name=RequestsPerSec',
  ...{ help: 'requests that were answered', type: 'counter', labels: ['request'] },
  *collect({ socketServer: { requestChannel } }) {
    for (const [request, { TotalTimeMs }] of requestChannel.metrics.entries()) {
      yield { labels: { request }, value: TotalTimeMs.count }
    }
  },
}

const errorsPerSec: MetricDefinition = {
  mbean: 'kafka.network:type=RequestMetrics,name=ErrorsPerSec',
  help: 'what answers said, by partition where they have many; NONE is that all was well',
  ...{ type: 'counter', labels: ['request', 'error'] },
  *collect({ socketServer: { requestChannel } }) {
    for (const [request, { errors }] of requestChannel.metrics.entries()) {
      for (const [code, value] of errors) {
        yield { labels: { request, error: Errors.forCode(code).name }, value }
      }
    }
  },
}

const responseQueueSize: MetricDefinition = {
  mbean: 'kafka.network:type=RequestChannel,name=ResponseQueueSize',
  help: 'answers that wait for the network, of each processor and together',
  ...{ type: 'gauge', labels: ['processor'] },
  collect({ socketServer: { requestChannel } }) {
    const sizes = [...requestChannel.responseQueueSizes()]
    const all = sizes.reduce((sum, [, size]) => sum + size, 0)
    const each = sizes.map(([id, value]) => ({ labels: { processor: `${id}` }, value }))
    return [{ labels: { processor: '' }, value: all }, ...each]
  },
}

const messageConversionsTimeMs: MetricDefinition = {
  mbean: 'kafka.network:type=RequestMetrics,name=MessageConversionsTimeMs',
  help: 'time to write records anew, of requests that needed it',
  ...{ type: 'histogram', labels: ['request'] },
  *collect({ socketServer: { requestChannel } }) {
    for (const [request, metrics] of requestChannel.metrics.entries()) {
      if (request !== 'Produce' && request !== 'Fetch') continue
      yield { labels: { request }, value: metrics.MessageConversionsTimeMs }
    }
  },
}

/** A number of each processor. */
function socketMetric(
  name: string,
  type: 'counter' | 'gauge',
  help: string,
  key: 'connectionCount' | 'connectionCreations' | 'connectionCloses',
): MetricDefinition {
  return {
    ...{ mbean: `kafka.server:type=socket-server-metrics,name=${name}`, help },
    ...{ type, labels: ['listener', 'networkProcessor'] },
    *collect({ socketServer }) {
      for (const processor of socketServer.processors()) {
        const { listenerName: listener, id } = processor
        const labels = { listener, networkProcessor: String(id) }
        yield { labels, value: processor[key] }
      }
    },
  }
}

const requestHistograms = requestTimes.map(
  ([name, help]): MetricDefinition => ({
    ...{ mbean: `kafka.network:type=RequestMetrics,name=${name}`, help },
    ...{ type: 'histogram', labels: ['request'] },
    *collect({ socketServer: { requestChannel } }) {
      for (const [request, metrics] of requestChannel.metrics.entries()) {
        yield { labels: { request }, value: metrics[name] }
      }
    },
  }),
)

/** What is told of requests. */
export const requestMetrics: readonly MetricDefinition[] = [
  requestsPerSec,
  errorsPerSec,
  ...requestHistograms,
  messageConversionsTimeMs,
  gauge(
    'kafka.network:type=RequestChannel,name=RequestQueueSize',
    'requests that no handler has taken',
    ({ socketServer }) => socketServer.requestChannel.requestQueueSize,
  ),
  responseQueueSize,
  socketMetric('connection-count', 'gauge', 'open connections', 'connectionCount'),
  socketMetric(
    ...(['connection-creation', 'counter', 'connections that came'] as const),
    'connectionCreations',
  ),
  socketMetric(
    ...(['connection-close', 'counter', 'connections that went'] as const),
    'connectionCloses',
  ),
]
