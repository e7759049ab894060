/** The table of znodes against what a cluster really makes. */
import { expect, it } from 'vitest'
import { ConsumerConfig } from '../../src/consumer/ConsumerConfig.ts'
import { Consumer } from '../../src/consumer/ConsumerConnector.ts'
import { BrokerState, previousBrokerStates } from '../../src/server/BrokerStates.ts'
import { startCluster } from '../../src/testing/start-cluster.ts'
import { AdminZkClient } from '../../src/zk/AdminZkClient.ts'
import type { KafkaZkClient } from '../../src/zk/KafkaZkClient.ts'
import { zNodes } from '../../src/zk/ZkData.ts'
import { text } from '../consumer/group-fixture.ts'
import { clientOf, createTopic } from '../server/clients.ts'

/** Every path below a path. */
async function pathsBelow(zk: KafkaZkClient, path: string): Promise<string[]> {
  const children = await zk.getChildren(path === '' ? '/' : path)
  const paths = await Promise.all(
    children.map(async (child) => {
      const below = `${path}/${child}`
      return [below, ...(await pathsBelow(zk, below))]
    }),
  )
  return paths.flat()
}

/** The expression that a pattern's paths match. */
function expressionOf(pattern: string): RegExp {
  return new RegExp(`^${pattern.replace(/<\w+>/g, '[^/]+')}$`)
}

it('zNodes names what a cluster with a topic, a change and a member makes', async () => {
  await using cluster = await startCluster({ platform: 'memory' })
  const client = clientOf(cluster)
  await createTopic(client, 't', { partitions: 2 })
  client.close()
  const zk = cluster.brokers[0]!.zkClient
  await new AdminZkClient(zk, { nextInt: () => 0 }).changeTopicConfig('t', {
    'retention.ms': '60000',
  })
  const { platform, zooKeeperConnect } = cluster
  const connector = await Consumer.create(
    new ConsumerConfig({
      'group.id': 'g',
      'zookeeper.connect': cluster.zookeeperConnect,
    }),
    { platform, zooKeeperConnect },
  )
  await connector.createMessageStreams(new Map([['t', 1]]), text, text)

  // Sort what is there into the patterns; what fits none must lead to one that is there.
  const paths = (await pathsBelow(zk, '')).filter((p) => !p.startsWith('/zookeeper'))
  const rows = Object.entries(zNodes).map(
    ([name, { pattern }]) => [name, expressionOf(pattern)] as const,
  )
  const known = (path: string) => rows.some(([, expression]) => expression.test(path))
  const strangers = paths.filter((path) => !known(path))
  for (const path of strangers) {
    const leads = paths.some((other) => other.startsWith(`${path}/`) && known(other))
    expect(leads || path.startsWith('/consumers/g/'), path).toBe(true)
  }

  // Only what nobody asked for is missing.
  const missing = rows.filter(([, e]) => !paths.some((path) => e.test(path)))
  expect(missing.map(([name]) => name)).toEqual([
    // Notes and orders, which go when they are read and done.
    'IsrChangeNotificationSequenceZNode',
    'LogDirEventNotificationSequenceZNode',
    'DeleteTopicsTopicZNode',
    'ReassignPartitionsZNode',
    'PreferredReplicaElectionZNode',
    // Nothing was read, so nothing was committed.
    'ConsumerOffset',
    // No authorizer, no tokens.
    'AclZNode',
    'ResourceTypeZNode',
    'ResourceZNode',
    'AclChangeNotificationSequenceZNode',
    'DelegationTokenInfoZNode',
    'DelegationTokenChangeNotificationSequenceZNode',
  ])
  await connector.shutdown()
})

it('BrokerState moves as previousBrokerStates says', async () => {
  const moves: string[] = []
  const { newState } = BrokerState.prototype
  BrokerState.prototype.newState = function (state) {
    moves.push(state)
    expect(previousBrokerStates[state]).toContain(this.currentState)
    newState.call(this, state)
  }
  try {
    const cluster = await startCluster({ platform: 'memory' })
    await cluster.brokers[0]!.shutdown()
    await cluster.close()
  } finally {
    BrokerState.prototype.newState = newState
  }
  expect(moves).toEqual([
    'Starting',
    // An empty directory has no mark of a clean shutdown either.
    'RecoveringFromUncleanShutdown',
    'RunningAsBroker',
    'PendingControlledShutdown',
    'BrokerShuttingDown',
    'NotRunning',
  ])
})
