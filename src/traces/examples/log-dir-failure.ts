/**
 * # The trace `log-dir-failure`
 *
 * One of two disks of a broker fails while it leads a partition there. The broker goes on
 * with the other one; the partition gets another leader.
 *
 * @module
 */
import { Errors, type WireError } from '../../base/errors.ts'
import { TopicPartition } from '../../base/TopicPartition.ts'
import { Produce } from '../../protocol/messages/Produce.ts'
import { MemoryRecords } from '../../record/MemoryRecords.ts'
import type { KafkaServer } from '../../server/KafkaServer.ts'
import type { KafkaCluster } from '../../testing/start-cluster.ts'
import type { ExampleTrace } from '../ExampleTrace.ts'
import { controllerOf } from '../replicated-stage.ts'
import { startIn } from '../stage.ts'
import { lineTo, makeTopic } from '../topics.ts'

const ORDERS = 'orders'
const LOST = new TopicPartition(ORDERS, 0)
const KEPT = new TopicPartition(ORDERS, 1)

/** A disk fails, and its broker goes on. */
export const logDirFailure: ExampleTrace = {
  name: 'log-dir-failure',
  title: 'a disk of a broker fails, and its partition gets another leader',
  about:
    'One broker leads two partitions, each on a disk of its own; the other broker has copies ' +
    'of both. The next write to the first disk fails. The producer is told so, the broker ' +
    'takes the directory out of service, and leaves a note for the controller. The ' +
    'controller asks what is left, hears that partition 0 has lost its disk there, and has ' +
    'the other broker lead it. Partition 1 stays where it was.',
  heading: '# ReplicaManager',
  roots: [
    'KafkaApis.handleProduceRequest',
    'LogDirReplicas.handleLogDirFailure',
    'LogDirEventNotification.process',
    'LeaderAndIsrResponseReceived.process',
  ],
  drawn: [
    'Log.append',
    'LogDirFailureChannel.maybeAddOfflineLogDir',
    'LogDirReplicas.handleLogDirFailure',
    'LogDirEventNotification.process',
    'BrokerChanges.onBrokerLogDirFailure',
    'LeaderAndIsrResponseReceived.process',
    'BrokerChanges.onReplicasBecomeOffline',
    'PartitionStateMachine.doElectLeaderForPartitions',
  ],

  // Only a disk in memory fails when it is told to.
  isInMemoryOnly: true,

  async run(record, world) {
    if (world === 'node')
      throw new Error('a real disk does not fail when it is told to')
    const cluster = await startIn(world, { brokers: 2, logDirs: 2 })
    try {
      // Both partitions are led by the broker that is not the controller.
      const controller = controllerOf(cluster)
      const leader = cluster.brokers.find((broker) => broker !== controller)
      if (!leader) throw new Error('there is only one broker')
      const ids = [leader.config.brokerId, controller.config.brokerId]
      const tool = lineTo(controller, cluster, 'example-tool')
      await makeTopic(tool, { name: ORDERS, replicas: [ids, ids] })
      tool.close()
      await untilLed(cluster, leader, KEPT)
      for (const partition of [LOST, KEPT]) {
        await sendTo(cluster, leader, partition, Errors.NONE)
      }
      const disk = leader.logManager.getLog(LOST)?.parentDir
      if (!disk || disk === leader.logManager.getLog(KEPT)?.parentDir)
        throw new Error('the partitions do not lie on a disk each')
      await record(async () => {
        // The write that meets the fault fails.
        world.storage.addFault({ path: `${disk}/`, code: 'EIO' })
        await sendTo(cluster, leader, LOST, Errors.KAFKA_STORAGE_ERROR)

        // The other broker leads; what lies on the other disk is where it was.
        await untilLed(cluster, controller, LOST)
        await sendTo(cluster, controller, LOST, Errors.NONE)
        await sendTo(cluster, leader, KEPT, Errors.NONE)
      }, cluster)
    } finally {
      await cluster.close()
    }
  },
}

/** Resolves when a broker leads a partition. */
async function untilLed(
  { platform }: KafkaCluster,
  { replicaManager }: KafkaServer,
  partition: TopicPartition,
): Promise<void> {
  for (;;) {
    const led = replicaManager.nonOfflinePartition(partition)?.leaderReplicaIfLocal
    if (led) return
    await platform.clock.sleep(5)
  }
}

/** Sends one record to a broker, on a line of its own; expects its answer. */
async function sendTo(
  cluster: KafkaCluster,
  broker: KafkaServer,
  { topic, partition: index }: TopicPartition,
  expected: WireError,
): Promise<void> {
  const client = lineTo(broker, cluster, 'example-producer')
  const value = Buffer.from('hello')
  const { buffer: records } = MemoryRecords.withRecords({}, { value, timestamp: 0 })
  const { responses } = await client.sendAndReceive(Produce, 5, {
    ...{ transactionalId: null, acks: -1, timeoutMs: 10_000 },
    topicData: [{ name: topic, partitionData: [{ index, records }] }],
  })
  client.close()
  const errorCode = responses[0]?.partitionResponses[0]?.errorCode
  if (errorCode !== expected.code) throw new Error(`answered ${errorCode}`)
}
