/**
 * # The trace `zookeeper`
 *
 * Two programs and a ZooKeeper, without any Kafka. One makes a node that lives as long as
 * its session; the other watches. The session ends, and the watcher hears of that, too.
 *
 * @module
 */
import type { KafkaCluster } from '../../testing/start-cluster.ts'
import { ZkUtils } from '../../zk/ZkUtils.ts'
import { ZooKeeperClient } from '../../zookeeper/ZooKeeperClient.ts'
import type { ExampleTrace } from '../ExampleTrace.ts'
import { adopt } from '../recording-options.ts'
import { startIn } from '../stage.ts'

const LAMPS = '/lamps'
const KITCHEN = `${LAMPS}/kitchen`

/** A node that lives as long as a session, and a watch on it. */
export const zookeeper: ExampleTrace = {
  name: 'zookeeper',
  title: 'a node lives as long as its session, and a watch tells of both',
  about:
    'The watcher reads the children of a node and leaves a watch. The other program makes a ' +
    'child in its session: the write goes through the log and into the tree, the watch ' +
    'fires, and is gone; the watcher reads again, which sets it anew. Then ZooKeeper ends ' +
    'the session, the child goes with it, and the watcher is told a second time.',
  heading: '# KafkaServer',
  roots: [
    'ZooKeeperServer.processPacket',
    'ZooKeeperServer.expireSession',
    'ZooKeeperClient.processWatch',
  ],
  drawn: [
    'ZooKeeperServer.expireSession',
    'PrepRequestProcessor.pRequest2Txn',
    'FileTxnLog.append',
    'FileTxnLog.commit',
    'DataTree.processTxn',
    'WatchManager.addWatch',
    'WatchManager.triggerWatch',
    'ZooKeeperClient.processWatch',
  ],
  drawsZooKeeper: true,

  async run(record, world) {
    const cluster = await startIn(world, { brokers: 0 })
    const watcher = await sessionOf(cluster, 'watcher')
    const lamp = await sessionOf(cluster, 'lamp')
    try {
      await watcher.makeSurePersistentPathExists(LAMPS)
      await record(async () => {
        // One watches.
        let seen = 0
        const handleChildChange = () => void seen++
        await watcher.subscribeChildChanges(LAMPS, { handleChildChange })

        // The other makes a node, and says nothing more.
        await lamp.createEphemeralPath(KITCHEN, 'on')
        const { clock } = cluster.platform
        while (seen < 1) await clock.sleep(1)

        // Its session ends, and the node with it.
        const server = cluster.zooKeeperServer
        if (!server) throw new Error('there is no ZooKeeper')
        server.expireSession(server.ephemeralOwner(KITCHEN))
        while (seen < 2) await clock.sleep(1)
      }, cluster)
    } finally {
      await watcher.close()
      await lamp.close()
      await cluster.close()
    }
  },
}

/** Opens a session that is an actor of its own. */
async function sessionOf(
  { zookeeperConnect, zooKeeperConnect, platform }: KafkaCluster,
  actor: string,
): Promise<ZkUtils> {
  const client = new ZooKeeperClient({
    connect: zooKeeperConnect,
    connectString: zookeeperConnect,
    ...{ sessionTimeoutMs: 6000, connectionTimeoutMs: 6000, maxInFlightRequests: 10 },
    clock: platform.clock,
  })
  adopt(client, actor)
  await client.start()
  return new ZkUtils(client)
}
