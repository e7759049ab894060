import { describe, expect, it } from 'vitest'
import { ControllerMovedException } from '../../src/base/errors.ts'
import { TopicPartition } from '../../src/base/TopicPartition.ts'
import { TopicPartitionMap } from '../../src/base/TopicPartitionMap.ts'
import {
  AdminZkClient,
  TopicAlreadyMarkedForDeletionException,
} from '../../src/zk/AdminZkClient.ts'
import { Broker, BrokerInfo } from '../../src/zk/Broker.ts'
import { EndPoint } from '../../src/zk/EndPoint.ts'
import { LeaderAndIsr, LeaderIsrAndControllerEpoch } from '../../src/zk/LeaderAndIsr.ts'
import { ReplicationUtils } from '../../src/zk/ReplicationUtils.ts'
import { ZkData } from '../../src/zk/ZkData.ts'
import { KeeperCode, keeperException } from '../../src/zookeeper/client.ts'
import { startZk } from './zk-fixture.ts'

const tp = new TopicPartition('t', 0)
const office = { epoch: 1, epochZkVersion: 0 }
const brokerInfo = (id: number) =>
  new BrokerInfo(new Broker(id, [new EndPoint('h', 9092, 'PLAINTEXT', 'PLAINTEXT')]))

/** Loses the answer of the first matching request, after it was carried out. */
function loseAnswer(
  server: Awaited<ReturnType<typeof startZk>>['server'],
  wanted: string,
): void {
  server.after = (operation, path) => {
    if (`${operation} ${path}` !== wanted) return
    server.after = () => {}
    throw keeperException(KeeperCode.CONNECTIONLOSS, path)
  }
}

