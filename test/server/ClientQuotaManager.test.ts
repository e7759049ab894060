/** Quotas of clients, on a clock that is moved by hand. */
import { afterEach, beforeEach, describe, expect, it } from 'vitest'
import { Metrics } from '../../src/base/metrics/Metrics.ts'
import { Quota } from '../../src/base/metrics/Quota.ts'
import { VirtualClock } from '../../src/base/platform/memory/VirtualClock.ts'
import { Sanitizer } from '../../src/base/Sanitizer.ts'
import type { Request } from '../../src/network/RequestChannel.ts'
import { ClientQuotaManager } from '../../src/server/ClientQuotaManager.ts'
import { ClientRequestQuotaManager } from '../../src/server/ClientRequestQuotaManager.ts'
import {
  ClientIdConfigHandler,
  UserConfigHandler,
} from '../../src/server/ConfigHandler.ts'
import { QuotaFactory, type QuotaManagers } from '../../src/server/QuotaFactory.ts'

const window = { numQuotaSamples: 11, quotaWindowSizeSeconds: 1 }

let clock: VirtualClock
let metrics: Metrics
let manager: ClientQuotaManager

beforeEach(() => {
  clock = new VirtualClock()
  metrics = new Metrics(clock)
  manager = new ClientQuotaManager(window, metrics, 'Produce')
})

afterEach(() => manager.shutdown())

const upTo = (bound: number) => Quota.upperBound(bound)

/** Records bytes of client `c` of user `u`. @returns the ms of which it was told, once it is */
function record(value: number, user = 'u', client: string | null = 'c') {
  const told: number[] = []
  const delayMs = manager.maybeRecordAndThrottle(user, client, value, (ms) => {
    told.push(ms)
  })
  return { told, delayMs }
}

describe('quota()', () => {
  const levels = [
    { sanitizedUser: 'u', sanitizedClientId: 'c' },
    { sanitizedUser: 'u', sanitizedClientId: '<default>' },
    { sanitizedUser: 'u' },
    { sanitizedUser: '<default>', sanitizedClientId: 'c' },
    { sanitizedUser: '<default>', sanitizedClientId: '<default>' },
    { sanitizedUser: '<default>' },
    { sanitizedClientId: 'c' },
    { sanitizedClientId: '<default>' },
  ]

  it('takes the most specific of the eight levels that is set', () => {
    for (const [i, id] of levels.entries()) manager.updateQuota(id, upTo(i))
    for (const [i, id] of levels.entries()) {
      expect(manager.quota('u', 'c').bound).toBe(i)
      manager.updateQuota(id, undefined)
    }
    expect(manager.quota('u', 'c').bound).toBe(Infinity)
  })

  it('falls back to the setting of the broker', async () => {
    const limited = { ...window, quotaBytesPerSecondDefault: 500 }
    const other = new ClientQuotaManager(limited, new Metrics(clock), 'Fetch')
    other.updateQuota({ sanitizedUser: 'u' }, upTo(9))
    expect(other.quota('u', 'c').bound).toBe(9)
    expect(other.quota('v', 'c').bound).toBe(500)
    await other.shutdown()
  })

  it('knows names by what they are in ZooKeeper', () => {
    const sanitizedUser = Sanitizer.sanitize('CN=a b*/ü~')
    expect(sanitizedUser).toBe('CN%3Da%20b%2A%2F%C3%BC%7E')
    expect(Sanitizer.desanitize(sanitizedUser)).toBe('CN=a b*/ü~')
    manager.updateQuota({ sanitizedUser }, upTo(7))
    expect(manager.quota('CN=a b*/ü~', 'c').bound).toBe(7)
  })
})

