/** Clusters come up, serve, and leave nothing behind. */
import { existsSync, mkdtempSync, readdirSync, readFileSync, rmSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { describe, expect, it } from 'vitest'
import { type LogLine, setLogLevel, setLogSink } from '../../src/base/logger.ts'
import { memoryPlatform } from '../../src/base/platform/memory/memory-platform.ts'
import { TopicPartition } from '../../src/base/TopicPartition.ts'
import { withZooKeeper } from '../../src/cli/admin/open-zookeeper.ts'
import { type KafkaCluster, startCluster } from '../../src/testing/start-cluster.ts'
import {
  clientOf,
  controllerOf,
  createTopic,
  fetchTexts,
  produce,
} from '../server/clients.ts'

/** Every handle that could keep the process alive; the test runner has a timer or two. */
function handles(): number {
  const kinds = process.getActiveResourcesInfo()
  return kinds.filter((kind) => /^(TCP|Timeout|FSReq)/.test(kind)).length
}

/** Lets the host report sockets as closed. @returns handles that were not there before */
async function leftOver(before: number) {
  for (let turn = 0; turn < 1000 && handles() > before; turn++) {
    await new Promise((resolve) => setImmediate(resolve))
  }
  return Math.max(0, handles() - before)
}

async function use(cluster: KafkaCluster) {
  const client = clientOf(cluster)
  await createTopic(client, 't').catch(() => undefined)
  const reachable = await produce(client, 't', ['x'])
  client.close()
  return reachable
}

describe('startCluster()', () => {
  it('serves on free ports, and closes every handle', async () => {
    const before = handles()
    const cluster = await startCluster()
    expect(cluster.bootstrapServers).toMatch(/^127\.0\.0\.1:\d+$/)
    expect(cluster.zookeeperConnect).toMatch(/^127\.0\.0\.1:\d+$/)
    expect(await use(cluster)).toMatchObject({ errorCode: 0 })
    await cluster.close()
    await cluster.close()
    expect(await leftOver(before)).toBe(0)
  })

  it('removes its temporary directory', async () => {
    const before = temporary()
    const cluster = await startCluster()
    const own = temporary().filter((name) => !before.includes(name))
    expect(own.length).toBeGreaterThan(0)
    const dirs = cluster.brokers.flatMap((broker) => broker.config.logDirs)
    expect(dirs.every((dir) => existsSync(dir))).toBe(true)
    await cluster.close()
    expect(dirs.some((dir) => existsSync(dir))).toBe(false)
  })

  it('takes the address from the older keys of a file', async () => {
    const config = { 'host.name': 'localhost', port: '9192' }
    const options = { platform: 'memory', port: 1, offsetsTopic: false } as const
    await using cluster = await startCluster({ ...options, config })
    const [broker] = cluster.brokers
    expect(broker?.config.listeners).toMatchObject([{ host: 'localhost', port: 9192 }])
    expect(broker?.boundPort()).toBe(9192)
  })

  it('keeps what is in a directory that it is given', async () => {
    const dataDir = mkdtempSync(join(tmpdir(), 'start-cluster-test-'))
    const first = await startCluster({ dataDir })
    await use(first)
    await first.close()
    const second = await startCluster({ dataDir })
    const client = clientOf(second)

    // The topic is there, and led.
    const answer = await produce(client, 't', ['y'])
    expect(answer).toMatchObject({ errorCode: 0, baseOffset: 1 })
    expect(await fetchTexts(client, 't', 0)).toEqual(['x', 'y'])
    client.close()
    await second.close()
    rmSync(dataDir, { recursive: true })
  })

  it('can be given up while logs are recovered, and begins again later', async () => {
    // A broker that was torn out of its work.
    const dataDir = mkdtempSync(join(tmpdir(), 'start-cluster-test-'))
    const first = await startCluster({ dataDir })
    await use(first)
    await first.close()
    const home = join(dataDir, 'kafka-0')
    const marker = join(home, '.kafka_cleanshutdown')
    rmSync(marker)
    const checkpoint = () =>
      readFileSync(join(home, 'recovery-point-offset-checkpoint'), 'utf8')
    const before = checkpoint()

    // Think better of it as soon as the first segment is looked through.
    const ending = new AbortController()
    const level = setLogLevel('info')
    setLogSink(({ message }) => {
      if (message.startsWith('Recovering unflushed segment')) ending.abort()
    })
    try {
      const second = startCluster({ dataDir, signal: ending.signal })
      await expect(second).rejects.toThrow('the wait was aborted')
    } finally {
      setLogSink(undefined)
      setLogLevel(level)
    }
    expect(existsSync(marker)).toBe(false)
    expect(checkpoint()).toBe(before)

    // Nothing is lost, and no lock is held.
    const third = await startCluster({ dataDir })
    const client = clientOf(third)
    expect(await fetchTexts(client, 't', 0)).toEqual(['x'])
    client.close()
    await third.close()
    rmSync(dataDir, { recursive: true })
  })

  it('ends all brokers when one of them cannot start', async () => {
    const platform = memoryPlatform({ clock: 'real' })
    const meta = '/annotated-kafka/kafka-1/meta.properties'
    platform.storage.mkdir('/annotated-kafka/kafka-1')
    platform.storage.writeFile(meta, 'version=0\nbroker.id=7\n')
    const options = { platform, brokers: 3 }
    await expect(startCluster(options)).rejects.toThrow('belong to broker 7')
    platform.storage.unlink(meta)
    const cluster = await startCluster(options)
    expect(cluster.brokers).toHaveLength(3)
    await cluster.close()
  })

  it('is disposed of by `await using`', async () => {
    const cluster = await startCluster({ platform: 'memory' })
    await cluster[Symbol.asyncDispose]()
    expect(cluster.brokers[0]?.brokerState.currentState).toBe('NotRunning')
  })

  it('runs several brokers, which know each other', async () => {
    const cluster = await startCluster({ platform: 'memory', brokers: 3 })
    expect(cluster.bootstrapServers.split(',')).toHaveLength(3)
    const known = cluster.brokers.map((b) => b.metadataCache.getAliveBrokers().length)
    expect(known).toEqual([3, 3, 3])
    await cluster.close()
  })

  it('ends as a whole without elections and without a warning', async () => {
    // Fill three brokers beside an ensemble that outlives them.
    const outer = await startCluster()
    const zookeeperConnect = `${outer.zookeeperConnect}/inner`
    const inner = await startCluster({ brokers: 3, zookeeperConnect })
    const client = clientOf(inner, controllerOf(inner))
    const topics = Array.from({ length: 10 }, (_, i) => `t${i}`)
    for (const topic of topics) await createTopic(client, topic, { replicas: 3 })
    client.close()
    const states = () =>
      withZooKeeper(outer.platform, zookeeperConnect, async (zk) => {
        const all = topics.map((topic) => new TopicPartition(topic, 0))
        return [...(await zk.getTopicPartitionStates(all)).values()]
      })
    const before = await states()
    expect(before.map((state) => state.leaderAndIsr.isr.length)).toEqual(
      Array(10).fill(3),
    )

    // End them, and listen.
    const lines: LogLine[] = []
    const level = setLogLevel('warn')
    setLogSink((line) => lines.push(line))
    await inner.close()
    setLogSink(undefined)
    setLogLevel(level)
    expect(lines).toEqual([])
    expect(await states()).toEqual(before)
    await outer.close()
  })

  it('takes a ZooKeeper that runs already', async () => {
    const platform = memoryPlatform({ clock: 'real' })
    const first = await startCluster({ platform })
    const { zookeeperConnect } = first
    expect(zookeeperConnect).toMatch(/:\d+$/)
    await first.close()

    // Over real sockets: two clusters in one ensemble, kept apart by a path.
    const outer = await startCluster()
    const inner = await startCluster({
      zookeeperConnect: `${outer.zookeeperConnect}/inner`,
    })
    expect(await use(inner)).toMatchObject({ errorCode: 0 })
    expect(inner.brokers[0]?.clusterId).not.toBe(outer.brokers[0]?.clusterId)
    await inner.close()
    await outer.close()
  })

  it('closes what it began when a broker cannot start', async () => {
    const before = handles()
    const config = { 'zookeeper.session.timeout.ms': 'soon' }
    await expect(startCluster({ config })).rejects.toThrow(
      /soon.*zookeeper\.session\.timeout\.ms/,
    )
    expect(await leftOver(before)).toBe(0)
  })
})

function temporary(): string[] {
  return readdirSync(tmpdir()).filter((name) => name.startsWith('annotated-kafka-'))
}
