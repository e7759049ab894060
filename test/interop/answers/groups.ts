/** Questions to the coordinator of groups: offsets, members in every state, the end. */
import { DeleteGroups } from '../../../src/protocol/messages/DeleteGroups.ts'
import { DescribeGroups } from '../../../src/protocol/messages/DescribeGroups.ts'
import { FindCoordinator } from '../../../src/protocol/messages/FindCoordinator.ts'
import { Heartbeat } from '../../../src/protocol/messages/Heartbeat.ts'
import { JoinGroup } from '../../../src/protocol/messages/JoinGroup.ts'
import { LeaveGroup } from '../../../src/protocol/messages/LeaveGroup.ts'
import { ListGroups } from '../../../src/protocol/messages/ListGroups.ts'
import { OffsetCommit } from '../../../src/protocol/messages/OffsetCommit.ts'
import { OffsetFetch } from '../../../src/protocol/messages/OffsetFetch.ts'
import { SyncGroup } from '../../../src/protocol/messages/SyncGroup.ts'
import { type Answers, type BrokerPair, versionsOf } from './BrokerPair.ts'

type Side = 'ours' | 'apache'

/** Asks all of it. */
export async function groups(pair: BrokerPair): Promise<void> {
  await pair.createTopics(['kept', 2])
  for (const [key, keyType, versions] of [
    ...([
      ['g', 0, [0, 1]],
      ['', 0, [0, 1]],
      ['t', 1, [1]],
      ['', 1, [1]],
    ] as const),
    ...([
      ['x', 2, [1]],
      ['x', -1, [1]],
    ] as const),
  ]) {
    await pair.compare(
      `"${key}"/${keyType}`,
      FindCoordinator,
      { key, keyType },
      versions,
    )
  }
  await commits(pair)
  await committed(pair)
  await strangers(pair)
  await members(pair)
  await ends(pair)
}

async function commits(pair: BrokerPair): Promise<void> {
  const ask = (
    name: string,
    groupId: string,
    wanted: readonly (readonly [string, number, number, (string | null)?])[],
    extra: object = {},
    versions?: readonly number[],
  ) => {
    const topics = wanted.map(
      ([topic, partition, committedOffset, metadata = 'm']) => ({
        name: topic,
        partitions: [
          {
            partition,
            committedOffset,
            commitTimestamp: -1,
            committedMetadata: metadata,
          },
        ],
      }),
    )
    const body = {
      groupId,
      generationId: -1,
      memberId: '',
      retentionTimeMs: -1,
      topics,
    }
    return pair.compare(name, OffsetCommit, { ...body, ...extra }, versions)
  }
  const members = versionsOf(OffsetCommit, 1)
  const long = 'x'.repeat(4097)
  await ask('of one', 'g', [['kept', 0, 5]])
  await ask('with null', 'g', [['kept', 1, 6, null]])
  await ask('with 4,096 bytes', 'g', [['kept', 0, 7, long.slice(1)]])
  await ask('with 4,097 bytes', 'g', [['kept', 0, 8, long]])
  await ask('with too many and few', 'g', [
    ['kept', 0, 9, long],
    ['kept', 1, 8],
  ])
  await ask('of -5', 'g', [['kept', 0, -5]])
  await ask('of an unknown topic', 'g', [['nope', 0, 1]])
  await ask('of an unknown partition', 'g', [['kept', 9, 1]])
  await ask('of an internal topic', 'g', [['__consumer_offsets', 0, 5]])
  await ask('of no group', '', [['kept', 0, 1]])
  await ask('of nothing', 'g', [])
  await ask('of one twice', 'g', [
    ['kept', 0, 5],
    ['kept', 0, 9],
  ])
  const stranger = { generationId: 3, memberId: 'x' }
  await ask('by a stranger', 'g', [['kept', 0, 5]], stranger, members)
  await ask('by a stranger, no group', 'unmade', [['kept', 0, 5]], stranger, members)
  const early = { generationId: -1, memberId: 'x' }
  await ask('by a member of none', 'g', [['kept', 0, 5]], early, members)
  for (const retentionTimeMs of [0, 100_000]) {
    const extra = { retentionTimeMs }
    await ask(`for ${retentionTimeMs} ms`, 'short', [['kept', 0, 5]], extra, [2, 3])
  }
}

