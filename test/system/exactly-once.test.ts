/**
 * Read, process, write, exactly once: a processor copies one topic to another in
 * transactions, while it and the brokers are killed. The output holds each input once.
 *
 * The long form, `npm run test:system:full`, copies 100,000 records.
 */
import { type ChildProcess, spawn } from 'node:child_process'
import { createInterface } from 'node:readline'
import { Kafka, KafkaJSError, logLevel } from 'kafkajs'
import { expect, it } from 'vitest'
import { Deferred } from '../../src/base/async/Deferred.ts'
import { runCommand, TemporaryDirectory } from './running-command.ts'

// They start `dist/cli/main.js`, which they find from where they are.
const chaos = '../../dist/testing/chaos'
const { BrokerProcess } = await import(`${chaos}/BrokerProcess.js`)
const { ZooKeeperProcess } = await import(`${chaos}/ZooKeeperProcess.js`)
const { freePorts } = await import(`${chaos}/free-ports.js`)

const FULL = process.env.SYSTEM_FULL === '1'
const RECORDS = FULL ? 100_000 : 3000
const PARTITIONS = 3

/** Asks again while brokers are being killed. */
async function persist<T>(ask: () => Promise<T>): Promise<T> {
  for (;;) {
    try {
      return await ask()
    } catch (error) {
      if (!(error instanceof KafkaJSError)) throw error
    }
  }
}

/** Records between two kills. */
const STRIDE = FULL ? 2500 : 600

it(
  `copies ${RECORDS} records once each, whoever is killed`,
  async () => {
    using home = new TemporaryDirectory()
    const endings: (() => unknown)[] = []
    await using _ending = {
      async [Symbol.asyncDispose]() {
        for (const end of endings.reverse()) await end()
      },
    }

    // Start a cluster of processes.
    const [zooKeeperPort, ...ports]: number[] = await freePorts(1 + 3)
    const zooKeeper = new ZooKeeperProcess(home.path, zooKeeperPort)
    await zooKeeper.start()
    endings.push(() => zooKeeper.kill())
    const brokers = ports.map(
      (port, id) =>
        new BrokerProcess({
          ...{ id, home: home.path, port, advertisedPort: port },
          zookeeperPort: zooKeeper.port,
          config: {
            'zookeeper.session.timeout.ms': '4000',
            'min.insync.replicas': '2',
            'offsets.topic.num.partitions': '3',
            'offsets.topic.replication.factor': '3',
            'transaction.state.log.num.partitions': '3',
            'transaction.state.log.replication.factor': '3',
            'transaction.state.log.min.isr': '2',
            'group.initial.rebalance.delay.ms': '0',
            'group.min.session.timeout.ms': '1000',
            'transaction.abort.timed.out.transaction.cleanup.interval.ms': '1000',
          },
        }),
    )
    for (const broker of brokers) endings.push(() => broker.kill())
    await Promise.all(brokers.map((broker) => broker.start()))
    const bootstrap = ports.map((port) => `127.0.0.1:${port}`)

    // Fill the input.
    const kafka = new Kafka({
      ...{ brokers: bootstrap, logLevel: logLevel.NOTHING },
      retry: { initialRetryTime: 50, maxRetryTime: 500, retries: 200 },
    })
    const admin = kafka.admin()
    await admin.connect()
    endings.push(() => admin.disconnect())
    await admin.createTopics({
      topics: ['input', 'output'].map((topic) => ({
        ...{ topic, numPartitions: PARTITIONS, replicationFactor: 3 },
      })),
    })
    const producer = kafka.producer({ idempotent: true, maxInFlightRequests: 1 })
    await producer.connect()
    const values = Array.from({ length: RECORDS }, (_, i) => `record-${i}`)
    for (let at = 0; at < RECORDS; at += 1000) {
      const messages = values
        .slice(at, at + 1000)
        .map((value, i) => ({ value, partition: (at + i) % PARTITIONS }))
      await producer.send({ topic: 'input', acks: -1, messages })
    }
    await producer.disconnect()

    // Copy it. After each stretch somebody is killed: the processor, or one broker of three.
    const args = ['test/system/transactional-processor.mjs', bootstrap.join(), 'input']
    let processor: ChildProcess | undefined
    endings.push(() => void processor?.kill('SIGKILL'))
    const kills = { processor: 0, broker: 0, ownEnd: 0 }
    let copied = 0
    let harms = 0
    const everyoneInSync = async () => {
      for (;;) {
        const { topics } = await admin.fetchTopicMetadata({
          topics: ['input', 'output'],
        })
        const partitions = topics.flatMap((topic) => topic.partitions)
        if (partitions.every(({ isr }) => isr.length === 3)) return
      }
    }
    const complete = new Deferred<void>()
    const run = () => {
      const child = spawn(process.execPath, [...args, 'output'], {
        stdio: ['ignore', 'pipe', 'ignore'],
      })
      processor = child
      createInterface({ input: child.stdout }).on('line', (line) => {
        const before = Math.floor(copied / STRIDE)
        copied += Number(line.split(' ')[1])
        if (copied >= RECORDS) complete.resolve()
        else if (Math.floor(copied / STRIDE) > before) harm().catch(complete.reject)
      })
      child.on('exit', (_, signal) => {
        if (copied >= RECORDS) return
        if (signal === null) kills.ownEnd++
        run()
      })
    }
    let healing = Promise.resolve()
    const harm = async () => {
      if (harms++ % 2 === 0) {
        kills.processor++
        processor?.kill('SIGKILL')
        return
      }
      healing = healing.then(async () => {
        await everyoneInSync()
        const broker = brokers[kills.broker++ % brokers.length]
        await broker?.kill()
        await broker?.startUntilReady(async () => {})
      })
      await healing
    }
    run()

    // What was committed without our seeing it is found by counting the output.
    const output = async () => {
      const { stdout } = await runCommand(
        ...['consume', '--bootstrap-server', bootstrap.join(), '--topic', 'output'],
        ...['--from-beginning', '--isolation-level', 'read_committed'],
        ...['--timeout-ms', '3000'],
      )
      return stdout.split('\n').filter((line) => line !== '')
    }
    const isComplete = async () => {
      for (;;) {
        const offsets = await persist(() =>
          admin.fetchOffsets({
            groupId: 'processor',
            topics: ['input'],
          }),
        )
        const read = offsets[0]?.partitions.map(({ offset }) => Number(offset)) ?? []
        const sum = read.reduce((a, b) => a + Math.max(0, b), 0)
        if (sum >= RECORDS) return
      }
    }
    await Promise.race([complete.promise, isComplete()])
    copied = RECORDS
    await healing
    await isComplete()
    processor?.kill('SIGKILL')
    const got = await output()
    process.stdout.write(
      `${got.length} records in the output, the processor killed ${kills.processor} times, ` +
        `a broker ${kills.broker} times, the processor gave up ${kills.ownEnd} times\n`,
    )
    expect(kills.processor).toBeGreaterThan(0)
    expect(kills.broker).toBeGreaterThan(0)
    expect(got.toSorted()).toEqual(values.toSorted())
  },
  FULL ? 1_200_000 : 120_000,
)