describe('KafkaZkClient', () => {
  it('createTopLevelPaths() makes all parents without data', async () => {
    const { server } = await startZk()
    for (const path of ZkData.PersistentZkPaths) expect(server.text(path)).toBe('null')
  })

  it('createOrGetClusterId() keeps the id of the first broker', async () => {
    const { server, zkClient } = await startZk()
    expect(await zkClient.createOrGetClusterId('first')).toBe('first')
    expect(await zkClient.createOrGetClusterId('second')).toBe('first')
    expect(server.json('/cluster/id')).toEqual({ version: '1', id: 'first' })
  })

  it('generateBrokerSequenceId() counts from 1', async () => {
    const { server, zkClient } = await startZk()
    expect(await zkClient.generateBrokerSequenceId()).toBe(1)
    expect(await zkClient.generateBrokerSequenceId()).toBe(2)
    expect(server.text('/brokers/seqid')).toBe('')
  })

  it('registerBrokerInZk() succeeds when the answer to its create was lost', async () => {
    const { server, zkClient } = await startZk()
    loseAnswer(server, 'create /brokers/ids/1')
    await zkClient.registerBrokerInZk(brokerInfo(1))
    expect((await zkClient.getAllBrokersInCluster()).map((b) => b.id)).toEqual([1])
  })

  it('registerBrokerInZk() fails when another session holds the id', async () => {
    const { server, zkClient } = await startZk()
    const other = await startZk(server)
    await zkClient.registerBrokerInZk(brokerInfo(1))
    await expect(other.zkClient.registerBrokerInZk(brokerInfo(1))).rejects.toThrow(
      /the broker id is taken, .brokers.ids.1 belongs to session 0x[0-9a-f]+/,
    )
    await zkClient.close()
    await other.zkClient.registerBrokerInZk(brokerInfo(1))
  })

  it('checkedEphemeralCreate() tries again when the node vanishes meanwhile', async () => {
    const { server, zkClient } = await startZk()
    const other = await startZk(server)
    await other.zkClient.checkedEphemeralCreate('/controller', Buffer.from('x'))
    server.before = (operation, path) => {
      if (operation !== 'getData' || path !== '/controller') return
      server.before = () => {}
      server.delete('/controller')
    }
    await zkClient.checkedEphemeralCreate('/controller', Buffer.from('y'))
    expect(server.text('/controller')).toBe('y')
  })

  it('getAllBrokersInCluster() sorts ids as numbers', async () => {
    const { zkClient } = await startZk()
    for (const id of [10, 9, 1]) await zkClient.registerBrokerInZk(brokerInfo(id))
    expect(await zkClient.getSortedBrokerList()).toEqual([1, 9, 10])
  })

  it('updateLeaderAndIsr() sorts partitions by what became of them', async () => {
    const { server, zkClient } = await startZk()
    const tps = [0, 1, 2].map((p) => new TopicPartition('t', p))
    const initial = new LeaderIsrAndControllerEpoch(LeaderAndIsr.initial(1, [1, 2]), 1)
    await zkClient.createTopicAssignment('t', new Map([[0, [1, 2]]]))
    await zkClient.createControllerEpochRaw(5)
    await zkClient.createTopicPartitionStatesRaw(
      new TopicPartitionMap(tps.slice(0, 2).map((p) => [p, initial])),
      office,
    )
    server.set('/brokers/topics/t/partitions/1/state', Buffer.from('{}'))
    const next = initial.leaderAndIsr.newLeader(2)
    const result = await zkClient.updateLeaderAndIsr(
      new TopicPartitionMap(tps.map((p) => [p, next])),
      { epoch: 5, epochZkVersion: 0 },
    )
    expect(result.successfulPartitions.get(tps[0]!)).toEqual(
      new LeaderAndIsr(2, 1, [1, 2], 1),
    )
    expect(result.partitionsToRetry).toEqual([tps[1]])
    expect([...result.failedPartitions.keys()]).toEqual([tps[2]])
    expect(server.json('/brokers/topics/t/partitions/0/state')).toEqual({
      version: 1,
      leader: 2,
      leader_epoch: 1,
      controller_epoch: 5,
      isr: [1, 2],
    })
  })

  it('updateLeaderAndIsr() refuses a controller that was replaced', async () => {
    const { server, zkClient } = await startZk()
    const initial = new LeaderIsrAndControllerEpoch(LeaderAndIsr.initial(1, [1, 2]), 1)
    await zkClient.createTopicAssignment('t', new Map([[0, [1, 2]]]))
    await zkClient.createControllerEpochRaw(1)
    const states = new TopicPartitionMap([[tp, initial]])
    await zkClient.createTopicPartitionStatesRaw(states, office)
    await zkClient.setControllerEpochRaw(2, 0)
    const next = new TopicPartitionMap([[tp, initial.leaderAndIsr.newLeader(2)]])
    await expect(
      zkClient.updateLeaderAndIsr(next, { epoch: 1, epochZkVersion: 0 }),
    ).rejects.toThrow(ControllerMovedException)
    expect(server.json('/brokers/topics/t/partitions/0/state')).toMatchObject({
      leader: 1,
      leader_epoch: 0,
    })
  })

  it('createTopicPartitionStatesRaw() reports states that exist', async () => {
    const { zkClient } = await startZk()
    await zkClient.createTopicAssignment('t', new Map([[0, [1]]]))
    await zkClient.createControllerEpochRaw(1)
    const states = new TopicPartitionMap([
      [tp, new LeaderIsrAndControllerEpoch(LeaderAndIsr.initial(1, [1]), 1)],
    ])
    expect(
      (await zkClient.createTopicPartitionStatesRaw(states, office)).get(tp),
    ).toBeUndefined()
    const again = await zkClient.createTopicPartitionStatesRaw(states, office)
    expect(again.get(tp)?.message).toContain('NODEEXISTS')
  })

  it('a replaced controller creates, changes and deletes nothing', async () => {
    const { server, zkClient } = await startZk()
    const state = new LeaderIsrAndControllerEpoch(LeaderAndIsr.initial(1, [1]), 1)
    const states = new TopicPartitionMap([[tp, state]])
    await zkClient.createTopicAssignment('t', new Map([[0, [1]]]))
    await zkClient.createPartitionReassignment(new TopicPartitionMap([[tp, [2]]]))
    await zkClient.createPreferredReplicaElection([tp])
    await zkClient.createDeleteTopicPath('t')
    await zkClient.propagateIsrChanges([tp])
    await zkClient.createControllerEpochRaw(1)
    await zkClient.setControllerEpochRaw(2, 0)
    const before = [...server.nodes.keys()]
    for (const write of [
      () => zkClient.createTopicPartitionStatesRaw(states, office),
      () => zkClient.setTopicAssignment('t', new Map([[0, [2]]]), office),
      () => zkClient.deleteTopicZNode('t', office),
      () => zkClient.setOrCreatePartitionReassignment(new TopicPartitionMap(), office),
      () => zkClient.deletePartitionReassignment(office),
      () => zkClient.deletePreferredReplicaElection(office),
      () => zkClient.deleteTopicDeletions(['t'], office),
      () => zkClient.deleteIsrChangeNotifications(office),
    ])
      await expect(write).rejects.toThrow(ControllerMovedException)
    expect([...server.nodes.keys()]).toEqual(before)
    expect(server.json('/brokers/topics/t')).toMatchObject({ partitions: { 0: [1] } })
  })

  it('notifications are numbered, read and deleted', async () => {
    const { server, zkClient } = await startZk()
    await zkClient.createControllerEpochRaw(1)
    await zkClient.propagateIsrChanges([tp])
    await zkClient.propagateLogDirEvent(3)
    expect(server.children('/isr_change_notification')).toEqual([
      'isr_change_0000000000',
    ])
    const numbers = await zkClient.getAllIsrChangeNotifications()
    expect(await zkClient.getPartitionsFromIsrChangeNotifications(numbers)).toEqual([
      tp,
    ])
    const events = await zkClient.getAllLogDirEventNotifications()
    expect(await zkClient.getBrokerIdsFromLogDirEvents(events)).toEqual([3])
    await zkClient.deleteIsrChangeNotifications(office, numbers)
    await zkClient.deleteLogDirEventNotifications(office)
    expect(server.children('/isr_change_notification')).toEqual([])
    expect(server.children('/log_dir_event_notification')).toEqual([])
  })

  it('setOrCreateEntityConfigs() creates, then overwrites', async () => {
    const { zkClient } = await startZk()
    expect(await zkClient.getEntityConfigs('topics', 't')).toEqual({})
    await zkClient.setOrCreateEntityConfigs('topics', 't', { a: '1' })
    await zkClient.setOrCreateEntityConfigs('topics', 't', { b: '2' })
    expect(await zkClient.getEntityConfigs('topics', 't')).toEqual({ b: '2' })
    expect(await zkClient.getAllEntitiesWithConfig('topics')).toEqual(['t'])
  })

  it('deleteRecursive() removes a topic with everything below', async () => {
    const { server, zkClient } = await startZk()
    await zkClient.createTopicAssignment('t', new Map([[0, [1]]]))
    await zkClient.createRecursive('/brokers/topics/t/partitions/0/state')
    await zkClient.deleteTopicZNode('t')
    expect(server.children('/brokers/topics')).toEqual([])
  })
})

