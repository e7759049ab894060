/**
 * # SocketServer
 *
 * The network side of a broker. For each listener one acceptor and `num.network.threads`
 * processors; one request channel for all of them.
 *
 *     clients ─▶ Acceptor ─▶ Processor ─▶ RequestChannel ─▶ handlers
 *                            Processor ◀─ responses ◀───────┘
 *
 * A broker binds its ports before it is ready and starts the processors last: what
 * connects in between is accepted and waits unread.
 *
 * @kafka core/src/main/scala/kafka/network/SocketServer.scala#SocketServer
 * @module
 */
import { IllegalArgumentException } from '../base/errors.ts'
import { logger } from '../base/logger.ts'
import type { Platform } from '../base/platform/Platform.ts'
import { Acceptor } from './Acceptor.ts'
import { ConnectionQuotas } from './ConnectionQuotas.ts'
import { Processor } from './Processor.ts'
import { RequestChannel } from './RequestChannel.ts'

/** Where to listen, and as what. */
export interface ListenerEndPoint {
  /** Empty for all addresses. */
  readonly host: string
  /** 0 lets the platform choose. */
  readonly port: number
  readonly listenerName: string
  readonly securityProtocol: string
}

/** What the socket server reads of the broker's configuration. */
export interface SocketServerConfig {
  readonly brokerId: number
  readonly listeners: readonly ListenerEndPoint[]
  /** Processors of each listener, `num.network.threads`. */
  readonly numNetworkThreads: number
  /** Requests that wait for a handler, `queued.max.requests`. */
  readonly queuedMaxRequests: number
  /** `socket.request.max.bytes` */
  readonly socketRequestMaxBytes: number
  /** `max.connections.per.ip` */
  readonly maxConnectionsPerIp: number
  /** `max.connections.per.ip.overrides`, by address */
  readonly maxConnectionsPerIpOverrides?: ReadonlyMap<string, number>
  /** `connections.max.idle.ms`; negative for never */
  readonly connectionsMaxIdleMs: number
}

/** All listeners of a broker. */
export class SocketServer {
  readonly requestChannel: RequestChannel
  readonly #config: SocketServerConfig
  readonly #platform: Platform
  readonly #connectionQuotas: ConnectionQuotas
  readonly #acceptors = new Map<string, Acceptor>()
  readonly #processors: Processor[] = []
  #stoppedProcessingRequests = false

  constructor(config: SocketServerConfig, platform: Platform) {
    this.#config = config
    this.#platform = platform
    this.requestChannel = new RequestChannel(config.queuedMaxRequests, platform.clock)
    this.#connectionQuotas = new ConnectionQuotas(
      config.maxConnectionsPerIp,
      config.maxConnectionsPerIpOverrides,
    )
  }

  /** Connections that the processors serve. */
  get connectionCount(): number {
    return this.#processors.reduce(
      (sum, processor) => sum + processor.connectionCount,
      0,
    )
  }

  /**
   * Binds all listeners and accepts connections.
   *
   * @param startupProcessors - whether to read them, too, from now on
   * @throws KafkaException (rejects) when an address cannot be bound; none stays bound
   */
  async startup(startupProcessors = true): Promise<void> {
    try {
      for (const endPoint of this.#config.listeners) {
        await this.createAcceptorAndProcessors(endPoint)
      }
    } catch (error) {
      await this.stopProcessingRequests()
      throw error
    }
    if (startupProcessors) this.startProcessors()
    const count = this.#acceptors.size
    logger(this.#logName).info(`started ${count} acceptors`)
  }

  /** Makes what serves one listener. */
  async createAcceptorAndProcessors(endPoint: ListenerEndPoint): Promise<void> {
    const { brokerId, numNetworkThreads } = this.#config
    const { host, port, listenerName, securityProtocol } = endPoint
    const acceptor = new Acceptor({
      name: `kafka-socket-acceptor-${listenerName}-${securityProtocol}-${port}`,
      host,
      port,
      network: this.#platform.network,
      connectionQuotas: this.#connectionQuotas,
    })

    // Give it its processors; they are numbered through all listeners.
    for (let i = 0; i < numNetworkThreads; i++) {
      const id = this.#processors.length
      const name = `kafka-network-thread-${brokerId}-${listenerName}-${id}`
      const processor = this.newProcessor(id, name, endPoint)
      this.#processors.push(processor)
      this.requestChannel.addProcessor(processor)
      acceptor.addProcessor(processor)
    }

    // Bind, then accept.
    await acceptor.openServerSocket()
    this.#acceptors.set(listenerName, acceptor)
    acceptor.start()
    await acceptor.awaitStartup()
  }

  /** Reads the connections that were accepted, and all that follow. */
  startProcessors(): void {
    for (const acceptor of this.#acceptors.values()) acceptor.startProcessors()
  }

  /** @returns the port that a listener is bound to. @throws when there is no such one */
  boundPort(listenerName: string): number {
    const acceptor = this.#acceptors.get(listenerName)
    if (acceptor === undefined) {
      throw new IllegalArgumentException(`no listener ${listenerName} is bound`)
    }
    return acceptor.port
  }

  /** Closes all listeners and connections. What handlers still answer is dropped. */
  async stopProcessingRequests(): Promise<void> {
    if (this.#stoppedProcessingRequests) return
    this.#stoppedProcessingRequests = true
    const acceptors = [...this.#acceptors.values()]
    await Promise.all(acceptors.map((acceptor) => acceptor.shutdown()))
    await Promise.all(this.#processors.map((processor) => processor.shutdown()))
    for (const processor of this.#processors) processor.closeAll()
    this.requestChannel.clear()
  }

  /** Closes everything; whoever waits for a request is told. */
  async shutdown(): Promise<void> {
    await this.stopProcessingRequests()
    this.requestChannel.shutdown()
  }

  /** Makes a processor. */
  newProcessor(id: number, name: string, endPoint: ListenerEndPoint): Processor {
    const { socketRequestMaxBytes, connectionsMaxIdleMs } = this.#config
    const { listenerName, securityProtocol } = endPoint
    return new Processor({
      id,
      name,
      listenerName,
      securityProtocol,
      clock: this.#platform.clock,
      requestChannel: this.requestChannel,
      connectionQuotas: this.#connectionQuotas,
      maxRequestSize: socketRequestMaxBytes,
      connectionsMaxIdleMs,
    })
  }

  get #logName(): string {
    return `SocketServer brokerId=${this.#config.brokerId}`
  }
}
