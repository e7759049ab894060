/**
 * The short run, with Debian's ZooKeeper in place of the embedded one.
 */
import type { ChildProcess } from 'node:child_process'
import { CompressionTypes, Kafka, logLevel } from 'kafkajs'
import { afterAll, beforeAll, describe, expect, it } from 'vitest'
import { freePort, missing, startServer } from '../zookeeper/debian-zookeeper.ts'
import { hasKcat, kcatConsume, kcatProduce } from './kcat.ts'
import { StartedCommand, TemporaryDirectory } from './running-command.ts'
import { textLines, writeTextFile } from './text-file.ts'

describe.skipIf(missing !== undefined)("a broker on Debian's ZooKeeper", () => {
  let home: TemporaryDirectory
  let zooKeeper: ChildProcess
  let broker: StartedCommand
  let zookeeperConnect: string

  beforeAll(async () => {
    home = new TemporaryDirectory()
    const started = await startServer(home.path, await freePort())
    zooKeeper = started.server
    zookeeperConnect = `127.0.0.1:${started.port}`
    broker = await start()
  }, 60_000)

  afterAll(async () => {
    await broker?.[Symbol.asyncDispose]()
    zooKeeper?.kill('SIGKILL')
    home?.[Symbol.dispose]()
  })

  function start(): Promise<StartedCommand> {
    const args = ['--zookeeper', zookeeperConnect]
    return StartedCommand.start({ dataDir: `${home.path}/broker`, args })
  }

  it('says which ZooKeeper it uses', () => {
    expect(broker.zookeeperConnect).toBe(zookeeperConnect)
  })

  it.skipIf(!hasKcat)('brings a text there and back, by kcat', async () => {
    const text = writeTextFile(`${home.path}/text`, 20_000)
    await kcatProduce(broker.bootstrapServers, 'text', text.path)
    expect(await kcatConsume(broker.bootstrapServers, 'text')).toBe(text.sha256)
  })

  it('serves kafkajs, and has everything after a restart', async () => {
    const client = () =>
      new Kafka({
        brokers: broker.bootstrapServers.split(','),
        logLevel: logLevel.NOTHING,
        retry: { initialRetryTime: 20, retries: 20 },
      })
    const admin = client().admin()
    await admin.connect()
    await admin.createTopics({
      topics: [{ topic: 'js', numPartitions: 1, replicationFactor: 1 }],
    })
    await admin.disconnect()
    const texts = textLines(1000)
    const producer = client().producer({ idempotent: true })
    await producer.connect()
    const messages = texts.map((value) => ({ value }))
    await producer.send({ topic: 'js', compression: CompressionTypes.GZIP, messages })
    await producer.disconnect()

    expect(await broker.end('SIGTERM')).toEqual({ code: 0, signal: null })
    broker = await start()
    const consumer = client().consumer({ groupId: 'g', maxWaitTimeInMs: 50 })
    await consumer.connect()
    await consumer.subscribe({ topic: 'js', fromBeginning: true })
    const got: string[] = []
    await new Promise<void>((resolve, reject) => {
      const eachMessage = async ({
        message,
      }: {
        message: { value: Buffer | null }
      }) => {
        if (got.push(`${message.value}`) === texts.length) resolve()
      }
      consumer.run({ eachMessage }).catch(reject)
    })
    await consumer.disconnect()
    expect(got).toEqual(texts)
  })
})
