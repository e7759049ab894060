/**
 * # The trace `recovery`
 *
 * The files of a broker as a machine leaves them that lost its power: no marker of a proper
 * end, and half a batch at the end of a log. The next start scans, and cuts.
 *
 * @module
 */

import type { Storage } from '../../base/platform/Platform.ts'
import { join } from '../../base/platform/path.ts'
import { TopicPartition } from '../../base/TopicPartition.ts'
import { KafkaServer } from '../../server/KafkaServer.ts'
import type { ExampleTrace } from '../ExampleTrace.ts'
import { onStage } from '../stage.ts'
import { lineTo, makeTopic, sendBatch } from '../topics.ts'

const ORDERS = 'orders'
const PARTITION = new TopicPartition(ORDERS, 0)

/** Bytes that did not come to the disk. */
const LOST_BYTES = 25

/** A log with a torn end is opened. */
export const recovery: ExampleTrace = {
  name: 'recovery',
  title: 'a broker starts after a crash, and cuts half a batch off its log',
  about:
    'Four batches were appended, and of the last one the end is missing. There is no ' +
    'marker that the directory was closed properly, so the segment is scanned from its ' +
    'first byte: three batches are whole, the fourth is shorter than it says. It is cut ' +
    'off, and the next offset is 3 again.',
  heading: '# KafkaServer',
  roots: ['LogManager.loadLogs'],
  drawn: [
    'LogManager.loadLogs',
    'LoadedLogs.loadLogDir',
    'LoadedLogs.loadLog',
    'LogSegment.recover',
    'LogSegment.resizeIndexes',
    'ProducerStateManager.takeSnapshot',
  ],

  async run(record, world) {
    await onStage(world, async ({ cluster }) => {
      const [former] = cluster.brokers
      const dir = former?.config.logDirs[0]
      if (!former || dir === undefined) throw new Error('no broker, or no directory')
      const client = lineTo(former, cluster, 'example-producer')
      await makeTopic(client, { name: ORDERS })
      for (const text of ['one', 'two', 'three', 'four']) {
        const value = Buffer.from(text)
        await sendBatch(client, PARTITION, { value, timestamp: 0 })
      }
      client.close()

      // Keep the files as they are while it runs, and put them back when it has ended.
      const { storage } = cluster.platform
      const files = filesBelow(storage, dir)
      await former.shutdown(false)
      for (const name of filesBelow(storage, dir).keys()) storage.unlink(name)
      for (const [name, bytes] of files) storage.writeFile(name, bytes)

      // The disk had not taken the last bytes when the power failed.
      const log = join(dir, `${ORDERS}-0`, '00000000000000000000.log')
      const bytes = storage.readFile(log)
      storage.writeFile(log, bytes.subarray(0, bytes.length - LOST_BYTES))
      await record(async () => {
        const back = new KafkaServer(former.config, {
          platform: cluster.platform,
          zooKeeperConnect: cluster.zooKeeperConnect,
        })
        await back.startup()
        await back.shutdown(false)
      }, cluster)
    })
  },
}

/** Every file of a directory and of those in it, but for the lock. */
function filesBelow(storage: Storage, dir: string): Map<string, Buffer> {
  const found = new Map<string, Buffer>()
  for (const name of storage.readdir(dir)) {
    const path = join(dir, name)
    if (storage.stat(path)?.isDirectory) {
      for (const [inner, bytes] of filesBelow(storage, path)) found.set(inner, bytes)
    } else if (name !== '.lock') {
      found.set(path, storage.readFile(path))
    }
  }
  return found
}
