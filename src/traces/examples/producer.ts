/**
 * # The trace `producer`
 *
 * A SyncProducer sends one request and waits for its answer.
 *
 * @module
 */
import type { ExampleTrace } from '../ExampleTrace.ts'
import { createTopic, onStage, produceRequest, producerFor } from '../stage.ts'

/** A producer sends one request. */
export const producer: ExampleTrace = {
  name: 'producer',
  title: 'a SyncProducer connects, sends one request and waits for its answer',
  heading: '## SyncProducer',
  roots: ['new SyncProducer', 'SyncProducer.send'],

  async run(record, world) {
    await onStage(world, async (stage) => {
      await record(async () => {
        const client = producerFor(stage)
        await createTopic(client, stage.cluster.platform)
        await client.send(produceRequest('hello'))
        await client.close()
      }, stage.cluster)
    })
  },
}
