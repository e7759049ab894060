/**
 * # ClusterClient
 *
 * A client's line to a whole cluster: it knows some brokers by address, learns the rest,
 * and sends each request to the broker that can answer it.
 *
 *     anyBroker      ─▶ the given address that answered last, or the next that answers
 *     controller     ─▶ the broker that metadata names
 *     leaderOf       ─▶ the leader of a partition
 *     coordinatorOf  ─▶ the broker that holds a group or a transactional id
 *
 * The commands of the command line stand on it. It asks for what it needs each time and
 * keeps only connections, because a command that lives for a second gains nothing from a
 * cache and would have to notice when it is stale.
 *
 * @kafka clients/src/main/java/org/apache/kafka/clients/admin/KafkaAdminClient.java#KafkaAdminClient
 * @differs Kafka's keeps calls in queues by node and polls; this one awaits.
 * @module
 */

import {
  Errors,
  IOException,
  KafkaException,
  TimeoutException,
} from '../base/errors.ts'
import type { Clock, Network } from '../base/platform/Platform.ts'
import { NetworkClient } from '../network/NetworkClient.ts'
import type { Api } from '../protocol/Api.ts'
import { FindCoordinator } from '../protocol/messages/FindCoordinator.ts'
import { Metadata, type MetadataResponse } from '../protocol/messages/Metadata.ts'

/** Pause before a request is tried again, in ms. */
const RETRY_BACKOFF_MS = 100

/** What a client of a cluster needs. */
export interface ClusterClientOptions {
  /** `host:port`, with commas between; one that answers is enough. */
  readonly bootstrapServers: string
  readonly clientId: string
  /** How long to wait for a response, and for what retries can mend, in ms. */
  readonly requestTimeoutMs: number
  readonly network: Network
  readonly clock: Clock
}

/** Where a broker listens. */
export interface Node {
  readonly nodeId: number
  readonly host: string
  readonly port: number
  /**
   * Names a connection of its own to this broker. A broker answers the requests of one
   * connection in turn, so that a heartbeat would wait behind a fetch, and a fetch behind
   * a join.
   */
  readonly line?: string
}

/** Lines to the brokers of one cluster. */
export class ClusterClient {
  readonly #options: ClusterClientOptions
  readonly #bootstrap: readonly Omit<Node, 'nodeId'>[]
  readonly #lines = new Map<string, NetworkClient>()
  /** Which of the given addresses is asked first. */
  #first = 0

  /**
   * Connects to nobody yet.
   *
   * @throws KafkaException when an address is not `host:port`
   */
  constructor(options: ClusterClientOptions) {
    this.#options = options
    this.#bootstrap = options.bootstrapServers.split(',').map(parseAddress)
  }

  /**
   * Asks what the cluster looks like.
   *
   * @param topics - which topics; null for all
   */
  metadata(
    topics: readonly string[] | null,
    allowAutoTopicCreation = false,
  ): Promise<MetadataResponse> {
    const names = topics?.map((name) => ({ name })) ?? null
    return this.anyBroker(Metadata, 5, { topics: names, allowAutoTopicCreation })
  }

  /**
   * Sends a request to a broker that can be reached. One that failed is asked last from
   * then on: a broker that is frozen would take its time from every question.
   *
   * @throws IOException (rejects) when none of the addresses answers
   */
  async anyBroker<Req, Res, ReqIn, ResIn>(
    api: Api<Req, Res, ReqIn, ResIn>,
    version: number,
    body: ReqIn,
  ): Promise<Res> {
    let failure: unknown
    for (let tried = 0; tried < this.#bootstrap.length; tried++) {
      const address = this.#bootstrap[this.#first] as Omit<Node, 'nodeId'>
      try {
        return await this.#line(address).sendAndReceive(api, version, body)
      } catch (error) {
        if (!(error instanceof IOException)) throw error
        failure = error
        this.#first = (this.#first + 1) % this.#bootstrap.length
      }
    }
    const reason = failure instanceof Error ? `: ${failure.message}` : ''
    throw new IOException(
      `no broker of ${this.#options.bootstrapServers} answers${reason}`,
      { cause: failure },
    )
  }

  /** Sends a request to one broker. */
  send<Req, Res, ReqIn, ResIn>(
    node: Omit<Node, 'nodeId'>,
    api: Api<Req, Res, ReqIn, ResIn>,
    version: number,
    body: ReqIn,
    signal?: AbortSignal,
  ): Promise<Res> {
    return this.#line(node).sendAndReceive(api, version, body, signal)
  }

  /** Sends a request that is never answered to one broker. */
  sendOneWay<Req, Res, ReqIn, ResIn>(
    node: Omit<Node, 'nodeId'>,
    api: Api<Req, Res, ReqIn, ResIn>,
    version: number,
    body: ReqIn,
  ): Promise<void> {
    return this.#line(node).sendOneWay(api, version, body)
  }

  /**
   * Finds the controller.
   *
   * @throws TimeoutException (rejects) when none is elected in time
   */
  controller(): Promise<Node> {
    return this.retry(async () => {
      const { controllerId, brokers } = await this.metadata([])
      const node = brokers.find(({ nodeId }) => nodeId === controllerId)
      if (!node) throw Errors.NOT_CONTROLLER.exception('the cluster has no controller')
      return node
    })
  }

