/**
 * # The trace `topic-life`
 *
 * A topic is made, and deleted again. Both are orders in ZooKeeper, which the controller
 * carries out; both clients wait until the brokers know it.
 *
 * @module
 */

import { DeleteTopics } from '../../protocol/messages/DeleteTopics.ts'
import type { ExampleTrace } from '../ExampleTrace.ts'
import { controllerOf } from '../replicated-stage.ts'
import { onStage } from '../stage.ts'
import { lineTo, makeTopic } from '../topics.ts'

const ORDERS = 'orders'

/** A topic comes and goes. */
export const topicLife: ExampleTrace = {
  name: 'topic-life',
  title: 'a topic is made, and deleted again',
  about:
    'To make it, a broker writes who holds which partition; the controller sees the node, ' +
    'chooses leaders, and tells everybody. To delete it, a broker writes an order; the ' +
    'controller tells everybody that the partitions have no leader, has every replica ' +
    'stopped and deleted, and removes the nodes when the last broker has answered.',
  heading: '# ReplicaManager',
  roots: [
    'AdminManager.createTopics',
    'TopicChange.process',
    'AdminManager.deleteTopics',
    'TopicDeletion.process',
    'KafkaApis.handleStopReplicaRequest',
    'TopicDeletionStopReplicaResponseReceived.process',
  ],
  drawn: [
    'AdminManager.createTopics',
    'TopicChange.process',
    'PartitionStateMachine.initializeLeaderAndIsrForPartitions',
    'AdminManager.deleteTopics',
    'TopicDeletion.process',
    'TopicDeletionManager.startReplicaDeletion',
    'ReplicaManager.stopReplicas',
    'TopicDeletionStopReplicaResponseReceived.process',
    'TopicDeletionManager.completeDeleteTopic',
  ],

  async run(record, world) {
    await onStage(
      world,
      async ({ cluster }) => {
        const controller = controllerOf(cluster)
        const ids = cluster.brokers.map(({ config }) => config.brokerId)
        const client = lineTo(controller, cluster, 'example-tool')
        await record(async () => {
          await makeTopic(client, { name: ORDERS, replicas: [ids] })
          const { responses } = await client.sendAndReceive(DeleteTopics, 1, {
            ...{ topicNames: [ORDERS], timeoutMs: 20_000 },
          })
          if (responses[0]?.errorCode !== 0)
            throw new Error('the topic was not deleted')

          // The answer comes when the metadata has forgotten it; its logs go a little later.
          const { topicsToBeDeleted } = controller.kafkaController.topicDeletionManager
          while (topicsToBeDeleted.size > 0) await cluster.platform.clock.sleep(5)
        }, cluster)
        client.close()
      },
      2,
    )
  },
}
