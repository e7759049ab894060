/**
 * Groups and transactions in a cluster of two of our brokers and one of Apache Kafka 1.1.1:
 * who coordinates them reads what the other kind wrote. The clients are the Java ones.
 */
import { afterAll, beforeAll, describe, expect, it } from 'vitest'
import { abs, javaStringHashCode } from '../../src/base/hash.ts'
import { missing } from './fetch-jars.ts'
import { JavaHost } from './JavaHost.ts'
import { KafkaTools } from './KafkaTools.ts'
import { MixedCluster, until } from './MixedCluster.ts'
import { proven } from './proven.ts'

const reason = missing()
const isFull = process.env.INTEROP_FULL === '1'
const zooKeepers = isFull ? (['embedded', 'apache'] as const) : (['embedded'] as const)
const OURS = [1, 2]
const THEIRS = 3
const ALL = [...OURS, THEIRS]

const name = (id: number) =>
  id === THEIRS ? `Apache's broker ${id}` : `our broker ${id}`

type Row = readonly [partition: number, offset: number, key: string, value: string]

/** The partition of an internal topic, of three, that a name belongs to. */
const partitionFor = (id: string) => abs(javaStringHashCode(id)) % 3

/** A name that belongs to a partition. */
function nameFor(partition: number, prefix: string): string {
  for (let n = 0; ; n++) {
    if (partitionFor(`${prefix}-${n}`) === partition) return `${prefix}-${n}`
  }
}

const texts = (word: string, count: number) =>
  Array.from({ length: count }, (_, at) => `${word} ${at}`)

/** Replicas with the first one in front. */
const first = (id: number) => [id, (id % 3) + 1, ((id + 1) % 3) + 1]

