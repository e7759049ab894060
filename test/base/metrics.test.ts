import { beforeEach, describe, expect, it } from 'vitest'
import { Meter } from '../../src/base/metrics/Meter.ts'
import { MetricName } from '../../src/base/metrics/MetricName.ts'
import { Metrics } from '../../src/base/metrics/Metrics.ts'
import { Quota, QuotaViolationException } from '../../src/base/metrics/Quota.ts'
import { Rate, SimpleRate } from '../../src/base/metrics/Rate.ts'
import { Avg, SampledTotal, Total } from '../../src/base/metrics/SampledStat.ts'
import { VirtualClock } from '../../src/base/platform/memory/VirtualClock.ts'

const config = { samples: 11, timeWindowMs: 1000 }

let clock: VirtualClock

beforeEach(() => {
  clock = new VirtualClock()
})

describe('SampledStat', () => {
  it('record() takes the oldest sample anew when the ring is full', () => {
    const stat = new SampledTotal()
    const three = { samples: 3, timeWindowMs: 1000 }
    for (const second of [0, 1, 2]) stat.record(three, 10 ** second, second * 1000)
    expect(stat.measure(three, 2000)).toBe(111)

    // The fourth second pushes the first out.
    stat.record(three, 5, 3000)
    expect(stat.measure(three, 3000)).toBe(115)
  })

  it('measure() forgets what is older than the window', () => {
    const stat = new SampledTotal()
    stat.record(config, 7, 0)
    expect(stat.measure(config, 10_999)).toBe(7)
    expect(stat.measure(config, 11_000)).toBe(0)
  })

  it('Avg is the mean of the values, and 0 without any', () => {
    const stat = new Avg()
    expect(stat.measure(config, 0)).toBe(0)
    for (const [value, time] of [
      [3, 0],
      [4, 10],
      [11, 1500],
    ] as const) {
      stat.record(config, value, time)
    }
    expect(stat.measure(config, 1500)).toBe(6)
  })
})

describe('Rate', () => {
  it('windowSize() counts samples to come as full ones', () => {
    const rate = new Rate()
    rate.record(config, 1000, 0)
    expect(rate.windowSize(config, 100)).toBe(10_100)
    expect(rate.measure(config, 100)).toBeCloseTo(1000 / 10.1, 10)
    expect(rate.windowSize(config, 10_500)).toBe(10_500)
  })

  it('measure() is the true rate once the window is full', () => {
    const rate = new Rate()
    for (let time = 0; time < 60_000; time += 250) rate.record(config, 50, time)
    expect(rate.measure(config, 60_000)).toBeCloseTo(200, -1)
  })

  it('SimpleRate counts the time that has passed, at least one sample', () => {
    const rate = new SimpleRate()
    rate.record(config, 1000, 0)
    expect(rate.measure(config, 100)).toBe(1000)
    expect(rate.measure(config, 4000)).toBe(250)
  })
})

describe('Sensor', () => {
  const name = new MetricName('byte-rate', 'Produce')

  it('record() throws when the rate passes the quota, and counts the value', () => {
    const sensor = new Metrics(clock).sensor('s', config)
    sensor.add(name, new Rate(), { ...config, quota: Quota.upperBound(100) })
    sensor.record(1000)
    expect(sensor.metrics[0]?.value()).toBe(100)
    expect(() => sensor.record(1)).toThrow(QuotaViolationException)
    expect(sensor.metrics[0]?.value()).toBeCloseTo(100.1, 10)
  })

  it('record() without a check lets the next one pay', async () => {
    const sensor = new Metrics(clock).sensor('s', config)
    sensor.add(name, new Rate(), { ...config, quota: Quota.upperBound(100) })
    sensor.record(5000, clock.now(), false)
    expect(() => sensor.checkQuotas()).toThrow(/is 500, its quota 100/)
    await clock.advance(11_000)
    sensor.checkQuotas()
  })

  it('a quota that is replaced holds at once', () => {
    const metrics = new Metrics(clock)
    const sensor = metrics.sensor('s', config)
    sensor.add(name, new Rate(), { ...config, quota: Quota.upperBound(100) })
    metrics.metric(name)!.config = { ...config, quota: Quota.upperBound(10) }
    expect(() => sensor.record(500)).toThrow(/quota 10$/)
  })

  it('lower bounds are broken from above', () => {
    expect(Quota.lowerBound(5).acceptable(5)).toBe(true)
    expect(Quota.lowerBound(5).acceptable(4)).toBe(false)
    expect(Quota.upperBound(5).acceptable(4)).toBe(true)
    expect(Quota.upperBound(5).equals(Quota.lowerBound(5))).toBe(false)
  })
})

describe('Metrics', () => {
  it('metric() finds by name, group and tags, whatever their order', () => {
    const metrics = new Metrics(clock)
    const tags = { user: 'u', 'client-id': 'c' }
    const sensor = metrics.sensor('s')
    sensor.add(metrics.metricName('queue-size', 'Fetch', 'about', tags), new Total())
    sensor.record(2)
    sensor.record(-1)
    const same = metrics.metricName('queue-size', 'Fetch', '', {
      'client-id': 'c',
      user: 'u',
    })
    expect(metrics.metric(same)?.value()).toBe(1)
    expect(metrics.metric(metrics.metricName('queue-size', 'Fetch'))).toBeUndefined()
    expect(() => sensor.add(same, new Total())).toThrow(/is there already/)
  })

  it('sensor() drops sensors that heard nothing for too long', async () => {
    const metrics = new Metrics(clock)
    const recipe = (client: string) => ({
      metricName: () => metrics.metricName('rate', 'Fetch', '', { client }),
      measure: () => new Rate(),
      expirationTimeSeconds: 3600,
    })
    metrics.getOrCreate('quiet', recipe('quiet'))
    const busy = metrics.getOrCreate('busy', recipe('busy'))
    await clock.advance(1_800_000)
    busy.record(1)
    await clock.advance(1_801_000)
    metrics.getOrCreate('new', recipe('new'))
    expect([...metrics.metrics()].map((m) => m.metricName.tags.client)).toEqual([
      'busy',
      'new',
    ])
    expect(metrics.getOrCreate('busy', recipe('busy'))).toBe(busy)
  })
})

describe('Meter', () => {
  it('oneMinuteRate is that of the first 5 s, and then follows what comes', async () => {
    const meter = new Meter(clock)
    meter.mark(10)
    expect(meter.oneMinuteRate).toBe(0)
    await clock.advance(5000)
    expect(meter.oneMinuteRate).toBe(2)
    await clock.advance(5000)
    const decay = Math.exp(-5 / 60)
    expect(meter.oneMinuteRate).toBeCloseTo(2 * decay, 10)

    // Nobody asked for a minute: the intervals that went by are made up for.
    await clock.advance(60_000)
    expect(meter.oneMinuteRate).toBeCloseTo(2 * decay ** 13, 10)
    meter.mark(5)
    await clock.advance(5000)
    const before = 2 * decay ** 13
    expect(meter.oneMinuteRate).toBeCloseTo(before + (1 - before) * (1 - decay), 10)
    expect(meter.count).toBe(15)
  })
})
