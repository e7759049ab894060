/**
 * # PlaygroundConsumer
 *
 * One member of the group: the connector of the notes, in a process of its own, with one
 * stream over the topic. It counts what it reads and remembers the last of it.
 *
 * @module
 */
import type { MemoryPlatform } from '../../base/platform/memory/memory-platform.ts'
import { ConsumerConfig } from '../../consumer/ConsumerConfig.ts'
import { Consumer } from '../../consumer/ConsumerConnector.ts'
import { StringDecoder } from '../../consumer/Decoder.ts'
import type { MessageAndMetadata } from '../../consumer/MessageAndMetadata.ts'
import type { ZookeeperConsumerConnector } from '../../consumer/ZookeeperConsumerConnector.ts'
import { connectOverNetwork } from '../../zookeeper/network-connect.ts'
import type { EventLog } from '../simulation/event-log.ts'

/** The group of all consumers. */
export const GROUP = 'g'

/** Values that a consumer remembers. */
const MOST_LATEST = 5

/** Where a consumer is in its life. */
export type ConsumerStatus = 'joining' | 'reads' | 'leaving' | 'gone'

/** A member of the group. */
export class PlaygroundConsumer {
  readonly name: string
  status: ConsumerStatus = 'joining'
  /** Records that reached the application. */
  consumed = 0
  /** The values, the latest last. */
  readonly latest: string[] = []
  readonly #process: MemoryPlatform
  readonly #log: EventLog
  #connector: ZookeeperConsumerConnector | undefined

  /** @param host - a host of its own */
  constructor(name: string, host: MemoryPlatform, log: EventLog) {
    this.name = name
    this.#process = host.startProcess()
    this.#log = log
  }

  /** Joins the group and reads until the end of its life. */
  async run(topic: string): Promise<void> {
    const config = new ConsumerConfig({
      'group.id': GROUP,
      'consumer.id': this.name,
      'zookeeper.connect': 'zk:2181',
      'zookeeper.session.timeout.ms': '1200',
      'auto.offset.reset': 'smallest',
      'auto.commit.interval.ms': '1000',
      'rebalance.backoff.ms': '200',
      'rebalance.max.retries': '10',
      'fetch.wait.max.ms': '100',
      'refresh.leader.backoff.ms': '100',
      'socket.timeout.ms': '2000',
    })
    try {
      const connector = await Consumer.create(config, {
        platform: this.#process,
        zooKeeperConnect: connectOverNetwork(this.#process),
      })
      this.#connector = connector
      const decoder = new StringDecoder()
      const streams = await connector.createMessageStreams(
        new Map([[topic, 1]]),
        decoder,
        decoder,
      )
      this.status = 'reads'
      for await (const message of streams.get(topic)?.[0] ?? []) this.#take(message)
    } catch (error) {
      this.#log.add(`${this.name} gives up: ${(error as Error).message}`)
    }
    this.#end()
  }

  /** What the application does with a message. */
  #take(taken: MessageAndMetadata<string, string>): void {
    const { topic, partition, offset } = taken
    const value = taken.message() ?? ''
    this.consumed++
    this.latest.push(value)
    if (this.latest.length > MOST_LATEST) this.latest.shift()
    this.#log.add(
      `${this.name} reads ${value} at ${topic}-${partition}, offset ${offset}`,
    )
  }

  /** Leaves in order: commits what it has read, and lets its partitions go. */
  leave(): void {
    if (this.status !== 'reads') return
    this.status = 'leaving'

    // Floats on purpose: run() ends when the stream does.
    this.#connector?.shutdown().catch((error) => {
      this.#log.add(`${this.name} cannot leave in order: ${(error as Error).message}`)
    })
  }

  /** Dies where it stands; ZooKeeper learns of it when the session is over. */
  kill(): void {
    this.#process.fabric.kill(this.#process.process)
    this.status = 'gone'
  }

  #end(): void {
    if (this.status === 'gone') return
    this.status = 'gone'
    this.#log.add(`${this.name} is gone`)
  }
}
