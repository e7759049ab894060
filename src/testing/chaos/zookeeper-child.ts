/**
 * # The ZooKeeper of a chaos run
 *
 * The embedded ZooKeeper in a process of its own, so that it can be killed and frozen. It
 * is a child that talks with its parent, who may have a session expired, which nobody
 * can ask of a ZooKeeper over the network.
 *
 * @module
 */
import { nodePlatform } from '../../base/platform/node/node-platform.ts'
import { ZooKeeperServer } from '../../zookeeper/server/ZooKeeperServer.ts'

const [dataDir = '', port = '0'] = process.argv.slice(2)
const server = new ZooKeeperServer({
  ...{ platform: nodePlatform(), host: '127.0.0.1', port: Number(port), dataDir },
  ...{ tickTimeMs: 500, fsync: false },
})
await server.startup()

// The parent names an ephemeral node; the session that holds it ends.
process.on('message', (path: string) => {
  const owner = server.ephemeralOwner(path)
  if (owner !== 0n) server.expireSession(owner)
})
process.on('disconnect', () => process.exit(0))
process.send?.(server.port)
