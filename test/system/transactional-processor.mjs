/**
 * Reads a topic, writes what it read to another, and stores how far it came, all three in
 * one transaction a batch. It can be killed at any moment. It says `committed 17` after
 * each transaction, with the number of records in it; when a transaction fails it gives up,
 * and the next process goes on.
 *
 * Arguments: brokers, input topic, output topic.
 */
import { Kafka, logLevel } from 'kafkajs'

const [brokers, input, output] = process.argv.slice(2)
const groupId = 'processor'
const kafka = new Kafka({
  brokers: brokers.split(','),
  logLevel: logLevel.NOTHING,
  connectionTimeout: 2000,
  retry: { initialRetryTime: 50, maxRetryTime: 500, retries: 200 },
})

// The id fences a former self, and ends what it left open, before anything is read.
const producer = kafka.producer({
  ...{ transactionalId: 'processor', idempotent: true, maxInFlightRequests: 1 },
  transactionTimeout: 30_000,
})
await producer.connect()
const consumer = kafka.consumer({
  ...{ groupId, sessionTimeout: 6000, heartbeatInterval: 300, maxWaitTimeInMs: 50 },
  maxBytesPerPartition: 40_000,
})
await consumer.connect()
await consumer.subscribe({ topic: input, fromBeginning: true })

async function eachBatch({ batch }) {
  const messages = batch.messages.map(({ key, value }) => ({
    ...{ key, value, partition: batch.partition },
  }))
  const offset = String(Number(batch.lastOffset()) + 1)
  const transaction = await producer.transaction()
  await transaction.send({ topic: output, messages })
  await transaction.sendOffsets({
    consumerGroupId: groupId,
    topics: [{ topic: input, partitions: [{ partition: batch.partition, offset }] }],
  })
  await transaction.commit()
  process.stdout.write(`committed ${messages.length}\n`)
}

const giveUp = (error) => {
  process.stderr.write(`${error?.stack ?? error}\n`)
  process.exit(1)
}
consumer.on(consumer.events.CRASH, ({ payload }) => giveUp(payload.error))
await consumer.run({
  ...{ autoCommit: false, partitionsConsumedConcurrently: 1 },
  eachBatch: (payload) => eachBatch(payload).catch(giveUp),
})
