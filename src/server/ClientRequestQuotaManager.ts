/**
 * # ClientRequestQuotaManager
 *
 * Limits the time that the requests of a client take: of the handlers, and of the network
 * loops that read them and send their answers. A quota is a percentage of one second;
 * more than 100 makes sense where there are several handlers.
 *
 *     handler: dequeued ─▶ … ─▶ local complete   recorded before the answer: may hold it
 *     network: read, sent                        recorded after it: the next one pays
 *
 * What brokers ask each other is recorded apart, and never held back.
 *
 * @kafka core/src/main/scala/kafka/server/ClientRequestQuotaManager.scala#ClientRequestQuotaManager
 * @differs The time of a handler is the time that it was taken, as in Kafka; while it
 *   awaits ZooKeeper or a disk, others run here.
 * @module
 */

import type { KafkaMetric } from '../base/metrics/KafkaMetric.ts'
import type { MetricConfig } from '../base/metrics/MetricConfig.ts'
import type { MetricName } from '../base/metrics/MetricName.ts'
import type { Metrics } from '../base/metrics/Metrics.ts'
import { Rate } from '../base/metrics/Rate.ts'
import type { Sensor } from '../base/metrics/Sensor.ts'
import type { Request } from '../network/RequestChannel.ts'
import {
  ClientQuotaManager,
  type ClientQuotaManagerConfig,
  INACTIVE_SENSOR_EXPIRATION_TIME_SECONDS,
  type ThrottleCallback,
} from './ClientQuotaManager.ts'

/** What a millisecond is of a second, in percent. */
const PERCENT_PER_MS = 100 / 1000

/** Limits the time that requests of clients take. */
export class ClientRequestQuotaManager extends ClientQuotaManager {
  /** No answer is held for longer, in ms. */
  readonly maxThrottleTimeMs: number

  constructor(config: ClientQuotaManagerConfig, metrics: Metrics) {
    super(config, metrics, 'Request')
    this.maxThrottleTimeMs = config.quotaWindowSizeSeconds * 1000
  }

  /** What brokers ask of each other, in percent of a second. */
  get exemptSensor(): Sensor {
    return this.metrics.getOrCreate('exempt-Request', {
      expirationTimeSeconds: INACTIVE_SENSOR_EXPIRATION_TIME_SECONDS,
      metricName: () => this.#exemptMetricName(),
      measure: () => new Rate(),
    })
  }

  /** Records a time that no one is held to. */
  recordExempt(percent: number): void {
    this.exemptSensor.record(percent)
  }

  /**
   * Records the time that a request took, and calls back: at once, or when the client has
   * waited long enough.
   *
   * @kafka core/src/main/scala/kafka/server/ClientRequestQuotaManager.scala#ClientRequestQuotaManager.maybeRecordAndThrottle
   */
  throttleRequest(request: Request, sendResponse: ThrottleCallback): void {
    // Whatever follows is delay, not work.
    if (request.apiRemoteCompleteTimeMs === -1) {
      request.apiRemoteCompleteTimeMs = this.clock.monotonic()
    }
    if (!this.quotasEnabled) {
      sendResponse(0)
      return
    }

    // Let the time of the network count with the next request.
    const { sanitizedUser, header } = request
    const sensors = this.getOrCreateQuotaSensors(sanitizedUser, header.clientId)
    request.recordNetworkThreadTimeCallback = (timeMs) =>
      this.recordNoThrottle(sensors, timeMs * PERCENT_PER_MS)
    const percent = this.#requestThreadTimeMs(request) * PERCENT_PER_MS
    this.recordAndThrottleOnQuotaViolation(sensors, percent, sendResponse)
  }

  /** Records the time of a request that is not held back. */
  maybeRecordExempt(request: Request): void {
    if (!this.quotasEnabled) return
    request.recordNetworkThreadTimeCallback = (timeMs) =>
      this.recordExempt(timeMs * PERCENT_PER_MS)
    this.recordExempt(this.#requestThreadTimeMs(request) * PERCENT_PER_MS)
  }

  /** The time that a handler was taken by a request, up to now if it still is. */
  #requestThreadTimeMs(request: Request): number {
    if (request.apiLocalCompleteTimeMs === -1) {
      request.apiLocalCompleteTimeMs = this.clock.monotonic()
    }
    return Math.max(0, request.apiLocalCompleteTimeMs - request.requestDequeueTimeMs)
  }

  protected override throttleTime(metric: KafkaMetric, config: MetricConfig): number {
    return Math.min(super.throttleTime(metric, config), this.maxThrottleTimeMs)
  }

  protected override clientRateMetricName(
    sanitizedUser: string,
    clientId: string,
  ): MetricName {
    const about = 'time of handlers and network loops, in percent of a second'
    const tags = { user: sanitizedUser, 'client-id': clientId }
    return this.metrics.metricName('request-time', 'Request', about, tags)
  }

  #exemptMetricName(): MetricName {
    const about = 'time of requests that are never held back, in percent of a second'
    return this.metrics.metricName('exempt-request-time', 'Request', about)
  }
}
