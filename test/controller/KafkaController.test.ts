import { afterEach, beforeEach, describe, expect, it } from 'vitest'
import { Deferred } from '../../src/base/async/Deferred.ts'
import { Errors } from '../../src/base/errors.ts'
import { TopicPartition } from '../../src/base/TopicPartition.ts'
import { TopicPartitionMap } from '../../src/base/TopicPartitionMap.ts'
import type { ControlledShutdownResult } from '../../src/controller/controller-events.ts'
import { KeeperCode, keeperException } from '../../src/zookeeper/client.ts'
import { FakeCluster, settle } from './fixture.ts'

const tp = new TopicPartition('t', 0)
let cluster: FakeCluster

beforeEach(() => {
  cluster = new FakeCluster()
})
afterEach(() => cluster.shutdown())

/** Creates a topic `t` with one partition on these brokers. */
async function createTopic(replicas: number[], topic = 't') {
  await cluster.admin.createOrUpdateTopicPartitionAssignmentPathInZK(
    topic,
    new Map([[0, replicas]]),
  )
  await settle()
}

/** Plays the leader: writes another ISR. */
async function changeIsr(isr: number[]) {
  const zk = [...cluster.zkClients.values()][0]!
  const state = (await zk.getTopicPartitionState(tp))!
  const { leader, leaderEpoch } = state.leaderAndIsr
  cluster.zooKeeper.set(
    '/brokers/topics/t/partitions/0/state',
    Buffer.from(
      JSON.stringify({
        version: 1,
        leader,
        leader_epoch: leaderEpoch,
        controller_epoch: state.controllerEpoch,
        isr,
      }),
    ),
  )
  await settle()
}

describe('KafkaController: taking office', () => {
  it('startup() makes the first broker controller, with epoch 1', async () => {
    const controller = await cluster.startBroker(1)
    expect(controller.isActive).toBe(true)
    expect(controller.epoch).toBe(1)
    expect(cluster.zooKeeper.json('/controller')).toMatchObject({
      version: 1,
      brokerid: 1,
    })
    expect(cluster.zooKeeper.text('/controller_epoch')).toBe('1')
    expect(cluster.updateMetadata(1)[0]).toMatchObject({
      controllerId: 1,
      controllerEpoch: 1,
      liveBrokers: [
        {
          id: 1,
          rack: null,
          endpoints: [
            { host: 'b1', port: 9092, listener: 'PLAINTEXT', securityProtocol: 0 },
          ],
        },
      ],
    })
    expect(controller.metrics.activeControllerCount).toBe(1)
  })

  it('a second broker leaves the first in office and becomes known to all', async () => {
    const first = await cluster.startBroker(1)
    cluster.forget()
    const second = await cluster.startBroker(2)
    expect([first.isActive, second.isActive]).toEqual([true, false])
    expect(second.activeControllerId).toBe(1)
    for (const id of [1, 2]) {
      const ids = cluster
        .updateMetadata(id)
        .at(-1)
        ?.liveBrokers.map((b) => b.id)
      expect(ids).toEqual([1, 2])
    }
  })

  it('another broker takes over when the controller dies, with the next epoch', async () => {
    await cluster.startBroker(1)
    const second = await cluster.startBroker(2)
    await createTopic([1, 2])
    cluster.forget()
    await cluster.killBroker(1)
    expect(second.isActive).toBe(true)
    expect(second.epoch).toBe(2)
    expect(cluster.state('t')).toEqual({
      version: 1,
      leader: 2,
      leader_epoch: 1,
      controller_epoch: 2,
      isr: [2],
    })
    expect(cluster.leaderAndIsr(2).at(-1)).toMatchObject({
      controllerId: 2,
      controllerEpoch: 2,
      ungroupedPartitionStates: [
        { topicName: 't', leader: 2, leaderEpoch: 1, isr: [2] },
      ],
      liveLeaders: [{ brokerId: 2, hostName: 'b2', port: 9092 }],
    })
  })

  it('a controller that cannot take its epoch gives up, and is elected again', async () => {
    const zooKeeper = cluster.zooKeeper
    zooKeeper.create('/controller_epoch', Buffer.from('7'), 'PERSISTENT', 0n)
    zooKeeper.before = (operation, path) => {
      if (operation !== 'setData' || path !== '/controller_epoch') return
      zooKeeper.before = () => {}
      zooKeeper.set('/controller_epoch', Buffer.from('8'))
    }
    const controller = await cluster.startBroker(1)
    expect(controller.isActive).toBe(true)
    expect(controller.epoch).toBe(9)
  })

  it('a session that expires costs the office, and the broker registers again', async () => {
    const first = await cluster.startBroker(1)
    const second = await cluster.startBroker(2)
    cluster.zooKeeper.expire(cluster.zooKeeper.sessions[0]!)
    await settle()
    await settle()
    expect([first.isActive, second.isActive]).toEqual([false, true])
    expect(first.activeControllerId).toBe(2)
    expect(cluster.zooKeeper.children('/brokers/ids').sort()).toEqual(['1', '2'])
    expect([...second.controllerContext.liveBrokerIds].sort()).toEqual([1, 2])
    expect(first.epoch).toBe(0)
  })

  it('shutdown() ends while a broker never answers', async () => {
    cluster.answer = () => new Promise(() => {})
    const controller = await cluster.startBroker(1)
    await controller.shutdown()
    expect(controller.isActive).toBe(false)
  })
})