async function committed(pair: BrokerPair): Promise<void> {
  const ask = (
    name: string,
    groupId: string,
    wanted: readonly (readonly [string, ...number[]])[] | null,
    versions?: readonly number[],
  ) => {
    const topics =
      wanted?.map(([topic, ...indexes]) => ({
        name: topic,
        partitionIndexes: indexes,
      })) ?? null
    return pair.compare(name, OffsetFetch, { groupId, topics }, versions)
  }
  await ask('of two', 'g', [['kept', 0, 1]])
  await ask('of unknown ones', 'g', [
    ['nope', 0],
    ['kept', 9],
  ])
  await ask('of nothing', 'g', [])
  await ask('of all', 'g', null, [2, 3])
  await ask('of an unknown group', 'unmade', [['kept', 0]])
  await ask('of all of an unknown group', 'unmade', null, [2, 3])
  await ask('of no group', '', [['kept', 0]])
  await ask('of one twice', 'g', [['kept', 0, 0]])
}

function joinOf(groupId: string, extra: object = {}) {
  return {
    ...{ groupId, sessionTimeoutMs: 10_000, rebalanceTimeoutMs: 10_000, memberId: '' },
    ...{ protocolType: 'consumer' },
    protocols: [{ name: 'range', metadata: Buffer.from('a') }],
    ...extra,
  }
}

/** Who is no member, and what no member may ask. */
async function strangers(pair: BrokerPair): Promise<void> {
  const join = (name: string, extra: object) =>
    pair.compare(name, JoinGroup, joinOf('unmade', extra))
  await join('with a session too short', { sessionTimeoutMs: 5999 })
  await join('with a session too long', { sessionTimeoutMs: 300_001 })
  await join('of no group', { groupId: '' })
  await join('of a stranger', { memberId: 'nobody' })
  await join('without protocols', { protocols: [] })
  await join('without a type', { protocolType: '' })
  for (const groupId of ['unmade', '', 'g']) {
    const asked = { groupId, generationId: 1, memberId: 'nobody' }
    const name = `of a stranger, group "${groupId}"`
    await pair.compare(name, SyncGroup, { ...asked, assignments: [] })
    await pair.compare(name, Heartbeat, asked)
    await pair.compare(name, LeaveGroup, asked)
  }
}

