/**
 * # The trace `retention`
 *
 * A log is longer than it may be. The broker looks from time to time, and gives up the
 * oldest segments as a whole: renamed first, removed when nobody reads them any more.
 *
 * @module
 */
import { TopicPartition } from '../../base/TopicPartition.ts'
import { DeleteRecords } from '../../protocol/messages/DeleteRecords.ts'
import type { ExampleTrace } from '../ExampleTrace.ts'
import { onStage } from '../stage.ts'
import { lineTo, makeTopic, sendBatch } from '../topics.ts'

const METER = 'meter'
const PARTITION = new TopicPartition(METER, 0)

/** Three batches fill a segment; two segments, and what is begun, may stay. */
const CONFIGS = {
  ...{ 'segment.bytes': '250', 'retention.bytes': '450' },
  'file.delete.delay.ms': '300',
}

/** Looks often; Kafka's own pauses are five minutes and one. */
const CHECKS = {
  'log.retention.check.interval.ms': '1000',
  'log.flush.start.offset.checkpoint.interval.ms': '1000',
}

/** The oldest segments of a log are deleted. */
export const retention: ExampleTrace = {
  name: 'retention',
  title: 'a log is longer than it may be, and its oldest segments go',
  about:
    'Ten batches lie in four segments, and the log may have 450 bytes. Every second the ' +
    'broker looks. Without its first segment the log is still longer, so that one goes: ' +
    'its files are renamed, and 300 ms later they are removed. Then a tool asks that all ' +
    'records before offset 7 be deleted. The log begins at 7 at once, in the middle of a ' +
    'segment, and no name of a file says so; so it is written down. The segment that ends ' +
    'before it goes when the broker looks again.',
  heading: '# KafkaServer',
  roots: [
    'LogManager.cleanupLogs',
    'KafkaApis.handleDeleteRecordsRequest',
    'LoadedLogs.checkpointLogStartOffsets',
  ],
  drawn: [
    'LogManager.cleanupLogs',
    'Log.deleteOldSegments',
    'Log.deleteRetentionSizeBreachedSegments',
    'Log.deleteLogStartOffsetBreachedSegments',
    'LogSegment.changeFileSuffixes',
    'LogSegment.deleteIfExists',
    'KafkaApis.handleDeleteRecordsRequest',
    'LoadedLogs.checkpointLogStartOffsets',
  ],
  isInMemoryOnly: true,

  async run(record, world) {
    await onStage(
      world,
      async ({ cluster }) => {
        const [broker] = cluster.brokers
        if (!broker) throw new Error('there is no broker')
        const { clock } = cluster.platform
        const client = lineTo(broker, cluster, 'example-producer')
        await makeTopic(client, { name: METER, configs: CONFIGS })
        const put = () => {
          const value = Buffer.from('reading')
          return sendBatch(client, PARTITION, { value, timestamp: clock.now() })
        }
        for (let n = 0; n < 10; n++) await put()
        const log = broker.logManager.getLog(PARTITION)
        if (!log) throw new Error('there is no log')

        // The broker begins to look half a minute after its start.
        await clock.sleep(29_500)
        await record(async () => {
          while (log.logStartOffset === 0) await clock.sleep(100)
          await clock.sleep(500)

          // A tool deletes more, and the broker looks again.
          const partitions = [{ partition: 0, offset: 7 }]
          const topics = [{ name: METER, partitions }]
          await client.sendAndReceive(DeleteRecords, 0, { topics, timeoutMs: 10_000 })
          while (log.segments.size > 2) await clock.sleep(100)
          await clock.sleep(500)
        }, cluster)
        client.close()
      },
      1,
      CHECKS,
    )
  },
}
