/**
 * A cluster of our brokers and brokers of Apache Kafka 1.1.1, each a process of its own, on
 * one ZooKeeper: the embedded one, or the 3.4.10 that Kafka 1.1.1 came with.
 */
import { type ChildProcess, spawn } from 'node:child_process'
import {
  existsSync,
  mkdirSync,
  readdirSync,
  readFileSync,
  writeFileSync,
} from 'node:fs'
import { join } from 'node:path'
import { nodePlatform } from '../../src/base/platform/node/node-platform.ts'
import { NetworkClient } from '../../src/network/NetworkClient.ts'
import type { ZooKeeperSession } from '../../src/zookeeper/client.ts'
import { connectWithNodeZookeeperClient } from '../../src/zookeeper/node-zookeeper-client-session.ts'
import { ZooKeeperServer } from '../../src/zookeeper/server/ZooKeeperServer.ts'
import { StartedCommand, TemporaryDirectory } from '../system/running-command.ts'
import { ApacheBroker, freePort, javaArguments } from './apache-kafka.ts'

/** Long enough for a process that waits for one of two busy cores. */
const SESSION_TIMEOUT_MS = 6000

/** What all brokers are told. */
const SETTINGS: Readonly<Record<string, string>> = {
  'zookeeper.session.timeout.ms': `${SESSION_TIMEOUT_MS}`,
  'zookeeper.connection.timeout.ms': '20000',
  'replica.lag.time.max.ms': '2500',
  'replica.fetch.wait.max.ms': '100',
  'replica.fetch.backoff.ms': '100',
  'controlled.shutdown.retry.backoff.ms': '500',
  'auto.leader.rebalance.enable': 'false',
  'default.replication.factor': '3',
  'auto.create.topics.enable': 'false',
  'offsets.topic.num.partitions': '3',
  'offsets.topic.replication.factor': '3',
  'transaction.state.log.num.partitions': '3',
  'transaction.state.log.replication.factor': '3',
  'transaction.state.log.min.isr': '2',
  'group.initial.rebalance.delay.ms': '0',
  'log.segment.delete.delay.ms': '1000',
  'log.index.size.max.bytes': '1048576',
  'log.cleaner.dedupe.buffer.size': '4194304',
}

/** One broker, running or not. */
interface Member {
  readonly id: number
  readonly isOurs: boolean
  readonly port: number
  readonly logDir: string
  process: StartedCommand | ApacheBroker | undefined
  /** What its former processes said. */
  said: string
}

/** Leader and in-sync replicas, as ZooKeeper has them. */
export interface PartitionState {
  readonly leader: number
  readonly isr: readonly number[]
  readonly leader_epoch: number
  readonly controller_epoch: number
}

/** What a cluster is made of. */
export interface MixedClusterOptions {
  readonly zooKeeper: 'embedded' | 'apache'
  /** Ids of our brokers. */
  readonly ours: readonly number[]
  /** Ids of the brokers of Apache Kafka. */
  readonly theirs: readonly number[]
  readonly config?: Readonly<Record<string, string>>
}

/** Asks again until the answer is one that is waited for. */
export async function until<T>(
  what: string,
  ask: () => Promise<T> | T,
  isIt: (answer: T) => boolean = Boolean,
  timeoutMs = 60_000,
): Promise<T> {
  const end = performance.now() + timeoutMs
  for (;;) {
    const answer = await ask()
    if (isIt(answer)) return answer
    if (performance.now() > end) {
      throw new Error(`waited in vain: ${what}; last: ${JSON.stringify(answer)}`)
    }
    await new Promise((waited) => setTimeout(waited, 50))
  }
}

/** A running cluster. */
export class MixedCluster implements AsyncDisposable {
  readonly home = new TemporaryDirectory()
  readonly members = new Map<number, Member>()
  readonly #options: MixedClusterOptions
  #session: ZooKeeperSession | undefined
  #endZooKeeper: () => Promise<unknown> = async () => {}
  #zooKeeperPort = 0

  static async start(options: MixedClusterOptions): Promise<MixedCluster> {
    const cluster = new MixedCluster(options)
    try {
      await cluster.#startAll()
      return cluster
    } catch (error) {
      await cluster[Symbol.asyncDispose]()
      throw error
    }
  }

  private constructor(options: MixedClusterOptions) {
    this.#options = options
  }

  get zookeeperConnect(): string {
    return `127.0.0.1:${this.#zooKeeperPort}`
  }

  get bootstrapServers(): string {
    return [...this.members.values()].map(({ port }) => `127.0.0.1:${port}`).join(',')
  }

