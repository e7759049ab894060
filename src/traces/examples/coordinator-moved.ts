/**
 * # The trace `coordinator-moved`
 *
 * The partition that keeps a group's offsets moves to another broker. The next commit is
 * refused, the offsets channel is dropped, and a question finds who keeps them now.
 *
 * @module
 */
import { TopicPartition } from '../../base/TopicPartition.ts'
import type { KafkaServer } from '../../server/KafkaServer.ts'
import { GROUP_METADATA_TOPIC_NAME } from '../../zk/Topic.ts'
import type { ExampleTrace } from '../ExampleTrace.ts'
import {
  connectorFor,
  createTopic,
  onStage,
  producerFor,
  TOPIC,
  zooKeeperOf,
} from '../stage.ts'
import { orderToMove } from '../topics.ts'

const GROUP = 'annotated'

/** Short pauses, so that the reader need not wait; Kafka's own is a second. */
const IN_KAFKA = {
  ...{ 'offsets.storage': 'kafka', 'dual.commit.enabled': 'false' },
  ...{ 'offsets.channel.backoff.ms': '50', 'offsets.commit.max.retries': '200' },
}

/** The offsets channel finds the new coordinator. */
export const coordinatorMoved: ExampleTrace = {
  name: 'coordinator-moved',
  title:
    'a commit goes to a coordinator that is none any more, and then to the new one',
  about:
    'This group keeps its offsets in Kafka, at one broker, its coordinator. That ' +
    'office moves to the other broker while the consumer is not looking. Its ' +
    'commit is answered NOT_COORDINATOR; it hangs up, pauses, asks any broker who ' +
    'it is now, and the second attempt succeeds.',
  heading: '## zk',
  roots: ['ZookeeperConsumerConnector.commitOffsets'],

  async run(record, world) {
    await onStage(
      world,
      async (stage) => {
        // The consumer knows its coordinator.
        const producer = producerFor(stage)
        await createTopic(producer, stage.cluster.platform)
        await producer.close()
        const connector = await connectorFor(stage, IN_KAFKA)
        const offsets = [[new TopicPartition(TOPIC, 0), 1]] as const
        await connector.commitOffsets(offsets, true)

        // Its partition is given to the other broker.
        const { brokers, platform } = stage.cluster
        const former = brokers.find(isCoordinator)
        const next = brokers.find((broker) => broker !== former)
        if (!former || !next) throw new Error('nobody keeps the offsets')
        const zooKeeper = await zooKeeperOf(stage)
        await zooKeeper.createPersistentPath(
          '/admin/reassign_partitions',
          orderToMove(
            new TopicPartition(
              GROUP_METADATA_TOPIC_NAME,
              next.groupCoordinator.partitionFor(GROUP),
            ),
            [next.config.brokerId],
          ),
        )
        await zooKeeper.close()
        while (isCoordinator(former)) await platform.clock.sleep(5)
        await record(() => connector.commitOffsets(offsets, true), stage.cluster)
        await connector.shutdown()
      },
      2,
    )
  },
}

function isCoordinator({ groupCoordinator }: KafkaServer): boolean {
  return groupCoordinator.groupManager.isGroupLocal(GROUP)
}
