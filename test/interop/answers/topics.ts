/** Questions about topics: made, described, grown, deleted. */
import { CreatePartitions } from '../../../src/protocol/messages/CreatePartitions.ts'
import { CreateTopics } from '../../../src/protocol/messages/CreateTopics.ts'
import { DeleteTopics } from '../../../src/protocol/messages/DeleteTopics.ts'
import { Metadata } from '../../../src/protocol/messages/Metadata.ts'
import { type BrokerPair, versionsOf } from './BrokerPair.ts'

interface Topic {
  readonly name: string
  readonly numPartitions: number
  readonly replicationFactor: number
  readonly assignments: readonly { partition: number; brokerIds: number[] }[]
  readonly configs: readonly { name: string; value: string | null }[]
}

function topic(
  name: string,
  numPartitions = 1,
  replicationFactor = 1,
  configs: Readonly<Record<string, string | null>> = {},
): Topic {
  const list = Object.entries(configs).map(([key, value]) => ({ name: key, value }))
  return { name, numPartitions, replicationFactor, assignments: [], configs: list }
}

function assigned(name: string, ...assignment: [number, number[]][]): Topic {
  return {
    ...topic(name, -1, -1),
    assignments: assignment.map(([partition, brokerIds]) => ({ partition, brokerIds })),
  }
}

const tooLong = 'a'.repeat(250)
const badNames = ['', '.', '..', 'a b', 'a/b', tooLong, 'ä']

/** What cannot be created, or only looks odd: validated first, then created. */
const creations: readonly (readonly [string, readonly Topic[]])[] = [
  ['of nothing', []],
  ['with bad names', badNames.map((name) => topic(name))],
  ['with 0 partitions', [topic('p0', 0)]],
  ['with -1 partitions', [topic('p-1', -1)]],
  ['with -2 partitions', [topic('p-2', -2)]],
  ['without replicas', [topic('r0', 1, 0)]],
  ['with -1 replicas', [topic('r-1', 1, -1)]],
  ['with more replicas than brokers', [topic('r2', 1, 2)]],
  ['with an unknown setting', [topic('s0', 1, 1, { 'no.such': '1' })]],
  ['with no number', [topic('s1', 1, 1, { 'retention.ms': 'x' })]],
  ['with a policy there is not', [topic('s2', 1, 1, { 'cleanup.policy': 'x' })]],
  ['with null for a value', [topic('s3', 1, 1, { 'retention.ms': null })]],
  ['with a ratio of 2', [topic('s4', 1, 1, { 'min.cleanable.dirty.ratio': '2' })]],
  ['with a codec there is not', [topic('s5', 1, 1, { 'compression.type': 'zip' })]],
  ['with no boolean', [topic('s6', 1, 1, { preallocate: 'yes' })]],
  ['with segments too small', [topic('s7', 1, 1, { 'segment.bytes': '13' })]],
  ['with no in-sync replica', [topic('s8', 1, 1, { 'min.insync.replicas': '0' })]],
  [
    'with a bad throttle list',
    [topic('s9', 1, 1, { 'leader.replication.throttled.replicas': 'x' })],
  ],
  ['with a gap in the assignment', [assigned('a0', [0, [0]], [2, [0]])]],
  ['with a broker twice', [assigned('a1', [0, [0, 0]])]],
  ['on an unknown broker', [assigned('a2', [0, [5]])]],
  ['with uneven replicas', [assigned('a3', [0, [0]], [1, []])]],
  ['with no replicas assigned', [assigned('a4', [0, []])]],
  ['with a partition twice', [assigned('a5', [0, [0]], [0, [0]])]],
  ['from partition 1 on', [assigned('a6', [1, [0]])]],
  [
    'with count and assignment',
    [{ ...topic('a7', 1, 1), assignments: [{ partition: 0, brokerIds: [0] }] }],
  ],
  ['of one topic twice', [topic('twice'), topic('twice', 2), topic('once')]],
]

/** Of these 1.1.1 makes topics that nobody can lead: their leaders are awaited in vain. */
const neverLed = ['on an unknown broker', 'with no replicas assigned']

/** What both create, once. */
const created: readonly (readonly [string, readonly Topic[]])[] = [
  ['with the longest name', [topic('b'.repeat(249))]],
  ['with settings', [topic('t', 3, 1, { 'retention.ms': '-1' })]],
  ['of what is there', [topic('t', 3, 1)]],
  ['with an assignment', [assigned('both', [0, [0]], [1, [0]])]],
  ['beside a name alike', [topic('x.y')]],
  ['with a name alike', [topic('x_y')]],
  ['of an internal topic', [topic('__consumer_offsets')]],
]

