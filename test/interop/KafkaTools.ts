/** Kafka's own administrative tools, run against a cluster. */
import { writeFileSync } from 'node:fs'
import { join } from 'node:path'
import type { JavaHost } from './JavaHost.ts'
import { type MixedCluster, until } from './MixedCluster.ts'

/** Where a partition shall be; the first shall lead. */
export interface Placement {
  readonly topic: string
  readonly partition: number
  readonly replicas: readonly number[]
}

/** The tools, with what they need to know of the cluster. */
export class KafkaTools {
  readonly java: JavaHost
  readonly #cluster: MixedCluster

  constructor(java: JavaHost, cluster: MixedCluster) {
    this.java = java
    this.#cluster = cluster
  }

  /** `kafka-topics.sh`. */
  topics(...args: readonly string[]): Promise<string> {
    return this.#withZooKeeper('kafka.admin.TopicCommand', ...args)
  }

  /** `kafka-consumer-groups.sh`. */
  groups(...args: readonly string[]): Promise<string> {
    return this.java.print(
      'kafka.admin.ConsumerGroupCommand',
      ...['--bootstrap-server', this.#cluster.bootstrapServers, ...args],
    )
  }

  /** `kafka-reassign-partitions.sh --execute`, then `--verify` until all is done. */
  async reassign(placements: readonly Placement[]): Promise<void> {
    const file = this.#file('reassign.json', { version: 1, partitions: placements })
    const tool = 'kafka.admin.ReassignPartitionsCommand'
    const args = ['--reassignment-json-file', file]
    const started = await this.#withZooKeeper(tool, ...args, '--execute')
    if (!started.includes('Successfully started reassignment')) throw new Error(started)
    await until(
      'reassigned',
      () => this.#withZooKeeper(tool, ...args, '--verify'),
      (said) => said.split('completed successfully').length === placements.length + 1,
    )
  }

  /** `kafka-preferred-replica-election.sh`; resolves when the first replicas lead. */
  async elect(placements: readonly Placement[]): Promise<void> {
    const partitions = placements.map(({ topic, partition }) => ({ topic, partition }))
    const file = this.#file('elect.json', { partitions })
    await this.#withZooKeeper(
      'kafka.admin.PreferredReplicaLeaderElectionCommand',
      ...['--path-to-json-file', file],
    )
    for (const { topic, partition, replicas } of placements) {
      await this.#cluster.untilLed(topic, partition, replicas[0] ?? -1)
    }
  }

  /** Moves partitions, and has their first replicas lead. */
  async place(...placements: readonly Placement[]): Promise<void> {
    await this.reassign(placements)
    await this.#cluster.untilInSync(...placements.map(({ topic }) => topic))
    await this.elect(placements)
  }

  #withZooKeeper(tool: string, ...args: readonly string[]): Promise<string> {
    const { zookeeperConnect } = this.#cluster
    return this.java.print(tool, '--zookeeper', zookeeperConnect, ...args)
  }

  #file(name: string, content: object): string {
    const path = join(this.#cluster.home.path, name)
    writeFileSync(path, JSON.stringify(content))
    return path
  }
}