describe('KafkaController: topics', () => {
  it('a new topic gets leaders: LeaderAndIsr goes out before UpdateMetadata', async () => {
    await cluster.startBroker(1)
    await cluster.startBroker(2)
    cluster.forget()
    await createTopic([2, 1])
    expect(cluster.state('t')).toEqual({
      version: 1,
      leader: 2,
      leader_epoch: 0,
      controller_epoch: 1,
      isr: [2, 1],
    })
    for (const id of [1, 2]) {
      const names = cluster.received.filter((r) => r.to === id).map((r) => r.name)
      expect(names).toEqual(['LeaderAndIsr', 'UpdateMetadata'])
      expect(cluster.leaderAndIsr(id)[0]).toEqual({
        controllerId: 1,
        controllerEpoch: 1,
        ungroupedPartitionStates: [
          {
            topicName: 't',
            partition: 0,
            controllerEpoch: 1,
            leader: 2,
            leaderEpoch: 0,
            isr: [2, 1],
            partitionEpoch: 0,
            replicas: [2, 1],
            isNew: true,
          },
        ],
        liveLeaders: [{ brokerId: 2, hostName: 'b2', port: 9092 }],
      })
      expect(cluster.updateMetadata(id)[0]?.ungroupedPartitionStates).toEqual([
        {
          topicName: 't',
          partition: 0,
          controllerEpoch: 1,
          leader: 2,
          leaderEpoch: 0,
          isr: [2, 1],
          zkVersion: 0,
          replicas: [2, 1],
          offlineReplicas: [],
        },
      ])
    }
    expect(cluster.controllers.get(1)?.metrics.globalPartitionCount).toBe(1)
  })

  it('added partitions get leaders, the others are left alone', async () => {
    await cluster.startBroker(1)
    await createTopic([1])
    cluster.forget()
    await cluster.admin.addPartitions(
      't',
      new Map([[0, [1]]]),
      [{ id: 1, rack: undefined }],
      2,
    )
    await settle()
    const states = cluster.leaderAndIsr(1)[0]?.ungroupedPartitionStates
    expect(states?.map((s) => s.partition)).toEqual([1])
    expect(cluster.state('t', 1)).toMatchObject({ leader: 1, isr: [1] })
  })

  it('a topic whose brokers are all dead stays without leader until one comes', async () => {
    const controller = await cluster.startBroker(1)
    await createTopic([2])
    expect(cluster.state('t')).toBeUndefined()
    expect(controller.partitionStateMachine.stateOf(tp)).toBe('NewPartition')
    expect(controller.metrics.offlinePartitionsCount).toBe(1)
    await cluster.startBroker(2)
    expect(cluster.state('t')).toMatchObject({ leader: 2, isr: [2] })
    expect(controller.partitionStateMachine.stateOf(tp)).toBe('OnlinePartition')
  })

  it('deleting a topic stops its replicas, then removes its znodes', async () => {
    const controller = await cluster.startBroker(1)
    await cluster.startBroker(2)
    await createTopic([1, 2])
    cluster.forget()
    await cluster.admin.deleteTopic('t')
    await settle()
    for (const id of [1, 2]) {
      const stops = cluster.stopReplica(id).map((r) => r.deletePartitions)
      expect(stops).toEqual([false, true])
      const { leader } = cluster.updateMetadata(id)[0]!.ungroupedPartitionStates[0]!
      expect(leader).toBe(-2)
    }
    const { zooKeeper } = cluster
    expect(zooKeeper.children('/brokers/topics')).toEqual([])
    expect(zooKeeper.children('/config/topics')).toEqual([])
    expect(zooKeeper.children('/admin/delete_topics')).toEqual([])
    expect(controller.controllerContext.allTopics.size).toBe(0)
  })

  it('a deletion waits for a dead broker, and goes on when it is back', async () => {
    await cluster.startBroker(1)
    await cluster.startBroker(2)
    await createTopic([1, 2])
    await cluster.killBroker(2)
    await cluster.admin.deleteTopic('t')
    await settle()
    expect(cluster.zooKeeper.children('/admin/delete_topics')).toEqual(['t'])
    await cluster.startBroker(2)
    await settle()
    expect(cluster.zooKeeper.children('/admin/delete_topics')).toEqual([])
    expect(cluster.zooKeeper.children('/brokers/topics')).toEqual([])
  })

  it('a deletion that a broker fails is put off', async () => {
    const controller = await cluster.startBroker(1)
    await createTopic([1])
    cluster.answer = ({ name, request }) =>
      name === 'StopReplica' && request.deletePartitions
        ? {
            errorCode: 0,
            partitionErrors: [{ topicName: 't', partition: 0, errorCode: 56 }],
          }
        : undefined
    await cluster.admin.deleteTopic('t')
    await settle()
    expect(controller.topicDeletionManager.isTopicIneligibleForDeletion('t')).toBe(true)
    expect(cluster.zooKeeper.children('/admin/delete_topics')).toEqual(['t'])
  })

  it('orders to delete are taken back for unknown topics and where disabled', async () => {
    await cluster.startBroker(1, { deleteTopicEnable: false })
    await createTopic([1])
    await cluster.admin.deleteTopic('t')
    await cluster.zkClients.get(1)!.createDeleteTopicPath('unknown')
    await settle()
    expect(cluster.zooKeeper.children('/admin/delete_topics')).toEqual([])
    expect(cluster.zooKeeper.children('/brokers/topics')).toEqual(['t'])
  })
})

