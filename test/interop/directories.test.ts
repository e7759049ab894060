/**
 * Directories change hands: what a broker of Apache Kafka wrote is served by ours, byte for
 * byte, after a proper stop and after a crash; what ours wrote is served by a broker of
 * Apache Kafka to its own console consumer. ZooKeeper is ours throughout.
 */
import { mkdtempSync, readdirSync, readFileSync, rmSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { afterEach, beforeEach, describe, expect, it } from 'vitest'
import { nodePlatform } from '../../src/base/platform/node/node-platform.ts'
import { NetworkClient } from '../../src/network/NetworkClient.ts'
import { CompressionType } from '../../src/record/CompressionType.ts'
import { MemoryRecords } from '../../src/record/MemoryRecords.ts'
import { type KafkaCluster, startCluster } from '../../src/testing/start-cluster.ts'
import type { ZooKeeperSession } from '../../src/zookeeper/client.ts'
import { inProcessConnect } from '../../src/zookeeper/in-process-session.ts'
import { ZooKeeperServer } from '../../src/zookeeper/server/ZooKeeperServer.ts'
import { createTopic, fetchBytes, produceBytes } from '../server/clients.ts'
import { ApacheBroker, runKafka } from './apache-kafka.ts'
import { missing } from './fetch-jars.ts'

const reason = missing()
const name = reason === undefined ? 'a log directory' : `a log directory (${reason})`
const platform = nodePlatform()

/** Topics in which the old formats are stored, and what a producer sends to them. */
const formats = [
  {
    topic: 'old0',
    magic: 0,
    version: 1,
    configs: { 'message.format.version': '0.9.0' },
  },
  {
    topic: 'old1',
    magic: 1,
    version: 2,
    configs: { 'message.format.version': '0.10.0' },
  },
  { topic: 'new', magic: 2, version: 5, configs: { 'segment.bytes': '20000' } },
] as const
const codecs = ['none', 'gzip', 'snappy', 'lz4'].map((codec) =>
  CompressionType.forName(codec),
)

describe.skipIf(reason !== undefined)(name, () => {
  let root = ''
  let zooKeeper: ZooKeeperServer
  let session: ZooKeeperSession

  beforeEach(async () => {
    root = mkdtempSync(join(tmpdir(), 'annotated-kafka-interop-'))
    const dataDir = join(root, 'zookeeper')
    const options = { platform, host: '127.0.0.1', port: 0, dataDir, fsync: false }
    zooKeeper = new ZooKeeperServer(options)
    await zooKeeper.startup()
    session = await inProcessConnect(zooKeeper)({
      ...{ connectString: zookeeperConnect(), sessionTimeoutMs: 60_000 },
      ...{ connectionTimeoutMs: 10_000, onState: () => {}, onWatch: () => {} },
    })
  })

  afterEach(async () => {
    await session?.close()
    await zooKeeper?.shutdown()
    rmSync(root, { recursive: true, force: true })
  })

  const zookeeperConnect = () => `127.0.0.1:${zooKeeper.port}`

  async function apacheBroker(logDir: string): Promise<ApacheBroker> {
    return ApacheBroker.start({
      ...{ dir: join(root, 'apache'), logDir, zookeeperConnect: zookeeperConnect() },
      isRegistered: async () => (await session.exists('/brokers/ids/0')) !== undefined,
      config: { 'zookeeper.session.timeout.ms': '4000' },
    })
  }

  /** Waits until ZooKeeper has forgotten a broker that was killed. */
  async function untilForgotten(): Promise<void> {
    for (
      let tries = 0;
      (await session.exists('/brokers/ids/0')) !== undefined;
      tries++
    ) {
      if (tries > 200) throw new Error('the broker is still registered')
      await pause()
    }
  }

  /** A broker of ours in a directory that is there already. */
  function ourBroker(logDir: string): Promise<KafkaCluster> {
    return startCluster({
      zookeeperConnect: zookeeperConnect(),
      config: { 'log.dirs': logDir, 'broker.id': '0' },
    })
  }

  it.each(['SIGTERM', 'SIGKILL'] as const)(
    'of Apache Kafka is served by ours with identical bytes (after %s)',
    async (signal) => {
      // Fill it.
      const logDir = join(root, 'logs')
      const apache = await apacheBroker(logDir)
      const sent = await fill(apache.port)
      await apache.stop(signal)
      expect(apache.printed).not.toContain('ERROR')
      const bytes = new Map(sent.map(({ topic }) => [topic, logBytes(logDir, topic)]))
      await untilForgotten()

      // Serve it.
      await using cluster = await ourBroker(logDir)
      const client = clientAt(cluster.brokers[0]?.boundPort() ?? 0)
      for (const { topic, version, values } of sent) {
        const fetched = await fetchAll(
          client,
          topic,
          version === 1 ? 1 : version === 2 ? 3 : 7,
        )
        expect(fetched.equals(bytes.get(topic) as Buffer), topic).toBe(true)
        const records = [...new MemoryRecords(fetched).records()]
        expect(records.map(({ value }) => String(value))).toEqual(values)
      }
      client.close()
    },
  )

  it('of ours is started by Apache Kafka, and its console consumer reads all', async () => {
    // Fill it.
    const logDir = join(root, 'logs')
    const cluster = await ourBroker(logDir)
    const sent = await fill(cluster.brokers[0]?.boundPort() ?? 0)
    await cluster.close()
    const bytes = new Map(sent.map(({ topic }) => [topic, logBytes(logDir, topic)]))
    await untilForgotten()

    // Let the other one serve it.
    const apache = await apacheBroker(logDir)
    try {
      const client = clientAt(apache.port)
      for (const { topic, version } of sent) {
        const fetched = await fetchAll(
          client,
          topic,
          version === 1 ? 1 : version === 2 ? 3 : 7,
        )
        expect(fetched.equals(bytes.get(topic) as Buffer), topic).toBe(true)
      }
      client.close()
      for (const { topic, values } of sent) {
        const consumed = await runKafka(
          'kafka.tools.ConsoleConsumer',
          ...['--bootstrap-server', `127.0.0.1:${apache.port}`, '--topic', topic],
          ...['--from-beginning', '--max-messages', String(values.length)],
          ...['--timeout-ms', '30000'],
        )
        expect(consumed.stdout).toBe(values.map((value) => `${value}\n`).join(''))
      }
      expect(apache.printed).not.toMatch(/ERROR|Corrupt|corrupt/)
    } finally {
      await apache.stop()
    }
  })
})

/** Creates the topics and sends to each with every codec. */
async function fill(port: number) {
  const client = clientAt(port)
  const sent = []
  for (const format of formats) {
    const { topic, magic, version, configs } = format
    await createWhenControlled(client, topic, configs)
    const values: string[] = []
    for (let round = 0; round < 12; round++) {
      const records = Array.from({ length: 1 + (round % 4) * 13 }, (_, i) => ({
        key: Buffer.from(`key ${i}`),
        value: Buffer.from(`${topic} ${round} ${i} ${'x'.repeat((i * 17) % 90)}`),
        timestamp: 1_500_000_000_000 + round * 1000 + i,
      }))
      values.push(...records.map(({ value }) => String(value)))
      const compressionType = codecs[round % 4] as CompressionType
      const batch = MemoryRecords.withRecords({ magic, compressionType }, ...records)
      await sendBatch(client, topic, batch.buffer, version)
    }
    sent.push({ topic, version, values })
  }
  client.close()
  return sent
}

/** Creates a topic as soon as the broker is controller. */
async function createWhenControlled(
  client: NetworkClient,
  topic: string,
  configs: Readonly<Record<string, string>>,
): Promise<void> {
  for (let tries = 0; ; tries++) {
    try {
      return await createTopic(client, topic, { configs })
    } catch (error) {
      if (tries > 100) throw error
      await pause()
    }
  }
}

function pause(): Promise<void> {
  return new Promise((waited) => setTimeout(waited, 100))
}

/** Sends until the new topic has its leader. */
async function sendBatch(
  client: NetworkClient,
  topic: string,
  batch: Buffer,
  version: number,
): Promise<void> {
  for (let tries = 0; ; tries++) {
    const { errorCode } = await produceBytes(client, topic, batch, {
      version,
      acks: -1,
    })
    if (errorCode === 0) return
    if (tries > 100) throw new Error(`error ${errorCode} for ${topic}`)
    await pause()
  }
}

async function fetchAll(
  client: NetworkClient,
  topic: string,
  version: number,
): Promise<Buffer> {
  const parts: Buffer[] = []
  let offset = 0
  for (let tries = 0; ; ) {
    const answer = await fetchBytes(client, topic, offset, { version })
    if (answer.errorCode !== 0) {
      if (++tries > 100) throw new Error(`error ${answer.errorCode} for ${topic}`)
      await pause()
      continue
    }
    const records = new MemoryRecords(
      (answer.records as Buffer | null) ?? Buffer.alloc(0),
    )
    if (records.validBytes === 0) {
      if (offset >= answer.highWatermark) return Buffer.concat(parts)
      continue
    }
    parts.push(Buffer.from(records.buffer.subarray(0, records.validBytes)))
    for (const batch of records.batches()) offset = batch.nextOffset
  }
}

/** The batches of a partition, as they lie in its files. */
function logBytes(logDir: string, topic: string): Buffer {
  const dir = join(logDir, `${topic}-0`)
  const files = readdirSync(dir).filter((file) => file.endsWith('.log'))
  return Buffer.concat(files.sort().map((file) => readFileSync(join(dir, file))))
}

function clientAt(port: number): NetworkClient {
  const { network, clock } = platform
  return new NetworkClient({
    ...{ host: '127.0.0.1', port, clientId: 'interop', requestTimeoutMs: 20_000 },
    ...{ network, clock },
  })
}
