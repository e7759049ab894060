/**
 * One group of connectors of ours and of Apache Kafka 1.1.1, on Apache's ZooKeeper: they
 * come and go, agree on who owns what, and go on where the others committed.
 */
import { afterAll, beforeAll, describe, expect, it } from 'vitest'
import { missing } from './fetch-jars.ts'
import { type GroupMember, OurMember, type Row, TheirMember } from './group-members.ts'
import { JavaHost } from './JavaHost.ts'
import { KafkaTools } from './KafkaTools.ts'
import { MixedCluster, until } from './MixedCluster.ts'
import { proven } from './proven.ts'

const reason = missing()
const isFull = process.env.INTEROP_FULL === '1'
const CHANGES = isFull ? 50 : 6
const PARTITIONS = 12

/** Who may be in the group: two of each kind, their names not in the order of kinds. */
const NAMES = ['a-ours', 'b-theirs', 'c-ours', 'd-theirs']

const strategies = isFull
  ? ([
      ['range', 'zookeeper'],
      ['range', 'kafka'],
      ['roundrobin', 'zookeeper'],
      ['roundrobin', 'kafka'],
    ] as const)
  : ([
      ['range', 'zookeeper'],
      ['roundrobin', 'kafka'],
    ] as const)

/** Numbers that look like chance and are the same in every run. */
function chance(seed: number): (below: number) => number {
  let state = seed
  return (below) => {
    state = (Math.imul(state, 1103515245) + 12345) & 0x7fffffff
    return (state >>> 8) % below
  }
}

/** How often each value came. */
function timesOf(rows: readonly Row[]): Map<string, number> {
  const times = new Map<string, number>()
  for (const [, , , value] of rows) times.set(value, (times.get(value) ?? 0) + 1)
  return times
}

