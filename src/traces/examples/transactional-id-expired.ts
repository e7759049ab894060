/**
 * # The trace `transactional-id-expired`
 *
 * A producer with a transactional id comes no more. After a week the coordinator forgets
 * the id, and says so in its log; who comes later under the same id is a new producer.
 *
 * @module
 */
import type { ExampleTrace } from '../ExampleTrace.ts'
import { clientOn, onStage } from '../stage.ts'
import { initProducerId, ready } from './transaction.ts'

/** How long an id is kept that nobody uses, in ms. Kafka's own time is a week. */
const EXPIRATION_MS = 300

/** Looks often; Kafka's own pause is an hour. */
const CHECKS = {
  'transactional.id.expiration.ms': String(EXPIRATION_MS),
  'transaction.remove.expired.transaction.cleanup.interval.ms': '100',
}

/** A transactional id is forgotten. */
export const transactionalIdExpired: ExampleTrace = {
  name: 'transactional-id-expired',
  title: 'a transactional id that nobody uses is forgotten',
  about:
    'A producer asks for its id, and gets one with an epoch. Then nobody hears of it. When ' +
    'nothing has changed for 300 ms, and no transaction is open, the coordinator appends a ' +
    'record without a value for this transactional id, and takes it out of its memory. The ' +
    'producer comes back: it gets a new producer id, and its epochs begin at 0 again.',
  heading: '# KafkaApis',
  roots: [
    'KafkaApis.handleInitProducerIdRequest',
    'TransactionStateManager.removeExpiredTransactionalIds',
  ],
  drawn: [
    'KafkaApis.handleInitProducerIdRequest',
    'TransactionCoordinator.handleInitProducerId',
    'TransactionStateManager.appendTransactionToLog',
    'TransactionStateManager.removeExpiredTransactionalIds',
  ],

  async run(record, world) {
    await onStage(
      world,
      async (stage) => {
        const { clock } = stage.cluster.platform
        const producer = clientOn(stage, 'example-producer')
        await ready(stage, producer)
        await record(async () => {
          const first = await initProducerId(stage, producer)
          await clock.sleep(2 * EXPIRATION_MS)

          // It is a stranger now.
          const second = await initProducerId(stage, producer)
          const isStranger = second.producerId !== first.producerId
          if (!isStranger || second.producerEpoch !== 0) throw new Error('still known')
        }, stage.cluster)
        producer.close()
      },
      1,
      CHECKS,
    )
  },
}