describe('KafkaController: brokers', () => {
  it('a dead leader is replaced, and the ISR shrinks', async () => {
    await cluster.startBroker(1)
    await cluster.startBroker(2)
    await cluster.startBroker(3)
    await createTopic([2, 3])
    cluster.forget()
    await cluster.killBroker(2)
    expect(cluster.state('t')).toMatchObject({ leader: 3, leader_epoch: 1, isr: [3] })
    const told = cluster.leaderAndIsr(3)[0]?.ungroupedPartitionStates[0]
    expect(told).toMatchObject({ leader: 3, leaderEpoch: 1, isr: [3], isNew: false })
    const metadata = cluster.updateMetadata(1)[0]
    expect(metadata?.liveBrokers.map((b) => b.id)).toEqual([1, 3])
    expect(metadata?.ungroupedPartitionStates[0]?.offlineReplicas).toEqual([2])
  })

  it('a broker that comes back before it was missed is told what it has', async () => {
    const controller = await cluster.startBroker(1)
    await cluster.startBroker(2)
    await createTopic([2, 1])
    cluster.forget()

    // Keep the controller busy while broker 2 dies and starts again.
    const busy = new Deferred()
    const state = 'Idle' as const
    controller.eventManager.put({ state, process: () => busy.promise })
    await cluster.killBroker(2)
    await cluster.startBroker(2)
    expect(cluster.leaderAndIsr(2)).toEqual([])
    busy.resolve()
    for (let i = 0; i < 5; i++) await settle()
    expect(cluster.state('t')).toMatchObject({ leader: 1, leader_epoch: 1, isr: [1] })
    const told = cluster.leaderAndIsr(2).at(-1)?.ungroupedPartitionStates[0]
    expect(told).toMatchObject({ leader: 1, leaderEpoch: 1, isr: [1] })
  })

  it('a dead follower leaves the ISR, and the leader is told', async () => {
    await cluster.startBroker(1)
    await cluster.startBroker(2)
    await createTopic([1, 2])
    cluster.forget()
    await cluster.killBroker(2)
    expect(cluster.state('t')).toMatchObject({ leader: 1, leader_epoch: 1, isr: [1] })
    const told = cluster.leaderAndIsr(1)[0]?.ungroupedPartitionStates[0]
    expect(told).toMatchObject({ leader: 1, leaderEpoch: 1, isr: [1] })
  })

  it('the last in-sync replica stays in the ISR and leads again when back', async () => {
    await cluster.startBroker(1)
    await cluster.startBroker(2)
    await createTopic([2, 1])
    await changeIsr([2])
    await cluster.killBroker(2)
    expect(cluster.state('t')).toMatchObject({ leader: -1, isr: [2] })
    await cluster.startBroker(2)
    expect(cluster.state('t')).toMatchObject({ leader: 2, isr: [2] })
  })

  it('an unclean election lets any live replica lead, where the topic allows it', async () => {
    await cluster.startBroker(1)
    await cluster.startBroker(2)
    await createTopic([2, 1])
    await cluster.admin.changeTopicConfig('t', {
      'unclean.leader.election.enable': 'true',
    })
    await changeIsr([2])
    await cluster.killBroker(2)
    expect(cluster.state('t')).toMatchObject({ leader: 1, isr: [1] })
  })

  it('an election is repeated when the leader wrote its ISR meanwhile', async () => {
    await cluster.startBroker(1)
    await cluster.startBroker(2)
    await createTopic([2, 1])
    const { zooKeeper } = cluster
    const path = '/brokers/topics/t/partitions/0/state'
    zooKeeper.before = (operation, p) => {
      if (operation !== 'setData' || p !== path) return
      zooKeeper.before = () => {}
      zooKeeper.set(path, zooKeeper.nodes.get(path)!.data)
    }
    await cluster.killBroker(2)
    expect(cluster.state('t')).toMatchObject({ leader: 1, leader_epoch: 1, isr: [1] })
  })

  it('changed end points are told to all brokers', async () => {
    const controller = await cluster.startBroker(1)
    cluster.forget()
    const text = cluster.zooKeeper.text('/brokers/ids/1')!
    const moved = text.replaceAll('b1:9092', 'b1:9999')
    cluster.zooKeeper.set('/brokers/ids/1', Buffer.from(moved))
    await settle()
    const { endpoints } = cluster.updateMetadata(1)[0]!.liveBrokers[0]!
    expect(endpoints[0]?.port).toBe(9999)
    expect(controller.controllerContext.liveBrokers).toHaveLength(1)
  })

  it('a request that fails is sent again after 100 ms, in its place', async () => {
    await cluster.startBroker(1)
    let failures = 1
    cluster.answer = () => {
      if (failures-- > 0) throw new Error('link broken')
      return undefined
    }
    cluster.forget()
    await createTopic([1])
    expect(cluster.received.map((r) => r.name)).toEqual(['LeaderAndIsr'])
    await cluster.platform.virtualClock.advance(100)
    await settle()
    expect(cluster.received.map((r) => r.name)).toEqual([
      'LeaderAndIsr',
      'LeaderAndIsr',
      'UpdateMetadata',
    ])
  })

  it('a failed log directory moves leadership away', async () => {
    await cluster.startBroker(1)
    await cluster.startBroker(2)
    await createTopic([2, 1])
    const { code } = Errors.KAFKA_STORAGE_ERROR
    cluster.answer = ({ to, name }) =>
      to === 2 && name === 'LeaderAndIsr'
        ? {
            errorCode: 0,
            partitionErrors: [{ topicName: 't', partition: 0, errorCode: code }],
          }
        : undefined
    await cluster.zkClients.get(2)!.propagateLogDirEvent(2)
    await settle()
    expect(cluster.state('t')).toMatchObject({ leader: 1, isr: [1] })
    expect(cluster.zooKeeper.children('/log_dir_event_notification')).toEqual([])
    const state = cluster.updateMetadata(1).at(-1)!.ungroupedPartitionStates[0]
    expect(state?.offlineReplicas).toEqual([2])
  })

  it('a changed ISR is passed on, and the note deleted', async () => {
    await cluster.startBroker(1)
    await cluster.startBroker(2)
    await createTopic([1, 2])
    await changeIsr([1])
    cluster.forget()
    await cluster.zkClients.get(1)!.propagateIsrChanges([tp])
    await settle()
    const [state] = cluster.updateMetadata(2)[0]!.ungroupedPartitionStates
    expect(state).toMatchObject({ isr: [1], zkVersion: 1 })
    expect(cluster.zooKeeper.children('/isr_change_notification')).toEqual([])
  })
})