  /** A session of the test's own. */
  get session(): ZooKeeperSession {
    if (!this.#session) throw new Error('the cluster is not started')
    return this.#session
  }

  member(id: number): Member {
    const member = this.members.get(id)
    if (!member) throw new Error(`no broker ${id}`)
    return member
  }

  /** A line to one broker; its owner closes it. */
  client(id: number): NetworkClient {
    const { network, clock } = nodePlatform()
    return new NetworkClient({
      ...{ host: '127.0.0.1', port: this.member(id).port, clientId: 'interop' },
      ...{ requestTimeoutMs: 30_000, network, clock },
    })
  }

  /** Starts a broker that is not running; resolves when it has registered. */
  async startBroker(id: number): Promise<void> {
    // A killed one is registered until its session is over.
    const path = `/brokers/ids/${id}`
    await until(`broker ${id} is forgotten`, async () => !(await this.exists(path)))
    const member = this.member(id)
    const { port, logDir } = member
    member.said = this.said(id)
    const settings = {
      ...SETTINGS,
      ...{ 'broker.id': `${id}`, 'log.dirs': logDir },
      ...this.#options.config,
    }
    if (member.isOurs) {
      const overrides = Object.entries(settings).flatMap(([key, value]) => [
        ...['--override', `${key}=${value}`],
      ])
      member.process = await StartedCommand.start({
        ...{ dataDir: join(this.home.path, `${id}`), port },
        args: ['--zookeeper', this.zookeeperConnect, ...overrides],
      })
    } else {
      member.process = await ApacheBroker.start({
        ...{ dir: join(this.home.path, `${id}`), logDir, port },
        zookeeperConnect: this.zookeeperConnect,
        isRegistered: () => this.exists(path),
        config: settings,
      })
    }
  }

  /** Ends a broker's process. SIGTERM: in its own time, leaders moved away. */
  async stopBroker(id: number, signal: 'SIGTERM' | 'SIGKILL'): Promise<void> {
    const { process } = this.member(id)
    if (process instanceof StartedCommand) await process.end(signal)
    else await process?.stop(signal)
  }

  /** Lets a broker stand still, or go on. */
  signal(id: number, signal: 'SIGSTOP' | 'SIGCONT'): void {
    this.member(id).process?.signal(signal)
  }

  /** What a broker said of errors and warnings, all its processes. */
  said(id: number): string {
    const { process, said } = this.member(id)
    const now = process instanceof StartedCommand ? process.stderr : process?.printed
    return `${said}${now ?? ''}`
  }

  async exists(path: string): Promise<boolean> {
    return (await this.session.exists(path)) !== undefined
  }

  /** The JSON of a node; `undefined` when it is not there. */
  async json<T>(path: string): Promise<T | undefined> {
    if (!(await this.exists(path))) return undefined
    const { data } = await this.session.getData(path)
    return JSON.parse(String(data)) as T
  }

  async controllerId(): Promise<number> {
    const found = await this.json<{ brokerid: number }>('/controller').catch(() => null)
    return found?.brokerid ?? -1
  }

  /** Makes a broker the controller: the others stand still while it is elected. */
  async makeController(id: number): Promise<void> {
    await until(
      'a controller',
      () => this.controllerId(),
      (found) => found >= 0,
    )
    if ((await this.controllerId()) === id) return
    const others = [...this.members.values()].filter(
      (member) => member.id !== id && member.process?.isRunning,
    )
    for (const other of others) this.signal(other.id, 'SIGSTOP')
    await this.session.delete('/controller')
    await until(`broker ${id} is controller`, async () => {
      return (await this.controllerId()) === id
    })
    for (const other of others) this.signal(other.id, 'SIGCONT')
  }

  async partitions(topic: string): Promise<Map<number, readonly number[]>> {
    type Topic = { partitions: Record<string, number[]> }
    const found = await this.json<Topic>(`/brokers/topics/${topic}`)
    return new Map(
      Object.entries(found?.partitions ?? {})
        .map(([partition, replicas]) => [Number(partition), replicas] as const)
        .sort(([a], [b]) => a - b),
    )
  }

  state(topic: string, partition: number): Promise<PartitionState | undefined> {
    return this.json(`/brokers/topics/${topic}/partitions/${partition}/state`)
  }

  /** Waits until every partition has a leader and all its replicas in sync. */
  async untilInSync(...topics: readonly string[]): Promise<void> {
    for (const topic of topics) {
      await until(
        `${topic} is in sync`,
        async () => {
          const all = [...(await this.partitions(topic))]
          const states = await Promise.all(all.map(([p]) => this.state(topic, p)))
          const isInSync = all.map(([, replicas], at) => {
            const { leader = -1, isr = [] } = states[at] ?? {}
            return leader >= 0 && [...isr].sort().join() === [...replicas].sort().join()
          })
          return { ok: all.length > 0 && isInSync.every(Boolean), states }
        },
        ({ ok }) => ok,
      )
    }
  }

  /** Waits until a broker leads a partition. */
  async untilLed(topic: string, partition: number, by: number): Promise<void> {
    await until(
      `${topic}-${partition} is led by ${by}`,
      () => this.state(topic, partition),
      (state) => state?.leader === by,
    )
  }

  /** The batches of a replica, as they lie in its files. */
  logBytes(id: number, topic: string, partition: number): Buffer {
    const dir = join(this.member(id).logDir, `${topic}-${partition}`)
    const files = readdirSync(dir).filter((file) => file.endsWith('.log'))
    return Buffer.concat(files.sort().map((file) => readFileSync(join(dir, file))))
  }

  /** The names of a broker's directories of partitions; of deleted ones, too. */
  directories(id: number): string[] {
    const { logDir } = this.member(id)
    return existsSync(logDir) ? readdirSync(logDir) : []
  }

  /** Waits until all replicas have as many bytes; says where they differ. */
  async untilIdentical(topic: string, partition: number): Promise<Buffer> {
    const replicas = (await this.partitions(topic)).get(partition) ?? []
    const sizes = () => replicas.map((id) => this.logBytes(id, topic, partition).length)
    await until(`${topic}-${partition}: equal sizes`, sizes, ([first, ...rest]) =>
      rest.every((size) => size === first),
    )
    const [first, ...rest] = replicas.map((id) => this.logBytes(id, topic, partition))
    for (const [at, bytes] of rest.entries()) {
      if (first && bytes.equals(first)) continue
      const from = first?.findIndex((byte, i) => byte !== bytes[i])
      throw new Error(
        `${topic}-${partition}: ${replicas[0]} and ${replicas[at + 1]} ` +
          `differ from byte ${from}`,
      )
    }
    return first ?? Buffer.alloc(0)
  }

  async [Symbol.asyncDispose](): Promise<void> {
    await this.#session?.close()
    for (const { id, process } of this.members.values()) {
      if (process?.isRunning) await this.stopBroker(id, 'SIGKILL')
    }
    await this.#endZooKeeper()
    this.home[Symbol.dispose]()
  }

  async #startAll(): Promise<void> {
    if (this.#options.zooKeeper === 'embedded') await this.#startEmbedded()
    else await this.#startApacheZooKeeper()
    this.#session = await connectWithNodeZookeeperClient({
      ...{ connectString: this.zookeeperConnect, sessionTimeoutMs: 30_000 },
      ...{ connectionTimeoutMs: 30_000, onState: () => {}, onWatch: () => {} },
    })
    const { ours, theirs } = this.#options
    for (const id of [...ours, ...theirs]) {
      const logDir = join(this.home.path, `logs-${id}`)
      const isOurs = ours.includes(id)
      const port = await freePort()
      this.members.set(id, { id, isOurs, port, logDir, process: undefined, said: '' })
    }
    await Promise.all([...this.members.keys()].map((id) => this.startBroker(id)))
    await until(
      'a controller',
      () => this.controllerId(),
      (id) => id >= 0,
    )
  }

  async #startEmbedded(): Promise<void> {
    const zooKeeper = new ZooKeeperServer({
      ...{ platform: nodePlatform(), host: '127.0.0.1', port: 0, fsync: false },
      dataDir: join(this.home.path, 'zookeeper'),
    })
    await zooKeeper.startup()
    this.#zooKeeperPort = zooKeeper.port
    this.#endZooKeeper = () => zooKeeper.shutdown()
  }

  async #startApacheZooKeeper(): Promise<void> {
    const dataDir = join(this.home.path, 'zookeeper')
    mkdirSync(dataDir, { recursive: true })
    this.#zooKeeperPort = await freePort()
    const file = join(dataDir, 'zoo.cfg')
    const lines = [
      ...[`dataDir=${dataDir}`, `clientPort=${this.#zooKeeperPort}`, 'tickTime=1000'],
      ...['clientPortAddress=127.0.0.1', 'maxClientCnxns=0', 'forceSync=no'],
    ]
    writeFileSync(file, `${lines.join('\n')}\n`)
    const main = 'org.apache.zookeeper.server.ZooKeeperServerMain'
    const child: ChildProcess = spawn('java', javaArguments(main, [file]), {
      stdio: 'ignore',
    })
    const ended = new Promise((resolve) => child.once('exit', resolve))
    this.#endZooKeeper = async () => {
      child.kill('SIGKILL')
      await ended
    }
  }
}
