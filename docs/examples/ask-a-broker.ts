/**
 * # Ask a broker
 *
 * Any of the 43 APIs by its name, over one connection. The types of request and response
 * follow from the table of the API; see [Protocol](/protocol/).
 */
import { ApiKeys, NetworkClient } from 'annotated-kafka'
import { startCluster } from 'annotated-kafka/testing'

/** Returns how many APIs the broker knows, and its cluster's brokers: `43`, `[0, 1, 2]`. */
export async function askABroker(): Promise<[number, number[]]> {
  await using cluster = await startCluster({ brokers: 3, platform: 'memory' })
  const { network, clock } = cluster.platform
  const [address = ''] = cluster.bootstrapServers.split(',')
  const [host = '', port = ''] = address.split(':')
  const client = new NetworkClient({
    ...{ host, port: Number(port), clientId: 'example', requestTimeoutMs: 10_000 },
    ...{ network, clock },
  })

  // Ask what it knows, then who is there.
  const { API_VERSIONS, METADATA } = ApiKeys
  const known = await client.sendAndReceive(API_VERSIONS, 1, {})
  const metadata = await client.sendAndReceive(METADATA, 5, {
    topics: [],
    allowAutoTopicCreation: false,
  })
  client.close()
  const ids = metadata.brokers.map(({ nodeId }) => nodeId).sort()
  return [known.apiKeys.length, ids]
}