describe('KafkaController: controlled shutdown', () => {
  const ask = async (id: number) => {
    const results: ControlledShutdownResult[] = []
    cluster.controllers.get(1)!.shutdown(id, (result) => results.push(result))
    await settle()
    expect(results).toHaveLength(1)
    return results[0]!
  }

  it('moves leadership, takes the broker out of the ISR, tells what is left', async () => {
    await cluster.startBroker(1)
    await cluster.startBroker(2)
    await createTopic([2, 1])
    await createTopic([1, 2], 'followed')
    await createTopic([2], 'alone')
    cluster.forget()
    expect(await ask(2)).toEqual({ remaining: [] })
    expect(cluster.state('t')).toMatchObject({ leader: 1, isr: [1] })
    expect(cluster.state('followed')).toMatchObject({ leader: 1, isr: [1] })
    expect(cluster.state('alone')).toMatchObject({ leader: 2, isr: [2] })
    expect(cluster.leaderAndIsr(2)).toEqual([])
    const stopped = cluster.stopReplica(2).flatMap((r) => r.ungroupedPartitions)
    expect(stopped.map((p) => p.topicName)).toEqual(['followed', 'followed'])
  })

  it('tells which partitions nobody else can lead', async () => {
    await cluster.startBroker(1)
    await cluster.startBroker(2)
    await createTopic([2, 1])
    await changeIsr([2])
    expect(await ask(2)).toEqual({ remaining: [tp] })
  })

  it('refuses brokers it does not know, and when not in office', async () => {
    await cluster.startBroker(1)
    expect((await ask(9)).error?.message).toContain('not registered')
    const second = await cluster.startBroker(2)
    const results: ControlledShutdownResult[] = []
    second.shutdown(1, (result) => results.push(result))
    await settle()
    expect(results[0]?.error?.name).toBe('ControllerMovedException')
    await second.shutdown()
    second.shutdown(1, (result) => results.push(result))
    expect(results[1]?.error?.message).toBe('the controller stops')
  })
})

