/**
 * # annotated-kafka groups
 *
 * Runs {@link ConsumerGroupCommand} on the cluster that the flags name.
 *
 * @module
 */
import { readFileSync } from 'node:fs'
import { IllegalArgumentException } from '../base/errors.ts'
import type { Platform } from '../base/platform/Platform.ts'
import { ZkUtils } from '../zk/ZkUtils.ts'
import {
  ConsumerGroupCommand,
  type ConsumerGroupCommandOptions,
} from './admin/ConsumerGroupCommand.ts'
import type { ConsumerGroupService } from './admin/ConsumerGroupService.ts'
import { KafkaConsumerGroupService } from './admin/KafkaConsumerGroupService.ts'
import { ZkConsumerGroupService } from './admin/ZkConsumerGroupService.ts'
import {
  addressesOf,
  type ClusterOptions,
  clusterClient,
  onCluster,
  print,
} from './on-cluster.ts'

/** Runs the command. */
export async function groups(
  options: ConsumerGroupCommandOptions &
    ClusterOptions & { readonly timeout?: number; readonly newConsumer?: boolean },
): Promise<void> {
  const note = (line: string) => process.stderr.write(`${line}\n`)
  if (options.newConsumer && options.zookeeper !== undefined) {
    throw new IllegalArgumentException('--new-consumer is not for --zookeeper')
  }
  const run = (service: ConsumerGroupService, { clock }: Platform) => {
    const context = {
      now: clock.now(),
      readFile: (path: string) => readFileSync(path, 'utf8'),
    }
    const output = { print, note }
    return new ConsumerGroupCommand(service, output, context).run(options)
  }
  await onCluster(options, {
    zookeeper: async (zkClient, platform, session) => {
      note('Note: these are the groups of old consumers, which live in ZooKeeper.')
      const client = clusterClient(platform, await addressesOf(zkClient))
      try {
        await run(new ZkConsumerGroupService(new ZkUtils(session), client), platform)
      } finally {
        client.close()
      }
    },
    brokers: async (client, platform) => {
      note('Note: these are the groups of coordinators, not those in ZooKeeper.')
      await run(new KafkaConsumerGroupService(client, options.timeout), platform)
    },
  })
}
