/**
 * # The trace `transaction-timeout`
 *
 * A producer begins a transaction and falls silent. The coordinator aborts it, readers go
 * on, and the producer, when it comes back, is refused.
 *
 * @module
 */
import { Errors } from '../../base/errors.ts'
import { AddPartitionsToTxn } from '../../protocol/messages/AddPartitionsToTxn.ts'
import { EndTxn } from '../../protocol/messages/EndTxn.ts'
import { Fetch } from '../../protocol/messages/Fetch.ts'
import { Produce } from '../../protocol/messages/Produce.ts'
import type { ExampleTrace } from '../ExampleTrace.ts'
import { clientOn, fillTopic, onStage, TOPIC } from '../stage.ts'
import {
  batch,
  initProducerId,
  readCommitted,
  ready,
  transactionalId,
  waitsInPurgatory,
} from './transaction.ts'

/** How long the producer's transaction may be open, in ms. Clients ask for a minute. */
const TIMEOUT_MS = 300

/** Looks often; Kafka's own pause is a minute. */
const CHECKS = {
  'transaction.abort.timed.out.transaction.cleanup.interval.ms': '100',
}

/** A transaction that nobody ends is aborted. */
export const transactionTimeout: ExampleTrace = {
  name: 'transaction-timeout',
  title: 'a transaction that nobody ends is aborted, and its producer is fenced',
  about:
    'The producer may keep a transaction open for 300 ms. It writes a record and says nothing ' +
    'more. A reader of committed records waits in front of it. When the time is over the ' +
    'coordinator raises the epoch and aborts; the marker lets the reader go on, who is told ' +
    'that the record does not count. The producer comes back to commit, and is refused, for ' +
    'its epoch is an older one now.',
  heading: '# KafkaApis',
  roots: [
    'KafkaApis.handleProduceRequest',
    'TransactionCoordinator.abortTimedOutTransactions',
    'KafkaApis.handleWriteTxnMarkersRequest',
    'KafkaApis.handleFetchRequest',
    'KafkaApis.handleEndTxnRequest',
  ],
  drawn: [
    'TransactionCoordinator.abortTimedOutTransactions',
    'TransactionCoordinator.handleEndTransaction',
    'TransactionStateManager.appendTransactionToLog',
    'TransactionCoordinator.sendTxnMarkers',
    'KafkaApis.handleWriteTxnMarkersRequest',
    'DelayedFetch.onComplete',
    'KafkaApis.handleEndTxnRequest',
  ],

  async run(record, world) {
    await onStage(
      world,
      async (stage) => {
        await fillTopic(stage, 'hello')
        const producer = clientOn(stage, 'example-producer')
        const consumer = clientOn(stage, 'c1')
        await ready(stage, producer)
        await record(async () => {
          // Begin, write, and say nothing more.
          const init = await initProducerId(stage, producer, TIMEOUT_MS)
          const { producerId, producerEpoch } = init
          const who = { transactionalId, producerId, producerEpoch }
          await producer.sendAndReceive(AddPartitionsToTxn, 0, {
            ...who,
            topics: [{ name: TOPIC, partitions: [0] }],
          })
          const records = batch(producerId, producerEpoch)
          await producer.sendAndReceive(Produce, 3, {
            ...{ transactionalId, acks: -1, timeoutMs: 10_000 },
            topicData: [{ name: TOPIC, partitionData: [{ index: 0, records }] }],
          })

          // A reader waits, until the coordinator has had enough.
          const fetched = consumer.sendAndReceive(Fetch, 4, readCommitted(1))
          await waitsInPurgatory(stage)
          const { responses } = await fetched
          const aborted = responses[0]?.partitions[0]?.abortedTransactions
          if (aborted?.[0]?.producerId !== producerId) throw new Error('not aborted')

          // Too late.
          const end = await producer.sendAndReceive(EndTxn, 0, {
            ...who,
            committed: true,
          })
          const expected = Errors.INVALID_PRODUCER_EPOCH.code
          if (end.errorCode !== expected) throw new Error(`answered ${end.errorCode}`)
        }, stage.cluster)
        producer.close()
        consumer.close()
      },
      1,
      CHECKS,
    )
  },
}
