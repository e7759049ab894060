/**
 * # EndPoint
 *
 * Where a broker can be reached, and how: a listener's name, its security protocol, host
 * and port. In the broker's znode it is one line of text:
 *
 *     PLAINTEXT://kafka1:9092      INTERNAL://[::1]:9093
 *
 * @kafka core/src/main/scala/kafka/cluster/EndPoint.scala#EndPoint
 * @module
 */

import { KafkaException } from '../base/errors.ts'

/**
 * What a listener does to a connection before requests flow.
 *
 * @kafka clients/src/main/java/org/apache/kafka/common/security/auth/SecurityProtocol.java#SecurityProtocol
 */
export type SecurityProtocol = 'PLAINTEXT' | 'SSL' | 'SASL_PLAINTEXT' | 'SASL_SSL'

/** The number of each security protocol in requests between brokers. */
export const securityProtocolIds: Readonly<Record<SecurityProtocol, number>> = {
  PLAINTEXT: 0,
  SSL: 1,
  SASL_PLAINTEXT: 2,
  SASL_SSL: 3,
}

/** Whether `name` is the name of a security protocol. */
export function isSecurityProtocol(name: string): name is SecurityProtocol {
  return Object.hasOwn(securityProtocolIds, name)
}

/** `name://host:port`, the host in brackets when it holds colons; the host may be empty. */
const uri = /^([^:/]+):\/\/(?:\[([0-9a-zA-Z\-%._:]*)\]|([0-9a-zA-Z\-._]*)):(-?\d+)$/

/** One address of a broker. */
export class EndPoint {
  /** Name or address; an IPv6 address without brackets. */
  readonly host: string

  /** TCP port. */
  readonly port: number

  /** Upper-case name that the configuration gave this listener. */
  readonly listenerName: string

  /** What happens on a connection before requests flow. */
  readonly securityProtocol: SecurityProtocol

  constructor(
    host: string,
    port: number,
    listenerName: string,
    securityProtocol: SecurityProtocol,
  ) {
    this.host = host
    this.port = port
    this.listenerName = listenerName
    this.securityProtocol = securityProtocol
  }

  /**
   * Reads an end point from its text.
   *
   * @param text - `LISTENER://host:port`
   * @param securityProtocolMap - protocol by listener name; without it the listener must
   *   be named after its protocol
   * @throws KafkaException when the text or the protocol cannot be understood
   * @kafka core/src/main/scala/kafka/cluster/EndPoint.scala#EndPoint.createEndPoint
   */
  static createEndPoint(
    text: string,
    securityProtocolMap?: ReadonlyMap<string, string>,
  ): EndPoint {
    // Split the text into its parts.
    const match = uri.exec(text)
    if (match === null) throw new KafkaException(`cannot read the end point ${text}`)
    const [, name = '', bracketed, plain = '', port = ''] = match
    const listenerName = name.toUpperCase()

    // Find the security protocol of the listener.
    const protocol = securityProtocolMap
      ? securityProtocolMap.get(listenerName)
      : listenerName
    if (protocol === undefined || !isSecurityProtocol(protocol)) {
      throw new KafkaException(`no security protocol for listener ${listenerName}`)
    }
    return new EndPoint(bracketed ?? plain, Number(port), listenerName, protocol)
  }

  /** The text that {@link createEndPoint} reads. */
  get connectionString(): string {
    const host = this.host.includes(':') ? `[${this.host}]` : this.host
    return `${this.listenerName}://${host}:${this.port}`
  }

  equals(other: EndPoint): boolean {
    return (
      this.connectionString === other.connectionString &&
      this.securityProtocol === other.securityProtocol
    )
  }

  toString(): string {
    return this.connectionString
  }
}
