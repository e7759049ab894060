/**
 * Two of our brokers and one of Apache Kafka 1.1.1 in one cluster: each leads, each is
 * controller, each is stopped and killed, and what was acknowledged is on all of them, byte
 * for byte. The tools are Kafka's own.
 */
import { writeFileSync } from 'node:fs'
import { join } from 'node:path'
import { afterAll, beforeAll, describe, expect, it } from 'vitest'
import { missing } from './fetch-jars.ts'
import { JavaHost } from './JavaHost.ts'
import { MixedCluster, until } from './MixedCluster.ts'
import { proven } from './proven.ts'

const reason = missing()
const isFull = process.env.INTEROP_FULL === '1'
const zooKeepers = isFull ? (['embedded', 'apache'] as const) : (['embedded'] as const)
const OURS = [1, 2]
const THEIRS = 3
const ALL = [...OURS, THEIRS]
/** What a broker says of others that are away. */
const EXPECTED =
  /^java.io.IOException: Connection to|fails to send a request|InterruptedException$/
const name = (id: number) =>
  id === THEIRS ? `Apache's broker ${id}` : `our broker ${id}`

describe.skipIf(reason !== undefined).each(zooKeepers)(
  'a mixed cluster, ZooKeeper %s',
  (zooKeeper) => {
    let cluster: MixedCluster
    let java: JavaHost
    const acknowledged = new Map<number, string[]>()

    beforeAll(async () => {
      java = new JavaHost()
      cluster = await MixedCluster.start({ zooKeeper, ours: OURS, theirs: [THEIRS] })
      await java.call('Clients.openProducer', {
        name: 'p',
        settings: {
          'bootstrap.servers': cluster.bootstrapServers,
          ...{ acks: 'all', retries: '1000', 'retry.backoff.ms': '100' },
          ...{ 'enable.idempotence': 'true', 'max.block.ms': '60000' },
          'request.timeout.ms': '15000',
        },
      })
      await topics(
        '--create',
        '--topic',
        't',
        '--replica-assignment',
        '1:2:3,2:3:1,3:1:2',
      )
      await cluster.untilInSync('t')
    })

    afterAll(async () => {
      await java?.[Symbol.asyncDispose]()
      await cluster?.[Symbol.asyncDispose]()
    })

    const topics = (...args: readonly string[]) =>
      java.print(
        'kafka.admin.TopicCommand',
        '--zookeeper',
        cluster.zookeeperConnect,
        ...args,
      )

    /** Sends to one partition with acks=all, and notes what was acknowledged. */
    async function send(partition: number, word: string, count = 200): Promise<void> {
      const values = Array.from(
        { length: count },
        (_, at) => `${word} ${partition} ${at}`,
      )
      await java.call('Clients.send', { name: 'p', topic: 't', partition, values })
      const before = acknowledged.get(partition) ?? []
      acknowledged.set(partition, [...before, ...values])
    }

    const sendToAll = (word: string) =>
      Promise.all([0, 1, 2].map((partition) => send(partition, word)))

    /** All replicas hold the same bytes, and in them what was acknowledged, in order. */
    async function checkAll(): Promise<void> {
      await cluster.untilInSync('t')
      for (const partition of [0, 1, 2]) await cluster.untilIdentical('t', partition)
      const rows = await java.call<[number, number, string, string][]>(
        'Clients.readAll',
        {
          topic: 't',
          settings: { 'bootstrap.servers': cluster.bootstrapServers },
        },
      )
      for (const [partition, values] of acknowledged) {
        const got = rows.filter(([p]) => p === partition).map(([, , , value]) => value)
        expect(got).toEqual(values)
      }
    }

    it('has each broker lead, and all replicas hold the same bytes', async () => {
      for (const partition of [0, 1, 2]) {
        const { leader } = (await cluster.state('t', partition)) ?? {}
        expect(leader).toBe(ALL[partition])
      }
      await sendToAll('first')
      await checkAll()
      proven('Java producer', 'acks=all, idempotent, leaders of both kinds')
    })

    it.each(ALL)('is administered under controller %i', async (id) => {
      await cluster.makeController(id)
      const topic = `under-${id}`
      const others = ALL.filter((other) => other !== id)

      // Create; describe; add partitions.
      await topics(
        '--create',
        '--topic',
        topic,
        '--partitions',
        '3',
        '--replication-factor',
        '2',
      )
      await cluster.untilInSync(topic)
      await topics('--alter', '--topic', topic, '--partitions', '5')
      await until(
        'five partitions',
        async () => (await cluster.partitions(topic)).size,
        (n) => n === 5,
      )
      await cluster.untilInSync(topic)
      const described = await topics('--describe', '--topic', topic)
      for (const [partition, replicas] of await cluster.partitions(topic)) {
        const { leader, isr } = (await cluster.state(topic, partition)) ?? {}
        expect(described).toContain(
          `Partition: ${partition}\tLeader: ${leader}\tReplicas: ${replicas}\tIsr: ${isr}`,
        )
      }

      // Move every partition to other brokers.
      const values = Array.from({ length: 50 }, (_, at) => `moved ${at}`)
      for (const partition of [0, 1, 2]) {
        await java.call('Clients.send', { name: 'p', topic, partition, values })
      }
      const plan = [0, 1, 2].map((partition) => ({
        ...{ topic, partition },
        replicas: [ALL[partition] as number, ALL[(partition + 1) % 3] as number],
      }))
      const reversed = plan.map((each) => ({
        ...each,
        replicas: [...each.replicas].reverse(),
      }))
      for (const partitions of [plan, reversed]) {
        await reassign(partitions)
        for (const { partition, replicas } of partitions) {
          expect((await cluster.partitions(topic)).get(partition)).toEqual(replicas)
        }
        await cluster.untilInSync(topic)
      }
      for (const partition of [0, 1, 2]) await cluster.untilIdentical(topic, partition)

      // Let the preferred ones lead.
      const file = join(cluster.home.path, 'preferred.json')
      const partitions = reversed.map(({ partition }) => ({ topic, partition }))
      writeFileSync(file, JSON.stringify({ partitions }))
      await java.print(
        'kafka.admin.PreferredReplicaLeaderElectionCommand',
        ...['--zookeeper', cluster.zookeeperConnect, '--path-to-json-file', file],
      )
      for (const { partition, replicas } of reversed) {
        await cluster.untilLed(topic, partition, replicas[0] as number)
      }

      // Delete: nothing is left of it, anywhere.
      await topics('--delete', '--topic', topic)
      await until(
        'no node',
        async () => !(await cluster.exists(`/brokers/topics/${topic}`)),
      )
      await until(
        'no file',
        () => !ALL.some((broker) => cluster.hasFiles(broker, topic)),
      )
      expect(await cluster.controllerId()).toBe(id)
      expect(others).not.toContain(id)
      for (const what of ['create, describe, alter, delete']) {
        proven('kafka-topics.sh', `${what} under ${name(id)} as controller`)
      }
      proven(
        'kafka-reassign-partitions.sh',
        `execute, verify under ${name(id)} as controller`,
      )
      proven('kafka-preferred-replica-election.sh', `under ${name(id)} as controller`)
    })

    async function reassign(
      partitions: readonly { topic: string; partition: number; replicas: number[] }[],
    ): Promise<void> {
      const file = join(cluster.home.path, 'reassign.json')
      writeFileSync(file, JSON.stringify({ version: 1, partitions }))
      const args = [
        '--zookeeper',
        cluster.zookeeperConnect,
        '--reassignment-json-file',
        file,
      ]
      const tool = 'kafka.admin.ReassignPartitionsCommand'
      const started = await java.print(tool, ...args, '--execute')
      expect(started).toContain('Successfully started reassignment of partitions.')
      await until(
        'reassigned',
        () => java.print(tool, ...args, '--verify'),
        (said) => said.split('completed successfully').length === partitions.length + 1,
      )
    }

    it.each(ALL)('moves leaders away when broker %i is stopped', async (id) => {
      // The controller is another one: each kind asks the other.
      await cluster.makeController(id === THEIRS ? 1 : THEIRS)
      await preferred()
      await cluster.stopBroker(id, 'SIGTERM')
      for (const partition of [0, 1, 2]) {
        const { leader, isr } = (await cluster.state('t', partition)) ?? {}
        expect(leader).not.toBe(id)
        expect(isr).not.toContain(id)
      }
      await sendToAll(`without ${id}`)
      await cluster.startBroker(id)
      await checkAll()
      proven('broker', `controlled shutdown of ${name(id)}`)
    })

    it.each(ALL)('loses nothing when broker %i is killed', async (id) => {
      await cluster.makeController(id)
      await preferred()
      const sending = (async () => {
        for (let round = 0; round < 5; round++) await sendToAll(`kill ${id} ${round}`)
      })()
      await cluster.stopBroker(id, 'SIGKILL')
      await until(
        'another controller',
        () => cluster.controllerId(),
        (found) => found > 0 && found !== id,
      )
      await sending
      for (const partition of [0, 1, 2]) {
        expect((await cluster.state('t', partition))?.leader).not.toBe(id)
      }
      await cluster.startBroker(id)
      await checkAll()
      proven('broker', `kill -9 of ${name(id)}, leader and controller`)
    })

    it.each([
      [1, THEIRS],
      [THEIRS, 1],
    ])(
      'shrinks and expands the ISR: broker %i leads, %i stands still',
      async (leader, follower) => {
        await preferred()
        const partition = ALL.indexOf(leader)
        cluster.signal(follower, 'SIGSTOP')
        await until(
          'a smaller ISR',
          () => cluster.state('t', partition),
          (state) => state !== undefined && !state.isr.includes(follower),
        ).finally(() => cluster.signal(follower, 'SIGCONT'))
        expect((await cluster.state('t', partition))?.leader).toBe(leader)
        await send(partition, `slow ${follower}`)
        await checkAll()
        proven('broker', `ISR of ${name(leader)} with ${name(follower)} slow`)
      },
    )

    /** Every broker leads the partition that it should. */
    async function preferred(): Promise<void> {
      await cluster.untilInSync('t')
      await java.print(
        'kafka.admin.PreferredReplicaLeaderElectionCommand',
        ...['--zookeeper', cluster.zookeeperConnect],
      )
      for (const partition of [0, 1, 2]) {
        await cluster.untilLed('t', partition, ALL[partition] as number)
      }
    }

    it('never made Apache Kafka complain of us', () => {
      const complaints = cluster
        .said(THEIRS)
        .split('\n')
        .filter((line) => /^(ERROR|FATAL)|Exception/.test(line))
        .filter((line) => !EXPECTED.test(line))
      expect(complaints).toEqual([])
    })
  },
)