describe.skipIf(reason !== undefined)('a group of old consumers', () => {
  let cluster: MixedCluster
  let java: JavaHost
  let members: GroupMember[] = []

  beforeAll(async () => {
    java = new JavaHost()
    cluster = await MixedCluster.start({
      ...{ zooKeeper: 'apache', ours: [1, 2], theirs: [] },
      config: { 'offsets.topic.replication.factor': '1' },
    })
  })

  afterAll(async () => {
    for (const member of members) await member.leave()
    await java?.[Symbol.asyncDispose]()
    await cluster?.[Symbol.asyncDispose]()
  })

  async function newTopic(topic: string): Promise<void> {
    const size = ['--partitions', `${PARTITIONS}`, '--replication-factor', '1']
    const tools = new KafkaTools(java, cluster)
    await tools.topics('--create', '--topic', topic, ...size)
    await cluster.untilInSync(topic)
    const settings = { 'bootstrap.servers': cluster.bootstrapServers, acks: 'all' }
    await java.call('Clients.openProducer', { name: topic, settings })
  }

  /** Sends to every partition. @returns the values */
  async function send(topic: string, word: string, each = 3): Promise<string[]> {
    const all: string[] = []
    for (let partition = 0; partition < PARTITIONS; partition++) {
      const values = Array.from(
        { length: each },
        (_, at) => `${word} ${partition} ${at}`,
      )
      await java.call('Clients.send', { name: topic, topic, partition, values })
      all.push(...values)
    }
    return all
  }

  const settingsOf = (group: string, strategy: string, storage: string) => ({
    'group.id': group,
    'zookeeper.connect': cluster.zookeeperConnect,
    'zookeeper.session.timeout.ms': '10000',
    'partition.assignment.strategy': strategy,
    'offsets.storage': storage,
    'dual.commit.enabled': 'false',
    'auto.offset.reset': 'smallest',
    'rebalance.backoff.ms': '200',
    'rebalance.max.retries': '50',
    'fetch.wait.max.ms': '50',
    'refresh.leader.backoff.ms': '50',
  })

  function join(
    name: string,
    topic: string,
    settings: Readonly<Record<string, string>>,
  ): Promise<GroupMember> {
    const joining = { name, topic, streams: 2, settings }
    return name.endsWith('ours')
      ? OurMember.join(joining)
      : TheirMember.join(java, joining)
  }

  /** The owners as ZooKeeper has them, by partition. */
  async function owners(group: string, topic: string): Promise<Record<string, string>> {
    const path = `/consumers/${group}/owners/${topic}`
    const found: [string, string][] = []
    for (let partition = 0; partition < PARTITIONS; partition++) {
      if (!(await cluster.exists(`${path}/${partition}`))) continue
      const { data } = await cluster.session.getData(`${path}/${partition}`)
      found.push([`${partition}`, String(data)])
    }
    return Object.fromEntries(found)
  }

  /** Waits until all members say the same as ZooKeeper, and every member has its part. */
  async function untilAgreed(group: string, topic: string): Promise<void> {
    await until(
      'all agree',
      async () => {
        const claimed = await owners(group, topic).catch(() => ({}))
        const computed = await Promise.all(members.map((each) => each.assignment()))
        return { claimed, computed }
      },
      ({ claimed, computed }) => {
        const consumers = new Set(
          Object.values(claimed).map((t) => t.replace(/-\d+$/, '')),
        )
        return (
          Object.keys(claimed).length === PARTITIONS &&
          consumers.size === members.length &&
          computed.every((one) => JSON.stringify(one) === JSON.stringify(claimed))
        )
      },
    )
  }

  it.each(strategies)(
    `shares ${PARTITIONS} partitions by %s through ${CHANGES} changes, offsets in %s`,
    async (strategy, storage) => {
      const topic = `${strategy}-${storage}`
      const group = `group-${topic}`
      const settings = settingsOf(group, strategy, storage)
      await newTopic(topic)
      const received: Row[] = []
      const collect = async (from: readonly GroupMember[] = members) => {
        for (const member of from) received.push(...(await member.received()))
      }
      const quiet: string[] = []
      const sent: string[] = []
      const random = chance(CHANGES)
      members = [await join(NAMES[0] as string, topic, settings)]
      for (let change = 0; change < CHANGES; change++) {
        // One comes or goes, while messages arrive.
        const name = NAMES[random(NAMES.length)] as string
        const leaving = members.find((member) => member.name === name)
        const busy = send(topic, `busy ${change}`)
        if (!leaving) members.push(await join(name, topic, settings))
        else if (members.length > 1) {
          await leaving.leave()
          await collect([leaving])
          members = members.filter((member) => member !== leaving)
        }
        sent.push(...(await busy))
        await untilAgreed(group, topic)

        // All is read before the next change; what came in peace, once.
        const calm = await send(topic, `calm ${change}`)
        quiet.push(...calm)
        sent.push(...calm)
        await until('all is read', async () => {
          await collect()
          const seen = new Set(received.map(([, , , value]) => value))
          return sent.every((value) => seen.has(value))
        })
        const times = timesOf(received)
        expect(calm.filter((value) => times.get(value) !== 1)).toEqual([])
      }
      for (const member of members) await member.leave()
      await collect()
      members = []

      // A new owner asks for the offset before it claims the partition, as in 1.1.1: when
      // the former one commits between the two, the new one reads a little again.
      const times = timesOf(received)
      const again = quiet.filter((value) => times.get(value) !== 1)
      expect(again.length).toBeLessThan(quiet.length / 10)
      expect([...times.keys()].sort()).toEqual([...new Set(sent)].sort())
      const how = `${strategy}, offsets in ${storage}, ${CHANGES} changes`
      proven('ZookeeperConsumerConnector', `one group with ours: ${how}`)
    },
    600_000,
  )

  it.each(['zookeeper', 'kafka'])(
    'goes on where the other kind committed, offsets in %s',
    async (storage) => {
      const topic = `taken-${storage}`
      const settings = settingsOf(`group-${topic}`, 'range', storage)
      await newTopic(topic)
      for (const name of ['a-ours', 'b-theirs', 'c-ours', 'd-theirs']) {
        const expected = await send(topic, name)
        members = [await join(name, topic, settings)]
        const rows: Row[] = []
        await until('all is read', async () => {
          rows.push(...((await members[0]?.received()) ?? []))
          return rows.length >= expected.length
        })
        await members[0]?.leave()
        rows.push(...((await members[0]?.received()) ?? []))
        members = []
        expect(rows.map(([, , , value]) => value).sort()).toEqual(expected.sort())
      }
      proven('ZookeeperConsumerConnector', `offsets of ours in ${storage}, and back`)
    },
  )

  it('shares with the console consumer of old', async () => {
    const topic = 'console'
    const group = 'group-console'
    await newTopic(topic)
    members = [await join('a-ours', topic, settingsOf(group, 'range', 'zookeeper'))]
    await untilAgreed(group, topic)
    const properties = ['rebalance.backoff.ms=200', 'auto.offset.reset=smallest']

    // Three streams share: two of ours, one of the console's.
    const third = (PARTITIONS / 3) * 3
    const console = java.run(
      'kafka.tools.ConsoleConsumer',
      ...['--zookeeper', cluster.zookeeperConnect, '--topic', topic],
      ...['--max-messages', `${third}`, '--consumer-property', `group.id=${group}`],
      ...properties.flatMap((each) => ['--consumer-property', each]),
    )
    await until('two owners', async () => {
      // An owner may let go while we look.
      const claimed = Object.values(await owners(group, topic).catch(() => ({})))
      const consumers = claimed.map((thread) => thread.replace(/-\d+$/, ''))
      return claimed.length === PARTITIONS && new Set(consumers).size === 2
    })
    const expected = await send(topic, 'text')
    const { stdout } = await console
    const rest: Row[] = []
    await until(
      'the rest',
      () => members[0]?.received() ?? [],
      (got) => rest.push(...got) >= 2 * third,
    )
    const both = [...stdout.trim().split('\n'), ...rest.map(([, , , value]) => value)]
    expect(both.sort()).toEqual(expected.sort())
    await members[0]?.leave()
    members = []
    proven(
      'kafka-console-consumer.sh --zookeeper',
      'one group with a connector of ours',
    )
  })
})
