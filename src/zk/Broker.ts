/**
 * # Broker
 *
 * A broker as the cluster knows it: a number, the addresses it advertises, and the rack it
 * stands in. A broker is in the cluster exactly as long as its znode exists.
 *
 * @kafka core/src/main/scala/kafka/cluster/Broker.scala#Broker
 * @module
 */

import { BrokerEndPointNotAvailableException } from '../base/errors.ts'
import type { EndPoint } from './EndPoint.ts'

/**
 * A broker with the one address that a certain client should use.
 *
 * @kafka core/src/main/scala/kafka/cluster/BrokerEndPoint.scala#BrokerEndPoint
 */
export interface BrokerEndPoint {
  readonly id: number
  readonly host: string
  readonly port: number
}

/** Id, addresses and rack of one broker. */
export class Broker {
  /** From 0; unique in the cluster. */
  readonly id: number

  /** One for each listener. */
  readonly endPoints: readonly EndPoint[]

  /** Where it stands, for rack-aware assignment; `undefined` when not told. */
  readonly rack: string | undefined

  constructor(id: number, endPoints: readonly EndPoint[], rack?: string) {
    this.id = id
    this.endPoints = endPoints
    this.rack = rack
  }

  /**
   * Finds the address of a listener.
   *
   * @param listenerName - upper-case name
   * @throws BrokerEndPointNotAvailableException when the broker has no such listener
   * @kafka core/src/main/scala/kafka/cluster/Broker.scala#Broker.brokerEndPoint
   */
  brokerEndPoint(listenerName: string): BrokerEndPoint {
    const endPoint = this.endPoints.find((e) => e.listenerName === listenerName)
    if (endPoint === undefined) {
      throw new BrokerEndPointNotAvailableException(
        `broker ${this.id} has no listener ${listenerName}`,
      )
    }
    return { id: this.id, host: endPoint.host, port: endPoint.port }
  }

  /** Whether both have the same addresses, in any order. */
  hasSameEndPoints(other: Broker): boolean {
    const texts = (b: Broker) => b.endPoints.map(String).sort().join()
    return texts(this) === texts(other)
  }

  toString(): string {
    const rack = this.rack === undefined ? '' : ` rack ${this.rack}`
    return `${this.id} (${this.endPoints.join(', ')}${rack})`
  }
}

/**
 * What a broker writes about itself when it registers.
 *
 * @kafka core/src/main/scala/kafka/zk/ZkData.scala#BrokerInfo
 */
export class BrokerInfo {
  readonly broker: Broker

  /** Layout of the JSON: 4 since 0.10.0, 2 before. */
  readonly version: number

  /** Port of remote monitoring; -1 for none, which is always so here. */
  readonly jmxPort: number

  constructor(broker: Broker, version = 4, jmxPort = -1) {
    this.broker = broker
    this.version = version
    this.jmxPort = jmxPort
  }
}

/**
 * The brokers that are registered, as the old consumer sees them.
 *
 * @kafka core/src/main/scala/kafka/cluster/Cluster.scala#Cluster
 */
export class Cluster {
  readonly #brokers = new Map<number, Broker>()

  constructor(brokers: Iterable<Broker> = []) {
    for (const broker of brokers) this.#brokers.set(broker.id, broker)
  }

  /** The broker of that id. */
  getBroker(id: number): Broker | undefined {
    return this.#brokers.get(id)
  }

  add(broker: Broker): void {
    this.#brokers.set(broker.id, broker)
  }

  remove(id: number): void {
    this.#brokers.delete(id)
  }

  /** How many brokers are registered. */
  get size(): number {
    return this.#brokers.size
  }

  /** The brokers, in the order they were added. */
  get brokers(): Broker[] {
    return [...this.#brokers.values()]
  }
}
