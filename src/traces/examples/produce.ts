/**
 * # The trace `produce`
 *
 * A fetch waits at a broker for bytes that are not there yet. A produce appends them, and
 * wakes it.
 *
 * @module
 */
import { TopicPartition } from '../../base/TopicPartition.ts'
import { TopicPartitionMap } from '../../base/TopicPartitionMap.ts'
import { FetchRequest, type PartitionFetchInfo } from '../../consumer/FetchRequest.ts'
import { SimpleConsumer } from '../../consumer/SimpleConsumer.ts'
import type { KafkaCluster } from '../../testing/start-cluster.ts'
import type { ExampleTrace } from '../ExampleTrace.ts'
import { fillTopic, onStage, produceRequest, producerFor, TOPIC } from '../stage.ts'

/** A produce completes a fetch that waits. */
export const produce: ExampleTrace = {
  name: 'produce',
  title: 'a produce is appended and completes a fetch that waits for it',
  heading: '# KafkaApis',
  roots: ['KafkaApis.handleProduceRequest', 'KafkaApis.handleFetchRequest'],

  async run(record, world) {
    await onStage(world, async (stage) => {
      await fillTopic(stage, 'hello')
      const { clock, network } = stage.cluster.platform
      await record(async () => {
        // Ask for what comes behind the last message: the broker lets the fetch wait.
        const { host, port } = stage
        const options = { host, port, clientId: 'c1', soTimeout: 30_000 }
        const consumer = new SimpleConsumer({ ...options, clock, network })
        const partitions = new TopicPartitionMap<PartitionFetchInfo>()
        partitions.set(new TopicPartition(TOPIC, 0), { offset: 1, fetchSize: 65_536 })
        const wait = { clientId: 'c1', maxWait: 20_000, minBytes: 1 }
        const fetched = consumer.fetch(new FetchRequest(wait, partitions))
        await waitsInPurgatory(stage.cluster)

        // Produce; the broker answers both.
        const producer = producerFor(stage)
        await producer.send(produceRequest('world'))
        await fetched
        await producer.close()
        consumer.close()
      }, stage.cluster)
    })
  },
}

/** Resolves when a fetch waits in the purgatory of the broker. */
async function waitsInPurgatory(cluster: KafkaCluster): Promise<void> {
  const purgatory = cluster.brokers[0]?.replicaManager.delayedFetchPurgatory
  while (purgatory && purgatory.delayed === 0) await cluster.platform.clock.sleep(1)
}
