/**
 * # SyncProducerConfig
 *
 * The settings of a producer that talks to one broker.
 *
 * @kafka core/src/main/scala/kafka/producer/SyncProducerConfig.scala#SyncProducerConfig
 * @module
 */

import { type Properties, VerifiableProperties } from './VerifiableProperties.ts'

/** Address and settings of one {@link SyncProducer}. */
export class SyncProducerConfig {
  /** The settings as given. */
  readonly props: Properties

  /** Host of the broker. */
  readonly host: string

  /** Port of the broker. */
  readonly port: number

  /** Name in requests; may be empty. */
  readonly clientId: string

  /** Replicas that must have a batch before it is answered: 0, 1 or -1 for all. */
  readonly requestRequiredAcks: number

  /** Wait for a connection, for an answer, and for the replicas, in ms each. */
  readonly requestTimeoutMs: number

  /**
   * Send buffer of the socket, in bytes; the platform decides, this is kept for show.
   */
  readonly sendBufferBytes: number

  /**
   * @param props - `host` and `port` at least
   * @throws ConfigException naming the key, the value and what was expected
   */
  constructor(props: Properties) {
    this.props = props
    const verifiable = new VerifiableProperties(props)
    this.host = verifiable.getString('host')
    this.port = verifiable.getInt('port')
    this.clientId = verifiable.getString('client.id')
    this.requestRequiredAcks = verifiable.getInt('request.required.acks')
    this.requestTimeoutMs = verifiable.getInt('request.timeout.ms')
    this.sendBufferBytes = verifiable.getInt('send.buffer.bytes')
  }
}