/** Asks all of it. */
export async function topics(pair: BrokerPair): Promise<void> {
  // Creation: first only checked, then done.
  for (const validateOnly of [true, false]) {
    const what = validateOnly ? 'checked' : 'made'
    for (const [name, list] of creations) {
      const timeoutMs = neverLed.includes(name) ? 200 : 10_000
      const body = { topics: list, timeoutMs, validateOnly }
      await pair.compare(`${name}, ${what}`, CreateTopics, body, [1, 2])
    }
    for (const [name, list] of created) {
      const body = { topics: list, timeoutMs: 10_000, validateOnly }
      await pair.compare(`${name}, ${what}`, CreateTopics, body, [validateOnly ? 2 : 1])
    }
  }
  for (const timeoutMs of [0, -1]) {
    const body = { topics: [topic(`time${timeoutMs}`)], timeoutMs, validateOnly: false }
    await pair.compare(`with ${timeoutMs} ms of time`, CreateTopics, body, [1])
  }
  const old = { topics: [topic('old'), topic('t')], timeoutMs: 10_000 }
  await pair.compare('without words', CreateTopics, old, [0])
  await pair.untilLed('t', 'both', 'old', 'once', 'x.y', 'time0', 'time-1')

  await metadata(pair)
  await partitions(pair)
  await deletions(pair)
}

async function metadata(pair: BrokerPair): Promise<void> {
  const of = (names: readonly string[] | null, allowAutoTopicCreation = false) => ({
    topics: names?.map((name) => ({ name })) ?? null,
    allowAutoTopicCreation,
  })
  const newer = versionsOf(Metadata, 4)
  await pair.compare('of one', Metadata, of(['t']))
  await pair.compare('of an empty list', Metadata, of([]))
  await pair.compare('of null', Metadata, of(null), versionsOf(Metadata, 1))
  await pair.compare('of one twice', Metadata, of(['t', 't']))
  await pair.compare('of bad names', Metadata, of(badNames))
  await pair.compare('of an unknown topic', Metadata, of(['nope']), newer)
  await pair.compare('of a made topic', Metadata, of(['new5'], true), [5])
  await pair.compare('of a made topic', Metadata, of(['new0'], true), [0])
  await pair.compare('of made bad names', Metadata, of(badNames, true), newer)
  await pair.untilLed('new0', 'new5')
  await pair.compare('of topics made before', Metadata, of(['new0', 'new5']))
}

async function partitions(pair: BrokerPair): Promise<void> {
  const ask = (
    name: string,
    topics: readonly (readonly [string, number, (number[][] | null)?])[],
    { validateOnly = false, timeoutMs = 10_000 } = {},
  ) => {
    const list = topics.map(([topicName, count, assignments = null]) => ({
      ...{ name: topicName, count },
      assignments: assignments?.map((brokerIds) => ({ brokerIds })) ?? null,
    }))
    const body = { topics: list, timeoutMs, validateOnly }
    return pair.compare(name, CreatePartitions, body)
  }
  for (const validateOnly of [true, false]) {
    await ask('for nothing', [], { validateOnly })
    await ask('for an unknown topic', [['nope', 3]], { validateOnly })
    for (const name of badNames) {
      await ask(`for "${name.slice(0, 9)}"`, [[name, 3]], { validateOnly })
    }
    for (const count of [2, 3, 0, -1]) {
      await ask(`up to ${count} of 3`, [['t', count]], { validateOnly })
    }
    await ask('with one assignment of two', [['t', 5, [[0]]]], { validateOnly })
    await ask('on an unknown broker', [['t', 4, [[7]]]], { validateOnly })
    await ask('on a broker twice', [['t', 4, [[0, 0]]]], { validateOnly })
    await ask('with more replicas', [['t', 4, [[0, 1]]]], { validateOnly })
    await ask('with no replicas', [['t', 4, [[]]]], { validateOnly })
    await ask('with no assignment', [['t', 4, []]], { validateOnly })
    await ask(
      'of one topic twice',
      [
        ['t', 4],
        ['t', 5],
      ],
      { validateOnly },
    )
  }
  await ask('checked', [['t', 4]], { validateOnly: true })
  await ask('made', [['t', 4, [[0]]]])
  await ask('made without time', [['t', 5]], { timeoutMs: 0 })
  await pair.untilLed('t')
}

async function deletions(pair: BrokerPair): Promise<void> {
  const ask = (
    name: string,
    topicNames: string[],
    timeoutMs = 10_000,
    versions = versionsOf(DeleteTopics),
  ) => pair.compare(name, DeleteTopics, { topicNames, timeoutMs }, versions)
  await ask('of nothing', [])
  await ask('of unknown topics', ['nope', '', 'a b'])
  await ask('of one twice', ['once', 'once'], 10_000, [1])
  await ask('in the old version', ['old'], 10_000, [0])
  await ask('without time', ['time0'], 0, [1])
  await ask('with less than no time', ['time-1'], -1, [1])
  const gone = ['once', 'old', 'time0', 'time-1'].map((name) => ({ name }))
  const body = { topics: gone, allowAutoTopicCreation: false }
  await pair.until(Metadata, 4, body, (a) => a.topics.every((t) => t.errorCode === 3))
  await pair.compare('of topics deleted', Metadata, body, [4, 5])
}
