/**
 * # annotated-kafka configs
 *
 * Runs {@link ConfigCommand} on the cluster that the flags name.
 *
 * @module
 */
import { ConfigCommand, type ConfigCommandOptions } from './admin/ConfigCommand.ts'
import { type ClusterOptions, onCluster, print } from './on-cluster.ts'

/** Runs the command. */
export async function configs(
  options: ConfigCommandOptions & ClusterOptions,
): Promise<void> {
  const command = new ConfigCommand(options, print)
  await onCluster(options, {
    zookeeper: (zkClient) => command.processCommandWithZk(zkClient),
    brokers: (client) => command.processBrokerConfig(client),
  })
}
