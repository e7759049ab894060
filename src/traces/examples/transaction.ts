/**
 * # The trace `transaction`
 *
 * A producer writes within a transaction. A reader who wants only what is committed waits
 * in front of it; the coordinator decides, writes a marker into the partition, and the
 * reader goes on.
 *
 * @module
 */
import { Errors } from '../../base/errors.ts'
import type { NetworkClient } from '../../network/NetworkClient.ts'
import { AddPartitionsToTxn } from '../../protocol/messages/AddPartitionsToTxn.ts'
import { EndTxn } from '../../protocol/messages/EndTxn.ts'
import { Fetch } from '../../protocol/messages/Fetch.ts'
import { FindCoordinator } from '../../protocol/messages/FindCoordinator.ts'
import {
  InitProducerId,
  type InitProducerIdResponse,
} from '../../protocol/messages/InitProducerId.ts'
import { Produce } from '../../protocol/messages/Produce.ts'
import { MemoryRecords } from '../../record/MemoryRecords.ts'
import type { ExampleTrace } from '../ExampleTrace.ts'
import { clientOn, fillTopic, onStage, type Stage, TOPIC } from '../stage.ts'

/** The name of the producer. */
export const transactionalId = 'teller'

/** What is written in a transaction is seen when it is committed. */
export const transaction: ExampleTrace = {
  name: 'transaction',
  title: 'records of a transaction are hidden until a marker says that it is committed',
  heading: '# KafkaApis',
  roots: [
    'KafkaApis.handleInitProducerIdRequest',
    'KafkaApis.handleAddPartitionToTxnRequest',
    'KafkaApis.handleProduceRequest',
    'KafkaApis.handleEndTxnRequest',
    'KafkaApis.handleWriteTxnMarkersRequest',
    'KafkaApis.handleFetchRequest',
  ],

  async run(record, world) {
    await onStage(world, async (stage) => {
      await fillTopic(stage, 'hello')
      const producer = clientOn(stage, 'example-producer')
      const consumer = clientOn(stage, 'c1')
      await ready(stage, producer)
      await record(async () => {
        // Get an id, name the partition, and write to it.
        const { producerId, producerEpoch } = await initProducerId(stage, producer)
        const who = { transactionalId, producerId, producerEpoch }
        await producer.sendAndReceive(AddPartitionsToTxn, 0, {
          ...who,
          topics: [{ name: TOPIC, partitions: [0] }],
        })
        await producer.sendAndReceive(Produce, 3, {
          ...{ transactionalId, acks: -1, timeoutMs: 10_000 },
          topicData: [
            {
              name: TOPIC,
              partitionData: [{ index: 0, records: batch(producerId, producerEpoch) }],
            },
          ],
        })

        // Ask for committed records only: there is none yet, so the fetch waits.
        const fetched = consumer.sendAndReceive(Fetch, 4, readCommitted(1))
        await waitsInPurgatory(stage)

        // Commit. The marker in the partition lets the reader go on.
        await producer.sendAndReceive(EndTxn, 0, { ...who, committed: true })
        await fetched
      }, stage.cluster)
      producer.close()
      consumer.close()
    })
  },
}

/** Resolves when the transactional id has a coordinator that serves it. */
export async function ready(stage: Stage, client: NetworkClient): Promise<void> {
  for (;;) {
    const body = { key: transactionalId, keyType: 1 }
    const answer = await client.sendAndReceive(FindCoordinator, 1, body)
    if (answer.errorCode === 0) break
    await stage.cluster.platform.clock.sleep(5)
  }
  await initProducerId(stage, client)
}

/** Asks for an id until the coordinator has read its state. */
export async function initProducerId(
  stage: Stage,
  client: NetworkClient,
  transactionTimeoutMs = 60_000,
): Promise<InitProducerIdResponse> {
  for (;;) {
    const body = { transactionalId, transactionTimeoutMs }
    const answer = await client.sendAndReceive(InitProducerId, 0, body)
    const error = Errors.forCode(answer.errorCode)
    if (error === Errors.NONE) return answer
    if (!error.retriable && error !== Errors.CONCURRENT_TRANSACTIONS) {
      throw error.exception()
    }
    await stage.cluster.platform.clock.sleep(5)
  }
}

/** One record of the transaction, as a batch. */
export function batch(producerId: bigint, producerEpoch: number): Buffer {
  const value = Buffer.from('transfer')
  return MemoryRecords.withRecords(
    { producerId, producerEpoch, baseSequence: 0, isTransactional: true },
    { value, timestamp: 0 },
  ).buffer
}

/** A fetch from an offset on, of what is committed; it waits for a byte. */
export function readCommitted(fetchOffset: number) {
  const partition = { partition: 0, fetchOffset, partitionMaxBytes: 65_536 }
  return {
    ...{ replicaId: -1, maxWaitMs: 20_000, minBytes: 1, maxBytes: 65_536 },
    isolationLevel: 1,
    topics: [{ topic: TOPIC, partitions: [partition] }],
  }
}

/** Resolves when a fetch waits in the purgatory of the broker. */
export async function waitsInPurgatory({ cluster }: Stage): Promise<void> {
  const purgatory = cluster.brokers[0]?.replicaManager.delayedFetchPurgatory
  while (purgatory && purgatory.delayed === 0) await cluster.platform.clock.sleep(1)
}
