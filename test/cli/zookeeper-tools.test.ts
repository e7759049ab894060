import { afterAll, beforeAll, beforeEach, describe, expect, it } from 'vitest'
import {
  ConsumerGroupCommand,
  type ConsumerGroupCommandOptions,
} from '../../src/cli/admin/ConsumerGroupCommand.ts'
import { TopicCommand } from '../../src/cli/admin/TopicCommand.ts'
import { ZkConsumerGroupService } from '../../src/cli/admin/ZkConsumerGroupService.ts'
import { ZookeeperTopicService } from '../../src/cli/admin/ZookeeperTopicService.ts'
import { validateRebalancingOperation } from '../../src/cli/tools/VerifyConsumerRebalance.ts'
import { exportZkOffsets, importZkOffsets } from '../../src/cli/tools/zk-offsets.ts'
import { ClusterClient } from '../../src/clients/ClusterClient.ts'
import { type KafkaCluster, startCluster } from '../../src/testing/start-cluster.ts'
import { KafkaZkClient } from '../../src/zk/KafkaZkClient.ts'
import { ZkUtils } from '../../src/zk/ZkUtils.ts'
import { ZooKeeperClient } from '../../src/zookeeper/ZooKeeperClient.ts'

let cluster: KafkaCluster
let client: ClusterClient
let zkClient: KafkaZkClient
let zkUtils: ZkUtils

beforeAll(async () => {
  cluster = await startCluster({ platform: 'memory' })
  const { clock, network, random } = cluster.platform
  client = new ClusterClient({
    ...{ bootstrapServers: cluster.bootstrapServers, clientId: 'test' },
    ...{ requestTimeoutMs: 10_000, network, clock },
  })
  const session = new ZooKeeperClient({
    ...{ connect: cluster.zooKeeperConnect, clock },
    connectString: cluster.zookeeperConnect,
    ...{ sessionTimeoutMs: 10_000, connectionTimeoutMs: 10_000 },
    maxInFlightRequests: 10,
  })
  await session.start()
  zkUtils = new ZkUtils(session)
  zkClient = new KafkaZkClient(session, false, cluster.platform)
  const topics = new ZookeeperTopicService(zkClient, random)
  for (const topic of ['orders', 'refunds']) {
    await new TopicCommand(topics, () => {}).run({
      ...{ create: true, topic, partitions: 2, replicationFactor: 1 },
    })
    await client.retry(() => client.leadersOf([topic], true))
  }
})

afterAll(async () => {
  client.close()
  await zkClient.close()
  await cluster.close()
})

/** Two groups that read: one of both topics, one of one. Nobody is in them. */
beforeEach(async () => {
  await zkUtils.deletePathRecursive('/consumers')
  const put = (path: string, data: string) =>
    zkUtils.updatePersistentPath(`/consumers/${path}`, data)
  await put('billing/offsets/orders/0', '5')
  await put('billing/offsets/orders/1', '7')
  await put('billing/offsets/refunds/0', '1')
  await put('audit/offsets/orders/0', '9')
  for (const group of ['billing', 'audit']) await put(`${group}/ids`, '')
})

/** Has a member of a group own some partitions of `orders`. */
async function join(group: string, partitions: readonly number[]): Promise<void> {
  const registration = JSON.stringify({
    ...{ version: 1, subscription: { orders: 1 }, pattern: 'static', timestamp: '1' },
  })
  await zkUtils.updatePersistentPath(`/consumers/${group}/ids/c_1`, registration)
  for (const partition of partitions) {
    const path = `/consumers/${group}/owners/orders/${partition}`
    await zkUtils.updatePersistentPath(path, 'c_1-0')
  }
}

/** Runs `groups --zookeeper`. @returns what it printed */
async function groups(options: ConsumerGroupCommandOptions): Promise<string[]> {
  const lines: string[] = []
  const command = new ConsumerGroupCommand(
    new ZkConsumerGroupService(zkUtils, client),
    { print: (line) => lines.push(line), note: () => {} },
    { now: 0, readFile: (path) => path },
  )
  await command.run(options)
  return lines.filter((line) => line !== '')
}

describe('groups --zookeeper', () => {
  it('describes without hosts, which old members do not tell', async () => {
    await join('billing', [1])
    const cells = (line: string) => line.trimEnd().split(/\s+/)
    const [head = '', ...rows] = await groups({ describe: true, group: ['billing'] })
    expect(cells(head).slice(-2)).toEqual(['LAG', 'CONSUMER-ID'])
    expect(rows.map((row) => cells(row).slice(0, 3).join())).toEqual([
      ...['orders,0,5', 'orders,1,7', 'refunds,0,1', 'refunds,1,-'],
    ])
    expect(rows.map((row) => cells(row).at(-1))).toEqual(['-', 'c_1', '-', '-'])
  })

  it('deletes what groups keep of one topic, and a group that keeps nothing else', async () => {
    expect(
      await groups({ delete: true, group: ['billing'], topic: ['orders'] }),
    ).toEqual([
      "Deletion of what consumer groups ('billing') keep of orders was successful.",
    ])
    expect(await exportZkOffsets(zkUtils, [])).toEqual([
      ...[
        '/consumers/audit/offsets/orders/0:9',
        '/consumers/billing/offsets/refunds/0:1',
      ],
    ])
    await groups({ delete: true, topic: ['orders'] })
    expect(await groups({ list: true })).toEqual(['billing'])
  })

  it('leaves a group alone that somebody is in', async () => {
    await join('audit', [0])
    const deletion = groups({ delete: true, topic: ['orders'] })
    await expect(deletion).rejects.toThrow('deletion of some')
    expect(await exportZkOffsets(zkUtils, [])).toEqual([
      ...[
        '/consumers/audit/offsets/orders/0:9',
        '/consumers/billing/offsets/refunds/0:1',
      ],
    ])
  })
})

describe('export-offsets and import-offsets', () => {
  it('write offsets out, and read them in', async () => {
    const lines = await exportZkOffsets(zkUtils, ['billing'])
    await zkUtils.deletePathRecursive('/consumers/billing')
    await expect(exportZkOffsets(zkUtils, ['billing'])).rejects.toThrow(
      'no group billing',
    )
    expect(await importZkOffsets(zkUtils, lines.join('\n'))).toBe(3)
    expect(await exportZkOffsets(zkUtils, ['billing'])).toEqual(lines)
    await expect(importZkOffsets(zkUtils, '/consumers/a:1')).rejects.toThrow('expected')
  })
})

describe('verify-rebalance', () => {
  it('finds partitions without an owner, and owners that are no members', async () => {
    await join('billing', [0, 1])
    expect(await validateRebalancingOperation(zkUtils, 'billing')).toEqual([])
    const owners = '/consumers/billing/owners/orders'
    await zkUtils.updatePersistentPath(`${owners}/0`, 'gone-0')
    await zkUtils.deletePath(`${owners}/1`)
    expect(await validateRebalancingOperation(zkUtils, 'billing')).toEqual([
      'orders-0 is owned by gone-0, which is no member of billing',
      'orders-1 has no owner',
    ])
    await expect(validateRebalancingOperation(zkUtils, 'nobody')).rejects.toThrow(
      'nobody',
    )
  })
})
