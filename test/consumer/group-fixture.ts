/**
 * # A group in memory
 *
 * ZooKeeper, brokers and consumers on one virtual clock: seconds of time-outs and pauses
 * take milliseconds, and nothing depends on how fast the machine is.
 *
 * @module
 */
import { memoryPlatform } from '../../src/base/platform/memory/memory-platform.ts'
import { ConsumerConfig } from '../../src/consumer/ConsumerConfig.ts'
import {
  Consumer,
  type ConsumerRebalanceListener,
} from '../../src/consumer/ConsumerConnector.ts'
import { StringDecoder } from '../../src/consumer/Decoder.ts'
import type { KafkaStream } from '../../src/consumer/KafkaStream.ts'
import type { ZookeeperConsumerConnector } from '../../src/consumer/ZookeeperConsumerConnector.ts'
import { ZkUtils } from '../../src/zk/ZkUtils.ts'
import type { ZooKeeperConnect } from '../../src/zookeeper/client.ts'
import { inProcessConnect } from '../../src/zookeeper/in-process-session.ts'
import { ZooKeeperServer } from '../../src/zookeeper/server/ZooKeeperServer.ts'
import { ZooKeeperClient } from '../../src/zookeeper/ZooKeeperClient.ts'
import { LogBroker, World } from './LogBroker.ts'

/** The decoder of all tests. */
export const text = new StringDecoder()

type Stream = KafkaStream<string, string>

/** ZooKeeper, one broker and room for more, on one virtual clock. */
export class GroupFixture {
  readonly platform = memoryPlatform({ seed: 7 })
  zooKeeper = this.#newZooKeeper()
  readonly connect: ZooKeeperConnect = inProcessConnect({
    clock: this.platform.clock,
    connectInProcess: () => this.zooKeeper.connectInProcess(),
  })
  readonly world = new World(this.platform)
  readonly connectors: ZookeeperConsumerConnector[] = []
  #zkUtils: ZkUtils | undefined

  static async start(brokers = 1): Promise<GroupFixture> {
    const fixture = new GroupFixture()
    await fixture.zooKeeper.startup()
    const client = new ZooKeeperClient({
      connect: fixture.connect,
      ...{ connectString: 'zk', sessionTimeoutMs: 40_000, connectionTimeoutMs: 6000 },
      ...{ maxInFlightRequests: 10, clock: fixture.platform.clock },
    })
    await fixture.run(client.start())
    fixture.#zkUtils = new ZkUtils(client)
    await fixture.run(fixture.zk.createPersistentPath('/brokers/ids'))
    for (let i = 0; i < brokers; i++) await fixture.addBroker()
    return fixture
  }

  #newZooKeeper(): ZooKeeperServer {
    return new ZooKeeperServer({ platform: this.platform, dataDir: '/zookeeper' })
  }

  /** Ends ZooKeeper; another one begins with what it left, after `awayMs`. */
  async restartZooKeeper(awayMs: number): Promise<void> {
    await this.run(this.zooKeeper.shutdown())
    await this.advance(awayMs)
    this.zooKeeper = this.#newZooKeeper()
    await this.run(this.zooKeeper.startup())
  }

  /** The hand of the test in ZooKeeper. */
  get zk(): ZkUtils {
    return this.#zkUtils!
  }

  /** Lets time pass until a promise settles. */
  run<T>(promise: Promise<T>, limitMs = 600_000): Promise<T> {
    return this.platform.virtualClock.runUntil(promise, limitMs)
  }

  advance(ms: number): Promise<void> {
    return this.platform.virtualClock.advance(ms)
  }

  async addBroker(): Promise<LogBroker> {
    const broker = await new LogBroker(this.world).start()
    await this.register(broker)
    return broker
  }

  async register({ id, host, port }: LogBroker): Promise<void> {
    const node = {
      ...{ version: 4, host, port, jmx_port: -1, timestamp: '1' },
      endpoints: [`PLAINTEXT://${host}:${port}`],
      listener_security_protocol_map: { PLAINTEXT: 'PLAINTEXT' },
    }
    const path = `/brokers/ids/${id}`
    await this.run(this.zk.createPersistentPath(path, JSON.stringify(node)))
  }

  async unregister({ id }: LogBroker): Promise<void> {
    await this.run(this.zk.deletePath(`/brokers/ids/${id}`))
  }

  /** Creates a topic, or grows it. */
  async createTopic(topic: string, partitions: number): Promise<void> {
    const numbers = Array.from({ length: partitions }, (_, p) => p)
    for (const p of numbers) this.world.produce(`${topic}-${p}`)
    const node = {
      version: 1,
      partitions: Object.fromEntries(numbers.map((p) => [p, [0]])),
    }
    const path = `/brokers/topics/${topic}`
    await this.run(this.zk.updatePersistentPath(path, JSON.stringify(node)))
  }

  /** Makes a connector of group `g`, shut down at the end of the test. */
  async connector(
    id: string,
    settings: Readonly<Record<string, string>> = {},
    zooKeeperConnect = this.connect,
  ): Promise<ZookeeperConsumerConnector> {
    const config = new ConsumerConfig({
      ...{ 'group.id': 'g', 'consumer.id': id, 'zookeeper.connect': 'zk' },
      'auto.offset.reset': 'smallest',
      ...settings,
    })
    const platform = this.platform.onHost(id)
    const connector = await this.run(
      Consumer.create(config, { platform, zooKeeperConnect }),
    )
    this.connectors.push(connector)
    return connector
  }

  /** Makes a connector that reads topics, and its streams in order. */
  async join(
    id: string,
    topics: Readonly<Record<string, number>>,
    settings: Readonly<Record<string, string>> = {},
    listener?: ConsumerRebalanceListener,
  ): Promise<{ connector: ZookeeperConsumerConnector; streams: Stream[] }> {
    const connector = await this.connector(id, settings)
    if (listener) connector.setConsumerRebalanceListener(listener)
    const counts = new Map(Object.entries(topics))
    const made = await this.run(connector.createMessageStreams(counts, text, text))
    return { connector, streams: [...made.values()].flat() }
  }

  /** Who owns what: `t-0` → thread id. */
  async owners(topic: string): Promise<Record<string, string>> {
    const dir = `/consumers/g/owners/${topic}`
    const found: Record<string, string> = {}
    const names = (await this.run(this.zk.getChildrenParentMayNotExist(dir))) ?? []
    for (const name of names.sort()) {
      const owner = await this.run(this.zk.readDataMaybeNull(`${dir}/${name}`))
      if (owner !== undefined) found[`${topic}-${name}`] = owner
    }
    return found
  }

  /** The offset of a partition in ZooKeeper. */
  offset(topic: string, partition: number): Promise<string | undefined> {
    const path = `/consumers/g/offsets/${topic}/${partition}`
    return this.run(this.zk.readDataMaybeNull(path))
  }

  /** Ends the session that made a node, as a server does when it hears nothing. */
  expireOwnerOf(path: string): void {
    this.zooKeeper.expireSession(this.zooKeeper.ephemeralOwner(path))
  }

  /** Reads the next `count` values of a stream. */
  async take(stream: Stream, count: number): Promise<string[]> {
    const values: string[] = []
    const iterator = stream.iterator()
    while (values.length < count) {
      values.push(String((await this.run(iterator.next())).message()))
    }
    return values
  }

  async close(): Promise<void> {
    for (const connector of this.connectors) await this.run(connector.shutdown())
    for (const broker of this.world.brokers) await broker.stop()
    await this.run(this.zk.close())
    await this.zooKeeper.shutdown()
  }
}
