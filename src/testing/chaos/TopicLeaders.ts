/**
 * # TopicLeaders
 *
 * What a producer and a consumer of a chaos run remember: who leads which partition of
 * their topic. They ask again after each failure, as every Kafka client does.
 *
 * @module
 */
import type { Platform } from '../../base/platform/Platform.ts'
import { ClusterClient, type Node } from '../../clients/ClusterClient.ts'

/** What a client of a chaos run is made of. */
export interface ChaosClientOptions {
  /** Its name; brokers see it in each request. */
  readonly clientId: string
  /** The brokers, as `host:port,host:port`. */
  readonly bootstrapServers: string
  readonly topic: string
  readonly platform: Pick<Platform, 'network' | 'clock' | 'random'>
}

/** How long an answer may take, in ms; a produce that waits for followers answers earlier. */
const REQUEST_TIMEOUT_MS = 3000

/** The same for the question who leads: another broker is asked soon. */
const METADATA_TIMEOUT_MS = 1000

/** Pause after a failure, in ms. */
const RETRY_BACKOFF_MS = 50

/** Makes a client of a cluster, of what a chaos run knows. */
export function clusterClient(
  { clientId, bootstrapServers, platform }: Omit<ChaosClientOptions, 'topic'>,
  requestTimeoutMs = REQUEST_TIMEOUT_MS,
): ClusterClient {
  const { network, clock } = platform
  return new ClusterClient({
    ...{ clientId, bootstrapServers, requestTimeoutMs, network, clock },
  })
}

/** Knows the leaders of one topic, and a client to reach them with. */
export class TopicLeaders {
  readonly #options: ChaosClientOptions
  readonly client: ClusterClient
  readonly #questions: ClusterClient
  #leaders = new Map<number, Node>()
  #refreshing: Promise<void> | undefined

  constructor(options: ChaosClientOptions) {
    this.#options = options
    this.client = clusterClient(options)
    this.#questions = clusterClient(options, METADATA_TIMEOUT_MS)
  }

  /** The leader of a partition; `undefined` when nobody is known to lead. */
  of(partition: number): Node | undefined {
    return this.#leaders.get(partition)
  }

  /** Pauses a little, then asks who leads; many callers share one question. */
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
    const { topic } = this.#options
    try {
      const { topics, brokers } = await this.#questions.metadata([topic])
      const found = topics.find(({ name }) => name === topic)
      if (found === undefined || found.errorCode !== 0) return
      this.#leaders = new Map(
        found.partitions.flatMap(({ partition, leaderId }) => {
          const leader = brokers.find(({ nodeId }) => nodeId === leaderId)
          return leader ? [[partition, leader]] : []
        }),
      )
    } catch {
      // Somebody else is asked next time.
    }
  }

  /** Ends all connections. */
  close(): void {
    this.client.close()
    this.#questions.close()
  }
}
