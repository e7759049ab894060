/**
 * # The trace `deletion-waits`
 *
 * A topic is to be deleted while one of its brokers is away. The deletion waits for it, and
 * goes on when it is back.
 *
 * @module
 */
import { DeleteTopics } from '../../protocol/messages/DeleteTopics.ts'
import { KafkaServer } from '../../server/KafkaServer.ts'
import type { ExampleTrace } from '../ExampleTrace.ts'
import { controllerOf } from '../replicated-stage.ts'
import { onStage } from '../stage.ts'
import { lineTo, makeTopic } from '../topics.ts'

const ORDERS = 'orders'

/** A topic that cannot be deleted yet. */
export const deletionWaits: ExampleTrace = {
  name: 'deletion-waits',
  title: 'a deletion waits for a broker that is away, and goes on when it is back',
  about:
    'Two brokers have a copy each, and one of them is shut down. The topic is to be deleted. ' +
    'The controller has the copy deleted that it can reach; for the other one the topic is ' +
    'marked as ineligible, and the order stays in ZooKeeper. The broker comes back, the ' +
    'controller sees it, and the second copy goes; only then the topic is removed.',
  heading: '# ReplicaManager',
  roots: [
    'TopicDeletion.process',
    'KafkaApis.handleStopReplicaRequest',
    'TopicDeletionStopReplicaResponseReceived.process',
    'BrokerChange.process',
  ],
  drawn: [
    'TopicDeletion.process',
    'TopicDeletionManager.startReplicaDeletion',
    'TopicDeletionManager.markTopicIneligibleForDeletion',
    'TopicDeletionStopReplicaResponseReceived.process',
    'BrokerChanges.onBrokerStartup',
    'TopicDeletionManager.resumeDeletionForTopics',
    'TopicDeletionManager.completeDeleteTopic',
  ],

  async run(record, world) {
    await onStage(
      world,
      async ({ cluster }) => {
        const controller = controllerOf(cluster)
        const other = cluster.brokers.find((broker) => broker !== controller)
        if (!other) throw new Error('there is only one broker')
        const client = lineTo(controller, cluster, 'example-tool')
        const replicas = [[controller.config.brokerId, other.config.brokerId]]
        await makeTopic(client, { name: ORDERS, replicas })

        // One broker goes, and the controller has seen that.
        const { clock } = cluster.platform
        const { controllerContext, topicDeletionManager } = controller.kafkaController
        await other.shutdown(false)
        while (controllerContext.liveBrokerIds.size > 1) await clock.sleep(5)
        const back = new KafkaServer(other.config, {
          platform: cluster.platform,
          zooKeeperConnect: cluster.zooKeeperConnect,
        })
        try {
          await record(async () => {
            const request = { topicNames: [ORDERS], timeoutMs: 20_000 }
            await client.sendAndReceive(DeleteTopics, 1, request)
            const { topicsToBeDeleted } = topicDeletionManager
            while (!topicDeletionManager.isTopicIneligibleForDeletion(ORDERS)) {
              await clock.sleep(5)
            }
            if (topicsToBeDeleted.size === 0) throw new Error('it did not wait')

            // The broker comes back.
            await back.startup()
            while (topicsToBeDeleted.size > 0) await clock.sleep(5)
          }, cluster)
        } finally {
          client.close()
          await back.shutdown(false)
        }
      },
      2,
    )
  },
}
