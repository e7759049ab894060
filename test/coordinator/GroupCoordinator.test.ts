import { afterEach, beforeEach, describe, expect, it } from 'vitest'
import { Errors } from '../../src/base/errors.ts'
import { TopicPartition } from '../../src/base/TopicPartition.ts'
import { TopicPartitionMap } from '../../src/base/TopicPartitionMap.ts'
import { GroupCoordinator } from '../../src/coordinator/group/GroupCoordinator.ts'
import type { GroupCoordinatorConfig } from '../../src/coordinator/group/GroupCoordinatorConfig.ts'
import { readMessageKey } from '../../src/coordinator/group/group-messages.ts'
import type { JoinGroupResult } from '../../src/coordinator/group/MemberMetadata.ts'
import type { OffsetAndMetadata } from '../../src/coordinator/group/OffsetAndMetadata.ts'
import type { FileRecords } from '../../src/log/FileRecords.ts'
import { CompressionType } from '../../src/record/CompressionType.ts'
import { MemoryRecords } from '../../src/record/MemoryRecords.ts'
import { ReplicaWorld } from '../replica/replica-test-kit.ts'

const config: GroupCoordinatorConfig = {
  brokerId: 1,
  groupMinSessionTimeoutMs: 6000,
  groupMaxSessionTimeoutMs: 300_000,
  groupInitialRebalanceDelay: 3000,
  offsetMetadataMaxSize: 4096,
  offsetsLoadBufferSize: 5 * 1024 * 1024,
  offsetsRetentionMinutes: 1440,
  offsetsRetentionCheckIntervalMs: 600_000,
  offsetsTopicPartitions: 1,
  offsetsTopicSegmentBytes: 104_857_600,
  offsetCommitTimeoutMs: 5000,
  offsetsTopicCompressionCodec: 0,
  offsetCommitRequiredAcks: -1,
}
const offsets0 = new TopicPartition('__consumer_offsets', 0)
const t0 = new TopicPartition('t', 0)
const t1 = new TopicPartition('t', 1)

