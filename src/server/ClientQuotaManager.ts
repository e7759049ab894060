/**
 * # ClientQuotaManager
 *
 * Slows down clients that take more than their share. What each sends, or is sent, is
 * measured over a moving window; a client over its quota is answered late, by just so much
 * that its rate comes down to the quota. Nothing is refused, and a client that waits for
 * its answer, as all do sooner or later, sends no faster.
 *
 *     maybeRecordAndThrottle ─▶ Sensor.record ── within quota ─▶ callback(0)
 *                                   └─ QuotaViolationException
 *                                        ─▶ throttleTime ─▶ delayQueue ─▶ ThrottledRequestReaper
 *                                                                             └─▶ callback(ms)
 *
 * The time: a rate O over a window W is to come down to T. If nothing more is recorded for
 * X, the rate is O·W / (W + X); that is T when X = (O − T) / T · W. With 11 samples of one
 * second, a producer limited to 1,000 bytes a second that sends 20,000 at once is at 2,000
 * over 10 s, and waits for 10 s.
 *
 * While an answer waits, the connection is not read: it has a request in the broker.
 *
 * @kafka core/src/main/scala/kafka/server/ClientQuotaManager.scala#ClientQuotaManager
 * @differs The lock around quotas and sensors is not needed. A quota of 0 holds answers
 *   back for as long as a delay can be; in Kafka the delay overflows, and nobody waits. A
 *   client without an id is measured as one whose id is empty; in Kafka its request fails.
 * @module
 */
import { DelayQueue } from '../base/async/DelayQueue.ts'
import { ShutdownableThread } from '../base/async/ShutdownableThread.ts'
import { logger } from '../base/logger.ts'
import type { KafkaMetric } from '../base/metrics/KafkaMetric.ts'
import type { MetricConfig } from '../base/metrics/MetricConfig.ts'
import type { MetricName } from '../base/metrics/MetricName.ts'
import type { Metrics } from '../base/metrics/Metrics.ts'
import { type Quota, QuotaViolationException } from '../base/metrics/Quota.ts'
import { Rate } from '../base/metrics/Rate.ts'
import { Avg, Total } from '../base/metrics/SampledStat.ts'
import type { Sensor } from '../base/metrics/Sensor.ts'
import type { Clock } from '../base/platform/Platform.ts'
import { Sanitizer } from '../base/Sanitizer.ts'
import {
  type QuotaEntity,
  type QuotaId,
  QuotaOverrides,
  quotaPath,
} from './QuotaEntity.ts'

const log = logger('ClientQuotaManager')

/** The longest delay there can be: an int32 of milliseconds on the wire. */
const MAX_THROTTLE_TIME_MS = 2 ** 31 - 1

/** Sensors of clients that are gone are dropped after this time, in seconds. */
export const INACTIVE_SENSOR_EXPIRATION_TIME_SECONDS = 3600

/**
 * What is limited.
 *
 * @kafka core/src/main/scala/kafka/server/QuotaFactory.scala#QuotaType
 */
export type ClientQuotaType = 'Fetch' | 'Produce' | 'Request'

/**
 * How clients are measured.
 *
 * @kafka core/src/main/scala/kafka/server/ClientQuotaManager.scala#ClientQuotaManagerConfig
 */
export interface ClientQuotaManagerConfig {
  /** Quota of a client id for which nothing is set, per second; unlimited if left out. */
  readonly quotaBytesPerSecondDefault?: number
  /** Samples that are kept: ten whole ones, and the one that fills, unless changed. */
  readonly numQuotaSamples: number
  readonly quotaWindowSizeSeconds: number
}

/** Called when the answer may be given. @param throttleTimeMs - how long it was held */
export type ThrottleCallback = (throttleTimeMs: number) => void

/**
 * The sensors of a client.
 *
 * @kafka core/src/main/scala/kafka/server/ClientQuotaManager.scala#ClientSensors
 */
export interface ClientSensors {
  readonly quotaEntity: QuotaEntity
  /** Measures what is limited. */
  readonly quotaSensor: Sensor
  /** Measures how long its answers were held. */
  readonly throttleTimeSensor: Sensor
}

/**
 * An answer that waits.
 *
 * @kafka core/src/main/scala/kafka/server/ThrottledResponse.scala#ThrottledResponse
 */
export interface ThrottledResponse {
  readonly throttleTimeMs: number
  readonly callback: ThrottleCallback
}

