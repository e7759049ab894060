/**
 * # Broker epochs
 *
 * Which registration of a broker is this? The transaction that made its znode tells: a
 * broker that registers again, after a restart or under a new session, has a higher one.
 *
 * @kafka core/src/main/scala/kafka/zk/KafkaZkClient.scala#KafkaZkClient.getAllBrokersInCluster
 * @differs Kafka has broker epochs from 2.2 on (KIP-380); `BrokerChange` says what they mend
 * @module
 */
import type { Broker } from './Broker.ts'
import { BrokerIdZNode } from './cluster-znodes.ts'
import type { KafkaZkClient } from './KafkaZkClient.ts'

/** Reads the live brokers and their epochs, in ascending order of their ids. */
export async function getAllBrokerAndEpochsInCluster(
  zkClient: KafkaZkClient,
): Promise<Map<Broker, bigint>> {
  const ids = await zkClient.getSortedBrokerList()
  const nodes = await Promise.all(
    ids.map((id) => zkClient.getDataOrNone(BrokerIdZNode.path(id))),
  )
  const brokers = new Map<Broker, bigint>()
  for (const [i, node] of nodes.entries()) {
    if (!node?.data) continue
    const { broker } = BrokerIdZNode.decode(ids[i]!, node.data)
    brokers.set(broker, node.stat.czxid)
  }
  return brokers
}
