/**
 * # ClientUtils
 *
 * What the old producer and the old consumer share: asking any broker for topics, and
 * finding the broker that keeps a group's offsets.
 *
 * @differs brokers are found through {@link BrokerSource}, the one method of ZkUtils
 *   that is needed here; and the endless loops pause after every failure, where Kafka
 *   spins while no broker is registered or reachable, and end when a signal says so
 * @kafka core/src/main/scala/kafka/client/ClientUtils.scala#ClientUtils
 * @module
 */

import { onAbort, throwIfAborted } from '../base/async/abort.ts'
import {
  BrokerEndPointNotAvailableException,
  ConfigException,
  Errors,
  KafkaException,
} from '../base/errors.ts'
import { logger } from '../base/logger.ts'
import type { Random } from '../base/platform/Platform.ts'
import { BlockingChannel } from '../network/BlockingChannel.ts'
import {
  FindCoordinator,
  type FindCoordinatorResponse,
} from '../protocol/messages/FindCoordinator.ts'
import type { Broker, BrokerEndPoint } from '../zk/Broker.ts'
import { isIOException } from './is-io-exception.ts'
import { ProducerConfig } from './ProducerConfig.ts'
import { ProducerPool } from './ProducerPool.ts'
import type { ProducerPlatform } from './SyncProducer.ts'
import {
  TopicMetadataRequest,
  type TopicMetadataResponse,
} from './TopicMetadataRequest.ts'

const log = logger('ClientUtils')

/** Where the registered brokers are found: ZkUtils is one. */
export interface BrokerSource {
  /** All brokers that are registered now. */
  getAllBrokersInCluster(): Promise<readonly Broker[]>
}

/** What the loops that look for a coordinator need. */
export interface ChannelOptions {
  /** Longest wait for an answer, in ms. */
  readonly socketTimeoutMs?: number

  /** Pause after a failure, in ms. */
  readonly retryBackOffMs?: number

  /** Ends the loop. */
  readonly signal?: AbortSignal
}

/** What is expected of any broker's answer, in ms. */
const anyBrokerTimeoutMs = 3000

/** Functions on brokers, topics and offsets. */
export class ClientUtils {
  /**
   * Asks one broker after the other for topics, until one answers. The order is random,
   * so that clients spread.
   *
   * @param topics - names; none asks for all topics
   * @param brokers - whom to ask
   * @param producerConfig - settings of the questions
   * @param correlationId - number of the question
   * @param signal - drops the connection and gives up; Kafka has none, and its shutdown
   *   waits for the answer
   * @throws AbortError (rejects) when the signal fires
   * @returns an answer, even if it is full of errors about topics
   * @throws KafkaException (rejects) when no broker answered, with the last failure as
   *   its cause
   * @kafka core/src/main/scala/kafka/client/ClientUtils.scala#fetchTopicMetadata
   */
  static fetchTopicMetadata(
    topics: ReadonlySet<string>,
    brokers: readonly BrokerEndPoint[],
    producerConfig: ProducerConfig,
    correlationId: number,
    platform: ProducerPlatform,
    noNumber?: undefined,
    signal?: AbortSignal,
  ): Promise<TopicMetadataResponse>

  /** The same for who has no producer: a name and a timeout make the settings. */
  static fetchTopicMetadata(
    topics: ReadonlySet<string>,
    brokers: readonly BrokerEndPoint[],
    clientId: string,
    timeoutMs: number,
    platform: ProducerPlatform,
    correlationId?: number,
    signal?: AbortSignal,
  ): Promise<TopicMetadataResponse>

  static async fetchTopicMetadata(
    topics: ReadonlySet<string>,
    brokers: readonly BrokerEndPoint[],
    configOrClientId: ProducerConfig | string,
    correlationIdOrTimeoutMs: number,
    platform: ProducerPlatform,
    correlationId = 0,
    signal?: AbortSignal,
  ): Promise<TopicMetadataResponse> {
    // Turn the second form into the first.
    if (typeof configOrClientId === 'string') {
      const config = new ProducerConfig({
        'metadata.broker.list': brokers.map((b) => `${b.host}:${b.port}`).join(),
        'client.id': configOrClientId,
        'request.timeout.ms': String(correlationIdOrTimeoutMs),
      })
      const question = questionFor(topics, correlationId, config)
      return await askInTurn(question, brokers, { config, platform, signal })
    }
    const config = configOrClientId
    const question = questionFor(topics, correlationIdOrTimeoutMs, config)
    return await askInTurn(question, brokers, { config, platform, signal })
  }