/**
 * Gives the answers whose time has come.
 *
 * @kafka core/src/main/scala/kafka/server/ClientQuotaManager.scala#ThrottledRequestReaper
 * @differs Kafka's looks every second whether it is to stop.
 */
export class ThrottledRequestReaper extends ShutdownableThread {
  readonly #delayQueue: DelayQueue<ThrottledResponse>
  readonly #delayQueueSensor: Sensor

  constructor(
    quotaType: ClientQuotaType,
    delayQueue: DelayQueue<ThrottledResponse>,
    delayQueueSensor: Sensor,
  ) {
    super(`ThrottledRequestReaper-${quotaType}`)
    this.#delayQueue = delayQueue
    this.#delayQueueSensor = delayQueueSensor
  }

  async doWork(): Promise<void> {
    const response = await this.#delayQueue.take(this.signal)
    this.#delayQueueSensor.record(-1)
    try {
      response.callback(response.throttleTimeMs)
    } catch (error) {
      // The other answers are not to blame.
      log.error('an answer that was held back failed', error)
    }
  }
}

/** Limits one kind of use, of all clients. */
export class ClientQuotaManager {
  readonly quotaType: ClientQuotaType
  protected readonly config: ClientQuotaManagerConfig
  protected readonly metrics: Metrics
  protected readonly clock: Clock
  readonly #overrides: QuotaOverrides
  readonly #delayQueue: DelayQueue<ThrottledResponse>
  readonly #delayQueueSensor: Sensor
  readonly #throttledRequestReaper: ThrottledRequestReaper

  /** @param metrics - of the broker; its clock is the one that counts */
  constructor(
    config: ClientQuotaManagerConfig,
    metrics: Metrics,
    quotaType: ClientQuotaType,
  ) {
    this.config = config
    this.metrics = metrics
    this.quotaType = quotaType
    this.clock = metrics.clock
    this.#overrides = new QuotaOverrides(config.quotaBytesPerSecondDefault ?? Infinity)

    // Count the answers that wait; give each when its time has come.
    this.#delayQueue = new DelayQueue(this.clock)
    this.#delayQueueSensor = metrics.sensor(`${quotaType}-delayQueue`)
    const about = 'answers that wait'
    const queueSize = metrics.metricName('queue-size', quotaType, about)
    this.#delayQueueSensor.add(queueSize, new Total())
    const queue = this.#delayQueue
    const sensor = this.#delayQueueSensor
    this.#throttledRequestReaper = new ThrottledRequestReaper(quotaType, queue, sensor)
    this.#throttledRequestReaper.start()
  }

  /** Whether anyone is, or was, limited since the broker started. If not, none is measured. */
  get quotasEnabled(): boolean {
    return this.#overrides.quotasEnabled
  }

  /** Answers that wait. */
  get delayQueueSize(): number {
    return this.#delayQueue.size
  }

  /**
   * Records what a client used, and calls back: at once, or when it has waited long enough.
   *
   * @param clientId - as in the header of its request
   * @param value - bytes, or percent of a second
   * @returns ms for which the answer is held; 0 when it was given
   */
  maybeRecordAndThrottle(
    sanitizedUser: string,
    clientId: string | null,
    value: number,
    callback: ThrottleCallback,
  ): number {
    if (!this.quotasEnabled) {
      callback(0)
      return 0
    }
    const sensors = this.getOrCreateQuotaSensors(sanitizedUser, clientId)
    return this.recordAndThrottleOnQuotaViolation(sensors, value, callback)
  }

  /** The same, for sensors that are at hand. */
  recordAndThrottleOnQuotaViolation(
    { quotaEntity, quotaSensor, throttleTimeSensor }: ClientSensors,
    value: number,
    callback: ThrottleCallback,
  ): number {
    if (isWithinQuota(quotaSensor, value)) {
      callback(0)
      return 0
    }

    // Compute how long the client must be quiet.
    const [metric] = quotaSensor.metrics
    const config = this.getQuotaMetricConfig(quotaEntity.quota)
    const throttleTimeMs = metric ? this.throttleTime(metric, config) : 0

    // Hold the answer back.
    throttleTimeSensor.record(throttleTimeMs)
    this.#delayQueue.add({ throttleTimeMs, callback }, throttleTimeMs)
    this.#delayQueueSensor.record()
    log.debug(`${quotaSensor.name} is over its quota: ${throttleTimeMs} ms`)
    return throttleTimeMs
  }

