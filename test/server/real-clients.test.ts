/**
 * Clients that others wrote, over real sockets: kafkajs, and kcat (librdkafka) where it is
 * installed.
 */
import { spawn, spawnSync } from 'node:child_process'
import { Kafka, logLevel } from 'kafkajs'
import { afterAll, beforeAll, describe, expect, it } from 'vitest'
import { type KafkaCluster, startCluster } from '../../src/testing/start-cluster.ts'
import { clientOf, controllerOf, createTopic } from './clients.ts'

let cluster: KafkaCluster

beforeAll(async () => {
  cluster = await startCluster({ brokers: 3 })
})

afterAll(async () => {
  await cluster.close()
})

async function makeTopic(name: string, partitions = 1, replicas = 1) {
  const client = clientOf(cluster, controllerOf(cluster))
  await createTopic(client, name, { partitions, replicas })
  client.close()
}

describe('kafkajs', () => {
  const kafka = () =>
    new Kafka({
      clientId: 'test',
      brokers: cluster.bootstrapServers.split(','),
      logLevel: logLevel.NOTHING,
      retry: { initialRetryTime: 20 },
    })

  it('sends keys, values and headers, and a group reads them back', async () => {
    await makeTopic('js', 3, 2)
    const producer = kafka().producer({ idempotent: true })
    await producer.connect()
    const messages = Array.from({ length: 30 }, (_, i) => ({
      ...{ key: `k${i}`, value: `v${i}` },
      headers: { number: String(i) },
    }))
    await producer.send({ topic: 'js', messages })
    await producer.disconnect()

    const consumer = kafka().consumer({ groupId: 'js-group', maxWaitTimeInMs: 50 })
    await consumer.connect()
    await consumer.subscribe({ topic: 'js', fromBeginning: true })
    const got: string[] = []
    await new Promise<void>((resolve, reject) => {
      const eachMessage = async ({
        message,
      }: {
        message: {
          key: Buffer | null
          value: Buffer | null
          headers?: Record<string, unknown>
        }
      }) => {
        got.push(`${message.key}=${message.value}#${message.headers?.number}`)
        if (got.length === messages.length) resolve()
      }
      consumer.run({ eachMessage }).catch(reject)
    })
    await consumer.disconnect()
    const expected = messages.map((m) => `${m.key}=${m.value}#${m.headers.number}`)
    expect(got.sort()).toEqual(expected.sort())

    // The group committed where it stopped, when it left.
    const admin = kafka().admin()
    await admin.connect()
    const [offsets] = await admin.fetchOffsets({ groupId: 'js-group', topics: ['js'] })
    const sum = offsets?.partitions.reduce((n, p) => n + Number(p.offset), 0)
    expect(sum).toBe(30)
    await admin.disconnect()
  })

  it('is told of topics, groups and settings', async () => {
    const admin = kafka().admin()
    await admin.connect()
    const topic = { topic: 'made', numPartitions: 2, replicationFactor: 3 }
    const configEntries = [{ name: 'cleanup.policy', value: 'compact' }]
    expect(await admin.createTopics({ topics: [{ ...topic, configEntries }] })).toBe(
      true,
    )
    const { topics } = await admin.fetchTopicMetadata({ topics: ['made'] })
    expect(topics[0]?.partitions.map((p) => p.replicas.length)).toEqual([3, 3])
    const { brokers, controller } = await admin.describeCluster()
    expect(brokers).toHaveLength(3)
    expect(controller).toBe(controllerOf(cluster))
    await admin.createPartitions({ topicPartitions: [{ topic: 'made', count: 4 }] })
    await admin.deleteTopics({ topics: ['made'] })
    expect(await admin.listTopics()).not.toContain('made')
    await admin.disconnect()
  })
})

const hasKcat = spawnSync('kcat', ['-V']).status === 0
if (!hasKcat) {
  process.stderr.write('kcat is not installed: its tests are skipped\n')
}

