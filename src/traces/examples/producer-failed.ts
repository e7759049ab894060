/**
 * # The trace `producer-failed`
 *
 * The broker refuses a message that is larger than it takes. The producer cannot tell this
 * from a refusal that passes: it tries again until its tries are used up, and fails.
 *
 * @module
 */
import { FailedToSendMessageException } from '../../base/errors.ts'
import { KeyedMessage } from '../../producer/KeyedMessage.ts'
import type { ExampleTrace } from '../ExampleTrace.ts'
import { createTopic, oldProducerFor, onStage, producerFor, TOPIC } from '../stage.ts'

/** One more than the bytes that a broker takes, without being told otherwise. */
const TOO_MANY = 1_000_013

/** All tries fail. */
export const producerFailed: ExampleTrace = {
  name: 'producer-failed',
  title: 'a message is too large; a producer uses up its tries and fails',
  about:
    'The broker answers MESSAGE_TOO_LARGE. To the old producer every refusal ' +
    'looks like one that passes, so it sends the same message again, and is ' +
    'refused again, until `message.send.max.retries` is used up. Only then is the ' +
    'application told, by FailedToSendMessageException.',
  heading: '## SyncProducer',
  roots: ['Producer.send'],

  async run(record, world) {
    await onStage(world, async (stage) => {
      const known = producerFor(stage)
      await createTopic(known, stage.cluster.platform)
      await known.close()
      const producer = oldProducerFor(stage, { 'message.send.max.retries': '1' })
      await record(async () => {
        // It fails as it should; all else is an error of the example.
        const failure = await producer
          .send(new KeyedMessage(TOPIC, 'x'.repeat(TOO_MANY)))
          .catch((error: unknown) => error)
        if (failure instanceof FailedToSendMessageException) return
        throw new Error('the producer did not fail', { cause: failure })
      }, stage.cluster)
      await producer.close()
    })
  },
}