  /** Records what a client used; it pays for it with its next request. */
  recordNoThrottle({ quotaSensor }: ClientSensors, value: number): void {
    quotaSensor.record(value, this.clock.now(), false)
  }

  /** The quota of a client. @param user - the name itself, not made safe for a path */
  quota(user: string, clientId: string): Quota {
    return this.#overrides.quotaEntity(Sanitizer.sanitize(user), clientId).quota
  }

  /**
   * The time after which a metric is within its quota, if nothing more is recorded.
   *
   * @returns ms, whole
   */
  protected throttleTime(clientMetric: KafkaMetric, config: MetricConfig): number {
    const rate = clientMetric.measurable as Rate
    const bound = config.quota?.bound ?? Infinity
    const overBy = (clientMetric.value() - bound) / bound
    const timeMs = Math.round(overBy * rate.windowSize(config, this.clock.now()))
    return Number.isNaN(timeMs) ? 0 : Math.min(timeMs, MAX_THROTTLE_TIME_MS)
  }

  /** The sensors of a client, which are made when they are missing. */
  getOrCreateQuotaSensors(
    sanitizedUser: string,
    clientId: string | null,
  ): ClientSensors {
    const entity = this.#overrides.quotaEntity(sanitizedUser, clientId ?? '')
    const key = `${entity.sanitizedUser}:${entity.clientId}`
    const expirationTimeSeconds = INACTIVE_SENSOR_EXPIRATION_TIME_SECONDS
    return {
      quotaEntity: entity,
      quotaSensor: this.metrics.getOrCreate(`${this.quotaType}-${key}`, {
        expirationTimeSeconds,
        metricName: () =>
          this.clientRateMetricName(entity.sanitizedUser, entity.clientId),
        config: () => this.getQuotaMetricConfig(entity.quota),
        measure: () => new Rate(),
      }),
      throttleTimeSensor: this.metrics.getOrCreate(
        `${this.quotaType}ThrottleTime-${key}`,
        {
          expirationTimeSeconds,
          metricName: () => this.#throttleMetricName(entity),
          measure: () => new Avg(),
        },
      ),
    }
  }

  protected getQuotaMetricConfig(quota: Quota): MetricConfig {
    const { numQuotaSamples: samples, quotaWindowSizeSeconds } = this.config
    return { samples, timeWindowMs: quotaWindowSizeSeconds * 1000, quota }
  }

  /**
   * Sets the quota of a user, a client id, a client id of a user, or of all that have none
   * of their own. It holds at once, for those that are being measured, too.
   *
   * @param id - names as in ZooKeeper, `<default>` for those without one
   * @param quota - `undefined` takes it away
   */
  updateQuota(id: QuotaId, quota: Quota | undefined): void {
    log.info(`${this.quotaType} quota of ${quotaPath(id)}: ${quota ?? 'none'}`)
    this.#overrides.update(id, quota)

    // Let those that are measured know: any of them may fall under it.
    const { name, group } = this.clientRateMetricName('', '')
    for (const metric of this.metrics.metrics()) {
      const { metricName } = metric
      if (metricName.name !== name || metricName.group !== group) continue
      const { user = '', 'client-id': client = '' } = metricName.tags
      const entity = this.#overrides.quotaEntity(user, client)
      if (!entity.quota.equals(metric.config.quota)) {
        metric.config = this.getQuotaMetricConfig(entity.quota)
      }
    }
  }

  protected clientRateMetricName(sanitizedUser: string, clientId: string): MetricName {
    const about = 'bytes a second'
    const tags = { user: sanitizedUser, 'client-id': clientId }
    return this.metrics.metricName('byte-rate', this.quotaType, about, tags)
  }

  #throttleMetricName({ sanitizedUser, clientId }: QuotaEntity): MetricName {
    const about = 'mean time for which answers are held, in ms'
    const tags = { user: sanitizedUser, 'client-id': clientId }
    return this.metrics.metricName('throttle-time', this.quotaType, about, tags)
  }

  /** Ends the giving of answers; those that wait are never given. */
  async shutdown(): Promise<void> {
    await this.#throttledRequestReaper.shutdown()
  }
}

/** Records a value, which counts in any case. @returns whether that is not too much */
function isWithinQuota(sensor: Sensor, value: number): boolean {
  try {
    sensor.record(value)
    return true
  } catch (error) {
    if (error instanceof QuotaViolationException) return false
    throw error
  }
}
