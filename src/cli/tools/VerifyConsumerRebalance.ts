/**
 * # VerifyConsumerRebalance
 *
 * Holds the owners of a group of old consumers against its members: every partition of
 * every topic that somebody wants has an owner, and the owner is a member that wants it.
 *
 * @kafka core/src/main/scala/kafka/tools/VerifyConsumerRebalance.scala#VerifyConsumerRebalance
 * @module
 */
import { IllegalStateException } from '../../base/errors.ts'
import { constructTopicCount } from '../../consumer/TopicCount.ts'
import { ConsumerIdZNode } from '../../zk/consumer-znodes.ts'
import { ZKGroupDirs, ZKGroupTopicDirs, type ZkUtils } from '../../zk/ZkUtils.ts'

/**
 * Looks for what is wrong.
 *
 * @returns one sentence for each partition that is not owned as it should be; none when
 *   the rebalance succeeded
 * @throws IllegalStateException (rejects) when there is no such group; 1.1.1 calls that a
 *   success
 * @kafka core/src/main/scala/kafka/tools/VerifyConsumerRebalance.scala#validateRebalancingOperation
 */
export async function validateRebalancingOperation(
  zkUtils: ZkUtils,
  group: string,
): Promise<string[]> {
  if (!(await zkUtils.pathExists(new ZKGroupDirs(group).consumerRegistryDir))) {
    throw new IllegalStateException(`there is no group ${group} in ZooKeeper`)
  }
  const topics = await zkUtils.getAllTopics()
  const wanted = await zkUtils.getConsumersPerTopic(group, async (consumer) => {
    const path = ConsumerIdZNode.path(group, consumer)
    const registration = ConsumerIdZNode.decode(path, await zkUtils.readData(path))
    const topicCount = constructTopicCount(consumer, registration, false)
    return topicCount.getConsumerThreadIdsPerTopic(topics)
  })
  const problems: string[] = []
  const partitions = await zkUtils.getPartitionsForTopics([...wanted.keys()])
  for (const [topic, ids] of partitions) {
    const threads = new Set((wanted.get(topic) ?? []).map(String))
    const { consumerOwnerDir } = new ZKGroupTopicDirs(group, topic)
    for (const partition of ids) {
      const owner = await zkUtils.readDataMaybeNull(`${consumerOwnerDir}/${partition}`)
      if (owner === undefined) problems.push(`${topic}-${partition} has no owner`)
      else if (!threads.has(owner)) {
        problems.push(
          `${topic}-${partition} is owned by ${owner}, which is no member of ${group}`,
        )
      }
    }
  }
  return problems
}
