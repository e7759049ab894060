/**
 * Kafka Streams 1.1.1 on three brokers of ours: words are counted exactly once, while one
 * instance of the application takes over from another.
 */
import { afterAll, beforeAll, describe, expect, it } from 'vitest'
import { type KafkaCluster, startCluster } from '../../src/testing/start-cluster.ts'
import { TemporaryDirectory } from '../system/running-command.ts'
import { missing } from './fetch-jars.ts'
import type { Row } from './group-members.ts'
import { JavaHost } from './JavaHost.ts'
import { proven } from './proven.ts'

const reason = missing()

describe.skipIf(reason !== undefined)('Kafka Streams', () => {
  let cluster: KafkaCluster
  let java: JavaHost
  let home: TemporaryDirectory

  beforeAll(async () => {
    home = new TemporaryDirectory()
    java = new JavaHost()
    cluster = await startCluster({ brokers: 3 })
  })

  afterAll(async () => {
    await java?.[Symbol.asyncDispose]()
    await cluster?.close()
    home?.[Symbol.dispose]()
  })

  it('counts words exactly once while instances come and go', async () => {
    const servers = { 'bootstrap.servers': cluster.bootstrapServers }
    for (const topic of ['lines', 'counts']) {
      const size = { partitions: 2, replicas: 3, configs: {}, validateOnly: false }
      await java.call('Admin.createTopic', { settings: servers, topic, ...size })
    }
    const start = (name: string) => {
      const settings = {
        ...{ ...servers, 'application.id': 'word-count', 'client.id': name },
        ...{ 'state.dir': `${home.path}/${name}`, 'commit.interval.ms': '50' },
        ...{ 'replication.factor': '3', 'auto.offset.reset': 'earliest' },
      }
      const topics = { input: 'lines', output: 'counts' }
      return java.call('Streams.start', { name, settings, ...topics })
    }
    await java.call('Clients.openProducer', {
      ...{ name: 'lines', settings: { ...servers, acks: 'all' } },
    })
    const say = (count: number) => {
      const values = Array.from({ length: count }, (_, at) => `every word${at % 5}`)
      return java.call('Clients.send', { name: 'lines', topic: 'lines', values })
    }

    // The first counts; the second joins while it does, and goes on alone.
    await start('first')
    await say(100)
    const joining = start('second')
    await say(100)
    await joining
    await say(100)
    expect(await java.call('Streams.close', { name: 'first' })).toBe(true)
    await say(100)

    // 400 lines of two words: each new count of a word is sent once, in its order.
    const settings = {
      ...{ ...servers, 'group.id': 'reader', 'isolation.level': 'read_committed' },
      'auto.offset.reset': 'earliest',
    }
    const reading = { topic: 'counts', count: 800, settings }
    const rows = await java.call<Row[]>('Clients.consume', reading)
    expect(await java.call('Streams.close', { name: 'second' })).toBe(true)
    const whole = await java.call<Row[]>('Clients.readAll', {
      topic: 'counts',
      settings,
    })
    const counts = new Map<string | null, number[]>()
    for (const [, , word, count] of whole) {
      counts.set(word, [...(counts.get(word) ?? []), Number(count)])
    }
    const upTo = (count: number) => Array.from({ length: count }, (_, at) => at + 1)
    expect(Object.fromEntries(counts)).toEqual({
      every: upTo(400),
      ...Object.fromEntries([0, 1, 2, 3, 4].map((word) => [`word${word}`, upTo(80)])),
    })
    expect(rows).toHaveLength(800)
    proven('Kafka Streams', 'exactly_once, instances come and go')
  })
})