describe('maybeRecordAndThrottle()', () => {
  it('measures nobody while there are no quotas', () => {
    expect(record(1e9)).toEqual({ told: [0], delayMs: 0 })
    expect([...metrics.metrics()].map((m) => m.metricName.name)).toEqual(['queue-size'])
  })

  it('holds the answer back until the rate is down at the quota', async () => {
    manager.updateQuota({ sanitizedClientId: 'c' }, upTo(1000))
    expect(record(10_000).told).toEqual([0])

    // 20,000 bytes in a window of 10 s are twice too many: another 10 s brings them down.
    const { told, delayMs } = record(10_000)
    expect(delayMs).toBe(10_000)
    expect(manager.delayQueueSize).toBe(1)
    await clock.advance(9_999)
    expect(told).toEqual([])
    await clock.advance(1)
    expect(told).toEqual([10_000])
    expect(manager.delayQueueSize).toBe(0)
  })

  it('keeps a client that waits for its answers at its quota', async () => {
    manager.updateQuota({ sanitizedClientId: 'c' }, upTo(1000))
    let bytes = 0
    const startMs = clock.monotonic()
    while (clock.monotonic() - startMs < 120_000) {
      bytes += 700
      await clock.advance(5 + record(700).delayMs)
    }
    const rate = bytes / ((clock.monotonic() - startMs) / 1000)

    // The first window is free; after that the rate holds.
    expect(rate).toBeGreaterThan(950)
    expect(rate).toBeLessThan(1150)
  })

  it('gives answers in the order in which they are due', async () => {
    manager.updateQuota({ sanitizedClientId: '<default>' }, upTo(100))
    const order: string[] = []
    const send = (client: string, bytes: number) =>
      manager.maybeRecordAndThrottle('u', client, bytes, () => order.push(client))
    send('slow', 3000)
    send('fast', 1200)
    send('free', 10)
    expect(order).toEqual(['free'])
    await clock.advance(60_000)
    expect(order).toEqual(['free', 'fast', 'slow'])
  })

  it('counts together who shares a quota, and apart who does not', () => {
    manager.updateQuota({ sanitizedUser: 'u' }, upTo(1000))
    expect(record(10_000, 'u', 'a').delayMs).toBe(0)
    expect(record(10_000, 'u', 'b').delayMs).toBe(10_000)
    expect(record(10_000, 'v', 'b').delayMs).toBe(0)
    manager.updateQuota(
      { sanitizedUser: '<default>', sanitizedClientId: '<default>' },
      upTo(1000),
    )
    expect(record(10_000, 'w', 'a').delayMs).toBe(0)
    expect(record(10_000, 'w', 'b').delayMs).toBe(0)
    expect(record(10_000, 'w', 'b').delayMs).toBe(10_000)
    expect(record(10_000, 'w', null).delayMs).toBe(0)
  })

  it('holds to a changed quota at once, up or down', () => {
    manager.updateQuota({ sanitizedClientId: 'c' }, upTo(1000))
    expect(record(10_000).delayMs).toBe(0)
    manager.updateQuota({ sanitizedClientId: 'c' }, upTo(500))
    expect(record(0).delayMs).toBe(10_000)
    manager.updateQuota({ sanitizedClientId: '<default>' }, upTo(2000))
    manager.updateQuota({ sanitizedClientId: 'c' }, undefined)
    expect(record(10_000).delayMs).toBe(0)
    expect(record(20).delayMs).toBe(10)
  })

  it('a quota of nothing holds for ever, and a failing callback harms nobody', async () => {
    manager.updateQuota({ sanitizedClientId: 'none' }, upTo(0))
    expect(record(1, 'u', 'none').delayMs).toBe(2 ** 31 - 1)
    manager.updateQuota({ sanitizedClientId: 'c' }, upTo(100))
    manager.maybeRecordAndThrottle('u', 'c', 2000, () => {
      throw new Error('gone')
    })
    const { told, delayMs } = record(0)
    await clock.advance(delayMs)
    expect(told).toEqual([10_000])
  })

  it('forgets a client after an hour of silence', async () => {
    manager.updateQuota({ sanitizedClientId: '<default>' }, upTo(100))
    record(1, 'u', 'a')
    await clock.advance(3_601_000)
    record(1, 'u', 'b')
    const clients = [...metrics.metrics()].map((m) => m.metricName.tags['client-id'])
    expect(clients).toEqual([undefined, 'b', 'b'])
  })
})

