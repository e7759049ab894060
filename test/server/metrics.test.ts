/** What a broker tells monitors. */
import { afterAll, beforeAll, describe, expect, it } from 'vitest'
import { Distribution } from '../../src/base/metrics/Distribution.ts'
import { serveMetrics } from '../../src/cli/serve-metrics.ts'
import { encodeRequest } from '../../src/protocol/framing.ts'
import { Fetch } from '../../src/protocol/messages/Fetch.ts'
import { ListOffsets } from '../../src/protocol/messages/ListOffsets.ts'
import { Produce } from '../../src/protocol/messages/Produce.ts'
import { metricDefinitions } from '../../src/server/metric-definitions.ts'
import { metricNameOf } from '../../src/server/metrics/metric-definition.ts'
import { type KafkaCluster, startCluster } from '../../src/testing/start-cluster.ts'
import {
  batchOf,
  clientOf,
  controllerOf,
  createTopic,
  fetchBytes,
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

/** Sends a frame that is answered by hanging up. */
async function untilHungUp(port: number, frame: Buffer): Promise<void> {
  const { network } = cluster.platform
  const connection = await network.connect({ host: '127.0.0.1', port, timeoutMs: 1000 })
  await new Promise<void>((resolve, reject) => {
    connection.onClose(() => resolve())
    connection.write([frame]).catch(reject)
  })
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

  it('counts records that were written anew for a topic, and the time of it', async () => {
    const client = clientOf(cluster, controllerOf(cluster))
    await createTopic(client, 'anew', { replicas: 2 })
    const leads = cluster.brokers.findIndex(({ replicaManager }) =>
      replicaManager.leaderPartitions().some(({ topic }) => topic === 'anew'),
    )
    const other = clientOf(cluster, leads)
    const time = 'kafka_network_request_metrics_message_conversions_time_ms_count'
    const converted = `${topics}_produce_message_conversions_total{topic="anew"}`
    const before = await samplesOf(leads)
    await produceBytes(other, 'anew', batchOf(['a', 'b']))
    await produceBytes(other, 'anew', batchOf(['c', 'd', 'e'], 1), { version: 2 })
    const after = await samplesOf(leads)
    expect(after.get(converted)).toBe(3)
    const of = '{request="Produce"}'
    const times = (after.get(`${time}${of}`) ?? 0) - (before.get(`${time}${of}`) ?? 0)
    expect(times).toBe(1)
    client.close()
    other.close()
  })

  it('counts fetches that waited in vain, flushes, connections and copying', async () => {
    const broker = controllerOf(cluster)
    const client = clientOf(cluster, broker)
    await createTopic(client, 'still', { replicas: 2 })
    const leads = cluster.brokers.findIndex(({ replicaManager }) =>
      replicaManager.leaderPartitions().some(({ topic }) => topic === 'still'),
    )
    const other = clientOf(cluster, leads)
    const before = await samplesOf(leads)
    await fetchBytes(other, 'still', 0, { maxWaitMs: 1, minBytes: 1000 })
    await cluster.brokers[leads]!.logManager.allLogs[0]!.flush()
    const after = await samplesOf(leads)
    const grown = (name: string) => (after.get(name) ?? 0) - (before.get(name) ?? 0)
    const expires = 'kafka_server_delayed_fetch_metrics_expires_total'
    expect(grown(`${expires}{fetcherType="consumer"}`)).toBe(1)
    const produces = 'kafka_server_delayed_produce_metrics_expires_total'
    expect(after.get(`${produces}{topic="",partition=""}`)).toBe(0)
    const sockets = 'kafka_server_socket_server_metrics_connection'
    const each = [...after].filter(([name]) => name.startsWith(`${sockets}_count`))
    const open = each.reduce((sum, [, value]) => sum + value, 0)
    expect(open).toBe(cluster.brokers[leads]!.socketServer.connectionCount)

    // The other broker copies it, and says from whom.
    const copies = [...(await samplesOf(1 - leads))].filter(([name]) =>
      name.startsWith('kafka_server_fetcher_stats_requests_total'),
    )
    expect(copies).toHaveLength(1)
    expect(copies[0]![0]).toContain(`ReplicaFetcherThread-0-`)
    expect(copies[0]![1]).toBeGreaterThan(0)
    client.close()
    other.close()
  })

  it('shows words as labels of a number', async () => {
    const { clusterId, logManager } = cluster.brokers[0]!
    const samples = await samplesOf(0)
    const id = `kafka_server_kafka_server_cluster_id{clusterId="${clusterId}"}`
    expect(samples.get(id)).toBe(1)
    const state = 'kafka_server_session_expire_listener_session_state'
    expect(samples.get(`${state}{state="connected"}`)).toBe(1)
    const offline = 'kafka_log_log_manager_log_directory_offline'
    for (const dir of logManager.liveLogDirs) {
      expect(samples.get(`${offline}{logDirectory="${dir}"}`)).toBe(0)
    }
    const latency =
      'kafka_server_zoo_keeper_client_metrics_zoo_keeper_request_latency_ms'
    expect(samples.get(`${latency}_count`)).toBeGreaterThan(10)
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

  it('counts what answers said, and what nobody could be told', async () => {
    const client = clientOf(cluster, controllerOf(cluster))
    const before = await samplesOf(controllerOf(cluster))
    const refused = await client.sendAndReceive(ListOffsets, 2, {
      ...{ replicaId: -1, isolationLevel: 0 },
      topics: [
        {
          name: 'none',
          partitions: [0, 1].map((partition) => ({ partition, timestamp: -1 })),
        },
      ],
    })
    expect(refused.topics[0]?.partitions).toHaveLength(2)
    await fetchBytes(client, 'none', 0)
    const frame = encodeRequest(Produce, 5, 1, 'silent', {
      ...{ transactionalId: null, acks: 0, timeoutMs: 1000 },
      topicData: [
        { name: 'none', partitionData: [{ index: 0, records: batchOf(['a']) }] },
      ],
    })
    await untilHungUp(cluster.brokers[controllerOf(cluster)]!.boundPort(), frame)
    const after = await samplesOf(controllerOf(cluster))
    const grown = (request: string, error: string): number => {
      const labels = `{request="${request}",error="${error}"}`
      const name = `kafka_network_request_metrics_errors_total${labels}`
      return (after.get(name) ?? 0) - (before.get(name) ?? 0)
    }
    const unknown = 'UNKNOWN_TOPIC_OR_PARTITION'
    const counts = ['ListOffsets', 'Fetch', 'Produce'].map((r) => grown(r, unknown))
    expect(counts).toEqual([2, 1, 1])
    client.close()
  })

  it('tells of each partition what its leader knows', async () => {
    const client = clientOf(cluster, controllerOf(cluster))
    await createTopic(client, 'both', { replicas: 2 })
    const leads = cluster.brokers.findIndex(({ replicaManager }) =>
      replicaManager.leaderPartitions().some(({ topic }) => topic === 'both'),
    )
    const of = async (broker: number) => {
      const samples = await samplesOf(broker)
      const names = ['under_replicated', 'in_sync_replicas_count', 'replicas_count']
      return [...names, 'under_min_isr', 'last_stable_offset_lag'].map((name) =>
        samples.get(`kafka_cluster_partition_${name}{topic="both",partition="0"}`),
      )
    }
    expect(await of(leads)).toEqual([0, 2, 2, 0, 0])
    expect(await of(1 - leads)).toEqual([0, 0, 0, 0, 0])
    client.close()
  })

  it('counts fetch sessions, and those with ZooKeeper', async () => {
    const broker = controllerOf(cluster)
    const sessions = 'kafka_server_fetch_session_cache_num_incremental_fetch'
    const { cache } = cluster.brokers[broker]!.apis.fetchManager
    const before = [cache.size, cache.totalPartitions]
    const client = clientOf(cluster, broker)
    const { sessionId } = await client.sendAndReceive(Fetch, 7, {
      ...{ replicaId: -1, maxWaitMs: 0, minBytes: 0, maxBytes: 1000 },
      ...{ isolationLevel: 0, sessionId: 0, sessionEpoch: 0, forgottenTopicsData: [] },
      topics: [
        {
          topic: 'none',
          partitions: [0, 1].map((partition) => ({
            ...{ partition, fetchOffset: 0, partitionMaxBytes: 1000 },
          })),
        },
      ],
    })
    expect(sessionId).toBeGreaterThan(0)
    const samples = await samplesOf(broker)
    expect(samples.get(`${sessions}_sessions`)).toBe(before[0]! + 1)
    expect(samples.get(`${sessions}_partitions_cached`)).toBe(before[1]! + 2)
    const listener = 'kafka_server_session_expire_listener_zoo_keeper'
    expect(samples.get(`${listener}_sync_connects_total`)).toBe(1)
    expect(samples.get(`${listener}_expires_total`)).toBe(0)
    client.close()
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