describe.skipIf(!hasKcat)('kcat', () => {
  /** Runs kcat. @returns what it printed @throws unless it ended well */
  const kcat = (args: readonly string[], input = '') =>
    new Promise<string>((resolve, reject) => {
      const common = ['-b', cluster.bootstrapServers, '-X', 'fetch.wait.max.ms=10']
      const child = spawn('kcat', [...common, ...args])
      let out = ''
      let err = ''
      child.stdout.on('data', (chunk) => {
        out += chunk
      })
      child.stderr.on('data', (chunk) => {
        err += chunk
      })
      child.on('error', reject)
      child.on('close', (status) =>
        status === 0 ? resolve(out) : reject(new Error(`kcat: ${status} ${err}`)),
      )
      child.stdin.end(input)
    })
  const old = ['-X', 'api.version.request=false', '-X', 'broker.version.fallback=0.9.0']

  it('produces and consumes', async () => {
    await makeTopic('cat', 1, 3)
    await kcat(['-P', '-t', 'cat', '-K', ':', '-X', 'acks=all'], 'a:1\nb:2\nc:3\n')
    expect(await kcat(['-C', '-t', 'cat', '-e', '-q', '-K', ':'])).toBe(
      'a:1\nb:2\nc:3\n',
    )
  })

  it.each(['gzip', 'snappy', 'lz4'])('sends batches packed with %s', async (codec) => {
    await makeTopic(codec)
    const line = `${codec} `.repeat(50)
    const lines = Array.from({ length: 200 }, (_, i) => `${line}${i}`).join('\n')
    await kcat(['-P', '-t', codec, '-z', codec], `${lines}\n`)
    expect(await kcat(['-C', '-t', codec, '-e', '-q'])).toBe(`${lines}\n`)

    // A client of the year 2015 gets the same, converted.
    expect(await kcat([...old, '-C', '-t', codec, '-e', '-q'])).toBe(`${lines}\n`)
  })

  it('speaks as a client of the year 2015', async () => {
    await makeTopic('cat-old')
    await kcat([...old, '-P', '-t', 'cat-old'], 'one\ntwo\n')
    expect(await kcat([...old, '-C', '-t', 'cat-old', '-e', '-q'])).toBe('one\ntwo\n')
    expect(await kcat(['-C', '-t', 'cat-old', '-e', '-q'])).toBe('one\ntwo\n')
  })

  it('sends with sequence numbers', async () => {
    await makeTopic('cat-seq')
    const settings = ['-X', 'enable.idempotence=true']
    await kcat(['-P', '-t', 'cat-seq', ...settings], 'x\ny\n')
    expect(await kcat(['-C', '-t', 'cat-seq', '-e', '-q'])).toBe('x\ny\n')
  })

  it('reads as a group', async () => {
    await makeTopic('cat-group', 2)
    await kcat(['-P', '-t', 'cat-group'], 'x\ny\nz\n')
    const settings = ['-X', 'auto.offset.reset=earliest', '-e', '-q']
    const read = await kcat(['-G', 'cats', ...settings, 'cat-group'])
    expect(read.trim().split('\n').sort()).toEqual(['x', 'y', 'z'])
  })

  it('lists the cluster, and finds offsets by time', async () => {
    await makeTopic('cat-list', 2, 2)
    const listed = await kcat(['-L', '-t', 'cat-list'])
    expect(listed).toContain('3 brokers')
    expect(listed).toContain('topic "cat-list" with 2 partitions')
    expect(await kcat(['-Q', '-t', 'cat-list:0:-1'])).toContain('offset 0')
  })
})

describe.skipIf(!hasKcat)('kcat with a quota', () => {
  it('is told how long its answers were held', async () => {
    await using limited = await startCluster({
      config: { 'quota.producer.default': '20000' },
    })
    const client = clientOf(limited)
    await createTopic(client, 'limited')
    client.close()

    // 220 KB in a window of 10 s are a tenth too many: the last answers wait for a second.
    const small = ['-X', 'batch.num.messages=20', '-X', 'max.in.flight=1']
    const args = ['-P', '-v', '-b', limited.bootstrapServers, '-t', 'limited', ...small]
    const child = spawn('kcat', args)
    let said = ''
    child.stderr.on('data', (chunk) => {
      said += chunk
    })
    child.stdin.end(`${'x'.repeat(999)}\n`.repeat(220))
    expect(await new Promise((resolve) => child.once('close', resolve))).toBe(0)
    expect(said).toMatch(/throttled request for [1-9]\d*ms/)
    expect(limited.brokers[0]?.quotaManagers.produce.delayQueueSize).toBe(0)
  })
})