describe('ClientRequestQuotaManager', () => {
  let requests: ClientRequestQuotaManager

  beforeEach(() => {
    requests = new ClientRequestQuotaManager(window, metrics)
  })

  afterEach(() => requests.shutdown())

  /** A request that takes a handler for so long. */
  const requestOf = (handlerMs: number, clientId = 'c') =>
    ({
      ...{ sanitizedUser: 'u', header: { clientId }, apiRemoteCompleteTimeMs: -1 },
      requestDequeueTimeMs: clock.monotonic(),
      apiLocalCompleteTimeMs: clock.monotonic() + handlerMs,
    }) as unknown as Request

  const throttle = (request: Request) => {
    const told: number[] = []
    requests.throttleRequest(request, (ms) => told.push(ms))
    return told
  }

  it('throttleRequest() holds for one window at most', async () => {
    requests.updateQuota({ sanitizedClientId: 'c' }, upTo(1))
    expect(throttle(requestOf(100))).toEqual([0])

    // 200 ms in 10 s are 2 %: another 10 s would bring that to 1 %.
    const told = throttle(requestOf(100))
    await clock.advance(999)
    expect(told).toEqual([])
    await clock.advance(1)
    expect(told).toEqual([1000])
  })

  it('has the time of the network paid by the next request', () => {
    requests.updateQuota({ sanitizedClientId: 'c' }, upTo(1))
    const first = requestOf(0)
    expect(throttle(first)).toEqual([0])
    first.recordNetworkThreadTimeCallback?.(105)
    expect(throttle(requestOf(0))).toEqual([])
    expect(requests.delayQueueSize).toBe(1)
  })

  it('maybeRecordExempt() records what brokers ask, and holds nothing', () => {
    const request = requestOf(100)
    requests.maybeRecordExempt(request)
    expect(request.recordNetworkThreadTimeCallback).toBeUndefined()
    requests.updateQuota({ sanitizedClientId: '<default>' }, upTo(1))
    requests.maybeRecordExempt(request)
    request.recordNetworkThreadTimeCallback?.(50)
    const exempt = metrics.metricName('exempt-request-time', 'Request')
    expect(metrics.metric(exempt)?.value()).toBe(15 / 30)
  })
})

describe('ConfigHandlers of quotas', () => {
  let quotas: QuotaManagers

  beforeEach(() => {
    const none = Number.MAX_SAFE_INTEGER
    quotas = QuotaFactory.instantiate(
      {
        ...window,
        numReplicationQuotaSamples: 11,
        replicationQuotaWindowSizeSeconds: 1,
        numAlterLogDirsReplicationQuotaSamples: 11,
        alterLogDirsReplicationQuotaWindowSizeSeconds: 1,
        producerQuotaBytesPerSecondDefault: none,
        consumerQuotaBytesPerSecondDefault: none,
      },
      new Metrics(clock),
    )
  })

  afterEach(() => QuotaFactory.shutdown(quotas))

  const bounds = (user: string, client: string) =>
    [quotas.produce, quotas.fetch, quotas.request].map(
      (m) => m.quota(user, client).bound,
    )

  it('set three quotas, and take away what is not set any more', () => {
    const clients = new ClientIdConfigHandler(quotas)
    const [producer_byte_rate, consumer_byte_rate] = ['10', '9223372036854775807']
    const request_percentage = '12.5'
    clients.processConfigChanges('my%20client', {
      ...{ producer_byte_rate, consumer_byte_rate, request_percentage },
    })
    expect(bounds('u', 'my client')).toEqual([10, 2 ** 63, 12.5])
    clients.processConfigChanges('my%20client', { consumer_byte_rate: '20' })
    expect(bounds('u', 'my client')).toEqual([Number.MAX_SAFE_INTEGER, 20, Infinity])
  })

  it('know users, and client ids of users', () => {
    const users = new UserConfigHandler(quotas)
    users.processConfigChanges('u', { producer_byte_rate: '1' })
    users.processConfigChanges('u/clients/c', { producer_byte_rate: '2' })
    users.processConfigChanges('<default>/clients/<default>', {
      producer_byte_rate: '3',
    })
    expect(bounds('u', 'x')[0]).toBe(1)
    expect(bounds('u', 'c')[0]).toBe(2)
    expect(bounds('v', 'c')[0]).toBe(3)
  })

  it('refuse what is no number, and paths of other things', () => {
    const users = new UserConfigHandler(quotas)
    const bad = { producer_byte_rate: '1', consumer_byte_rate: 'much' }
    expect(() => users.processConfigChanges('u', bad)).toThrow(/'much'.*a number/)
    expect(bounds('u', 'c')[0]).toBe(Number.MAX_SAFE_INTEGER)
    expect(() => users.processConfigChanges('u/topics/t', {})).toThrow(/no quotas/)
    expect(() => users.processConfigChanges('u/clients', {})).toThrow(/no quotas/)
  })
})
