/**
 * # ClusterClient
 *
 * The part that a producer and a consumer of a chaos run share: who leads which
 * partition, and a line to each broker. It learns from any broker that answers, and asks
 * again after each failure, as every Kafka client does.
 *
 * @module
 */
import type { Platform } from '../../base/platform/Platform.ts'
import { NetworkClient } from '../../network/NetworkClient.ts'
import { Metadata } from '../../protocol/messages/Metadata.ts'

/** What a client is made of. */
export interface ClusterClientOptions {
  /** Its name; brokers see it in each request. */
  readonly clientId: string
  /** Ports of the brokers on loopback, by broker id. */
  readonly ports: readonly number[]
  readonly topic: string
  readonly platform: Pick<Platform, 'network' | 'clock' | 'random'>
}

/** How long an answer may take, in ms; a produce that waits for followers answers earlier. */
const REQUEST_TIMEOUT_MS = 3000

/** The same for the question who leads: another broker is asked soon. */
const METADATA_TIMEOUT_MS = 1000

/** Pause after a failure, in ms. */
const RETRY_BACKOFF_MS = 50

/** Knows the leaders of one topic, and how to reach them. */
export class ClusterClient {
  readonly #options: ClusterClientOptions
  readonly #lines = new Map<number, NetworkClient>()
  readonly #metadataLines = new Map<number, NetworkClient>()
  #leaders = new Map<number, number>()
  #refreshing: Promise<void> | undefined

  constructor(options: ClusterClientOptions) {
    this.#options = options
  }

  /**
   * The line to a partition's leader.
   *
   * @returns `undefined` when nobody is known to lead
   */
  leaderOf(partition: number): NetworkClient | undefined {
    const leader = this.#leaders.get(partition)
    return leader === undefined ? undefined : this.lineTo(leader)
  }

  /** The line to any broker. */
  any(): NetworkClient {
    const { ports, platform } = this.#options
    return this.lineTo(platform.random.nextInt(ports.length))
  }

  /** The line to one broker, made when first needed. */
  lineTo(broker: number): NetworkClient {
    return this.#lineOf(this.#lines, broker, REQUEST_TIMEOUT_MS)
  }

  #lineOf(lines: Map<number, NetworkClient>, broker: number, requestTimeoutMs: number) {
    let line = lines.get(broker)
    if (line === undefined) {
      const { clientId, ports, platform } = this.#options
      const { network, clock } = platform
      line = new NetworkClient({
        ...{ host: '127.0.0.1', port: ports[broker] ?? 0, clientId, network, clock },
        requestTimeoutMs,
      })
      lines.set(broker, line)
    }
    return line
  }

  /** Pauses a little, then asks any broker who leads; many callers share one question. */
  async refresh(signal: AbortSignal): Promise<void> {
    await this.#options.platform.clock
      .sleep(RETRY_BACKOFF_MS, signal)
      .catch(() => undefined)
    this.#refreshing ??= this.#ask().finally(() => {
      this.#refreshing = undefined
    })
    await this.#refreshing
  }

  async #ask(): Promise<void> {
    const { topic, ports, platform } = this.#options
    const broker = platform.random.nextInt(ports.length)
    const line = this.#lineOf(this.#metadataLines, broker, METADATA_TIMEOUT_MS)
    try {
      const answer = await line.sendAndReceive(Metadata, 5, {
        topics: [{ name: topic }],
        allowAutoTopicCreation: false,
      })
      const found = answer.topics.find(({ name }) => name === topic)
      if (found === undefined || found.errorCode !== 0) return
      this.#leaders = new Map(
        found.partitions
          .filter(({ leaderId }) => leaderId >= 0)
          .map(({ partition, leaderId }) => [partition, leaderId]),
      )
    } catch {
      // Somebody else is asked next time.
    }
  }

  close(): void {
    for (const lines of [this.#lines, this.#metadataLines])
      for (const line of lines.values()) line.close()
  }
}
