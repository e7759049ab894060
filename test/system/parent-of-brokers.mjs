/**
 * Starts a ZooKeeper and two brokers as a chaos run does, freezes one of them, and tells
 * on which ports they listen. Ends only when it is killed.
 */
import { BrokerProcess } from '../../dist/testing/chaos/BrokerProcess.js'
import { freePorts } from '../../dist/testing/chaos/free-ports.js'
import { ZooKeeperProcess } from '../../dist/testing/chaos/ZooKeeperProcess.js'

const [home] = process.argv.slice(2)
const [zookeeperPort, ...ports] = await freePorts(3)
const zookeeper = new ZooKeeperProcess(home, zookeeperPort)
await zookeeper.start()
const brokers = ports.map((port, id) => {
  const where = { port, advertisedPort: port, zookeeperPort }
  return new BrokerProcess({ id, home, ...where, config: {} })
})
await Promise.all(brokers.map((broker) => broker.start()))
process.on('message', () => {
  brokers[1].freeze()
  process.send('frozen')
})
process.send([zookeeperPort, ...ports])
