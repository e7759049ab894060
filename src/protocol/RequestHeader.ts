/**
 * # RequestHeader and ResponseHeader
 *
 * What stands in each frame before the message itself.
 *
 *     request  [apiKey 2 | apiVersion 2 | correlationId 4 | clientId 2+n]
 *     response [correlationId 4]
 *
 * The correlation id is the client's own number for a request, and comes back with the
 * answer. The client id is a name for logs and quotas, not an identity.
 *
 * One request has no client id: ControlledShutdown version 0, from the time before
 * there was a common header.
 *
 * @kafka clients/src/main/java/org/apache/kafka/common/requests/RequestHeader.java#RequestHeader
 * @kafka clients/src/main/java/org/apache/kafka/common/requests/ResponseHeader.java#ResponseHeader
 * @module
 */

import type { ByteReader } from '../base/bytes/ByteReader.ts'
import type { ByteWriter } from '../base/bytes/ByteWriter.ts'
import { ControlledShutdown } from './messages/ControlledShutdown.ts'

/**
 * Names a request: which API, in which version, for whom.
 *
 * @kafka clients/src/main/java/org/apache/kafka/common/requests/RequestHeader.java#RequestHeader
 */
export class RequestHeader {
  /** Key of the API; need not be one of ours. */
  readonly apiKey: number

  /** Version of the message that follows; need not be one of ours. */
  readonly apiVersion: number

  /** The client's number for the request. */
  readonly correlationId: number

  /** The client's name for itself; null when it gives none. */
  readonly clientId: string | null

  constructor(
    apiKey: number,
    apiVersion: number,
    correlationId: number,
    clientId: string | null,
  ) {
    this.apiKey = apiKey
    this.apiVersion = apiVersion
    this.correlationId = correlationId
    this.clientId = clientId
  }

  /**
   * Reads a header; the reader then stands at the message.
   *
   * @throws SchemaException when the bytes end early
   * @kafka clients/src/main/java/org/apache/kafka/common/requests/RequestHeader.java#parse
   */
  static parse(reader: ByteReader): RequestHeader {
    const apiKey = reader.readInt16()
    const apiVersion = reader.readInt16()
    const correlationId = reader.readInt32()
    const named = hasClientId(apiKey, apiVersion)
    const clientId = named ? reader.readNullableString() : ''
    return new RequestHeader(apiKey, apiVersion, correlationId, clientId)
  }

  /** Writes the header at the end of `writer`. */
  write(writer: ByteWriter): void {
    writer.writeInt16(this.apiKey)
    writer.writeInt16(this.apiVersion)
    writer.writeInt32(this.correlationId)
    if (hasClientId(this.apiKey, this.apiVersion))
      writer.writeNullableString(this.clientId)
  }
}

/** Whether the header of this request carries a client id: all but one do. */
function hasClientId(apiKey: number, apiVersion: number): boolean {
  return apiKey !== ControlledShutdown.key || apiVersion !== 0
}

/**
 * Names the request that a response answers.
 *
 * @kafka clients/src/main/java/org/apache/kafka/common/requests/ResponseHeader.java#ResponseHeader
 */
export class ResponseHeader {
  /** The number the client gave its request. */
  readonly correlationId: number

  constructor(correlationId: number) {
    this.correlationId = correlationId
  }

  /**
   * Reads a header; the reader then stands at the message.
   *
   * @throws SchemaException when the bytes end early
   * @kafka clients/src/main/java/org/apache/kafka/common/requests/ResponseHeader.java#parse
   */
  static parse(reader: ByteReader): ResponseHeader {
    return new ResponseHeader(reader.readInt32())
  }

  /** Writes the header at the end of `writer`. */
  write(writer: ByteWriter): void {
    writer.writeInt32(this.correlationId)
  }
}
