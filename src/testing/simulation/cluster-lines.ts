/**
 * # Lines to a cluster
 *
 * What simulated producers and consumers share: who leads what, by asking, and one line to
 * each broker.
 *
 * @module
 */
import { Errors, KafkaException } from '../../base/errors.ts'
import type { Platform } from '../../base/platform/Platform.ts'
import type { TopicPartition } from '../../base/TopicPartition.ts'
import { NetworkClient } from '../../network/NetworkClient.ts'
import { Metadata } from '../../protocol/messages/Metadata.ts'
import { BROKER_PORT } from './SimulatedBroker.ts'
import { TOPIC } from './SimulatedCluster.ts'

/** How long a simulated client waits for an answer, in ms. */
const REQUEST_TIMEOUT_MS = 1500

/** One client's view of the cluster, as old as its last question. */
export class ClusterLines {
  readonly platform: Platform
  readonly #brokers: number
  readonly #clientId: string
  readonly #lines = new Map<number, NetworkClient>()
  /** Partition number → broker id. */
  #leaders = new Map<number, number>()

  /** @param brokers - how many there are; ids count from 0 */
  constructor(platform: Platform, clientId: string, brokers: number) {
    this.platform = platform
    this.#clientId = clientId
    this.#brokers = brokers
  }

  /** A line to a broker. */
  to(broker: number): NetworkClient {
    let line = this.#lines.get(broker)
    if (line === undefined) {
      const { network, clock } = this.platform
      line = new NetworkClient({
        host: `b${broker}`,
        port: BROKER_PORT,
        clientId: this.#clientId,
        requestTimeoutMs: REQUEST_TIMEOUT_MS,
        ...{ network, clock },
      })
      this.#lines.set(broker, line)
    }
    return line
  }

  /** A line to any broker. */
  toAny(): NetworkClient {
    return this.to(this.platform.random.nextInt(this.#brokers))
  }

  /**
   * A line to the leader of a partition, asking who that is when it is not known.
   *
   * @throws KafkaException (rejects) when nobody leads, or the asked broker fails
   */
  async toLeader({ partition }: TopicPartition): Promise<NetworkClient> {
    if (!this.#leaders.has(partition)) await this.#refresh()
    const leader = this.#leaders.get(partition)
    if (leader === undefined) throw new KafkaException(`nobody leads ${partition}`)
    return this.to(leader)
  }

  /** Forgets who leads a partition: the next question will tell. */
  forgetLeader({ partition }: TopicPartition): void {
    this.#leaders.delete(partition)
  }

  /** Drops all lines for good. */
  close(): void {
    for (const line of this.#lines.values()) line.close()
  }

  async #refresh(): Promise<void> {
    const { topics } = await this.toAny().sendAndReceive(Metadata, 5, {
      topics: [{ name: TOPIC }],
      allowAutoTopicCreation: false,
    })
    const partitions = topics[0]?.partitions ?? []
    const led = partitions.filter(
      (p) => p.errorCode === Errors.NONE.code && p.leaderId >= 0,
    )
    this.#leaders = new Map(led.map((p) => [p.partition, p.leaderId]))
  }
}
