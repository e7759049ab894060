/**
 * # The trace `reassignment`
 *
 * A partition moves to another broker while it is in use. A tool writes the order into
 * ZooKeeper; the controller has the new broker copy, waits until it is in sync, and deletes
 * the old copy.
 *
 * @module
 */
import { TopicPartition } from '../../base/TopicPartition.ts'
import type { KafkaServer } from '../../server/KafkaServer.ts'
import type { ExampleTrace } from '../ExampleTrace.ts'
import { controllerOf } from '../replicated-stage.ts'
import { onStage, zooKeeperOf } from '../stage.ts'
import { lineTo, makeTopic, orderToMove, sendBatch } from '../topics.ts'

const ORDERS = 'orders'
const PARTITION = new TopicPartition(ORDERS, 0)

/** A partition changes its broker. */
export const reassignment: ExampleTrace = {
  name: 'reassignment',
  title: 'a partition moves to another broker, and the old copy is deleted',
  about:
    'The order stands in /admin/reassign_partitions. First both brokers are assigned, and ' +
    'the new one follows. Each time the in-sync set changes, a watch tells the controller. ' +
    'When the new broker is in it, it becomes the leader, the old one stops and deletes ' +
    'its log, and the order is taken away.',
  heading: '# ReplicaManager',
  roots: [
    'PartitionReassignment.process',
    'PartitionReassignmentIsrChange.process',
    'KafkaApis.handleStopReplicaRequest',
  ],
  drawn: [
    'PartitionReassignment.process',
    'PartitionReassignments.updateAssignedReplicasForPartition',
    'PartitionReassignments.startNewReplicasForReassignedPartition',
    'PartitionReassignmentIsrChange.process',
    'PartitionReassignments.moveReassignedPartitionLeaderIfRequired',
    'PartitionReassignments.stopOldReplicasOfReassignedPartition',
    'PartitionReassignments.removePartitionFromReassignedPartitions',
    'ReplicaManager.stopReplicas',
  ],

  async run(record, world) {
    await onStage(
      world,
      async ({ cluster }) => {
        // The partition lies on the broker that is not the controller.
        const controller = controllerOf(cluster)
        const former = cluster.brokers.find((broker) => broker !== controller)
        if (!former) throw new Error('there is only one broker')
        const client = lineTo(controller, cluster, 'example-tool')
        const from = former.config.brokerId
        await makeTopic(client, { name: ORDERS, replicas: [[from]] })
        const { clock } = cluster.platform
        const copyOf = (broker: KafkaServer) =>
          broker.replicaManager.nonOfflinePartition(PARTITION)
        while (!copyOf(former)?.leaderReplicaIfLocal) await clock.sleep(5)
        const producer = lineTo(former, cluster, 'example-producer')
        const value = Buffer.from('hello')
        await sendBatch(producer, PARTITION, { value, timestamp: 0 })
        producer.close()
        const zkUtils = await zooKeeperOf({ cluster })
        await record(async () => {
          // Order what the tool of Kafka orders.
          const order = orderToMove(PARTITION, [controller.config.brokerId])
          await zkUtils.createPersistentPath('/admin/reassign_partitions', order)

          // It is over when nothing moves and the former broker has no copy.
          const { partitionsBeingReassigned } =
            controller.kafkaController.controllerContext
          const isThere = () => copyOf(controller)?.leaderReplicaIfLocal
          while (!isThere() || copyOf(former)) await clock.sleep(5)
          while (partitionsBeingReassigned.size > 0) await clock.sleep(5)
        }, cluster)
        await zkUtils.close()
        client.close()
      },
      2,
    )
  },
}
