/**
 * # The trace `become-leader-or-follower`
 *
 * The controller tells a broker what it is for each partition: leader of its own topic,
 * follower of one that another broker leads.
 *
 * @module
 */
import { NetworkClient } from '../../network/NetworkClient.ts'
import { ApiKeys } from '../../protocol/ApiKeys.ts'
import type { ExampleTrace } from '../ExampleTrace.ts'
import { startIn } from '../stage.ts'

/** Brokers become leaders and followers. */
export const becomeLeaderOrFollower: ExampleTrace = {
  name: 'become-leader-or-follower',
  title: 'the controller makes one broker leader and another follower of a new topic',
  heading: '# ReplicaManager',
  roots: ['ReplicaManager.becomeLeaderOrFollower'],

  async run(record, world) {
    const cluster = await startIn(world, { brokers: 2 })
    try {
      await record(async () => {
        // Create a topic with two replicas through the controller.
        const controller = cluster.brokers.find((b) => b.kafkaController.isActive)
        if (!controller) throw new Error('no broker is controller')
        const { clock, network } = cluster.platform
        const port = controller.boundPort()
        const client = new NetworkClient({
          ...{ host: '127.0.0.1', port, clientId: 'example-admin' },
          ...{ requestTimeoutMs: 30_000, network, clock },
        })
        const topic = {
          ...{ name: 'replicated', numPartitions: 1, replicationFactor: 2 },
          ...{ assignments: [], configs: [] },
        }
        const request = { topics: [topic], timeoutMs: 20_000 }
        const response = await client.sendAndReceive(ApiKeys.CREATE_TOPICS, 0, request)
        if (response.topics[0]?.errorCode !== 0) throw new Error('no topic was created')
        await client.close()
      }, cluster)
    } finally {
      await cluster.close()
    }
  },
}
