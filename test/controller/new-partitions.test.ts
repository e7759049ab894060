/**
 * New partitions whose first state is in ZooKeeper before the controller knows it.
 */
import { afterEach, beforeEach, describe, expect, it } from 'vitest'
import { TopicPartition } from '../../src/base/TopicPartition.ts'
import { LeaderAndIsr, LeaderIsrAndControllerEpoch } from '../../src/zk/LeaderAndIsr.ts'
import { TopicPartitionStateZNode } from '../../src/zk/topic-znodes.ts'
import { KeeperCode, keeperException } from '../../src/zookeeper/client.ts'
import { FakeCluster, settle } from './fixture.ts'

const tp = new TopicPartition('t', 0)
const STATE = '/brokers/topics/t/partitions/0/state'
let cluster: FakeCluster

beforeEach(() => {
  cluster = new FakeCluster()
})
afterEach(() => cluster.shutdown())

/** Creates a topic `t` with one partition on two brokers. */
async function createTopic() {
  await cluster.admin.createOrUpdateTopicPartitionAssignmentPathInZK(
    't',
    new Map([[0, [1, 2]]]),
  )
  await settle()
  await settle()
}

/** What a broker was told of the partition last. */
function told(broker: number) {
  const states = cluster.leaderAndIsr(broker).flatMap((r) => r.ungroupedPartitionStates)
  return states.filter(({ topicName }) => topicName === 't').at(-1)
}

describe('PartitionStateMachine: new partitions', () => {
  it('a state whose creation was not confirmed is taken over, and brokers are told', async () => {
    const controller = await cluster.startBroker(1)
    await cluster.startBroker(2)
    const { zooKeeper } = cluster
    zooKeeper.after = (operation, path) => {
      if (operation !== 'create' || path !== STATE) return
      zooKeeper.after = () => {}
      throw keeperException(KeeperCode.CONNECTIONLOSS, path)
    }
    await createTopic()
    expect(controller.partitionStateMachine.stateOf(tp)).toBe('OnlinePartition')
    expect(cluster.state('t')).toMatchObject({ leader: 1, isr: [1, 2] })
    for (const broker of [1, 2])
      expect(told(broker)).toMatchObject({ leader: 1, isr: [1, 2] })
    expect(controller.metrics.globalPartitionCount).toBe(1)
  })

  it('a state that a replaced controller created is taken over, and led by a live broker', async () => {
    const controller = await cluster.startBroker(1)
    await cluster.startBroker(2)
    const { zooKeeper } = cluster
    zooKeeper.before = (operation, path) => {
      if (operation !== 'create' || path !== STATE) return
      zooKeeper.before = () => {}
      const theirs = new LeaderIsrAndControllerEpoch(LeaderAndIsr.initial(3, [3, 2]), 0)
      const data = TopicPartitionStateZNode.encode(theirs)
      zooKeeper.create(STATE, data, 'PERSISTENT', 0n)
    }
    await createTopic()
    expect(controller.partitionStateMachine.stateOf(tp)).toBe('OnlinePartition')
    const elected = { leader: 2, isr: [2] }
    expect(cluster.state('t')).toMatchObject({ ...elected, controller_epoch: 1 })
    for (const broker of [1, 2]) expect(told(broker)).toMatchObject(elected)
  })

  it('one that nobody alive can lead waits for its broker', async () => {
    const controller = await cluster.startBroker(1)
    const { zooKeeper } = cluster
    zooKeeper.before = (operation, path) => {
      if (operation !== 'create' || path !== STATE) return
      zooKeeper.before = () => {}
      const theirs = new LeaderIsrAndControllerEpoch(LeaderAndIsr.initial(2, [2]), 0)
      const data = TopicPartitionStateZNode.encode(theirs)
      zooKeeper.create(STATE, data, 'PERSISTENT', 0n)
    }
    await createTopic()
    expect(controller.partitionStateMachine.stateOf(tp)).toBe('OfflinePartition')
    await cluster.startBroker(2)
    expect(controller.partitionStateMachine.stateOf(tp)).toBe('OnlinePartition')
    expect(told(1)).toMatchObject({ leader: 2, isr: [2] })
  })
})
