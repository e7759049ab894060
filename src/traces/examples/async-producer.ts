/**
 * # The trace `async-producer`
 *
 * The old producer with `producer.type` = `async`: `send` puts messages into a queue and
 * returns; a loop takes them out in batches.
 *
 * @module
 */

import { KeyedMessage } from '../../producer/KeyedMessage.ts'
import type { ExampleTrace } from '../ExampleTrace.ts'
import { fillTopic, oldProducerFor, onStage, TOPIC } from '../stage.ts'

const ASYNC = {
  'producer.type': 'async',
  'batch.num.messages': '2',
  'queue.buffering.max.ms': '5000',
}

/** Messages wait in a queue until there are enough of them. */
export const asyncProducer: ExampleTrace = {
  name: 'async-producer',
  title: 'messages wait in a queue, and leave it in batches',
  about:
    'Three messages are sent, one after the other, and each send returns at once. Two are a ' +
    'full batch and leave. The third waits for another, or for its time; here the producer ' +
    'is closed, which sends what is left and then returns.',
  heading: '## SyncProducer',
  roots: ['Producer.send', 'ProducerSendThread.tryToHandle', 'Producer.close'],
  drawn: ['Producer.send', 'ProducerSendThread.tryToHandle', 'Producer.close'],

  async run(record, world) {
    await onStage(world, async (stage) => {
      await fillTopic(stage, 'hello')
      await record(async () => {
        const producer = oldProducerFor(stage, ASYNC)
        for (const text of ['one', 'two', 'three']) {
          await producer.send(new KeyedMessage(TOPIC, text))
        }
        await producer.close()
      }, stage.cluster)
    })
  },
}
