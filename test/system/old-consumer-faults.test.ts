/**
 * A consumer of old in a process of its own, with two brokers and a ZooKeeper that are
 * processes, too: brokers and ZooKeeper are killed, its session expires, its topic grows,
 * is deleted and made again. It reads on after each, and every message reaches it.
 *
 * Long: `npm run test:system:full` runs it. `REBALANCES=1000` also counts what the process
 * holds after so many rebalances.
 */
import { type ChildProcess, spawn } from 'node:child_process'
import { describe, expect, it } from 'vitest'
import { Deferred } from '../../src/base/async/Deferred.ts'
import { nodePlatform } from '../../src/base/platform/node/node-platform.ts'
import { ConsumerConfig } from '../../src/consumer/ConsumerConfig.ts'
import { Consumer } from '../../src/consumer/ConsumerConnector.ts'
import { StringDecoder } from '../../src/consumer/Decoder.ts'
import { StringEncoder } from '../../src/producer/Encoder.ts'
import { KeyedMessage } from '../../src/producer/KeyedMessage.ts'
import { Producer } from '../../src/producer/Producer.ts'
import { ProducerConfig } from '../../src/producer/ProducerConfig.ts'
import { ZkUtils } from '../../src/zk/ZkUtils.ts'
import { connectWithNodeZookeeperClient } from '../../src/zookeeper/node-zookeeper-client-session.ts'
import { ZooKeeperClient } from '../../src/zookeeper/ZooKeeperClient.ts'
import { createTopic } from '../server/clients.ts'
import { freePort, missing, startServer } from '../zookeeper/debian-zookeeper.ts'
import { ConsumerProcess, type Figures } from './consumer-process.ts'
import { runCommand, StartedCommand, TemporaryDirectory } from './running-command.ts'

const FULL = process.env.SYSTEM_FULL === '1'
const REBALANCES = Number(process.env.REBALANCES ?? 0)
const TOPIC = 'survivors'
const platform = nodePlatform()

/** `annotated-kafka zookeeper`, resolved when it serves. */
async function startOurs(dataDir: string, port: number): Promise<ChildProcess> {
  const args = ['zookeeper', '--port', `${port}`, '--data-dir', dataDir]
  const child = spawn(process.execPath, ['dist/cli/main.js', ...args])
  const ready = new Deferred<void>()
  child.stdout.once('data', () => ready.resolve())
  child.once('exit', () => ready.reject(new Error('ZooKeeper ended')))
  await ready.promise
  return child
}

/** A ZooKeeper and two brokers that can be killed and started again. */
class World implements AsyncDisposable {
  readonly home = new TemporaryDirectory()
  readonly brokers: StartedCommand[] = []
  zookeeperConnect = ''
  #start: (dataDir: string, port: number) => Promise<ChildProcess>
  #zooKeeper: ChildProcess | undefined
  #port = 0
  #producer: Producer<string | null, string | null> | undefined
  #sent = 0

  private constructor(start: (dataDir: string, port: number) => Promise<ChildProcess>) {
    this.#start = start
  }

  static async start(
    start: (dataDir: string, port: number) => Promise<ChildProcess>,
  ): Promise<World> {
    const world = new World(start)
    world.#port = await freePort()
    world.zookeeperConnect = `127.0.0.1:${world.#port}`
    await world.startZooKeeper()
    for (const id of [0, 1]) await world.startBroker(id)
    const client = world.brokers[0]!.client()
    await createTopic(client, TOPIC, { partitions: 4, replicas: 2 })
    client.close()
    const servers = world.brokers.map((broker) => broker.bootstrapServers).join(',')
    const config = new ProducerConfig({
      ...{ 'metadata.broker.list': servers, 'request.required.acks': '-1' },
      ...{ 'retry.backoff.ms': '200', 'message.send.max.retries': '300' },
    })
    const encoder = new StringEncoder()
    world.#producer = new Producer(config, platform, { encoder, keyEncoder: encoder })
    return world
  }

  async startZooKeeper(): Promise<void> {
    this.#zooKeeper = await this.#start(this.home.path, this.#port)
  }

  async killZooKeeper(): Promise<void> {
    const child = this.#zooKeeper
    if (!child || child.exitCode !== null) return
    const gone = new Promise((resolve) => child.once('exit', resolve))
    child.kill('SIGKILL')
    await gone
  }

