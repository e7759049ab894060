/**
 * # annotated-kafka topics
 *
 * Runs {@link TopicCommand} on the cluster that the flags name.
 *
 * @module
 */
import { BrokerTopicService } from './admin/BrokerTopicService.ts'
import { TopicCommand, type TopicCommandOptions } from './admin/TopicCommand.ts'
import { ZookeeperTopicService } from './admin/ZookeeperTopicService.ts'
import { type ClusterOptions, onCluster, print } from './on-cluster.ts'

/** Runs the command. */
export async function topics(
  options: TopicCommandOptions & ClusterOptions,
): Promise<void> {
  await onCluster(options, {
    zookeeper: (zkClient, platform) =>
      new TopicCommand(new ZookeeperTopicService(zkClient, platform.random), print).run(
        options,
      ),
    brokers: (client) =>
      new TopicCommand(new BrokerTopicService(client), print).run(options),
  })
}
