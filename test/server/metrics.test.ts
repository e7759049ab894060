/** What a broker tells monitors. */
import { afterAll, beforeAll, describe, expect, it } from 'vitest'
import { serveMetrics } from '../../src/cli/serve-metrics.ts'
import { Distribution } from '../../src/network/RequestMetrics.ts'
import { metricDefinitions, metricNameOf } from '../../src/server/metric-definitions.ts'
import { type KafkaCluster, startCluster } from '../../src/testing/start-cluster.ts'
import {
  clientOf,
  controllerOf,
  createTopic,
  fetchTexts,
  produce,
  produceBytes,
} from './clients.ts'

let cluster: KafkaCluster

beforeAll(async () => {
  cluster = await startCluster({ offsetsTopic: false, brokers: 2, platform: 'memory' })
})

afterAll(() => cluster.close())

/** The samples of a broker: `name{labels}` → number. */
async function samplesOf(broker: number): Promise<Map<string, number>> {
  const text = await cluster.brokers[broker]!.brokerMetrics.text()
  const samples = new Map<string, number>()
  for (const line of text.split('\n')) {
    if (line === '' || line.startsWith('#')) continue
    const [, name = '', value = ''] = /^([a-z_]+(?:\{.*\})?) (\S+)$/.exec(line) ?? []
    expect([line, Number.isFinite(Number(value)), name]).toEqual([
      line,
      true,
      expect.any(String),
    ])
    samples.set(name, Number(value))
  }
  return samples
}

const topics = 'kafka_server_broker_topic_metrics'

describe('metricDefinitions', () => {
  it('give each metric a name of its own, made of its MBean', () => {
    const names = metricDefinitions.map(metricNameOf)
    expect(new Set(names).size).toBe(names.length)
    expect(names).toContain(`${topics}_messages_in_total`)
    expect(names).toContain('kafka_network_request_metrics_total_time_ms')
    expect(names).toContain('kafka_log_log_cleaner_max_clean_time_secs')
    for (const name of names) expect(name).toMatch(/^kafka(_[a-z]+)+$/)
  })
})

