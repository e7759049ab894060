/**
 * Two of our brokers and one of Apache Kafka 1.1.1 in one cluster: each leads, each is
 * controller, each is stopped and killed, and what was acknowledged is on all of them, byte
 * for byte. The tools are Kafka's own.
 */
import { afterAll, beforeAll, describe, expect, it } from 'vitest'
import { runCommand } from '../system/running-command.ts'
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

/** Who is stopped and killed; one of each kind in the short form. */
const ends = isFull ? ALL : [1, THEIRS]

/** Who leads each partition of `t` when all is well. */
const preferred = ALL.map((id, partition) => ({
  ...{ topic: 't', partition },
  replicas: [id, (id % 3) + 1, ((id + 1) % 3) + 1],
}))

/** What a broker says when it is sent something that it does not understand. */
const NOT_UNDERSTOOD =
  /Schema|Underflow|NullPointer|CorruptRecord|InvalidRecord|IllegalState|ClassCast|Json|Unsupported|OutOfOrder|Unexpected/

const name = (id: number) =>
  id === THEIRS ? `Apache's broker ${id}` : `our broker ${id}`

/** Texts that differ from all others of a test. */
const texts = (word: string, count: number) =>
  Array.from({ length: count }, (_, at) => `${word} ${at}`)

describe.skipIf(reason !== undefined).each(zooKeepers)(
  'a mixed cluster, ZooKeeper %s',
  (zooKeeper) => {
    let cluster: MixedCluster
    let java: JavaHost
    let tools: KafkaTools
    const acknowledged = new Map<number, string[]>()

    beforeAll(async () => {
      java = new JavaHost()
      cluster = await MixedCluster.start({ zooKeeper, ours: OURS, theirs: [THEIRS] })
      tools = new KafkaTools(java, cluster)
      const settings = {
        ...{ 'bootstrap.servers': cluster.bootstrapServers, acks: 'all' },
        ...{ retries: '1000', 'retry.backoff.ms': '100', 'max.block.ms': '60000' },
        ...{ 'enable.idempotence': 'true', 'request.timeout.ms': '15000' },
      }
      await java.call('Clients.openProducer', { name: 'p', settings })
      const assignment = preferred.map(({ replicas }) => replicas.join(':')).join()
      await tools.topics('--create', '--topic', 't', '--replica-assignment', assignment)
      await cluster.untilInSync('t')
    })

    afterAll(async () => {
      await java?.[Symbol.asyncDispose]()
      await cluster?.[Symbol.asyncDispose]()
    })

    /** Sends to one partition with acks=all, and notes what was acknowledged. */
    async function send(partition: number, word: string): Promise<void> {
      const values = texts(`${word} ${partition}`, 200)
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
      const settings = { 'bootstrap.servers': cluster.bootstrapServers }
      type Row = [number, number, string | null, string]
      const read = { topic: 't', settings }
      const rows = await java.call<Row[]>('Clients.readAll', read)
      for (const [partition, values] of acknowledged) {
        const got = rows.filter(([p]) => p === partition).map(([, , , value]) => value)
        expect(got).toEqual(values)
      }
    }

    async function leaderOf(partition: number): Promise<number | undefined> {
      return (await cluster.state('t', partition))?.leader
    }

    /** Every broker leads the partition that it should. */
    async function electAll(): Promise<void> {
      await cluster.untilInSync('t')
      await tools.elect(preferred)
    }

    it('has each broker lead, and all replicas hold the same bytes', async () => {
      for (const { partition, replicas } of preferred) {
        expect(await leaderOf(partition)).toBe(replicas[0])
      }
      await sendToAll('first')
      await checkAll()
      proven('Java producer', 'acks=all, idempotent, leaders of both kinds')
    })

    it.each(ALL)('is administered under controller %i', async (id) => {
      await cluster.makeController(id)

      // Create; add partitions; describe.
      const topic = `under-${id}`
      const size = ['--partitions', '3', '--replication-factor', '2']
      await tools.topics('--create', '--topic', topic, ...size)
      await cluster.untilInSync(topic)
      await tools.topics('--alter', '--topic', topic, '--partitions', '5')
      await until('five partitions', async () => {
        return (await cluster.partitions(topic)).size === 5
      })
      await cluster.untilInSync(topic)
      const described = await tools.topics('--describe', '--topic', topic)
      for (const [partition, replicas] of await cluster.partitions(topic)) {
        const { leader, isr } = (await cluster.state(topic, partition)) ?? {}
        expect(described).toContain(
          `Partition: ${partition}\tLeader: ${leader}\t` +
            `Replicas: ${replicas}\tIsr: ${isr}`,
        )
      }

      // Our own command says the same, by either way to the cluster.
      const linesOf = (text: string) => text.split('\n').filter((line) => line.trim())
      for (const way of [
        ['--zookeeper', cluster.zookeeperConnect],
        ['--bootstrap-server', cluster.bootstrapServers],
      ]) {
        const ours = ['topics', ...way, '--describe', '--topic', topic]
        const { stdout } = await runCommand(...ours)
        expect(linesOf(stdout)).toEqual(linesOf(described))
      }

      // Move partitions to other brokers, and turn them round; let the first lead.
      for (const partition of [0, 1, 2]) {
        const values = texts('moved', 50)
        await java.call('Clients.send', { name: 'p', topic, partition, values })
      }
      const plan = ALL.map((first, partition) => ({
        ...{ topic, partition, replicas: [first, (first % 3) + 1] },
      }))
      const reversed = plan.map((each) => ({
        ...{ ...each, replicas: [...each.replicas].reverse() },
      }))
      for (const placements of [plan, reversed]) {
        await tools.place(...placements)
        for (const { partition, replicas } of placements) {
          expect((await cluster.partitions(topic)).get(partition)).toEqual(replicas)
        }
      }
      for (const partition of [0, 1, 2]) await cluster.untilIdentical(topic, partition)

      // Delete.
      await tools.topics('--delete', '--topic', topic)
      await until('it is gone', async () => {
        return !(await cluster.exists(`/brokers/topics/${topic}`))
      })
      expect(await cluster.controllerId()).toBe(id)
      const where = `under ${name(id)} as controller`
      proven('kafka-topics.sh', `create, alter, describe, delete ${where}`)
      proven('kafka-reassign-partitions.sh', `execute, verify ${where}`)
      proven('kafka-preferred-replica-election.sh', where)
    })

    it.each([
      [1, THEIRS],
      [THEIRS, 1],
    ])('shrinks and expands the ISR: %i leads, %i stands still', async (leader, id) => {
      await electAll()
      const partition = ALL.indexOf(leader)
      cluster.signal(id, 'SIGSTOP')
      await until(
        'a smaller ISR',
        () => cluster.state('t', partition),
        (state) => state !== undefined && !state.isr.includes(id),
      ).finally(() => cluster.signal(id, 'SIGCONT'))
      expect(await leaderOf(partition)).toBe(leader)
      await send(partition, `slow ${id}`)
      await checkAll()
      proven('broker', `ISR of ${name(leader)} while ${name(id)} is slow`)
    })

    it('leaves no file of a deleted topic', async () => {
      // A broker of Apache Kafka looks 30 s after its start: the short form does not wait.
      const pending = isFull ? '' : '-delete'
      for (const id of ALL) {
        const live = () =>
          cluster
            .directories(id)
            .filter((dir) => dir.startsWith('under-'))
            .filter((dir) => pending === '' || !dir.endsWith(pending))
        await until(`no file on broker ${id}`, live, (dirs) => dirs.length === 0)
      }
    })

    it.each(ends)('moves leaders away when broker %i is stopped', async (id) => {
      // The controller is another one: each kind asks the other.
      await cluster.makeController(id === THEIRS ? 1 : THEIRS)
      await electAll()
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

    it.each(ends)('loses nothing when broker %i is killed', async (id) => {
      await cluster.makeController(id)
      await electAll()
      const sending = (async () => {
        for (let round = 0; round < 5; round++) await sendToAll(`kill ${id} ${round}`)
      })()
      await cluster.stopBroker(id, 'SIGKILL')
      const ask = () => cluster.controllerId()
      await until('another controller', ask, (found) => found > 0 && found !== id)
      await sending
      for (const partition of [0, 1, 2]) {
        await until(
          'another leader',
          () => leaderOf(partition),
          (led) => led !== id,
        )
      }
      await cluster.startBroker(id)
      await checkAll()
      proven('broker', `kill -9 of ${name(id)}, leader and controller`)
    })

    it('said nothing that Apache Kafka does not understand', () => {
      const complaints = cluster
        .said(THEIRS)
        .split('\n')
        .filter((line) => NOT_UNDERSTOOD.test(line))
      expect(complaints).toEqual([])
    })
  },
)
