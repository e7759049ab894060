import { afterEach, beforeEach, describe, expect, it, vi } from 'vitest'
import { Deferred } from '../../src/base/async/Deferred.ts'
import { Errors } from '../../src/base/errors.ts'
import { TopicPartition } from '../../src/base/TopicPartition.ts'
import { TopicPartitionMap } from '../../src/base/TopicPartitionMap.ts'
import { ReplicaWorld } from './replica-test-kit.ts'

const t0 = new TopicPartition('t', 0)

describe('ReplicaManager', () => {
  let world: ReplicaWorld
  beforeEach(async () => {
    world = await new ReplicaWorld().load()
  })
  afterEach(() => world.close())

  const partition = () => world.replicaManager.getPartition(t0)!
  const hw = () => partition().getReplica()!.highWatermark.messageOffset
  const isr = () => [...partition().inSyncReplicas].map((r) => r.brokerId).join()

  describe('appendRecords()', () => {
    it('answers at once when the leader is the whole ISR', async () => {
      await world.leaderAndIsr(t0)
      expect(world.produce(t0, ['a', 'b'])).toEqual(['NONE@0'])
      expect(world.produce(t0, ['c'], 1)).toEqual(['NONE@2'])
      expect(world.produce(t0, ['d'], 0)).toEqual(['NONE@3'])
      expect(hw()).toBe(4)
    })

    it('waits for the full ISR when acks=-1', async () => {
      await world.leaderAndIsr(t0, { isr: [1, 2], replicas: [1, 2] })
      const answers = world.produce(t0, ['a', 'b'])
      expect(answers).toEqual([])
      expect(hw()).toBe(0)

      // The follower reads the records: that it asks for 2 next says that it has them.
      world.fetch(t0, 0, { replicaId: 2 })
      expect(answers).toEqual([])
      world.fetch(t0, 2, { replicaId: 2 })
      expect(answers).toEqual(['NONE@0'])
      expect(hw()).toBe(2)
    })

    it('answers REQUEST_TIMED_OUT when the followers take too long', async () => {
      await world.leaderAndIsr(t0, { isr: [1, 2], replicas: [1, 2] })
      const answers = world.produce(t0, ['a'])
      await world.clock.advance(999)
      expect(answers).toEqual([])
      await world.clock.advance(2)
      expect(answers).toEqual(['REQUEST_TIMED_OUT@0'])
      const { produces, producesByPartition } = world.replicaManager.expirations
      expect([produces, producesByPartition.get(t0)]).toEqual([1, 1])
    })

    it('refuses what it cannot take, partition by partition', async () => {
      await world.leaderAndIsr(t0)
      const unknown = new TopicPartition('nowhere', 0)
      expect(world.produce(unknown, ['a'])).toEqual(['UNKNOWN_TOPIC_OR_PARTITION@-1'])
      expect(world.produce(t0, ['a'], 2)).toEqual(['INVALID_REQUIRED_ACKS@-1'])
      const internal = new TopicPartition('__consumer_offsets', 0)
      expect(world.produce(internal, ['a'])).toEqual(['INVALID_TOPIC_EXCEPTION@-1'])
    })

    it('refuses acks=-1 when the ISR is smaller than min.insync.replicas', async () => {
      world.zk.topicConfigs.set('t', { 'min.insync.replicas': '2' })
      await world.leaderAndIsr(t0)
      expect(world.produce(t0, ['a'])).toEqual(['NOT_ENOUGH_REPLICAS@-1'])
      expect(world.produce(t0, ['a'], 1)).toEqual(['NONE@0'])
    })

    it('answers NOT_LEADER_FOR_PARTITION when leadership goes while it waits', async () => {
      await world.leaderAndIsr(t0, { isr: [1, 2], replicas: [1, 2] })
      const answers = world.produce(t0, ['a'])
      await world.leaderAndIsr(t0, { leader: 2, leaderEpoch: 1, isr: [2, 1] })
      expect(answers).toEqual(['NOT_LEADER_FOR_PARTITION@0'])
    })
  })

  describe('fetchMessages()', () => {
    it('answers with what is below the high watermark', async () => {
      await world.leaderAndIsr(t0, { isr: [1, 2], replicas: [1, 2] })
      world.produce(t0, ['a', 'b'], 1)
      const consumer = world.fetch(t0, 0, { timeout: 0 })
      expect(consumer[0]!.records.sizeInBytes).toBe(0)
      const follower = world.fetch(t0, 0, { replicaId: 2, timeout: 0 })
      expect(follower[0]!.records.sizeInBytes).toBeGreaterThan(0)
      world.fetch(t0, 2, { replicaId: 2, timeout: 0 })
      const again = world.fetch(t0, 0, { timeout: 0 })
      expect(again[0]!.records.sizeInBytes).toBeGreaterThan(0)
      expect(again[0]!.highWatermark).toBe(2)
    })

    it('waits for min bytes and is completed by an append', async () => {
      await world.leaderAndIsr(t0)
      const answers = world.fetch(t0, 0, { minBytes: 200 })
      world.produce(t0, ['a'])
      expect(answers).toEqual([])
      world.produce(t0, ['b'.repeat(200)])
      expect(answers).toHaveLength(1)
      expect(answers[0]!.records.sizeInBytes).toBeGreaterThan(200)
    })

    it('is completed for a follower by the append itself, before the HW moves', async () => {
      await world.leaderAndIsr(t0, { isr: [1, 2], replicas: [1, 2] })
      const follower = world.fetch(t0, 0, { replicaId: 2 })
      const consumer = world.fetch(t0, 0)
      world.produce(t0, ['a'], 1)
      expect(follower).toHaveLength(1)
      expect(consumer).toHaveLength(0)
      expect(hw()).toBe(0)
    })

    it('expires by the clock and answers with what there is', async () => {
      await world.leaderAndIsr(t0)
      world.produce(t0, ['a'])
      const answers = world.fetch(t0, 0, { minBytes: 100_000, timeout: 500 })
      await world.clock.advance(499)
      expect(answers).toEqual([])
      await world.clock.advance(2)
      expect(answers).toHaveLength(1)
      expect(answers[0]!.records.sizeInBytes).toBeGreaterThan(0)

      // It counts as one of a consumer.
      const { consumerFetches, followerFetches } = world.replicaManager.expirations
      expect([consumerFetches, followerFetches]).toEqual([1, 0])
    })

    it('answers at once when something is wrong', async () => {
      await world.leaderAndIsr(t0)
      expect(world.fetch(t0, 7)[0]!.error).toBe(Errors.OFFSET_OUT_OF_RANGE)
      const unknown = world.fetch(new TopicPartition('nowhere', 0), 0)
      expect(unknown[0]!.error).toBe(Errors.UNKNOWN_TOPIC_OR_PARTITION)
    })

    it('gives nothing to a broker that has no replica', async () => {
      await world.leaderAndIsr(t0)
      world.produce(t0, ['a'])
      const answers = world.fetch(t0, 0, { replicaId: 9, timeout: 0 })
      expect(answers[0]!.records.sizeInBytes).toBe(0)
    })
  })

  describe('becomeLeaderOrFollower()', () => {
    it('waits for no disk; the first record of a reign does, once', async () => {
      const strike = vi.spyOn(world.platform.storage, 'strike')
      const syncs = () => strike.mock.calls.filter(([what]) => what === 'sync').length
      await world.leaderAndIsr(t0)
      expect(syncs()).toBe(0)
      world.produce(t0, ['a'])
      const withFirst = syncs()
      expect(withFirst).toBeGreaterThan(0)
      world.produce(t0, ['b'])
      expect(syncs()).toBe(withFirst)
    })

    it('refuses an older controller and an epoch that is not newer', async () => {
      const first = await world.leaderAndIsr(t0, {}, 5)
      expect(first).toMatchObject({ error: 0, partitionError: 0, leaders: ['t-0'] })
      const older = await world.leaderAndIsr(t0, { leaderEpoch: 9 }, 4)
      expect(older).toMatchObject({ error: 11, partitionError: 11, leaders: [] })
      const same = await world.leaderAndIsr(t0, {}, 5)
      expect(same).toMatchObject({ error: 0, partitionError: 11, leaders: [] })
    })

    it('refuses a partition that is not assigned here, and holds it offline', async () => {
      const answer = await world.leaderAndIsr(t0, {
        leader: 2,
        isr: [2],
        replicas: [2],
      })
      expect(answer.partitionError).toBe(Errors.UNKNOWN_TOPIC_OR_PARTITION.code)
      expect(partition().isOffline).toBe(true)
      expect(world.produce(t0, ['a'])).toEqual(['KAFKA_STORAGE_ERROR@-1'])
    })

    it('tells only of leaders that changed', async () => {
      await world.leaderAndIsr(t0)
      const bump = await world.leaderAndIsr(t0, { leaderEpoch: 1 })
      expect(bump).toMatchObject({ partitionError: 0, leaders: [], followers: [] })
      const follow = await world.leaderAndIsr(t0, { leader: 2, leaderEpoch: 2 })
      expect(follow.followers).toEqual(['t-0'])
    })

    it('makeFollowers() fetches from the new leader, from the high watermark', async () => {
      await world.leaderAndIsr(t0, { isr: [1, 2], replicas: [1, 2] })
      world.produce(t0, ['a', 'b', 'c'], 1)
      await world.leaderAndIsr(t0, { leader: 2, leaderEpoch: 1, isr: [2, 1] })
      const threads = [...world.replicaManager.replicaFetcherManager.fetcherThreadMap]
      expect(threads.map(([key]) => key)).toEqual(['2-0'])
      const state = threads[0]![1].stateOf(t0)
      expect(state).toMatchObject({ fetchOffset: 0, truncatingLog: true })
      expect(isr()).toBe('')

      // Leading again, it stops following.
      await world.leaderAndIsr(t0, { leader: 1, leaderEpoch: 2, isr: [1] })
      expect(world.replicaManager.replicaFetcherManager.fetcherThreadMap.size).toBe(0)
      expect(hw()).toBe(3)
    })

    it('begins anew under the same leader when it missed an epoch between', async () => {
      const of = { leader: 2, isr: [2, 1], replicas: [1, 2] }
      await world.leaderAndIsr(t0, of)
      const next = await world.leaderAndIsr(t0, { ...of, leaderEpoch: 1 })
      expect(next.followers).toEqual([])
      const later = await world.leaderAndIsr(t0, { ...of, leaderEpoch: 3 })
      expect(later.followers).toEqual(['t-0'])
    })

    it('makeFollowers() makes the copy but fetches nothing from a dead leader', async () => {
      world.aliveBrokers = [1]
      const answer = await world.leaderAndIsr(t0, {
        leader: 2,
        isr: [2],
        replicas: [1, 2],
      })
      expect(answer).toMatchObject({ partitionError: 0, followers: [] })
      expect(world.replicaManager.getReplica(t0)).toBeDefined()
      expect(world.replicaManager.replicaFetcherManager.fetcherThreadMap.size).toBe(0)
    })

    it('keeps the high watermark of a new leader until the ISR has fetched', async () => {
      await world.leaderAndIsr(t0, { isr: [1, 2], replicas: [1, 2] })
      world.produce(t0, ['a'], 1)
      expect(hw()).toBe(0)
      world.fetch(t0, 1, { replicaId: 2, timeout: 0 })
      expect(hw()).toBe(1)
    })
  })

  describe('the in-sync set', () => {
    it('maybeShrinkIsr() drops a laggard and lets the high watermark go on', async () => {
      world.replicaManager.startup()
      await world.leaderAndIsr(t0, { isr: [1, 2], replicas: [1, 2] })
      const answers = world.produce(t0, ['a'])
      await world.clock.advance(16_000)
      expect(answers).toEqual(['REQUEST_TIMED_OUT@0'])
      expect(isr()).toBe('1')
      expect(hw()).toBe(1)
      expect(world.zk.stateWrites).toHaveLength(1)
      expect(world.zk.stateWrites[0]!.version).toBe(0)
      expect(JSON.parse(world.zk.stateWrites[0]!.data).isr).toEqual([1])

      // The controller is told once the changes have settled.
      await world.clock.advance(8000)
      expect(world.zk.notifications).toEqual(['t-0'])
    })

    it('maybeExpandIsr() lets a follower in once it has the high watermark', async () => {
      await world.leaderAndIsr(t0, { isr: [1], replicas: [1, 2] })
      world.produce(t0, ['a', 'b'])
      world.fetch(t0, 0, { replicaId: 2, timeout: 0 })
      await world.clock.settle()
      expect(isr()).toBe('1')
      world.fetch(t0, 2, { replicaId: 2, timeout: 0 })
      await world.clock.settle()
      expect(isr()).toBe('1,2')
    })

    it('maybeExpandIsr() waits for all that the leader had when its reign began', async () => {
      // Broker 1 has both records; its high watermark lags when its next reign begins.
      await world.leaderAndIsr(t0, { isr: [1, 2, 3], replicas: [1, 2, 3] })
      world.produce(t0, ['a'])
      world.produce(t0, ['b'])
      const again = { leaderEpoch: 1, isr: [1, 2], replicas: [1, 2, 3] }
      await world.leaderAndIsr(t0, again)
      expect(hw()).toBe(0)
      world.fetch(t0, 1, { replicaId: 3, timeout: 0 })
      await world.clock.settle()
      expect(isr()).toBe('1,2')
      world.fetch(t0, 2, { replicaId: 3, timeout: 0 })
      await world.clock.settle()
      expect(isr()).toBe('1,2,3')
    })

    it('a new leader knows its epoch before its first record', async () => {
      await world.leaderAndIsr(t0)
      world.produce(t0, ['a'])
      await world.leaderAndIsr(t0, { leaderEpoch: 4 })
      const end = (epoch: number) =>
        partition().lastOffsetForLeaderEpoch(epoch).endOffset
      expect([end(0), end(3), end(4)]).toEqual([1, 1, 1])
    })

    it('the high watermark waits for a follower that is being let in', async () => {
      await world.leaderAndIsr(t0, { isr: [1], replicas: [1, 2] })
      world.produce(t0, ['a'])
      const gate = new Deferred()
      world.zk.gate = gate.promise
      world.fetch(t0, 1, { replicaId: 2, timeout: 0 })

      // ZooKeeper may have taken the new set already: appends go on, the mark does not,
      // however long the follower is silent.
      await world.clock.advance(20_000)
      const answers = world.produce(t0, ['b'])
      expect([hw(), answers.length]).toEqual([1, 0])
      gate.resolve()
      await world.clock.settle()
      expect(isr()).toBe('1,2')
      world.fetch(t0, 2, { replicaId: 2, timeout: 0 })
      expect(answers).toEqual(['NONE@1'])
    })

    it('updateIsr() keeps the old set when the controller was faster', async () => {
      await world.leaderAndIsr(t0, { isr: [1], replicas: [1, 2] })
      world.zk.accept = false
      world.fetch(t0, 0, { replicaId: 2, timeout: 0 })
      await world.clock.settle()
      expect(isr()).toBe('1')
      const { failedIsrUpdates, isrExpands } = world.replicaManager
      expect([failedIsrUpdates, isrExpands]).toEqual([1, 0])
    })
  })

  describe('stopReplicas(), deleteRecords(), checkpoints', () => {
    const stop = (deletePartitions: boolean, controllerEpoch = 1) =>
      world.replicaManager.stopReplicas({
        controllerId: 1,
        controllerEpoch,
        deletePartitions,
        ungroupedPartitions: [{ topicName: 't', partition: 0 }],
      })

    it('stopReplicas() keeps or deletes the copy', async () => {
      await world.leaderAndIsr(t0, {}, 3)
      expect((await stop(true, 2)).error).toBe(Errors.STALE_CONTROLLER_EPOCH)
      expect((await stop(false, 3)).responses.get(t0)).toBe(Errors.NONE)
      expect(partition().leaderReplicaIfLocal).toBeDefined()
      expect((await stop(true, 3)).responses.get(t0)).toBe(Errors.NONE)
      expect(world.replicaManager.getPartition(t0)).toBeUndefined()
      expect(world.logManager.getLog(t0)).toBeUndefined()
    })

    it('deleteRecords() waits until the followers have deleted, too', async () => {
      await world.leaderAndIsr(t0)
      world.produce(t0, ['a'])
      world.produce(t0, ['b'])
      const marks: number[] = []
      const wanted = new TopicPartitionMap<number>().set(t0, -1)
      world.replicaManager.deleteRecords(1000, wanted, (results) => {
        marks.push(results.get(t0)!.lowWatermark)
      })
      expect(marks).toEqual([2])
      expect(world.fetch(t0, 0)[0]!.error).toBe(Errors.OFFSET_OUT_OF_RANGE)
    })

    it('deleteRecords() counts partitions whose followers have not in time', async () => {
      await world.leaderAndIsr(t0, { isr: [1, 2], replicas: [1, 2] })
      world.produce(t0, ['a'], 1)
      world.fetch(t0, 1, { replicaId: 2, timeout: 0 })
      const answers: string[] = []
      const wanted = new TopicPartitionMap<number>().set(t0, 1)
      world.replicaManager.deleteRecords(1000, wanted, (results) => {
        answers.push(results.get(t0)!.error.name)
      })
      await world.clock.advance(1001)
      expect(answers).toEqual(['REQUEST_TIMED_OUT'])
      expect(world.replicaManager.expirations.deleteRecords).toBe(1)
    })

    it('checkpointHighWatermarks() is what a restarted broker begins with', async () => {
      await world.leaderAndIsr(t0)
      world.produce(t0, ['a', 'b'])
      world.replicaManager.checkpointHighWatermarks()
      const text = world.platform.storage
        .readFile('/data/replication-offset-checkpoint')
        .toString()
      expect(text).toBe('0\n1\nt 0 2\n')
    })
  })
})