describe.skipIf(reason !== undefined).each(zooKeepers)(
  'coordinators in a mixed cluster, ZooKeeper %s',
  (zooKeeper) => {
    let cluster: MixedCluster
    let java: JavaHost
    let tools: KafkaTools

    beforeAll(async () => {
      java = new JavaHost()
      cluster = await MixedCluster.start({ zooKeeper, ours: OURS, theirs: [THEIRS] })
      tools = new KafkaTools(java, cluster)
      const assignment = ['--replica-assignment', '1:2:3,2:3:1,3:1:2']
      for (const topic of ['t', 'in']) {
        await tools.topics('--create', '--topic', topic, ...assignment)
      }
      await cluster.untilInSync('t', 'in')
      await open('p', {})
    })

    afterAll(async () => {
      await java?.[Symbol.asyncDispose]()
      await cluster?.[Symbol.asyncDispose]()
    })

    const bootstrap = () => ({ 'bootstrap.servers': cluster.bootstrapServers })

    /** Opens a producer. */
    const open = (producer: string, more: Readonly<Record<string, string>>) =>
      java.call('Clients.openProducer', {
        name: producer,
        settings: {
          ...{ ...bootstrap(), acks: 'all', retries: '1000' },
          ...{ 'enable.idempotence': 'true', 'retry.backoff.ms': '100' },
          ...more,
        },
      })

    /** Sends texts to every partition. */
    async function send(producer: string, topic: string, word: string, count: number) {
      for (const partition of [0, 1, 2]) {
        const values = texts(`${word} ${partition}`, count)
        await java.call('Clients.send', { name: producer, topic, partition, values })
      }
    }

    const group = (id: string) => ({
      ...{ ...bootstrap(), 'group.id': id, 'auto.offset.reset': 'earliest' },
      'enable.auto.commit': 'false',
    })

    /** Reads so many records in a group, which then commits and leaves. */
    const consume = (id: string, count: number) =>
      java.call<Row[]>('Clients.consume', { topic: 'in', count, settings: group(id) })

    const committed = (id: string) =>
      java.call<Record<string, number>>('Clients.committed', {
        ...{ topic: 'in', settings: group(id) },
      })

    /** Puts a partition of an internal topic under a broker. */
    const coordinate = (topic: string, partition: number, by: number) =>
      tools.place({ topic, partition, replicas: first(by) })

    /** What a topic holds, to one who does or does not look at what is committed. */
    const read = (isolation: string) =>
      java.call<Row[]>('Clients.readAll', {
        topic: 't',
        settings: { ...bootstrap(), 'isolation.level': isolation },
      })

    const values = (rows: readonly Row[], word: string) =>
      rows.map(([, , , value]) => value).filter((value) => value.startsWith(word))

    it('moves a group from ours to theirs and back, with its offsets', async () => {
      await send('p', 'in', 'one', 20)
      const id = nameFor(0, 'mover')
      expect(await consume(id, 60)).toHaveLength(60)
      let sent = 20
      for (const by of [1, THEIRS, 2, THEIRS, 1]) {
        await coordinate('__consumer_offsets', 0, by)
        expect(await committed(id)).toEqual({ 0: sent, 1: sent, 2: sent })
        await send('p', 'in', `by ${by}`, 10)
        const got = await consume(id, 30)
        expect(values(got, `by ${by}`)).toHaveLength(30)
        sent += 10

        // What the tool says is what the coordinator knows.
        const described = await tools.groups('--describe', '--group', id)
        for (const partition of [0, 1, 2]) {
          const row = new RegExp(`in +${partition} +${sent} +${sent} +0 `)
          expect(described).toMatch(row)
        }
        proven('kafka-consumer-groups.sh', `describe, coordinated by ${name(by)}`)
        proven('Java consumer', `group, coordinated by ${name(by)}`)
      }
      await cluster.untilIdentical('__consumer_offsets', 0)
    })

    it('keeps members while their group moves', async () => {
      const id = nameFor(1, 'stays')
      await coordinate('__consumer_offsets', 1, 1)
      const known = (await consume(id, 60 + 5 * 30)).length
      const member = consume(id, 60)
      await send('p', 'in', 'before', 10)
      await coordinate('__consumer_offsets', 1, THEIRS)
      await send('p', 'in', 'after', 10)
      const got = await member
      expect(new Set(values(got, 'before')).size).toBe(30)
      expect(new Set(values(got, 'after')).size).toBe(30)
      expect(known).toBe(210)
    })

    it.each(ALL)('has transactions coordinated by broker %i', async (by) => {
      // The topic is there once somebody asked for a coordinator.
      const transactionalId = nameFor(by - 1, `tx${by}`)
      const producer = `tx${by}`
      await open(producer, { 'transactional.id': transactionalId })
      await coordinate('__transaction_state', by - 1, by)

      // Three of four are committed; offsets of a group go with the second.
      const call = (method: string, more: object = {}) =>
        java.call(`Clients.${method}`, { name: producer, ...more })
      const groupId = nameFor(by % 3, `reader${by}`)
      for (const [at, end] of ['commit', 'commit', 'abort', 'commit'].entries()) {
        await call('beginTransaction')
        await send(producer, 't', `tx${by} ${end} ${at}`, 5)
        const offsets = { 0: 10 * at, 1: 10 * at + 1, 2: 10 * at + 2 }
        if (at > 0 && at < 3) {
          await call('sendOffsets', { topic: 'in', group: groupId, offsets })
        }
        await call(`${end}Transaction`)
      }
      await call('closeProducer')
      expect(await committed(groupId)).toEqual({ 0: 10, 1: 11, 2: 12 })

      // A commit is answered before its markers are written.
      const seen = await until(
        'all that was committed is seen',
        () => read('read_committed'),
        (found) => values(found, `tx${by} commit`).length >= 45,
      )
      expect(values(seen, `tx${by} commit`)).toHaveLength(45)
      expect(values(seen, `tx${by} abort`)).toHaveLength(0)
      const all = await read('read_uncommitted')
      expect(values(all, `tx${by} abort`)).toHaveLength(15)
      for (const partition of [0, 1, 2]) {
        await cluster.untilIdentical('t', partition)
      }
      await cluster.untilIdentical('__transaction_state', by - 1)
      proven('Java transactional producer', `coordinated by ${name(by)}`)
      proven('Java consumer', `read_committed, coordinated by ${name(by)}`)
    })

    it.each([
      [1, THEIRS],
      [THEIRS, 1],
    ])('ends a transaction of broker %i, which is killed, by %i', async (from, to) => {
      const transactionalId = nameFor(from - 1, `killed${from}`)
      const producer = `killed${from}`
      await cluster.untilInSync('t', 'in', '__transaction_state', '__consumer_offsets')
      await tools.place({
        ...{ topic: '__transaction_state', partition: from - 1 },
        replicas: [from, to, 2],
      })
      await open(producer, { 'transactional.id': transactionalId })
      await java.call('Clients.beginTransaction', { name: producer })
      await send(producer, 't', producer, 5)
      await cluster.stopBroker(from, 'SIGKILL')
      const state = () => cluster.state('__transaction_state', from - 1)
      await until('a new coordinator', state, (found) => found?.leader === to)
      await java.call('Clients.commitTransaction', { name: producer })
      await java.call('Clients.closeProducer', { name: producer })
      const seen = await until(
        'all that was committed is seen',
        async () => values(await read('read_committed'), producer),
        ({ length }) => length >= 15,
      )
      expect(seen).toHaveLength(15)
      await cluster.startBroker(from)
      await cluster.untilInSync('t', 'in', '__transaction_state', '__consumer_offsets')
      for (const partition of [0, 1, 2]) await cluster.untilIdentical('t', partition)
      const moved = `moved from ${name(from)} to ${name(to)}`
      proven('Java transactional producer', `open transaction ${moved}`)
    })
  },
)