describe('KafkaController: balance and moves', () => {
  it('an order for preferred leaders is carried out and deleted', async () => {
    await cluster.startBroker(1)
    await cluster.startBroker(2)
    await createTopic([2, 1])
    await cluster.killBroker(2)
    await cluster.startBroker(2)
    await changeIsr([1, 2])
    await cluster.zkClients.get(1)!.createPreferredReplicaElection([tp])
    await settle()
    expect(cluster.state('t')).toMatchObject({ leader: 2, isr: [1, 2] })
    expect(cluster.zooKeeper.text('/admin/preferred_replica_election')).toBeUndefined()
  })

  it('the automatic rebalance gives leadership back by the clock', async () => {
    const controller = await cluster.startBroker(1, { autoLeaderRebalanceEnable: true })
    await cluster.startBroker(2)
    await createTopic([2, 1])
    await cluster.killBroker(2)
    await cluster.startBroker(2)
    await changeIsr([1, 2])
    await cluster.platform.virtualClock.advance(5_000)
    await settle()
    expect(cluster.state('t')).toMatchObject({ leader: 2 })
    expect(controller.metrics.preferredReplicaImbalanceCount).toBe(0)
    await cluster.killBroker(2)
    await cluster.startBroker(2)
    await changeIsr([1, 2])
    await cluster.platform.virtualClock.advance(300_000)
    await settle()
    expect(cluster.state('t')).toMatchObject({ leader: 2 })
  })

  it('a partition moves once the new replicas have caught up', async () => {
    await cluster.startBroker(1)
    await cluster.startBroker(2)
    await createTopic([1])
    cluster.forget()
    const zk = cluster.zkClients.get(1)!
    await zk.createPartitionReassignment(new TopicPartitionMap([[tp, [2]]]))
    await settle()
    expect(cluster.zooKeeper.json('/brokers/topics/t')).toMatchObject({
      partitions: { 0: [2, 1] },
    })
    const [state] = cluster.leaderAndIsr(2)[0]!.ungroupedPartitionStates
    expect(state).toMatchObject({ leader: 1, replicas: [2, 1] })
    await changeIsr([1, 2])
    await settle()
    expect(cluster.state('t')).toMatchObject({ leader: 2, isr: [2] })
    expect(cluster.zooKeeper.json('/brokers/topics/t')).toMatchObject({
      partitions: { 0: [2] },
    })
    expect(cluster.stopReplica(1).map((r) => r.deletePartitions)).toEqual([false, true])
    expect(cluster.zooKeeper.text('/admin/reassign_partitions')).toBeUndefined()
  })

  it('moves that make no sense are taken out of the order', async () => {
    await cluster.startBroker(1)
    await createTopic([1])
    const zk = cluster.zkClients.get(1)!
    const unknown = new TopicPartition('unknown', 0)
    const order = new TopicPartitionMap([
      [tp, [1]],
      [unknown, [1]],
    ])
    await zk.createPartitionReassignment(order)
    await settle()
    expect(cluster.zooKeeper.text('/admin/reassign_partitions')).toBeUndefined()
  })

  it('an order that comes while a controller takes office is not lost', async () => {
    await cluster.startBroker(1)
    await cluster.startBroker(2)
    await createTopic([2])
    const zk = cluster.zkClients.get(2)!
    const read = zk.getPartitionReassignment.bind(zk)
    zk.getPartitionReassignment = async () => {
      zk.getPartitionReassignment = read
      const none = await read()
      await zk.createPartitionReassignment(new TopicPartitionMap([[tp, [3]]]))
      return none
    }
    await cluster.killBroker(1)
    await settle()
    await cluster.startBroker(3)
    await changeIsr([2, 3])
    await settle()
    expect(cluster.state('t')).toMatchObject({ leader: 3, isr: [3] })
  })

  it('a new controller goes on with a deletion and a move', async () => {
    await cluster.startBroker(1)
    await cluster.startBroker(2)
    await cluster.startBroker(3)
    await createTopic([2])
    await createTopic([1, 2], 'doomed')
    const zk = cluster.zkClients.get(3)!
    await zk.createPartitionReassignment(new TopicPartitionMap([[tp, [3]]]))
    await settle()
    await cluster.killBroker(1)
    await cluster.admin
      .deleteTopic('doomed')
      .catch(() => zk.createDeleteTopicPath('doomed'))
    await settle()
    await changeIsr([2, 3])
    await settle()
    expect(cluster.state('t')).toMatchObject({ leader: 3, isr: [3] })
    expect(cluster.zooKeeper.children('/admin/delete_topics')).toEqual(['doomed'])
    await cluster.startBroker(1)
    await settle()
    expect(cluster.zooKeeper.children('/brokers/topics')).toEqual(['t'])
  })
})

describe('ControllerEventManager', () => {
  it('an event that fails is lost, and the next one is processed', async () => {
    const controller = await cluster.startBroker(1)
    const { zooKeeper } = cluster
    zooKeeper.before = (operation, path) => {
      if (operation !== 'getChildren' || path !== '/brokers/topics') return
      zooKeeper.before = () => {}
      throw keeperException(KeeperCode.NOAUTH, path)
    }
    await createTopic([1], 'missed')
    expect(controller.controllerContext.allTopics.size).toBe(0)
    controller.handlers.registerChildHandlers()
    const { TopicChange } = await import('../../src/controller/controller-events.ts')
    controller.eventManager.put(new TopicChange(controller))
    await settle()
    expect(cluster.state('missed')).toMatchObject({ leader: 1 })
    expect(controller.eventManager.state).toBe('Idle')
  })
})
