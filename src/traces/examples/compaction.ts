/**
 * # The trace `compaction`
 *
 * A topic whose records are the last words on their keys. One cleaning is over; four records
 * later a segment is full, the log is dirty enough, and the cleaner goes over it again.
 *
 * @module
 */
import { TopicPartition } from '../../base/TopicPartition.ts'
import type { ExampleTrace } from '../ExampleTrace.ts'
import { onStage } from '../stage.ts'
import { lineTo, makeTopic, sendBatch } from '../topics.ts'

const NAMES = 'names'
const PARTITION = new TopicPartition(NAMES, 0)

/** Four small batches fill a segment. */
const CONFIGS = { 'cleanup.policy': 'compact', 'segment.bytes': '300' }

/** Looks for dirty logs at once; Kafka's own rests for 15 s. */
const NO_REST = { 'log.cleaner.backoff.ms': '10' }

/** The cleaner leaves only the last record of each key. */
export const compaction: ExampleTrace = {
  name: 'compaction',
  title: 'a log is cleaned: of each key only the last record stays',
  about:
    'The keys were a, b, a, c, and the first of them was cleaned away. Then come b, d, ' +
    'a without a value, and b; the next record, c, begins another segment, and what is ' +
    'before it can be cleaned. The cleaner learns which offset is the last of each key, ' +
    'copies what stays into new files, and puts them in the place of the old ones. The ' +
    'last segment is not touched, so c is there twice.',
  heading: '# KafkaServer',
  roots: ['CleanerThread.cleanLog'],
  drawn: [
    'CleanerThread.cleanLog',
    'Cleaner.clean',
    'Cleaner.buildOffsetMap',
    'Cleaner.cleanSegments',
    'Cleaner.cleanInto',
    'LogSegment.changeFileSuffixes',
    'LogCleanerManager.doneCleaning',
  ],

  async run(record, world) {
    await onStage(
      world,
      async ({ cluster }) => {
        const [broker] = cluster.brokers
        const cleaner = broker?.logCleaner
        if (!broker || !cleaner) throw new Error('nobody cleans')
        const client = lineTo(broker, cluster, 'example-producer')
        await makeTopic(client, { name: NAMES, configs: CONFIGS })
        const put = async (...keys: readonly string[]) => {
          for (const key of keys) await sendBatch(client, PARTITION, recordOf(key))
        }

        // One cleaning is over.
        await put('a', 'b', 'a', 'c', 'b')
        await cleaner.awaitCleaned(PARTITION, 4)

        // What follows fills the segment; the record behind it sets the cleaner off.
        await put('d', '-a', 'b')
        await record(async () => {
          await put('c')
          await cleaner.awaitCleaned(PARTITION, 8)
        }, cluster)
        client.close()
      },
      1,
      NO_REST,
    )
  },
}

/** The record of a key; a dash in front stands for no value. */
function recordOf(key: string) {
  const isDeletion = key.startsWith('-')
  return {
    key: Buffer.from(key.replace('-', '')),
    value: isDeletion ? null : Buffer.from('word'),
    timestamp: 0,
  }
}