  /**
   * Reads `host:port,host:port`. The ids are places in the list, not ids of brokers.
   *
   * @throws ConfigException naming the entry that cannot be read
   * @kafka core/src/main/scala/kafka/client/ClientUtils.scala#parseBrokerList
   */
  static parseBrokerList(brokerListStr: string): BrokerEndPoint[] {
    const entries = brokerListStr.split(',').filter((entry) => entry.trim() !== '')
    return entries.map((entry, id) => {
      // Take a name or an address, an IPv6 one in brackets.
      const match = /^\s*(?:\[([^\]]+)\]|([^:\s]+)):(\d+)\s*$/.exec(entry)
      if (match === null)
        throw new ConfigException(
          `metadata.broker.list has ${entry}, expected a host and a port`,
        )
      return { id, host: match[1] ?? match[2]!, port: Number(match[3]) }
    })
  }

  /**
   * Finds the first PLAINTEXT address of each registered broker.
   *
   * @throws BrokerEndPointNotAvailableException (rejects) when a broker has none
   * @kafka core/src/main/scala/kafka/client/ClientUtils.scala#getPlaintextBrokerEndPoints
   */
  static async getPlaintextBrokerEndPoints(
    zkUtils: BrokerSource,
  ): Promise<BrokerEndPoint[]> {
    const brokers = await zkUtils.getAllBrokersInCluster()
    return brokers.map(({ id, endPoints }) => {
      const plain = endPoints.find((e) => e.securityProtocol === 'PLAINTEXT')
      if (plain === undefined)
        throw new BrokerEndPointNotAvailableException(
          `broker ${id} has no PLAINTEXT end point`,
        )
      return { id, host: plain.host, port: plain.port }
    })
  }

  /**
   * Opens a channel to some broker. Since `BlockingChannel.connect` never throws, the
   * first of the shuffled brokers is always taken, connected or not; the caller looks.
   *
   * @param options - `socketTimeoutMs` is 3000 unless given
   * @throws AbortError (rejects) when the signal fires
   * @kafka core/src/main/scala/kafka/client/ClientUtils.scala#channelToAnyBroker
   */
  static async channelToAnyBroker(
    zkUtils: BrokerSource,
    platform: ProducerPlatform,
    options: ChannelOptions = {},
  ): Promise<BlockingChannel> {
    const { socketTimeoutMs = anyBrokerTimeoutMs, retryBackOffMs = 1000 } = options
    while (true) {
      throwIfAborted(options.signal)
      const brokers = await ClientUtils.getPlaintextBrokerEndPoints(zkUtils)

      // Take the first of the shuffled brokers.
      for (const broker of shuffled(brokers, platform.random)) {
        const channel = channelTo(broker, socketTimeoutMs, platform)
        await channel.connect()
        return channel
      }

      // Wait for a broker to register.
      await platform.clock.sleep(retryBackOffMs, options.signal)
    }
  }

  /**
   * Opens a channel to the broker that coordinates a group, however long that takes.
   *
   * @param group - the consumer group
   * @param options - `socketTimeoutMs` for the channel returned; `retryBackOffMs` after
   *   failures, 1000 unless given
   * @throws AbortError (rejects) when the signal fires
   * @kafka core/src/main/scala/kafka/client/ClientUtils.scala#channelToOffsetManager
   */
  static async channelToOffsetManager(
    group: string,
    zkUtils: BrokerSource,
    platform: ProducerPlatform,
    options: ChannelOptions = {},
  ): Promise<BlockingChannel> {
    const { socketTimeoutMs = 10000, retryBackOffMs = 1000, signal } = options
    let queryChannel = await ClientUtils.channelToAnyBroker(zkUtils, platform, {
      retryBackOffMs,
      ...(signal && { signal }),
    })
    try {
      while (true) {
        // Ask until a broker names the coordinator.
        const asked = await askForCoordinator(group, queryChannel, {
          zkUtils,
          platform,
          retryBackOffMs,
          signal,
        })
        queryChannel = asked.queryChannel
        const { nodeId: id, host, port } = asked.coordinator

        // Keep the query channel when the coordinator is at its end.
        if (host === queryChannel.host && port === queryChannel.port)
          return queryChannel

        // Go over to the coordinator otherwise.
        const channel = channelTo({ id, host, port }, socketTimeoutMs, platform)
        await channel.connect()
        queryChannel.disconnect()
        if (channel.isConnected) return channel
        log.info(`coordinator of ${group} at ${host}:${port} cannot be reached`)
        await platform.clock.sleep(retryBackOffMs, signal)
      }
    } catch (e) {
      queryChannel.disconnect()
      throw e
    }
  }
}