describe('BrokerMetrics', () => {
  it('tells what a broker does, and not what another one does', async () => {
    const leader = controllerOf(cluster)
    const client = clientOf(cluster, leader)
    await createTopic(client, 'm')
    const leads = cluster.brokers.findIndex(
      ({ replicaManager }) => replicaManager.leaderPartitions().length > 0,
    )
    const other = clientOf(cluster, leads)
    await produce(other, 'm', ['one', 'two'])
    await produce(other, 'm', ['three'])
    expect(await fetchTexts(other, 'm', 0)).toEqual(['one', 'two', 'three'])
    const samples = await samplesOf(leads)
    expect(samples.get(`${topics}_messages_in_total{topic="m"}`)).toBe(3)
    expect(samples.get(`${topics}_messages_in_total{topic=""}`)).toBe(3)
    const log = '{topic="m",partition="0"}'
    expect(samples.get(`kafka_log_log_log_end_offset${log}`)).toBe(3)
    const size = samples.get(`kafka_log_log_size${log}`)
    expect(size).toBeGreaterThan(0)
    expect(samples.get(`${topics}_bytes_in_total{topic="m"}`)).toBe(size)
    expect(samples.get(`${topics}_bytes_out_total{topic="m"}`)).toBe(size)
    const time = 'kafka_network_request_metrics_total_time_ms'
    expect(samples.get(`${time}_count{request="Produce"}`)).toBe(2)
    expect(samples.get(`${time}_count{request="FetchConsumer"}`)).toBe(1)
    expect(samples.get(`${time}_bucket{le="+Inf",request="Produce"}`)).toBe(2)
    expect(samples.get('kafka_server_replica_manager_leader_count')).toBe(1)
    expect(samples.get('kafka_server_kafka_server_broker_state')).toBe(3)
    const controllers = 'kafka_controller_kafka_controller_active_controller_count'
    expect((await samplesOf(leader)).get(controllers)).toBe(1)

    // The other broker has counted nothing of it.
    const elsewhere = await samplesOf(1 - leads)
    expect(elsewhere.get(`${topics}_messages_in_total{topic="m"}`)).toBeUndefined()
    expect(elsewhere.get(`${topics}_messages_in_total{topic=""}`)).toBe(0)
    expect((await samplesOf(1 - leader)).get(controllers)).toBe(0)
    client.close()
    other.close()
  })

  it('counts what was refused, and what was converted', async () => {
    const client = clientOf(cluster, controllerOf(cluster))
    const configs = { 'max.message.bytes': '200' }
    await createTopic(client, 'small', { replicas: 2, configs })
    const leads = cluster.brokers.findIndex(({ replicaManager }) =>
      replicaManager.leaderPartitions().some(({ topic }) => topic === 'small'),
    )
    const other = clientOf(cluster, leads)
    await produce(other, 'small', ['ok'])
    const refused = await produce(other, 'small', ['x'.repeat(1000)])
    expect(refused.errorCode).toBe(10)
    await fetchTexts(other, 'small', 0, { version: 0 })
    await produceBytes(other, 'small', Buffer.from('nonsense'), { version: 2 })
    const samples = await samplesOf(leads)
    const of = (name: string) => samples.get(`${topics}_${name}_total{topic="small"}`)
    expect(of('messages_in')).toBe(1)
    expect(of('total_produce_requests')).toBe(3)
    expect(of('bytes_rejected')).toBeGreaterThan(1000)
    expect(of('fetch_message_conversions')).toBe(1)
    client.close()
    other.close()
  })

  it('tells what waits, what was elected, and how long the controller took', async () => {
    const samples = await samplesOf(controllerOf(cluster))
    const stats = 'kafka_controller_controller_stats'
    const became = samples.get(`${stats}_controller_change_rate_and_time_ms_count`)
    expect(became).toBeGreaterThan(0)
    expect(samples.get(`${stats}_unclean_leader_elections_total`)).toBe(0)
    const requests = 'kafka_network_request_metrics_requests_total'
    expect(samples.get(`${requests}{request="CreateTopics"}`)).toBeGreaterThan(0)
    const lag = 'kafka_server_replica_fetcher_manager_max_lag'
    expect(samples.get(lag)).toBe(0)
    const looked = 'kafka_log_log_cleaner_manager_time_since_last_run_ms'
    expect(samples.get(looked)).toBeGreaterThanOrEqual(0)
  })

  it('counts partitions that are led with too few in sync', async () => {
    const client = clientOf(cluster, controllerOf(cluster))
    const configs = { 'min.insync.replicas': '2' }
    await createTopic(client, 'alone', { replicas: 1, configs })
    const under = 'kafka_server_replica_manager_under_min_isr_partition_count'
    const counts = [await samplesOf(0), await samplesOf(1)].map((s) => s.get(under))
    expect(counts.toSorted()).toEqual([0, 1])
    client.close()
  })

  it('is served on /metrics, and is away while its broker is', async () => {
    const server = await serveMetrics(cluster.brokers[0]!.brokerMetrics, 0)
    const url = `http://127.0.0.1:${server.port}`
    const answer = await fetch(`${url}/metrics`)
    expect(answer.headers.get('content-type')).toContain('version=0.0.4')
    const text = await answer.text()
    expect(text).toContain('# TYPE kafka_log_log_size gauge')
    const idle = Number(/^event_loop_idle_ratio (\S+)$/m.exec(text)?.[1])
    expect(idle).toBeGreaterThanOrEqual(0)
    expect(idle).toBeLessThanOrEqual(1)
    expect((await fetch(`${url}/other`)).status).toBe(404)
    server.close()
    const broken = { text: () => Promise.reject(new Error('not started')) }
    const away = await serveMetrics(broken, 0)
    expect((await fetch(`http://127.0.0.1:${away.port}/metrics`)).status).toBe(503)
    away.close()
  })
})

describe('Distribution', () => {
  it('update() counts in the first bucket whose bound is not below', () => {
    const distribution = new Distribution([1, 10])
    for (const value of [0, 1, 2, 10, 11]) distribution.update(value)
    expect(distribution.counts).toEqual([2, 2])
    expect([distribution.count, distribution.sum]).toEqual([5, 24])
  })
})
