/** Questions of readers: records, offsets by time, the start of a log, epochs, disks. */
import { AlterReplicaLogDirs } from '../../../src/protocol/messages/AlterReplicaLogDirs.ts'
import { DeleteRecords } from '../../../src/protocol/messages/DeleteRecords.ts'
import { DescribeLogDirs } from '../../../src/protocol/messages/DescribeLogDirs.ts'
import { Fetch } from '../../../src/protocol/messages/Fetch.ts'
import { ListOffsets } from '../../../src/protocol/messages/ListOffsets.ts'
import { OffsetForLeaderEpoch } from '../../../src/protocol/messages/OffsetForLeaderEpoch.ts'
import { type BrokerPair, versionsOf } from './BrokerPair.ts'

type Wanted = readonly [
  topic: string,
  partition: number,
  offset: number,
  maxBytes?: number,
]

/** Asks all of it of the topics that {@link records} has filled. */
export async function reading(pair: BrokerPair): Promise<void> {
  await fetches(pair)
  await sessions(pair)
  await offsets(pair)
  await starts(pair)
  await epochs(pair)
  await directories(pair)
}

function fetchOf(wanted: readonly Wanted[], extra: object = {}) {
  return {
    ...{ replicaId: -1, maxWaitMs: 50, minBytes: 1, maxBytes: 1 << 20 },
    ...{ isolationLevel: 0, sessionId: 0, sessionEpoch: -1 },
    topics: wanted.map(([topic, partition, fetchOffset, maxBytes = 1 << 20]) => ({
      ...{ topic },
      partitions: [{ partition, fetchOffset, partitionMaxBytes: maxBytes }],
    })),
    forgottenTopicsData: [],
    ...extra,
  }
}

async function fetches(pair: BrokerPair): Promise<void> {
  const ask = (
    name: string,
    wanted: readonly Wanted[],
    versions?: readonly number[],
    extra?: object,
  ) => pair.compare(name, Fetch, fetchOf(wanted, extra), versions)
  for (const topic of ['plain', 'v0', 'v1', 'compact', 'packed', 'gzip', 'sequences']) {
    await ask(`of ${topic}`, [[topic, 0, 0]])
  }
  await ask('in the middle of a batch', [['plain', 0, 3]])
  await ask('beyond the end', [['plain', 0, 99_999]])
  await ask('of a negative offset', [['plain', 0, -1]])
  await ask('of an empty log', [['packed', 1, 0]])
  await ask('of what is not there', [
    ['nope', 0, 0],
    ['plain', 9, 0],
    ['plain', -1, 0],
  ])
  await ask('of nothing', [])
  for (const maxBytes of [0, -1, 10]) {
    await ask(`of ${maxBytes} bytes`, [['plain', 0, 0]], versionsOf(Fetch, 3), {
      maxBytes,
    })
    await ask(`of ${maxBytes} bytes a partition`, [['plain', 0, 0, maxBytes]])
  }
  await ask(
    'of 10 bytes of two',
    [
      ['plain', 0, 0],
      ['packed', 0, 0],
    ],
    [4, 7],
    {
      maxBytes: 10,
    },
  )
  await ask('of more than there is', [['plain', 0, 0]], [4, 7], { minBytes: 1 << 30 })
  await ask('with a negative wait', [['packed', 1, 0]], [4, 7], { maxWaitMs: -5 })
  for (const replicaId of [5, -2, -3]) {
    await ask(`of replica ${replicaId}`, [['plain', 0, 0]], [4, 7], { replicaId })
  }
  for (const isolationLevel of [1, 7, -1]) {
    const wanted: Wanted[] = [['sequences', 0, 0]]
    await ask(`at isolation ${isolationLevel}`, wanted, [4, 7], { isolationLevel })
  }
  await ask(
    'of one twice',
    [
      ['plain', 0, 4],
      ['plain', 0, 6],
    ],
    [4, 7],
  )
}

async function sessions(pair: BrokerPair): Promise<void> {
  const ask = (
    name: string,
    wanted: readonly Wanted[],
    sessionId: (side: 'ours' | 'apache') => number,
    sessionEpoch: number,
    extra: object = {},
  ) =>
    pair.compare(
      `session ${name}`,
      Fetch,
      (side) => fetchOf(wanted, { sessionId: sessionId(side), sessionEpoch, ...extra }),
      [7],
    )
  const none = () => 0
  const unknown = () => 12_345
  for (const epoch of [1, 2, -2]) await ask(`none, epoch ${epoch}`, [], none, epoch)
  for (const epoch of [-1, 0, 1]) {
    await ask(`unknown, epoch ${epoch}`, [['plain', 0, 4]], unknown, epoch)
  }

  // One that lives: its partitions are told once, then only what changes.
  const { ours, apache } = await ask('made', [['plain', 0, 4]], none, 0)
  const made = (side: 'ours' | 'apache') =>
    (side === 'ours' ? ours : apache)?.sessionId ?? -1
  await ask('that goes on', [], made, 1)
  await ask('with a wrong epoch', [], made, 7)
  await ask('with one more', [['packed', 1, 0]], made, 2)
  const forgottenTopicsData = [{ topic: 'plain', partitions: [0] }]
  await ask('with one less', [], made, 3, { forgottenTopicsData })
  await ask('that ends', [['plain', 0, 4]], made, -1)
  await ask('that has ended', [], made, 4)
}