describe('ReplicationUtils', () => {
  it('updateLeaderAndIsr() accepts its own write after a lost answer', async () => {
    const { server, zkClient } = await startZk()
    const initial = LeaderAndIsr.initial(1, [1, 2])
    await zkClient.createTopicAssignment('t', new Map([[0, [1, 2]]]))
    await zkClient.createControllerEpochRaw(1)
    await zkClient.createTopicPartitionStatesRaw(
      new TopicPartitionMap([[tp, new LeaderIsrAndControllerEpoch(initial, 1)]]),
      office,
    )
    loseAnswer(server, 'setData /brokers/topics/t/partitions/0/state')
    const shrunk = new LeaderAndIsr(1, 0, [1], 0)
    expect(await ReplicationUtils.updateLeaderAndIsr(zkClient, tp, shrunk, 1)).toEqual({
      updated: true,
      zkVersion: 1,
    })
    const stale = new LeaderAndIsr(1, 0, [1, 2], 0)
    expect(await ReplicationUtils.updateLeaderAndIsr(zkClient, tp, stale, 1)).toEqual({
      updated: false,
      zkVersion: -1,
    })
  })
})

describe('AdminZkClient', () => {
  async function startAdmin() {
    const zk = await startZk()
    for (const id of [1, 2, 3]) await zk.zkClient.registerBrokerInZk(brokerInfo(id))
    const admin = new AdminZkClient(zk.zkClient, { nextInt: () => 0 })
    return { ...zk, admin }
  }

  it('createTopic() writes the configuration before the assignment', async () => {
    const { server, admin } = await startAdmin()
    const created: string[] = []
    server.after = (operation, path) => {
      if (operation === 'create') created.push(path)
    }
    await admin.createTopic('t', 2, 2, { 'retention.ms': '1' })
    expect(created).toEqual(['/config/topics/t', '/brokers/topics/t'])
    expect(server.json('/brokers/topics/t')).toEqual({
      version: 1,
      partitions: { 0: [1, 2], 1: [2, 3] },
    })
    await expect(admin.createTopic('t', 1, 1)).rejects.toThrow('exists already')
  })

  it('createTopic() refuses names that collide, without writing anything', async () => {
    const { server, admin } = await startAdmin()
    await admin.createTopic('a.b', 1, 1)
    await expect(admin.createTopic('a_b', 1, 1)).rejects.toThrow('existing topics: a.b')
    await expect(admin.createTopic('x', 1, 4)).rejects.toThrow('replication factor: 4')
    expect(server.children('/config/topics')).toEqual(['a.b'])
  })

  it('createOrUpdateTopicPartitionAssignmentPathInZK() checks assignments', async () => {
    const { admin } = await startAdmin()
    const create = (assignment: [number, number[]][]) =>
      admin.createOrUpdateTopicPartitionAssignmentPathInZK('t', new Map(assignment))
    await expect(create([[0, [1, 1]]])).rejects.toThrow('names a broker twice')
    await expect(
      create([
        [0, [1]],
        [1, [1, 2]],
      ]),
    ).rejects.toThrow('same number of replicas')
  })

  it('addPartitions() deals on from where the topic began', async () => {
    const { server, zkClient, admin } = await startAdmin()
    await admin.createTopic('t', 1, 1)
    const existing = (await zkClient.getPartitionAssignmentForTopics(['t'])).get('t')!
    const brokers = await admin.getBrokerMetadatas()
    await admin.addPartitions('t', existing, brokers, 3)
    expect(server.json('/brokers/topics/t')).toEqual({
      version: 1,
      partitions: { 0: [1], 1: [2], 2: [3] },
    })
    const now = (await zkClient.getPartitionAssignmentForTopics(['t'])).get('t')!
    await expect(admin.addPartitions('t', now, brokers, 3)).rejects.toThrow('only grow')
    const bad = new Map([[3, [9]]])
    await expect(admin.addPartitions('t', now, brokers, 4, bad)).rejects.toThrow('dead')
  })

  it('deleteTopic() marks a topic once', async () => {
    const { server, admin } = await startAdmin()
    await admin.createTopic('t', 1, 1)
    await admin.deleteTopic('t')
    expect(server.text('/admin/delete_topics/t')).toBe('null')
    await expect(admin.deleteTopic('t')).rejects.toThrow(
      TopicAlreadyMarkedForDeletionException,
    )
    await expect(admin.deleteTopic('u')).rejects.toThrow('does not exist')
  })

  it('changeTopicConfig() writes the configuration, then the note', async () => {
    const { server, admin } = await startAdmin()
    await admin.createTopic('t', 1, 1)
    await admin.changeTopicConfig('t', { 'retention.ms': '5' })
    await admin.changeBrokerConfig(undefined, { x: 'y' })
    expect(server.json('/config/changes/config_change_0000000000')).toEqual({
      version: 2,
      entity_path: 'topics/t',
    })
    expect(server.json('/config/brokers/<default>')).toEqual({
      version: 1,
      config: { x: 'y' },
    })
    expect(await admin.getAllTopicConfigs()).toEqual(
      new Map([['t', { 'retention.ms': '5' }]]),
    )
  })
})