describe('GroupCoordinator', () => {
  let world: ReplicaWorld
  let coordinator: GroupCoordinator
  const open = async (settings = config) => {
    coordinator = new GroupCoordinator({
      config: settings,
      replicaManager: world.replicaManager,
      zkClient: world.zk,
      platform: world.platform,
    })
    await coordinator.startup()
  }
  const immigrate = async () => {
    coordinator.handleGroupImmigration(0)
    await world.clock.advance(1)
  }
  beforeEach(async () => {
    world = await new ReplicaWorld().load()
    await world.leaderAndIsr(offsets0)
    await open()
    await immigrate()
  })
  afterEach(async () => {
    await coordinator.shutdown()
    await world.close()
  })

  /** Joins; the answer appears in the list when it comes. */
  const join = (memberId = '', clientId = 'c', subscription = 's', groupId = 'g') => {
    const answers: JoinGroupResult[] = []
    coordinator.handleJoinGroup({
      groupId,
      memberId,
      clientId,
      clientHost: '/127.0.0.1',
      rebalanceTimeoutMs: 60_000,
      sessionTimeoutMs: 10_000,
      protocolType: 'consumer',
      protocols: [{ name: 'range', metadata: Buffer.from(subscription) }],
      responseCallback: (result) => answers.push(result),
    })
    return answers
  }
  const sync = (
    memberId: string,
    generation: number,
    plan: Record<string, string> = {},
  ) => {
    const answers: string[] = []
    const assignment = new Map(
      Object.entries(plan).map(([id, text]) => [id, Buffer.from(text)]),
    )
    coordinator.handleSyncGroup('g', generation, memberId, assignment, (bytes, error) =>
      answers.push(`${error.name}:${bytes}`),
    )
    return answers
  }
  const heartbeat = (memberId: string, generation: number) => {
    let answer = ''
    coordinator.handleHeartbeat('g', memberId, generation, (error) => {
      answer = error.name
    })
    return answer
  }
  const commit = (offsets: Record<string, number>, memberId = '', generation = -1) => {
    const now = world.clock.now()
    const map = new TopicPartitionMap<OffsetAndMetadata>()
    for (const [partition, offset] of Object.entries(offsets)) {
      map.set(new TopicPartition('t', Number(partition)), {
        offset,
        metadata: 'm',
        commitTimestamp: now,
        expireTimestamp: now + 86_400_000,
      })
    }
    const answers: string[] = []
    coordinator.handleCommitOffsets('g', memberId, generation, map, (errors) => {
      for (const [tp, error] of errors) answers.push(`${tp} ${error.name}`)
    })
    return answers
  }
  const committed = (tp: TopicPartition) =>
    coordinator.handleFetchOffsets('g', [tp]).offsets.get(tp)?.offset

  /** Two members in a stable group; `a` leads. */
  const stableGroup = async () => {
    const a = join('', 'a')
    const b = join('', 'b')
    await world.clock.advance(6001)
    const [first, second] = [a[0]!, b[0]!]
    const waiting = sync(second.memberId, 1)
    sync(first.memberId, 1, { [first.memberId]: 'A', [second.memberId]: 'B' })
    expect(waiting).toEqual(['NONE:B'])
    return { a: first.memberId, b: second.memberId }
  }
  const state = () => coordinator.handleDescribeGroup('g').summary.state

  it('handleJoinGroup() lets two members into the first generation', async () => {
    const a = join('', 'a', 'sub-a')
    const b = join('', 'b', 'sub-b')

    // The first wait is 3 s, and once more because somebody came.
    await world.clock.advance(3001)
    expect([a, b]).toEqual([[], []])
    await world.clock.advance(3000)
    expect(a[0]).toMatchObject({ generationId: 1, subProtocol: 'range' })
    expect(b[0]!.error).toBe(Errors.NONE)
    expect(a[0]!.memberId).toMatch(/^a-[0-9a-f-]{36}$/)

    // Only the leader learns what the others said.
    expect(a[0]!.leaderId).toBe(a[0]!.memberId)
    expect(b[0]!.leaderId).toBe(a[0]!.memberId)
    expect([...a[0]!.members.values()].map(String)).toEqual(['sub-a', 'sub-b'])
    expect(b[0]!.members.size).toBe(0)
    expect(state()).toBe('CompletingRebalance')
  })

  it('handleSyncGroup() answers all when the leader has assigned', async () => {
    const { a, b } = await stableGroup()
    expect(state()).toBe('Stable')
    expect(sync(a, 1)).toEqual(['NONE:A'])
    expect(sync(b, 2)).toEqual(['ILLEGAL_GENERATION:'])
    expect(sync('stranger', 1)).toEqual(['UNKNOWN_MEMBER_ID:'])
    const { summary } = coordinator.handleDescribeGroup('g')
    expect(summary.members.map((m) => `${m.metadata}${m.assignment}`)).toEqual([
      'sA',
      'sB',
    ])
    expect(coordinator.handleListGroups().groups).toEqual([
      { groupId: 'g', protocolType: 'consumer' },
    ])
  })

  it('a third member makes the others join again', async () => {
    const { a, b } = await stableGroup()
    const c = join('', 'c')
    expect(heartbeat(a, 1)).toBe('REBALANCE_IN_PROGRESS')
    const againA = join(a, 'a')
    expect([...againA, ...c]).toEqual([])
    const againB = join(b, 'b')
    expect([againA[0], againB[0], c[0]].map((r) => r!.generationId)).toEqual([2, 2, 2])
    expect(againA[0]!.members.size).toBe(3)
    expect(heartbeat(a, 2)).toBe('REBALANCE_IN_PROGRESS')
  })

  it('a follower that joins again with nothing new is answered at once', async () => {
    const { a, b } = await stableGroup()
    expect(join(b, 'b')[0]).toMatchObject({ generationId: 1, memberId: b })
    expect(state()).toBe('Stable')
    expect(join(a, 'a')).toEqual([])
    expect(state()).toBe('PreparingRebalance')
  })

  it('a member that is silent is removed when its session is over', async () => {
    const { a, b } = await stableGroup()
    await world.clock.advance(9000)
    expect(heartbeat(a, 1)).toBe('NONE')
    await world.clock.advance(1001)

    // `b` has failed: `a` joins again and is alone.
    expect(heartbeat(b, 1)).toBe('UNKNOWN_MEMBER_ID')
    expect(heartbeat(a, 1)).toBe('REBALANCE_IN_PROGRESS')
    const again = join(a, 'a')
    expect(again[0]).toMatchObject({ generationId: 2, leaderId: a })
    expect([...again[0]!.members.keys()]).toEqual([a])
  })

  it('a rebalance goes on without a member whose session ends', async () => {
    const { a } = await stableGroup()
    const again = join(a, 'a')
    await world.clock.advance(5000)
    expect(again.length).toBe(0)
    await world.clock.advance(5001)
    expect(again[0]!.generationId).toBe(2)
  })

  it('handleLeaveGroup() hands the lead on, and the last one leaves an empty group', async () => {
    const { a, b } = await stableGroup()
    const errors: string[] = []
    coordinator.handleLeaveGroup('g', a, (error) => errors.push(error.name))
    coordinator.handleLeaveGroup('g', a, (error) => errors.push(error.name))
    expect(errors).toEqual(['NONE', 'UNKNOWN_MEMBER_ID'])
    const again = join(b, 'b')
    expect(again[0]!.leaderId).toBe(b)
    sync(b, 2, { [b]: 'all' })
    coordinator.handleLeaveGroup('g', b, () => {})
    await world.clock.advance(1)
    expect(state()).toBe('Empty')
  })

  it('who was dropped from a rebalance does not disturb the others later', async () => {
    const { a, b } = await stableGroup()
    const again = join(a, 'a')
    for (let waited = 0; waited < 60_000; waited += 5000) {
      // The other shows that it lives, and does not join.
      heartbeat(b, 1)
      await world.clock.advance(5000)
    }
    expect(again[0]).toMatchObject({ error: Errors.NONE, generationId: 2 })
    sync(a, 2, { [a]: 'all' })
    expect(state()).toBe('Stable')
    for (let waited = 0; waited < 20_000; waited += 5000) {
      expect(heartbeat(a, 2)).toBe('NONE')
      await world.clock.advance(5000)
    }
  })

  it('refuses at the door', async () => {
    expect(join('stranger')[0]!.error).toBe(Errors.UNKNOWN_MEMBER_ID)
    expect(join('', 'c', 's', '')[0]!.error).toBe(Errors.INVALID_GROUP_ID)
    await coordinator.shutdown()
    expect(join()[0]!.error).toBe(Errors.COORDINATOR_NOT_AVAILABLE)
    await open()
    expect(join()[0]!.error).toBe(Errors.NOT_COORDINATOR)
    expect(heartbeat('x', 1)).toBe('NOT_COORDINATOR')
    expect(coordinator.handleFetchOffsets('g').error).toBe(Errors.NOT_COORDINATOR)
  })

  describe('offsets', () => {
    it('handleCommitOffsets() takes offsets of a client without a group', () => {
      expect(commit({ 0: 17, 1: 4 })).toEqual(['t-0 NONE', 't-1 NONE'])
      expect([committed(t0), committed(t1)]).toEqual([17, 4])
      expect(committed(new TopicPartition('t', 9))).toBe(-1)
      const all = coordinator.handleFetchOffsets('g').offsets
      expect([...all.keys()].map(String)).toEqual(['t-0', 't-1'])
    })

    it('handleCommitOffsets() takes offsets of members of this generation', async () => {
      const { a } = await stableGroup()
      expect(commit({ 0: 5 }, a, 1)).toEqual(['t-0 NONE'])
      expect(commit({ 0: 6 }, a, 0)).toEqual(['t-0 ILLEGAL_GENERATION'])
      expect(commit({ 0: 6 }, 'stranger', 1)).toEqual(['t-0 UNKNOWN_MEMBER_ID'])
      expect(commit({ 0: 6 })).toEqual(['t-0 UNKNOWN_MEMBER_ID'])
      expect(committed(t0)).toBe(5)
    })

    it('handleCommitOffsets() refuses too long a text and takes the rest', () => {
      const offset = { offset: 1, commitTimestamp: 0, expireTimestamp: 1e15 }
      const map = new TopicPartitionMap<OffsetAndMetadata>()
        .set(t0, { ...offset, metadata: 'x'.repeat(4097) })
        .set(t1, { ...offset, metadata: 'x' })
      const answers: string[] = []
      coordinator.handleCommitOffsets('g', '', -1, map, (errors) => {
        for (const error of errors.values()) answers.push(error.name)
      })
      expect(answers).toEqual(['OFFSET_METADATA_TOO_LARGE', 'NONE'])
    })

    it('an offset is not seen before enough copies have it', async () => {
      await world.leaderAndIsr(offsets0, { leaderEpoch: 1, isr: [1, 2] })
      const answers = commit({ 0: 3 })
      expect([answers, committed(t0)]).toEqual([[], -1])
      world.fetch(offsets0, 1, { replicaId: 2, timeout: 0 })
      expect([answers, committed(t0)]).toEqual([['t-0 NONE'], 3])

      // A commit that times out is not seen at all.
      const late = commit({ 0: 4 })
      await world.clock.advance(5001)
      expect([late, committed(t0)]).toEqual([['t-0 REQUEST_TIMED_OUT'], 3])
    })

    it('a new coordinator reads groups and offsets back from the log', async () => {
      const { a, b } = await stableGroup()
      commit({ 0: 5 }, a, 1)
      commit({ 0: 7 }, a, 1)
      await coordinator.shutdown()
      await open()
      expect(coordinator.handleFetchOffsets('g').error).toBe(Errors.NOT_COORDINATOR)
      await immigrate()
      expect(committed(t0)).toBe(7)
      expect(state()).toBe('Stable')
      expect(sync(b, 1)).toEqual(['NONE:B'])

      // Whoever does not show up within its session is removed.
      await world.clock.advance(9000)
      expect(heartbeat(a, 1)).toBe('NONE')
      await world.clock.advance(2000)
      expect(heartbeat(b, 1)).toBe('UNKNOWN_MEMBER_ID')
    })

    it('handleGroupEmigration() sends everyone away', async () => {
      const { a } = await stableGroup()
      const waiting = join(a, 'a')
      coordinator.handleGroupEmigration(0)
      await world.clock.advance(1)
      expect(waiting[0]!.error).toBe(Errors.NOT_COORDINATOR)
      expect(heartbeat(a, 1)).toBe('NOT_COORDINATOR')
      expect(coordinator.handleListGroups().groups).toEqual([])
    })

    it('cleanupGroupMetadata() forgets old offsets, writes tombstones, buries the group', async () => {
      commit({ 0: 5 })
      await world.clock.advance(86_400_000 + 600_001)
      expect(committed(t0)).toBe(-1)
      expect(coordinator.handleListGroups().groups).toEqual([])
      const read = world.logManager
        .getLog(offsets0)!
        .read(0, 1e6, undefined, true, 'READ_UNCOMMITTED')
      const records = read.records
      const all = records instanceof MemoryRecords ? records : records.toMemoryRecords()
      const last = [...all.records()].at(-1)!
      expect(last.value).toBeNull()
      expect(readMessageKey(last.key!)).toMatchObject({ kind: 'offset', group: 'g' })
    })

    it('handleDeletedPartitions() forgets what was committed for them', () => {
      commit({ 0: 5, 1: 6 })
      coordinator.handleDeletedPartitions([t0])
      expect([committed(t0), committed(t1)]).toEqual([-1, 6])
    })

    it('handleDeleteGroups() deletes only groups without members', async () => {
      commit({ 0: 5 })
      const errors = coordinator.handleDeleteGroups(['g', 'nobody'])
      expect([...errors].map(([g, e]) => `${g} ${e.name}`)).toEqual([
        'g NONE',
        'nobody GROUP_ID_NOT_FOUND',
      ])
      expect(committed(t0)).toBe(-1)
      await stableGroup()
      expect(coordinator.handleDeleteGroups(['g']).get('g')).toBe(
        Errors.NON_EMPTY_GROUP,
      )
    })

    it('transactional commits wait for their marker', async () => {
      const producer = { producerId: 7n, producerEpoch: 0 }
      const offset = { metadata: '', commitTimestamp: 0, expireTimestamp: 1e15 }
      const offsets = new TopicPartitionMap<OffsetAndMetadata>()
      offsets.set(t0, { ...offset, offset: 9 })
      const answers: string[] = []
      coordinator.handleTxnCommitOffsets('g', producer, offsets, (errors) => {
        for (const error of errors.values()) answers.push(error.name)
      })
      expect([answers, committed(t0)]).toEqual([['NONE'], -1])
      coordinator.scheduleHandleTxnCompletion(7n, [offsets0], true)
      await world.clock.advance(1)
      expect(committed(t0)).toBe(9)
    })

    it('a commit that cannot be written does no harm to the others of its transaction', async () => {
      const offset = { metadata: '', commitTimestamp: 0, expireTimestamp: 1e15 }
      const offsets = (tp: TopicPartition, value: number) =>
        new TopicPartitionMap<OffsetAndMetadata>().set(tp, { ...offset, offset: value })
      const send = (tp: TopicPartition, value: number, producerEpoch: number) => {
        const producer = { producerId: 7n, producerEpoch }
        const commit = offsets(tp, value)
        coordinator.handleTxnCommitOffsets('g', producer, commit, () => {})
      }
      send(t0, 9, 0)
      expect(() => send(t0, 8, -1)).toThrow()
      coordinator.scheduleHandleTxnCompletion(7n, [offsets0], true)
      await world.clock.advance(1)
      expect(committed(t0)).toBe(9)
    })

    it('packs its batches as offsets.topic.compression.codec says', async () => {
      await coordinator.shutdown()
      await open({ ...config, offsetsTopicCompressionCodec: 1 })
      await immigrate()
      expect(commit({ 0: 5 })).toEqual(['t-0 NONE'])
      const log = world.replicaManager.getLog(offsets0)!
      const { records } = log.read(0, 10_000, undefined, true, 'READ_UNCOMMITTED')
      const [batch] = (records as FileRecords).toMemoryRecords().batches()
      expect(batch?.compressionType).toBe(CompressionType.GZIP)
      expect(committed(t0)).toBe(5)
    })
  })
})