  /** All brokers that are alive, by id. */
  async brokers(): Promise<readonly Node[]> {
    const { brokers } = await this.metadata([])
    return [...brokers].sort((a, b) => a.nodeId - b.nodeId)
  }

  /**
   * Finds the broker that holds a group or a transactional id.
   *
   * @param timeoutMs - how long to ask again; as long as for a request when left out
   * @throws TimeoutException (rejects) when none is available in time
   */
  coordinatorOf(
    key: string,
    type: 'group' | 'transaction' = 'group',
    timeoutMs?: number,
  ): Promise<Node> {
    const keyType = type === 'group' ? 0 : 1
    return this.retry(
      async () => {
        const answer = await this.anyBroker(FindCoordinator, 1, { key, keyType })
        throwUnlessNone(answer.errorCode, answer.errorMessage)
        const { nodeId, host, port } = answer
        return { nodeId, host, port, line: 'coordinator' }
      },
      () => true,
      timeoutMs,
    )
  }

  /**
   * Finds the leaders of all partitions of some topics.
   *
   * @param timeoutMs - how long to ask again; as long as for a request when left out
   * @returns by topic, the leader of each partition in order
   * @throws UnknownTopicOrPartitionException (rejects) when a topic does not exist
   * @throws TimeoutException (rejects) when a partition has no leader in time
   */
  leadersOf(
    topics: readonly string[],
    allowAutoTopicCreation = false,
    timeoutMs?: number,
  ): Promise<Map<string, Node[]>> {
    return this.retry(
      async () => {
        const answer = await this.metadata(topics, allowAutoTopicCreation)
        const leaders = new Map<string, Node[]>()
        for (const { name, errorCode, partitions } of answer.topics) {
          throwAbout(`topic ${name}`, errorCode)
          const ofTopic: Node[] = []
          for (const { partition, leaderId } of partitions) {
            const node = answer.brokers.find(({ nodeId }) => nodeId === leaderId)
            if (!node) {
              const text = `partition ${partition} of ${name} has no leader`
              throw Errors.LEADER_NOT_AVAILABLE.exception(text)
            }
            ofTopic[partition] = node
          }
          leaders.set(name, ofTopic)
        }
        return leaders
      },
      (error) => allowAutoTopicCreation || error !== Errors.UNKNOWN_TOPIC_OR_PARTITION,
      timeoutMs,
    )
  }

  /**
   * Does something again while it fails in a way that time mends.
   *
   * @param attempt - throws a retriable exception to be called again
   * @param retriable - a narrower judgement than the error's own
   * @param timeoutMs - how long to go on
   * @throws TimeoutException (rejects) with the last failure as its cause
   */
  async retry<T>(
    attempt: () => Promise<T>,
    retriable: (error: (typeof Errors)['NONE']) => boolean = () => true,
    timeoutMs = this.#options.requestTimeoutMs,
  ): Promise<T> {
    const { clock } = this.#options
    const deadline = clock.monotonic() + timeoutMs
    for (;;) {
      try {
        return await attempt()
      } catch (error) {
        const wire = Errors.forException(error)
        const again = wire.retriable && retriable(wire)
        if (!again) throw error
        if (clock.monotonic() + RETRY_BACKOFF_MS >= deadline) {
          const text = error instanceof Error ? error.message : String(error)
          throw new TimeoutException(`${text}, for ${timeoutMs} ms`, {
            cause: error,
          })
        }
        await clock.sleep(RETRY_BACKOFF_MS)
      }
    }
  }

  /** Ends all connections. */
  close(): void {
    for (const line of this.#lines.values()) line.close()
    this.#lines.clear()
  }

  #line({ host, port, line: name = '' }: Omit<Node, 'nodeId'>): NetworkClient {
    const key = `${host}:${port} ${name}`
    const known = this.#lines.get(key)
    if (known) return known
    const { clientId, requestTimeoutMs, network, clock } = this.#options
    const line = new NetworkClient({
      ...{ host, port, clientId, requestTimeoutMs, network, clock },
    })
    this.#lines.set(key, line)
    return line
  }
}

/**
 * Turns an error code of a response into an exception.
 *
 * @param message - text in the place of the error's own
 * @throws KafkaException of the code's class, unless it is 0
 */
export function throwUnlessNone(code: number, message?: string | null): void {
  const error = Errors.forCode(code)
  if (error !== Errors.NONE) throw error.exception(message ?? undefined)
}

/**
 * The same, for an answer that says nothing but the code.
 *
 * @param subject - what it is about, such as a partition
 */
export function throwAbout(subject: string, code: number): void {
  throwUnlessNone(code, `${subject}: ${Errors.forCode(code).message}`)
}

function parseAddress(text: string): Omit<Node, 'nodeId'> {
  const match = /^\s*(?:\w+:\/\/)?\[?([^\s]+?)\]?:(\d{1,5})\s*$/.exec(text)
  const port = Number(match?.[2])
  if (!match?.[1] || port > 65535) {
    throw new KafkaException(
      `${JSON.stringify(text)} is no address, expected host:port`,
    )
  }
  return { host: match[1], port }
}
