/** The old consumer on brokers of this project, in memory, on real time. */
import { describe, expect, it } from 'vitest'
import { ConsumerConfig } from '../../src/consumer/ConsumerConfig.ts'
import { Consumer } from '../../src/consumer/ConsumerConnector.ts'
import { DeleteTopics } from '../../src/protocol/messages/DeleteTopics.ts'
import { type KafkaCluster, startCluster } from '../../src/testing/start-cluster.ts'
import { clientOf, controllerOf, createTopic, produce } from '../server/clients.ts'
import { text } from './group-fixture.ts'

async function join(cluster: KafkaCluster, id: string, settings = {}) {
  const config = new ConsumerConfig({
    ...{ 'group.id': 'g', 'consumer.id': id, 'auto.offset.reset': 'smallest' },
    'zookeeper.connect': cluster.zookeeperConnect,
    ...{ 'rebalance.backoff.ms': '50', 'refresh.leader.backoff.ms': '20' },
    ...settings,
  })
  const { platform, zooKeeperConnect } = cluster
  const connector = await Consumer.create(config, { platform, zooKeeperConnect })
  const made = await connector.createMessageStreams(new Map([['t', 1]]), text, text)
  return { connector, stream: made.get('t')![0]! }
}

/** Hands everything that a stream gives to `seen`, until it ends. */
async function drain(
  stream: Awaited<ReturnType<typeof join>>['stream'],
  seen: (value: string) => void,
): Promise<void> {
  for await (const item of stream) seen(item.message() ?? '')
}

/** Turns an outcome into whether it was a good one. */
const succeeded = [() => true, () => false] as const

describe('a group on brokers', () => {
  it.each(['zookeeper', 'kafka'])(
    'sees every message while members come and go, offsets in %s',
    async (storage) => {
      await using cluster = await startCluster({ platform: 'memory' })
      const client = clientOf(cluster)
      await createTopic(client, 't', { partitions: 8 })
      const wanted = new Set<string>()
      const write = async (round: number) => {
        for (let partition = 0; partition < 8; partition++) {
          const texts = [0, 1, 2].map((i) => `round ${round}, ${partition}, ${i}`)
          for (const value of texts) wanted.add(value)
          await produce(client, 't', texts, { partition })
        }
      }
      let done: (() => void) | undefined
      const see = (value: string) => {
        wanted.delete(value)
        if (wanted.size === 0) done?.()
      }
      const allSeen = () =>
        wanted.size === 0
          ? Promise.resolve()
          : new Promise<void>((resolve) => (done = resolve))

      // One reads alone, then two share, then the second reads alone.
      const settings = { 'offsets.storage': storage }
      await write(1)
      const one = await join(cluster, 'c1', settings)
      const loops = [drain(one.stream, see)]
      await allSeen()
      const two = await join(cluster, 'c2', settings)
      loops.push(drain(two.stream, see))
      await write(2)
      await allSeen()
      await one.connector.shutdown()
      await write(3)
      await allSeen()
      await two.connector.shutdown()
      await Promise.all(loops)

      // Who comes last finds nothing that was not committed.
      const last = await join(cluster, 'c3', {
        ...settings,
        'consumer.timeout.ms': '300',
      })
      await expect(last.stream.iterator().hasNext()).rejects.toThrow('300 ms')
      await last.connector.shutdown()
      client.close()
    },
  )

  it('reads a topic from its beginning that was deleted and made again', async () => {
    const config = { 'auto.create.topics.enable': 'false' }
    await using cluster = await startCluster({ platform: 'memory', config })
    const client = clientOf(cluster)
    await createTopic(client, 't', { partitions: 2 })
    await produce(client, 't', ['a', 'b', 'c'])
    const { connector, stream } = await join(cluster, 'c1')
    const iterator = stream.iterator()
    const next = async () => (await iterator.next()).message()
    expect([await next(), await next(), await next()]).toEqual(['a', 'b', 'c'])
    await connector.commitOffsets()

    // What it stored is behind the end of the new one.
    const gone = await client.sendAndReceive(DeleteTopics, 1, {
      ...{ topicNames: ['t'], timeoutMs: 5000 },
    })
    expect(gone.responses[0]?.errorCode).toBe(0)
    const again = () => createTopic(client, 't', { partitions: 3 })
    while (!(await again().then(...succeeded)));
    await produce(client, 't', ['d'])
    await produce(client, 't', ['e'], { partition: 2 })
    expect([await next(), await next()].sort()).toEqual(['d', 'e'])
    await connector.shutdown()
    client.close()
  })

  it('goes on at the other broker when one is shut down', async () => {
    await using cluster = await startCluster({ platform: 'memory', brokers: 2 })
    const controller = clientOf(cluster, controllerOf(cluster))
    await createTopic(controller, 't', { partitions: 2, replicas: 2 })
    controller.close()
    const { connector, stream } = await join(cluster, 'c1')
    const leaving = cluster.brokers[1 - controllerOf(cluster)]!
    await leaving.shutdown()
    const client = clientOf(cluster, cluster.brokers.indexOf(leaving) === 0 ? 1 : 0)
    for (const partition of [0, 1]) await produce(client, 't', ['late'], { partition })
    const iterator = stream.iterator()
    const values = [await iterator.next(), await iterator.next()]
    expect(values.map((item) => item.partition).sort()).toEqual([0, 1])
    await connector.shutdown()
    client.close()
  })
})