async function offsets(pair: BrokerPair): Promise<void> {
  const ask = (
    name: string,
    wanted: readonly (readonly [string, number, number, number?])[],
    versions?: readonly number[],
    extra: object = {},
  ) => {
    const topics = wanted.map(([topic, partition, timestamp, maxNumOffsets = 1]) => ({
      name: topic,
      partitions: [{ partition, timestamp, maxNumOffsets }],
    }))
    const body = { replicaId: -1, isolationLevel: 0, topics, ...extra }
    return pair.compare(name, ListOffsets, body, versions)
  }
  for (const time of [-1, -2, -3, -4, 0, 999, 1000, 1001, 4e15]) {
    await ask(`at ${time}`, [['plain', 0, time]])
    await ask(`at ${time} of a topic of 0.9`, [['v0', 0, time]])
    await ask(`at ${time} of an empty log`, [['packed', 1, time]])
  }
  for (const many of [10, 0, -1])
    await ask(`${many} of them`, [['plain', 0, -1, many]], [0])
  await ask('of what is not there', [
    ['nope', 0, -1],
    ['plain', 9, -1],
  ])
  await ask('of nothing', [])
  await ask('of one twice', [
    ['plain', 0, -1],
    ['plain', 0, -2],
  ])
  for (const isolationLevel of [1, 7]) {
    await ask(`at isolation ${isolationLevel}`, [['sequences', 0, -1]], [2], {
      isolationLevel,
    })
  }
  for (const replicaId of [0, 5, -2]) {
    await ask(`of replica ${replicaId}`, [['plain', 0, -1]], undefined, { replicaId })
  }
}

async function starts(pair: BrokerPair): Promise<void> {
  const ask = (name: string, topic: string, partition: number, offset: number) =>
    pair.compare(name, DeleteRecords, {
      topics: [{ name: topic, partitions: [{ partition, offset }] }],
      timeoutMs: 10_000,
    })
  await ask('beyond the end', 'plain', 0, 99_999)
  await ask('at -2', 'plain', 0, -2)
  await ask('of an unknown topic', 'nope', 0, 1)
  await ask('of an unknown partition', 'plain', 9, 1)
  await ask('up to 3', 'plain', 0, 3)
  await ask('back to 1', 'plain', 0, 1)
  await ask('up to the end', 'packed', 0, -1)
  await ask('of a compacted topic', 'compact', 0, 1)
  await ask('of an internal topic', '__consumer_offsets', 0, 0)
  await pair.compare('of nothing', DeleteRecords, { topics: [], timeoutMs: 1000 })
  await pair.compare('below the start', Fetch, fetchOf([['plain', 0, 0]]))
  const partitions = [-2, -1, 0].map((timestamp) => ({ partition: 0, timestamp }))
  for (const one of partitions) {
    await pair.compare(`at ${one.timestamp}, records deleted`, ListOffsets, {
      ...{ replicaId: -1, topics: [{ name: 'plain', partitions: [one] }] },
    })
  }
}

async function epochs(pair: BrokerPair): Promise<void> {
  const wanted = [
    ...[0, 1, -1].map((epoch) => ['plain', 0, epoch] as const),
    ...([
      ['nope', 0, 0],
      ['packed', 1, 0],
      ['plain', 9, 0],
    ] as const),
  ]
  for (const [topic, partition, leaderEpoch] of wanted) {
    const name = `${leaderEpoch} of ${topic}-${partition}`
    const topics = [{ topic, partitions: [{ partition, leaderEpoch }] }]
    await pair.compare(name, OffsetForLeaderEpoch, { topics })
  }
}

async function directories(pair: BrokerPair): Promise<void> {
  const lists = [
    ['of one topic', [{ topic: 'plain', partitions: [0, 1] }]],
    ['of nothing', []],
    ['of unknown ones', [{ topic: 'nope', partitions: [0] }]],
    ['of all', null],
  ] as const
  for (const [name, topics] of lists)
    await pair.compare(name, DescribeLogDirs, { topics })
  for (const path of ['/nowhere', 'relative', '']) {
    const topics = [
      { name: 'plain', partitions: [0, 7] },
      { name: 'nope', partitions: [0] },
    ]
    await pair.compare(`to "${path}"`, AlterReplicaLogDirs, {
      dirs: [{ path, topics }],
    })
  }
  await pair.compare('of nothing', AlterReplicaLogDirs, { dirs: [] })
}
