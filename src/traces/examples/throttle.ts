/**
 * # The trace `throttle`
 *
 * A client sends more bytes a second than it may. The broker takes them, and lets the answer
 * wait; until it has come the client's connection is not read.
 *
 * @module
 */
import { TopicPartition } from '../../base/TopicPartition.ts'
import type { ExampleTrace } from '../ExampleTrace.ts'
import { clientOn, onStage, TOPIC } from '../stage.ts'
import { makeTopic, sendBatch } from '../topics.ts'

/** Bytes a second. One batch of the example is a little more. */
const QUOTA = 4000

/** Two short windows, so that the reader need not wait; Kafka has eleven of a second. */
const WINDOWS = { 'quota.window.num': '2', 'quota.window.size.seconds': '1' }

/** An answer is held back. */
export const throttle: ExampleTrace = {
  name: 'throttle',
  title: 'a client sends more than its quota allows, and waits for its answer',
  about:
    'A tool writes the quota into ZooKeeper, and a note beside it that wakes the broker. ' +
    'Then the client sends. The batch is appended as any other. Then its bytes are counted, and there are more in ' +
    'this second than the client may send. The answer goes into a queue, and leaves it ' +
    'when the mean over the windows is down at the quota.',
  heading: '# KafkaApis',
  roots: ['DynamicConfigManager.processNotification', 'KafkaApis.handleProduceRequest'],
  drawn: [
    'DynamicConfigManager.processNotification',
    'ClientQuotaManager.updateQuota',
    'ClientQuotaManager.recordAndThrottleOnQuotaViolation',
    'ClientQuotaManager.throttleTime',
    'ThrottledRequestReaper.doWork',
    'KafkaApis.sendResponse',
  ],

  async run(record, world) {
    await onStage(
      world,
      async (stage) => {
        const { cluster } = stage
        const [broker] = cluster.brokers
        if (!broker) throw new Error('there is no broker')
        const client = clientOn(stage, 'eager')
        await makeTopic(client, { name: TOPIC })

        const { zkClient } = broker
        const { produce } = broker.quotaManagers
        await record(async () => {
          // Set the quota as a tool does, and wait until the broker has heard of it.
          const quota = { producer_byte_rate: String(QUOTA) }
          await zkClient.setOrCreateEntityConfigs('clients', 'eager', quota)
          await zkClient.createConfigChangeNotification('clients/eager')
          while (!produce.quotasEnabled) await cluster.platform.clock.sleep(5)

          // Send more than that in one request.
          const value = Buffer.alloc(QUOTA + 200, 'x')
          await sendBatch(client, new TopicPartition(TOPIC, 0), { value, timestamp: 0 })
        }, cluster)
        client.close()
      },
      1,
      WINDOWS,
    )
  },
}
