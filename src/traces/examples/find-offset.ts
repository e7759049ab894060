/**
 * # The trace `find-offset`
 *
 * A fetch asks for an offset in the middle of a segment. The index knows every third batch;
 * from there the broker walks.
 *
 * @module
 */
import { TopicPartition } from '../../base/TopicPartition.ts'
import { Fetch } from '../../protocol/messages/Fetch.ts'
import type { ExampleTrace } from '../ExampleTrace.ts'
import { clientOn, onStage, TOPIC } from '../stage.ts'
import { makeTopic, sendBatch } from '../topics.ts'

const BATCHES = 14
const WANTED = 10

/** Much smaller than the 4,096 bytes of Kafka, so that a few batches are enough. */
const CONFIGS = { 'index.interval.bytes': '200' }

/** An index and a walk lead to a batch. */
export const findOffset: ExampleTrace = {
  name: 'find-offset',
  title: 'a fetch finds its offset by the index and a short walk',
  about:
    'Fourteen batches lie in the segment, and an entry of the index for every third or so. ' +
    'The fetch wants offset 10. The index gives the last entry that is not above it, and ' +
    'from that byte the batches are walked by their headers.',
  heading: '# KafkaApis',
  roots: ['KafkaApis.handleFetchRequest'],
  drawn: [
    'KafkaApis.handleFetchRequest',
    'ReplicaManager.fetchMessages',
    'Log.read',
    'LogSegment.translateOffset',
    'OffsetIndex.lookup',
    'FileRecords.searchForOffsetWithSize',
  ],

  async run(record, world) {
    await onStage(world, async (stage) => {
      const client = clientOn(stage, 'c1')
      await makeTopic(client, { name: TOPIC, configs: CONFIGS })
      const partition = new TopicPartition(TOPIC, 0)
      for (let i = 0; i < BATCHES; i++) {
        const value = Buffer.from(`word ${i}`)
        await sendBatch(client, partition, { value, timestamp: 0 })
      }
      await record(async () => {
        const wanted = { partition: 0, fetchOffset: WANTED, partitionMaxBytes: 65_536 }
        await client.sendAndReceive(Fetch, 4, {
          ...{ replicaId: -1, maxWaitMs: 0, minBytes: 0, isolationLevel: 0 },
          topics: [{ topic: TOPIC, partitions: [wanted] }],
        })
      }, stage.cluster)
      client.close()
    })
  },
}
