/**
 * An old consumer in a process of its own, which can be killed. It says on its output what
 * happens to it: `owns 0,1`, `got 0 17 text`, `committed`.
 *
 * Arguments: the topic, then settings as `key=value`. The line `commit` on its input
 * commits, `measure` tells what it holds (it needs `--expose-gc`); the end of its input
 * shuts the consumer down.
 */
import { createInterface } from 'node:readline'
import { nodePlatform } from '../../dist/base/platform/node/node-platform.js'
import { ConsumerConfig } from '../../dist/consumer/ConsumerConfig.js'
import { Consumer } from '../../dist/consumer/ConsumerConnector.js'
import { StringDecoder } from '../../dist/consumer/Decoder.js'
import { connectWithNodeZookeeperClient } from '../../dist/zookeeper/node-zookeeper-client-session.js'

const [topic, ...settings] = process.argv.slice(2)
const config = new ConsumerConfig(Object.fromEntries(settings.map((s) => s.split('='))))
const connector = await Consumer.create(config, {
  platform: nodePlatform(),
  zooKeeperConnect: connectWithNodeZookeeperClient,
})

const say = (...words) => process.stdout.write(`${words.join(' ')}\n`)

connector.setConsumerRebalanceListener({
  beforeStartingFetchers(consumerId, assignment) {
    const owned = [...(assignment.get(topic) ?? [])]
      .filter(([, thread]) => `${thread}`.startsWith(consumerId))
      .map(([partition]) => partition)
    say('owns', owned.join(','))
  },
})

const decoder = new StringDecoder()
const streams = await connector.createMessageStreams(
  new Map([[topic, 1]]),
  decoder,
  decoder,
)

/** What is held when the garbage is gone. */
async function measure() {
  for (let i = 0; i < 3; i++) {
    globalThis.gc()
    await new Promise((resolve) => setImmediate(resolve))
  }
  const resources = {}
  for (const kind of process.getActiveResourcesInfo()) {
    resources[kind] = (resources[kind] ?? 0) + 1
  }
  return { heapUsed: process.memoryUsage().heapUsed, resources }
}

const commands = createInterface({ input: process.stdin })
commands.on('line', async (command) => {
  if (command === 'measure') {
    say('measured', JSON.stringify(await measure()))
    return
  }
  await connector.commitOffsets()
  say('committed')
})
commands.on('close', () => connector.shutdown())

for await (const message of streams.get(topic)[0]) {
  say('got', message.partition, message.offset, message.message())
}
