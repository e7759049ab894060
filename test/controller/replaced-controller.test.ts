/**
 * A controller that lost its office and does not know it yet.
 */
import { afterEach, beforeEach, describe, expect, it } from 'vitest'
import { TopicPartition } from '../../src/base/TopicPartition.ts'
import { TopicPartitionMap } from '../../src/base/TopicPartitionMap.ts'
import { KeeperCode, keeperException } from '../../src/zookeeper/client.ts'
import { FakeCluster, settle } from './fixture.ts'

const tp = new TopicPartition('t', 0)
const STATE = '/brokers/topics/t/partitions/0/state'
const ORDER = '/admin/reassign_partitions'
let cluster: FakeCluster

beforeEach(() => {
  cluster = new FakeCluster()
})
afterEach(() => cluster.shutdown())

async function createTopic(replicas: number[]) {
  await cluster.admin.createOrUpdateTopicPartitionAssignmentPathInZK(
    't',
    new Map([[0, replicas]]),
  )
  await settle()
}

/** Does something once, just before a request is carried out. */
function once(operation: string, path: string, act: () => void) {
  const { zooKeeper } = cluster
  zooKeeper.before = (o, p) => {
    if (o !== operation || p !== path) return
    zooKeeper.before = () => {}
    act()
  }
}

/** Another controller takes the next epoch. */
const replace = () => cluster.zooKeeper.set('/controller_epoch', Buffer.from('9'))

describe('KafkaController: a lost office', () => {
  it('a replaced controller brings no new partition to life', async () => {
    await cluster.startBroker(1)
    cluster.forget()
    once('create', STATE, replace)
    await createTopic([1])
    expect(cluster.state('t')).toBeUndefined()
    expect(cluster.leaderAndIsr(1)).toEqual([])
  })

  it('a replaced controller leaves the order to move partitions to the next', async () => {
    await cluster.startBroker(1)
    await cluster.startBroker(2)
    await createTopic([1])
    once('setData', '/brokers/topics/t', replace)
    const zk = cluster.zkClients.get(1)!
    await zk.createPartitionReassignment(new TopicPartitionMap([[tp, [2]]]))
    await settle()
    expect(cluster.zooKeeper.text(ORDER)).toContain('"replicas":[2]')
    expect(cluster.zooKeeper.json('/brokers/topics/t')).toMatchObject({
      partitions: { 0: [1] },
    })
  })

  it('a move whose assignment cannot be written changes nothing', async () => {
    const controller = await cluster.startBroker(1)
    await cluster.startBroker(2)
    await createTopic([1])
    once('setData', '/brokers/topics/t', () => {
      throw keeperException(KeeperCode.NOAUTH, '/brokers/topics/t')
    })
    const zk = cluster.zkClients.get(1)!
    await zk.createPartitionReassignment(new TopicPartitionMap([[tp, [2]]]))
    await settle()
    expect(controller.controllerContext.assignment(tp)).toEqual([1])
    expect(cluster.zooKeeper.text(ORDER)).toBeUndefined()
  })
})

describe('KafkaController: unclean elections', () => {
  it('a topic may write true as any boolean of the configuration', async () => {
    await cluster.startBroker(1)
    await cluster.startBroker(2)
    await createTopic([2, 1])
    const zk = cluster.zkClients.get(1)!
    const key = 'unclean.leader.election.enable'
    await zk.setOrCreateEntityConfigs('topics', 't', { [key]: ' TRUE' })
    const state = { leader: 2, leader_epoch: 0, controller_epoch: 1, isr: [2] }
    const data = Buffer.from(JSON.stringify({ version: 1, ...state }))
    cluster.zooKeeper.set(STATE, data)
    await cluster.killBroker(2)
    expect(cluster.state('t')).toMatchObject({ leader: 1, isr: [1] })
  })
})