/** Two members through all states of their group. */
async function members(pair: BrokerPair): Promise<void> {
  // One joins: it leads, and the others wait for what it assigns.
  const first = await pair.compare('of the first', JoinGroup, joinOf('two'), [2])
  const memberOf = (answers: Answers<{ readonly memberId: string }>) => (side: Side) =>
    answers[side]?.memberId ?? ''
  const one = memberOf(first)
  const beat = (name: string, member: (side: Side) => string, generationId: number) =>
    pair.compare(name, Heartbeat, (side) => ({
      ...{ groupId: 'two', generationId, memberId: member(side) },
    }))
  const sync = (
    name: string,
    member: (side: Side) => string,
    generationId: number,
    texts: readonly ((side: Side) => string)[] = [],
  ) =>
    pair.compare(
      name,
      SyncGroup,
      (side) => ({
        ...{ groupId: 'two', generationId, memberId: member(side) },
        assignments: texts.map((each, i) => ({
          ...{ memberId: each(side), assignment: Buffer.from(`part ${i}`) },
        })),
      }),
      [1],
    )
  const commit = (name: string, member: (side: Side) => string, generationId: number) =>
    pair.compare(
      name,
      OffsetCommit,
      (side) => ({
        ...{ groupId: 'two', generationId, memberId: member(side) },
        topics: [
          {
            name: 'kept',
            partitions: [{ partition: 0, committedOffset: 1, committedMetadata: '' }],
          },
        ],
      }),
      [1, 2, 3],
    )
  const describe = (name: string) =>
    pair.compare(name, DescribeGroups, { groups: ['two'] })

  await describe('that awaits its leader')
  await beat('before the assignment', one, 1)
  await commit('before the assignment', one, 1)
  await sync('of a wrong generation', one, 7)
  await sync('of the leader', one, 1, [one])
  await sync('once more', one, 1)
  await describe('that is stable')

  // Stable: what is right, and all that can be wrong.
  await beat('of a member', one, 1)
  await beat('of a wrong generation', one, 0)
  await beat('of a stranger', () => 'nobody', 1)
  await commit('of a member', one, 1)
  await commit('of a wrong generation', one, 2)
  await commit('of a stranger', () => 'nobody', 1)
  await commit('of nobody', () => '', -1)
  await pair.compare('of another type', JoinGroup, joinOf('two', { protocolType: 'x' }))
  const other = [{ name: 'other', metadata: Buffer.alloc(0) }]
  await pair.compare(
    'of other protocols',
    JoinGroup,
    joinOf('two', { protocols: other }),
  )
  const nobody = joinOf('two', { memberId: 'nobody' })
  await pair.compare('of a stranger, stable', JoinGroup, nobody)
  await pair.compare('of one that is not empty', DeleteGroups, { groupsNames: ['two'] })

  // A second one joins and is held; the first hears of it, and joins again.
  const held = pair.compare('of the second', JoinGroup, joinOf('two'), [2])
  const joining = (member: (side: Side) => string) => (side: Side) => ({
    ...{ groupId: 'two', generationId: 1, memberId: member(side) },
  })
  await pair.until(Heartbeat, 1, joining(one), ({ errorCode }) => errorCode === 27)
  await describe('that rebalances')
  await beat('while it rebalances', one, 1)
  await commit('while it rebalances', one, 1)
  await sync('while it rebalances', one, 1)
  const again = (side: Side) => joinOf('two', { memberId: one(side) })
  await pair.compare('of the first again', JoinGroup, again, [2])
  const two = memberOf(await held)
  const waiting = sync('of the follower', two, 2)
  await sync('of the leader, for both', one, 2, [one, two])
  await waiting
  await describe('of two')
  await beat('of the old generation', one, 1)
  await beat('of the new generation', two, 2)

  // They leave.
  const leave = (name: string, member: (side: Side) => string) =>
    pair.compare(
      name,
      LeaveGroup,
      (side) => ({ groupId: 'two', memberId: member(side) }),
      [1],
    )
  await leave('of the second', two)
  await leave('of the second again', two)
  await beat('after one left', one, 2)
  await leave('of the first', one)
  await describe('that is empty')
  await beat('of who left', one, 2)
  await commit('of nobody, empty', () => '', -1)
}

/** Lists and deletes. */
async function ends(pair: BrokerPair): Promise<void> {
  await pair.compare('all', ListGroups, {})
  const groups = ['g', 'two', 'unmade', '', 'g']
  await pair.compare('of all kinds', DescribeGroups, { groups })
  await pair.compare('of none', DescribeGroups, { groups: [] })
  await pair.compare('of none', DeleteGroups, { groupsNames: [] })
  await pair.compare('of one twice', DeleteGroups, { groupsNames: ['two', 'two'] })
  await pair.compare('of all kinds', DeleteGroups, { groupsNames: ['g', 'unmade', ''] })
  const topics = [{ name: 'kept', partitionIndexes: [0, 1] }]
  await pair.compare('of a group deleted', OffsetFetch, { groupId: 'g', topics })
  await pair.compare('those left', ListGroups, {})
}
