/**
 * # The trace `offset-out-of-range`
 *
 * A group comes back to an offset that its log does not have any more. The broker refuses
 * the fetch, and the consumer begins anew where `auto.offset.reset` says.
 *
 * @module
 */
import { StringDecoder } from '../../consumer/Decoder.ts'
import { DeleteRecords } from '../../protocol/messages/DeleteRecords.ts'
import type { ExampleTrace } from '../ExampleTrace.ts'
import {
  clientOn,
  connectorFor,
  fillTopic,
  onStage,
  TOPIC,
  zooKeeperOf,
} from '../stage.ts'

const STORED = `/consumers/annotated/offsets/${TOPIC}/0`

/** A stored offset lies before the log. */
export const offsetOutOfRange: ExampleTrace = {
  name: 'offset-out-of-range',
  title: 'the stored offset is in the log no more; the consumer asks for the earliest',
  about:
    'The group has stored that it wants to go on at offset 1. While it was away, ' +
    'the log was cut, and begins at 2. The broker answers the fetch with ' +
    'OFFSET_OUT_OF_RANGE; `auto.offset.reset` is smallest here, so the consumer ' +
    'asks for the earliest offset and goes on there. The message between is lost ' +
    'to it.',
  heading: '## KafkaStream',
  roots: [
    'AbstractFetcherThread.processFetchRequest',
    'ConsumerFetcherThread.handleOffsetOutOfRange',
    'ConsumerIterator.next',
  ],

  async run(record, world) {
    await onStage(world, async (stage) => {
      // The group has read one of three messages, then it was away.
      await fillTopic(stage, 'hello', 'brave', 'world')
      const zooKeeper = await zooKeeperOf(stage)
      await zooKeeper.updatePersistentPath(STORED, '1')
      await zooKeeper.close()

      // Meanwhile the log was cut.
      const client = clientOn(stage, 'admin')
      const partitions = [{ partition: 0, offset: 2 }]
      const topics = [{ name: TOPIC, partitions }]
      await client.sendAndReceive(DeleteRecords, 0, { topics, timeoutMs: 10_000 })
      client.close()
      await record(async () => {
        const connector = await connectorFor(stage)
        const decoder = new StringDecoder()
        const subscription = new Map([[TOPIC, 1]])
        const streams = await connector.createMessageStreams(
          subscription,
          decoder,
          decoder,
        )
        await streams.get(TOPIC)?.[0]?.iterator().next()
        await connector.shutdown()
      }, stage.cluster)
    })
  },
}