  /** Starts a broker, on its port of before when it has run. */
  async startBroker(id: number): Promise<void> {
    const settings = [
      ...[`broker.id=${id}`, 'zookeeper.session.timeout.ms=4000'],
      ...['replica.fetch.wait.max.ms=50', 'controlled.shutdown.retry.backoff.ms=200'],
      'auto.create.topics.enable=false',
    ]
    const overrides = settings.flatMap((setting) => ['--override', setting])
    this.brokers[id] = await StartedCommand.start({
      dataDir: `${this.home.path}/broker-${id}`,
      port: this.brokers[id]?.port ?? 0,
      args: ['--zookeeper', this.zookeeperConnect, ...overrides],
    })
  }

  /** Sends a few texts to each partition. @returns the texts */
  async send(word: string, partitions = 4): Promise<string[]> {
    const texts: string[] = []
    for (let i = 0; i < 5 * partitions; i++) {
      const text = `${word}-${this.#sent++}`
      const message = new KeyedMessage<string | null, string | null>(
        ...([TOPIC, text, null, i % partitions] as const),
      )
      await this.#producer?.send(message)
      texts.push(text)
    }
    return texts
  }

  /** A session of the test's own. */
  async zkUtils(): Promise<ZkUtils> {
    const client = new ZooKeeperClient({
      connect: connectWithNodeZookeeperClient,
      connectString: this.zookeeperConnect,
      ...{ sessionTimeoutMs: 10_000, connectionTimeoutMs: 20_000 },
      ...{ maxInFlightRequests: 10, clock: platform.clock },
    })
    await client.start()
    return new ZkUtils(client)
  }

  async [Symbol.asyncDispose](): Promise<void> {
    await this.#producer?.close()
    for (const broker of this.brokers) await broker[Symbol.asyncDispose]()
    await this.killZooKeeper()
    this.home[Symbol.dispose]()
  }
}

/** Waits until all texts have come. */
async function expectAll(
  consumer: ConsumerProcess,
  texts: readonly string[],
): Promise<void> {
  const came = () => new Set(consumer.received.map((line) => line.split(' ')[2]))
  await consumer.until(() => texts.every((text) => came().has(text)))
}

/** Waits until a directory has as many children as are wanted. */
async function untilChildren(
  zkUtils: ZkUtils,
  path: string,
  isEnough: (children: readonly string[]) => boolean,
): Promise<void> {
  const enough = new Deferred<void>()
  const look = (children: readonly string[]) => {
    if (isEnough(children)) enough.resolve()
  }
  const listener = {
    handleChildChange: (_: string, children: string[] | null) => look(children ?? []),
  }
  look((await zkUtils.subscribeChildChanges(path, listener)) ?? [])
  await enough.promise
  zkUtils.unsubscribeChildChanges(path, listener)
}

/** Waits until both brokers are in sync for a partition. */
async function untilInSync(zkUtils: ZkUtils, partition: number): Promise<void> {
  const path = `/brokers/topics/${TOPIC}/partitions/${partition}/state`
  const inSync = new Deferred<void>()
  const look = (data: string | null) => {
    if (JSON.parse(data ?? '{}').isr?.length === 2) inSync.resolve()
  }
  const listener = {
    handleDataChange: (_: string, data: string | null) => look(data),
    handleDataDeleted: () => undefined,
  }
  await zkUtils.subscribeDataChanges(path, listener)
  look(await zkUtils.readData(path))
  await inSync.promise
  zkUtils.unsubscribeDataChanges(path, listener)
}

/** Runs `annotated-kafka topics`. */
async function topics(world: World, ...args: readonly string[]): Promise<void> {
  const where = ['--zookeeper', world.zookeeperConnect, '--topic', TOPIC]
  const { code, stderr } = await runCommand('topics', ...where, ...args)
  expect([code, stderr]).toEqual([0, expect.anything()])
}

const kinds: [string, (dataDir: string, port: number) => Promise<ChildProcess>][] = [
  ['ours', startOurs],
]
if (missing === undefined) {
  const debian = async (dataDir: string, port: number) =>
    (await startServer(dataDir, port)).server
  kinds.push(["Debian's", debian])
}