function questionFor(
  topics: ReadonlySet<string>,
  correlationId: number,
  { clientId }: ProducerConfig,
): TopicMetadataRequest {
  return new TopicMetadataRequest([...topics], correlationId, clientId)
}

interface AskInTurnOptions {
  readonly config: ProducerConfig
  readonly platform: ProducerPlatform
  readonly signal: AbortSignal | undefined
}

/** Asks shuffled brokers, each over a connection of its own, until one answers. */
async function askInTurn(
  request: TopicMetadataRequest,
  brokers: readonly BrokerEndPoint[],
  { config, platform, signal }: AskInTurnOptions,
): Promise<TopicMetadataResponse> {
  let cause: unknown
  for (const broker of shuffled(brokers, platform.random)) {
    throwIfAborted(signal)
    const producer = ProducerPool.createSyncProducer(config, broker, platform)

    // Who is called off hangs up: the answer that is waited for then fails at once.
    const forget = signal && onAbort(signal, () => producer.abort())
    try {
      return await producer.send(request)
    } catch (e) {
      throwIfAborted(signal)
      cause = e
      log.warn(`broker ${broker.host}:${broker.port} did not answer for topics`, e)
    } finally {
      forget?.()
      await producer.close()
    }
  }
  const names = request.topics.join()
  throw new KafkaException(`no broker answered for the topics ${names}`, { cause })
}

interface AskOptions {
  readonly zkUtils: BrokerSource
  readonly platform: ProducerPlatform
  readonly retryBackOffMs: number
  readonly signal: AbortSignal | undefined
}

/**
 * Asks over `queryChannel`, or over a new one when it fails, until there is an answer.
 */
async function askForCoordinator(
  group: string,
  queryChannel: BlockingChannel,
  { zkUtils, platform, retryBackOffMs, signal }: AskOptions,
): Promise<{ queryChannel: BlockingChannel; coordinator: FindCoordinatorResponse }> {
  let channel = queryChannel
  while (true) {
    throwIfAborted(signal)
    try {
      // Find somebody to ask.
      if (!channel.isConnected)
        channel = await ClientUtils.channelToAnyBroker(zkUtils, platform, {
          retryBackOffMs,
          ...(signal && { signal }),
        })

      // Ask, and take the answer if it names a broker.
      await channel.send(FindCoordinator, 0, { key: group })
      const coordinator = (await channel.receive()).decode(FindCoordinator, 0)
      if (coordinator.errorCode === Errors.NONE.code)
        return { queryChannel: channel, coordinator }
      log.debug(
        `no coordinator of ${group}: ${Errors.forCode(coordinator.errorCode).name}`,
      )
    } catch (e) {
      // Go to another broker when the network failed, and only then.
      channel.disconnect()
      if (!isIOException(e)) throw e
      log.info(`the question for the coordinator of ${group} failed`, e)
    }
    await platform.clock.sleep(retryBackOffMs, signal)
  }
}

function channelTo(
  broker: BrokerEndPoint,
  timeoutMs: number,
  { network, clock }: ProducerPlatform,
): BlockingChannel {
  return new BlockingChannel({
    host: broker.host,
    port: broker.port,
    readTimeoutMs: timeoutMs,
    connectTimeoutMs: timeoutMs,
    network,
    clock,
  })
}

/** A copy in random order. */
function shuffled<T>(items: readonly T[], random: Random): T[] {
  const copy = [...items]
  for (let i = copy.length - 1; i > 0; i--) {
    const j = random.nextInt(i + 1)
    const swapped = copy[i]!
    copy[i] = copy[j]!
    copy[j] = swapped
  }
  return copy
}
