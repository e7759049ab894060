/**
 * `kafka-reassign-partitions --throttle` of Apache Kafka 1.1.1 moves a partition between
 * our brokers at a rate, and takes the throttle off when the move is complete.
 */
import { mkdtempSync, rmSync, writeFileSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { afterEach, beforeEach, describe, expect, it } from 'vitest'
import { TopicPartition } from '../../src/base/TopicPartition.ts'
import type { NetworkClient } from '../../src/network/NetworkClient.ts'
import { CreateTopics } from '../../src/protocol/messages/CreateTopics.ts'
import type { KafkaServer } from '../../src/server/KafkaServer.ts'
import { type KafkaCluster, startCluster } from '../../src/testing/start-cluster.ts'
import { clientOf, controllerOf, produce } from '../server/clients.ts'
import { runKafka } from './apache-kafka.ts'
import { missing } from './fetch-jars.ts'

const reason = missing()
const skipped = reason === undefined ? '' : ` (${reason})`
const moved = new TopicPartition('moved', 0)
const RATE = 100_000

describe.skipIf(reason !== undefined)(`a throttled reassignment${skipped}`, () => {
  let root = ''
  let cluster: KafkaCluster
  let client: NetworkClient
  const broker = (id: number) => cluster.brokers[id] as KafkaServer

  beforeEach(async () => {
    root = mkdtempSync(join(tmpdir(), 'annotated-kafka-throttle-'))
    const config = { 'replica.fetch.max.bytes': '20000' }
    cluster = await startCluster({ brokers: 2, config })
    client = clientOf(cluster, 0)
    const controller = clientOf(cluster, controllerOf(cluster))
    await controller.sendAndReceive(CreateTopics, 2, {
      topics: [
        {
          ...{ name: 'moved', numPartitions: -1, replicationFactor: -1 },
          assignments: [{ partition: 0, brokerIds: [0] }],
          configs: [{ name: 'retention.ms', value: '-1' }],
        },
      ],
      ...{ timeoutMs: 5000, validateOnly: false },
    })
    controller.close()
  })

  afterEach(async () => {
    client?.close()
    await cluster?.close()
    rmSync(root, { recursive: true, force: true })
  })

  /** Runs `kafka-reassign-partitions`. */
  async function reassign(file: string, ...action: readonly string[]) {
    const { stdout, stderr } = await runKafka(
      'kafka.admin.ReassignPartitionsCommand',
      ...['--zookeeper', cluster.zookeeperConnect],
      ...['--reassignment-json-file', file, ...action],
    )
    return stdout + stderr
  }

  /** Which quotas hold, by broker: what leads, and what follows. */
  const throttled = () =>
    [0, 1].map((id) => {
      const { leader, follower } = broker(id).quotaManagers
      return [leader, follower].map((quota) => quota.isThrottled(moved))
    })
  const bounds = () =>
    [0, 1].map((id) => {
      const { leader, follower } = broker(id).quotaManagers
      return [leader, follower].map((quota) => quota.upperBound())
    })

  it('goes on at the rate, and without a limit when it is verified', async () => {
    let acknowledged = 0
    for (let i = 0; i < 1000; i++) {
      // The first may come before the broker knows that it leads.
      const { errorCode } = await produce(client, 'moved', ['x'.repeat(1000)])
      if (errorCode === 0) acknowledged++
    }
    expect(acknowledged).toBeGreaterThan(900)
    const total = broker(0).logManager.getLog(moved)?.size ?? 0
    const file = join(root, 'reassignment.json')
    const partitions = [{ topic: 'moved', partition: 0, replicas: [1] }]
    writeFileSync(file, JSON.stringify({ version: 1, partitions }))
    const startMs = performance.now()
    const executed = await reassign(file, '--execute', '--throttle', String(RATE))
    expect(executed).toContain('The inter-broker throttle limit was set to 100000 B/s')
    expect(executed).toContain('Successfully started reassignment of partitions.')

    // The old replica is throttled as it leads, the new one as it follows.
    const limits = [RATE, RATE]
    expect(bounds()).toEqual([limits, limits])
    expect(throttled()).toEqual([
      [true, false],
      [false, true],
    ])
    let verified = await reassign(file, '--verify')
    for (let tries = 0; !verified.includes('completed successfully'); tries++) {
      expect(tries, verified).toBeLessThan(30)
      verified = await reassign(file, '--verify')
    }
    const seconds = (performance.now() - startMs) / 1000
    expect(seconds).toBeGreaterThan(total / RATE / 2)

    // The tool has taken the throttle off.
    expect(verified).toContain('Throttle was removed.')
    const { zkClient } = broker(0)
    for (const id of ['0', '1']) {
      const config = await zkClient.getEntityConfigs('brokers', id)
      expect(Object.keys(config)).toEqual([])
    }
    const config = await zkClient.getEntityConfigs('topics', 'moved')
    expect(Object.keys(config)).toEqual(['retention.ms'])
    expect(broker(1).logManager.getLog(moved)?.logEndOffset).toBe(acknowledged)
  })
})
