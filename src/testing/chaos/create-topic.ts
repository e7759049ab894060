/**
 * Topics of chaos runs and benchmarks, made where they are wanted.
 *
 * @module
 */
import { type ClusterClient, throwUnlessNone } from '../../clients/ClusterClient.ts'
import { CreateTopics } from '../../protocol/messages/CreateTopics.ts'

/** How long the controller may take, in ms. */
const TIMEOUT_MS = 30_000

/**
 * Creates a topic.
 *
 * @param assignment - the brokers of each partition; the first of them leads it
 * @throws KafkaException (rejects) of the controller's error
 */
export async function createTopic(
  client: ClusterClient,
  name: string,
  assignment: readonly (readonly number[])[],
): Promise<void> {
  const assignments = assignment.map((brokerIds, partition) => {
    return { partition, brokerIds }
  })

  // Only the controller takes it.
  await client.retry(async () => {
    const controller = await client.controller()
    const { topics } = await client.send(controller, CreateTopics, 2, {
      topics: [
        { name, numPartitions: -1, replicationFactor: -1, assignments, configs: [] },
      ],
      timeoutMs: TIMEOUT_MS,
      validateOnly: false,
    })
    throwUnlessNone(topics[0]?.errorCode ?? 0)
  })
}
