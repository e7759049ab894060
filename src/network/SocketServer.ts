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
  readonly #processors = new Map<number, Processor>()
  readonly #endPoints = new Map<string, ListenerEndPoint>()
  #nextProcessorId = 0
  #processorsStarted = false
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
    let sum = 0
    for (const processor of this.#processors.values()) sum += processor.connectionCount
    return sum
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

  /**
   * Binds more listeners and serves them.
   *
   * @throws KafkaException (rejects) when an address cannot be bound; those before it are
   * @kafka core/src/main/scala/kafka/network/SocketServer.scala#SocketServer.addListeners
   */
  async addListeners(listenersAdded: readonly ListenerEndPoint[]): Promise<void> {
    for (const endPoint of listenersAdded) {
      logger(this.#logName).info(`adding listener ${endPoint}`)
      await this.createAcceptorAndProcessors(endPoint)
    }
  }

  /**
   * Closes listeners, with the connections that came by them.
   *
   * @kafka core/src/main/scala/kafka/network/SocketServer.scala#SocketServer.removeListeners
   */
  async removeListeners(listenersRemoved: readonly ListenerEndPoint[]): Promise<void> {
    for (const endPoint of listenersRemoved) {
      logger(this.#logName).info(`removing listener ${endPoint}`)
      const acceptor = this.#acceptors.get(endPoint.listenerName)
      if (acceptor === undefined) continue
      this.#acceptors.delete(endPoint.listenerName)
      this.#endPoints.delete(endPoint.listenerName)
      await acceptor.shutdown()
      await this.#endProcessors(acceptor.removeProcessors(acceptor.processorCount))
    }
  }

  /** Makes what serves one listener. */
  async createAcceptorAndProcessors(endPoint: ListenerEndPoint): Promise<void> {
    const { host, port, listenerName, securityProtocol } = endPoint
    const acceptor = new Acceptor({
      name: `kafka-socket-acceptor-${listenerName}-${securityProtocol}-${port}`,
      host,
      port,
      network: this.#platform.network,
      connectionQuotas: this.#connectionQuotas,
    })

    // Bind, then accept.
    await acceptor.openServerSocket()
    this.addProcessors(acceptor, endPoint, this.#config.numNetworkThreads)
    this.#acceptors.set(listenerName, acceptor)
    this.#endPoints.set(listenerName, endPoint)
    acceptor.start()
    await acceptor.awaitStartup()
  }

  /** Gives an acceptor more processors; they are numbered through all listeners. */
  addProcessors(acceptor: Acceptor, endPoint: ListenerEndPoint, count: number): void {
    for (let i = 0; i < count; i++) {
      const id = this.#nextProcessorId++
      const { brokerId } = this.#config
      const name = `kafka-network-thread-${brokerId}-${endPoint.listenerName}-${id}`
      const processor = this.newProcessor(id, name, endPoint)
      this.#processors.set(id, processor)
      this.requestChannel.addProcessor(processor)
      acceptor.addProcessor(processor)
      if (this.#processorsStarted) processor.start()
    }
  }

  /**
   * Gives each listener as many processors as told. Those that are too many close their
   * connections; their clients come again.
   *
   * @kafka core/src/main/scala/kafka/network/SocketServer.scala#SocketServer.resizeThreadPool
   */
  async resizeThreadPool(newNumNetworkThreads: number): Promise<void> {
    for (const [listenerName, acceptor] of this.#acceptors) {
      const missing = newNumNetworkThreads - acceptor.processorCount
      this.addProcessors(acceptor, this.#endPoints.get(listenerName)!, missing)
      await this.#endProcessors(acceptor.removeProcessors(Math.max(0, -missing)))
    }
  }

  async #endProcessors(processors: readonly Processor[]): Promise<void> {
    for (const processor of processors) {
      await processor.shutdown()
      processor.closeAll()
      this.#processors.delete(processor.id)
      this.requestChannel.removeProcessor(processor.id)
    }
  }

  /** The processors of all listeners. */
  processors(): IterableIterator<Processor> {
    return this.#processors.values()
  }

  /** Processors of all listeners. */
  get processorCount(): number {
    return this.#processors.size
  }

  /** Reads the connections that were accepted, and all that follow. */
  startProcessors(): void {
    this.#processorsStarted = true
    for (const acceptor of this.#acceptors.values()) acceptor.startProcessors()
  }

  /** Names of the listeners that are bound. */
  get listenerNames(): ReadonlySet<string> {
    return new Set(this.#acceptors.keys())
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
    const processors = [...this.#processors.values()]
    await Promise.all(processors.map((processor) => processor.shutdown()))
    for (const processor of processors) processor.closeAll()
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
