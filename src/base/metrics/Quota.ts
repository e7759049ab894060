/**
 * # Quota
 *
 * A bound that a measured value shall keep to.
 *
 * @kafka clients/src/main/java/org/apache/kafka/common/metrics/Quota.java#Quota
 * @module
 */
import { KafkaException } from '../KafkaException.ts'
import type { MetricName } from './MetricName.ts'

/** An upper or a lower bound. */
export class Quota {
  readonly bound: number
  readonly isUpperBound: boolean

  constructor(bound: number, upper: boolean) {
    this.bound = bound
    this.isUpperBound = upper
  }

  /** A value may be as large as this. */
  static upperBound(bound: number): Quota {
    return new Quota(bound, true)
  }

  /** A value may be as small as this. */
  static lowerBound(bound: number): Quota {
    return new Quota(bound, false)
  }

  /** Whether a value keeps to it; the bound itself does. */
  acceptable(value: number): boolean {
    return this.isUpperBound ? value <= this.bound : value >= this.bound
  }

  equals(other: Quota | undefined): boolean {
    return other?.bound === this.bound && other.isUpperBound === this.isUpperBound
  }

  toString(): string {
    return `${this.isUpperBound ? 'upper' : 'lower'}=${this.bound}`
  }
}

/**
 * A recorded value has brought a metric over its bound. The value counts all the same.
 *
 * @kafka clients/src/main/java/org/apache/kafka/common/metrics/QuotaViolationException.java#QuotaViolationException
 */
export class QuotaViolationException extends KafkaException {
  readonly metricName: MetricName
  readonly value: number
  readonly bound: number

  constructor(metricName: MetricName, value: number, bound: number) {
    super(`${metricName} is ${value}, its quota ${bound}`)
    this.metricName = metricName
    this.value = value
    this.bound = bound
  }
}