describe.skipIf(!FULL).each(kinds)('with a ZooKeeper that is %s', (_, start) => {
  it('a consumer outlives what happens to all others', async () => {
    await using world = await World.start(start)
    const consumer = new ConsumerProcess(world.zookeeperConnect, TOPIC, 'g', {})
    await expectAll(consumer, await world.send('first'))

    // A broker is killed, its partitions are led by the other, and it comes back.
    await world.brokers[1]?.end('SIGKILL')
    await expectAll(consumer, await world.send('without-1'))
    await world.startBroker(1)

    // The other one leaves in good order, as soon as the first has caught up.
    const zkUtils = await world.zkUtils()
    for (const partition of [0, 1, 2, 3]) await untilInSync(zkUtils, partition)
    await world.brokers[0]?.end('SIGTERM')
    await expectAll(consumer, await world.send('without-0'))
    await world.startBroker(0)

    // ZooKeeper is killed and comes back.
    await world.killZooKeeper()
    await world.startZooKeeper()
    await expectAll(consumer, await world.send('after-zookeeper'))
    await consumer.commit()

    // The consumer stands still until its session has expired, then it goes on.
    const { rebalances } = consumer
    consumer.signal('SIGSTOP')
    await untilChildren(zkUtils, '/consumers/g/ids', (ids) => ids.length === 0)
    const late = await world.send('while-it-stood-still')
    consumer.signal('SIGCONT')
    await consumer.until(() => consumer.rebalances > rebalances)
    await expectAll(consumer, late)

    // The topic gets two more partitions.
    await topics(world, '--alter', '--partitions', '6')
    await consumer.until(() => consumer.owned.length === 6)
    await expectAll(consumer, await world.send('grown', 6))

    // It is deleted, and made again with less.
    await consumer.commit()
    await topics(world, '--delete')
    await untilChildren(zkUtils, '/brokers/topics', (all) => !all.includes(TOPIC))
    await topics(world, '--create', '--partitions', '2', '--replication-factor', '2')
    await expectAll(consumer, await world.send('anew', 2))
    await zkUtils.close()
    expect(await consumer.leave()).toBe(0)
  }, 240_000)
})

describe.skipIf(REBALANCES === 0)(`${REBALANCES} rebalances`, () => {
  it('leave a process as it was', async () => {
    await using world = await World.start(startOurs)
    const soon = { 'consumer.id': 'a', 'rebalance.backoff.ms': '20' }
    const consumer = new ConsumerProcess(world.zookeeperConnect, TOPIC, 'g', soon)
    await consumer.until(() => consumer.owned.length === 4)

    // Another member comes and goes; the first tenth warms up.
    const decoder = new StringDecoder()
    const untilRebalances = async (count: number) => {
      while (consumer.rebalances < count) {
        const config = new ConsumerConfig({
          ...{ 'group.id': 'g', 'zookeeper.connect': world.zookeeperConnect },
          ...{ 'rebalance.backoff.ms': '20', 'rebalance.max.retries': '500' },
        })
        const other = await Consumer.create(config, {
          ...{ platform, zooKeeperConnect: connectWithNodeZookeeperClient },
        })
        await other.createMessageStreams(new Map([[TOPIC, 1]]), decoder, decoder)
        await consumer.until(() => consumer.owned.length === 2)
        await other.shutdown()
        await consumer.until(() => consumer.owned.length === 4)
      }
      await expectAll(consumer, await world.send('still'))
      return consumer.measure()
    }
    const before: Figures = await untilRebalances(Math.ceil(REBALANCES / 10))
    const after: Figures = await untilRebalances(REBALANCES)
    console.info(`${consumer.rebalances} rebalances`, JSON.stringify([before, after]))

    // Sockets and pipes are the same. A timer more or less waits at any moment, and what
    // is held grows by noise at most: a leak would have made hundreds.
    const { Timeout: timers = 0, ...handles } = after.resources
    const { Timeout: timersBefore = 0, ...handlesBefore } = before.resources
    expect(handles).toEqual(handlesBefore)
    expect(timers).toBeLessThan(timersBefore + 5)
    expect(after.heapUsed - before.heapUsed).toBeLessThan(8 * 2 ** 20)
    expect(await consumer.leave()).toBe(0)
  }, 3_600_000)
})
