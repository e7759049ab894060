/** Members of a group that meets in ZooKeeper: connectors of ours and of Kafka 1.1.1. */
import { nodePlatform } from '../../src/base/platform/node/node-platform.ts'
import { ConsumerConfig } from '../../src/consumer/ConsumerConfig.ts'
import {
  Consumer,
  type ConsumerConnector,
} from '../../src/consumer/ConsumerConnector.ts'
import { StringDecoder } from '../../src/consumer/Decoder.ts'
import type { KafkaStream } from '../../src/consumer/KafkaStream.ts'
import { connectWithNodeZookeeperClient } from '../../src/zookeeper/node-zookeeper-client-session.ts'
import type { JavaHost } from './JavaHost.ts'

/** Partition, offset, key, value. */
export type Row = readonly [number, number, string | null, string]

/** One member. */
export interface GroupMember {
  readonly name: string
  readonly isOurs: boolean
  /** What it received since it was last asked. */
  received(): Promise<readonly Row[]>
  /** Who owns each partition, as it computed it last: `consumer-thread`. */
  assignment(): Promise<Readonly<Record<string, string>>>
  commit(): Promise<void>
  leave(): Promise<void>
}

/** How a member joins. */
export interface Joining {
  readonly name: string
  readonly topic: string
  readonly streams: number
  readonly settings: Readonly<Record<string, string>>
}

/** A connector of ours, in this process. */
export class OurMember implements GroupMember {
  readonly isOurs = true
  readonly name: string
  readonly #connector: ConsumerConnector
  #received: Row[] = []
  #assignment: Readonly<Record<string, string>> = {}
  #reading: Promise<void>[] = []

  static async join({ name, topic, streams, settings }: Joining): Promise<OurMember> {
    const config = new ConsumerConfig({ ...settings, 'consumer.id': name })
    const connector = await Consumer.create(config, {
      ...{ platform: nodePlatform(), zooKeeperConnect: connectWithNodeZookeeperClient },
    })
    const member = new OurMember(name, connector)
    connector.setConsumerRebalanceListener({
      beforeStartingFetchers: (_, assignment) => {
        const owners = [...(assignment.get(topic) ?? [])]
        member.#assignment = Object.fromEntries(owners.map(([p, t]) => [p, `${t}`]))
      },
    })
    const decoder = new StringDecoder()
    const counts = new Map([[topic, streams]])
    const made = await connector.createMessageStreams(counts, decoder, decoder)
    member.#reading = (made.get(topic) ?? []).map((stream) => member.#read(stream))
    return member
  }

  private constructor(name: string, connector: ConsumerConnector) {
    this.name = name
    this.#connector = connector
  }

  async received(): Promise<readonly Row[]> {
    const rows = this.#received
    this.#received = []
    return rows
  }

  async assignment(): Promise<Readonly<Record<string, string>>> {
    return this.#assignment
  }

  commit(): Promise<void> {
    return this.#connector.commitOffsets()
  }

  async leave(): Promise<void> {
    await this.#connector.shutdown()
    await Promise.all(this.#reading)
  }

  async #read(stream: KafkaStream<string, string>): Promise<void> {
    for await (const each of stream) {
      const { partition, offset } = each
      this.#received.push([partition, offset, each.key() ?? null, each.message() ?? ''])
    }
  }
}

/** A connector of Apache Kafka. */
export class TheirMember implements GroupMember {
  readonly isOurs = false
  readonly name: string
  readonly #java: JavaHost

  static async join(java: JavaHost, joining: Joining): Promise<TheirMember> {
    const settings = { ...joining.settings, 'consumer.id': joining.name }
    await java.call('OldClients.join', { ...joining, settings })
    return new TheirMember(java, joining.name)
  }

  private constructor(java: JavaHost, name: string) {
    this.#java = java
    this.name = name
  }

  received(): Promise<readonly Row[]> {
    return this.#call('received')
  }

  assignment(): Promise<Readonly<Record<string, string>>> {
    return this.#call('assignment')
  }

  async commit(): Promise<void> {
    await this.#call('commit')
  }

  async leave(): Promise<void> {
    await this.#call('leave')
  }

  #call<T>(method: string): Promise<T> {
    return this.#java.call(`OldClients.${method}`, { name: this.name })
  }
}
