/**
 * # The trace `transaction-coordinator-moved`
 *
 * The partition that keeps the state of a transactional id moves to another broker, in the
 * middle of a transaction. The other broker reads the state out of the log, and ends the
 * transaction.
 *
 * @module
 */
import { Errors } from '../../base/errors.ts'
import { TopicPartition } from '../../base/TopicPartition.ts'
import type { NetworkClient } from '../../network/NetworkClient.ts'
import { AddPartitionsToTxn } from '../../protocol/messages/AddPartitionsToTxn.ts'
import { EndTxn, type EndTxnRequestInput } from '../../protocol/messages/EndTxn.ts'
import { FindCoordinator } from '../../protocol/messages/FindCoordinator.ts'
import { Produce } from '../../protocol/messages/Produce.ts'
import type { KafkaServer } from '../../server/KafkaServer.ts'
import type { KafkaCluster } from '../../testing/start-cluster.ts'
import { TRANSACTION_STATE_TOPIC_NAME } from '../../zk/Topic.ts'
import type { ExampleTrace } from '../ExampleTrace.ts'
import { controllerOf } from '../replicated-stage.ts'
import { onStage, type Stage, TOPIC, zooKeeperOf } from '../stage.ts'
import { lineTo, makeTopic, orderToMove } from '../topics.ts'
import { batch, initProducerId, transactionalId } from './transaction.ts'

/** Another coordinator ends the transaction. */
export const transactionCoordinatorMoved: ExampleTrace = {
  name: 'transaction-coordinator-moved',
  title: 'a transaction is ended by a coordinator that has only read of it',
  about:
    'The producer has begun a transaction and written a record. Then the partition that ' +
    'keeps the state of its id gets another leader. The former coordinator drops what ' +
    'it knows; the new one reads its log from the beginning, and finds the ' +
    'transaction open, with the partition that belongs to it. The producer wants to ' +
    'commit, is answered NOT_COORDINATOR, asks who it is now, and the new one has the ' +
    'marker written.',
  heading: '# KafkaApis',
  roots: [
    'TransactionCoordinator.handleTxnEmigration',
    'TransactionCoordinator.handleTxnImmigration',
    'KafkaApis.handleEndTxnRequest',
    'KafkaApis.handleWriteTxnMarkersRequest',
  ],
  drawn: [
    'PreferredReplicaLeaderElection.process',
    'TransactionStateManager.removeTransactionsForTxnTopicPartition',
    'TransactionStateManager.loadTransactionsForTxnTopicPartition',
    'KafkaApis.handleEndTxnRequest',
    'KafkaApis.handleFindCoordinatorRequest',
    'TransactionCoordinator.sendTxnMarkers',
    'KafkaApis.handleWriteTxnMarkersRequest',
  ],

  async run(record, world) {
    await onStage(
      world,
      async (stage) => {
        // The id has a coordinator, on whose broker the topic lies, too.
        const { cluster } = stage
        const { clock } = cluster.platform
        const controller = controllerOf(cluster)
        const tool = lineTo(controller, cluster, 'example-tool')
        const former = await coordinatorOf(cluster, tool)
        const next = cluster.brokers.find((broker) => broker !== former)
        if (!next) throw new Error('there is only one broker')
        await makeTopic(tool, { name: TOPIC, replicas: [[former.config.brokerId]] })
        const producer = lineTo(former, cluster, 'example-producer')
        const zooKeeper = await zooKeeperOf(stage)
        await initProducerId(stage, producer)

        // From now on the other broker is the preferred leader of the id's partition.
        const statePartition = new TopicPartition(
          TRANSACTION_STATE_TOPIC_NAME,
          former.transactionCoordinator.partitionFor(transactionalId),
        )
        const replicas = [next.config.brokerId, former.config.brokerId]
        const reassign = '/admin/reassign_partitions'
        await zooKeeper.createPersistentPath(
          reassign,
          orderToMove(statePartition, replicas),
        )
        while (await zooKeeper.readDataMaybeNull(reassign)) await clock.sleep(5)
        const line = lineTo(next, cluster, 'example-producer')
        const end = { ...(await begin(stage, producer)), committed: true }
        await record(async () => {
          // The office moves.
          const { topic, partition } = statePartition
          const elected = [{ topic, partition }]
          const order = JSON.stringify({ version: 1, partitions: elected })
          await zooKeeper.createPersistentPath(
            '/admin/preferred_replica_election',
            order,
          )
          while (knows(former)) await clock.sleep(5)

          // The former refuses. The new one, once it has read its log, ends it.
          const refused = await producer.sendAndReceive(EndTxn, 0, end)
          const expected = Errors.NOT_COORDINATOR.code
          if (refused.errorCode !== expected) throw new Error('it was not refused')
          while ((await coordinatorOf(cluster, producer)) !== next) await clock.sleep(5)
          await commit(cluster, line, end)
          while (knows(next)?.state !== 'CompleteCommit') await clock.sleep(5)
        }, cluster)
        for (const one of [tool, producer, line, zooKeeper]) await one.close()
      },
      2,
    )
  },
}

/** Asks until the id has a coordinator. */
async function coordinatorOf(
  { brokers, platform }: KafkaCluster,
  client: NetworkClient,
): Promise<KafkaServer> {
  for (;;) {
    const body = { key: transactionalId, keyType: 1 }
    const answer = await client.sendAndReceive(FindCoordinator, 1, body)
    const found = brokers.find(({ config }) => config.brokerId === answer.nodeId)
    if (answer.errorCode === 0 && found) return found
    await platform.clock.sleep(5)
  }
}

/** What a broker knows of the id; undefined when it is none of its affairs. */
function knows({ transactionCoordinator }: KafkaServer) {
  const found = transactionCoordinator.txnManager.getTransactionState(transactionalId)
  return 'value' in found ? found.value?.transactionMetadata : undefined
}

/** Begins a transaction and writes a record in it; whose it is. */
async function begin(stage: Stage, producer: NetworkClient) {
  const { producerId, producerEpoch } = await initProducerId(stage, producer)
  const who = { transactionalId, producerId, producerEpoch }
  const topics = [{ name: TOPIC, partitions: [0] }]
  await producer.sendAndReceive(AddPartitionsToTxn, 0, { ...who, topics })
  const records = batch(producerId, producerEpoch)
  await producer.sendAndReceive(Produce, 3, {
    ...{ transactionalId, acks: -1, timeoutMs: 10_000 },
    topicData: [{ name: TOPIC, partitionData: [{ index: 0, records }] }],
  })
  return who
}

/** Asks for the end until the coordinator has read its log. */
async function commit(
  { platform }: KafkaCluster,
  line: NetworkClient,
  end: EndTxnRequestInput,
): Promise<void> {
  for (;;) {
    const answer = await line.sendAndReceive(EndTxn, 0, end)
    const error = Errors.forCode(answer.errorCode)
    if (error === Errors.NONE) return
    if (!error.retriable) throw error.exception()
    await platform.clock.sleep(5)
  }
}
