/**
 * # Produce, then consume
 *
 * A cluster of one broker in memory, the low-level producer of the notes, and the consumer
 * that finds its partitions through ZooKeeper. With `platform: 'node'` the same code goes
 * over real sockets.
 */
import {
  Consumer,
  ConsumerConfig,
  MemoryRecords,
  ProducerRequest,
  StringDecoder,
  SyncProducer,
  SyncProducerConfig,
  TopicMetadataRequest,
  TopicPartition,
  TopicPartitionMap,
} from 'annotated-kafka'
import { startCluster } from 'annotated-kafka/testing'

/** Returns what the consumer got: `hello`, `world`. */
export async function produceAndConsume(): Promise<string[]> {
  await using cluster = await startCluster({ platform: 'memory' })
  const { platform, zooKeeperConnect } = cluster
  const [host = '', port = ''] = cluster.bootstrapServers.split(':')

  // Ask for the topic, which creates it, until it has a leader.
  const settings = { host, port, 'client.id': 'example', 'request.required.acks': '1' }
  const producer = new SyncProducer(new SyncProducerConfig(settings), platform)
  for (let leader: unknown; !leader; ) {
    const request = new TopicMetadataRequest(['greetings'], 0, 'example')
    const { topicsMetadata } = await producer.send(request)
    leader = topicsMetadata[0]?.partitionsMetadata[0]?.leader
    if (!leader) await platform.clock.sleep(10)
  }

  // Send two messages in one set.
  const values = ['hello', 'world'].map((text) => ({ value: Buffer.from(text) }))
  const data = new TopicPartitionMap<MemoryRecords>()
  const set = MemoryRecords.withRecords({ magic: 1 }, ...values)
  data.set(new TopicPartition('greetings', 0), set)
  await producer.send(new ProducerRequest(1, 'example', 1, 10_000, data))
  await producer.close()

  // Join a group, and read from the beginning.
  const config = new ConsumerConfig({
    'group.id': 'readers',
    'zookeeper.connect': cluster.zookeeperConnect,
    'auto.offset.reset': 'smallest',
  })
  const connector = await Consumer.create(config, { platform, zooKeeperConnect })
  const decoder = new StringDecoder()
  const topics = new Map([['greetings', 1]])
  const streams = await connector.createMessageStreams(topics, decoder, decoder)
  const got: string[] = []
  for await (const next of streams.get('greetings')?.[0] ?? []) {
    got.push(next.message() ?? '')
    if (got.length === values.length) break
  }
  await connector.shutdown()
  return got
}
