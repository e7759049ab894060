/**
 * # NetworkReceive
 *
 * A response as it came: the header is read, the message is not. Who sent the request
 * knows of which API and version it is.
 *
 *     [correlationId 4 | message]
 *
 * @kafka clients/src/main/java/org/apache/kafka/common/network/NetworkReceive.java#NetworkReceive
 * @module
 */
import { ByteReader } from '../base/bytes/ByteReader.ts'
import type { Api } from '../protocol/Api.ts'
import { ResponseHeader } from '../protocol/RequestHeader.ts'

/** A response that is not yet decoded. */
export class NetworkReceive {
  readonly correlationId: number
  /** Stands at the first byte of the message. */
  readonly payload: ByteReader

  /**
   * @param frame - without its length
   * @throws SchemaException when it is too short for a header
   */
  constructor(frame: Buffer) {
    this.payload = new ByteReader(frame)
    this.correlationId = ResponseHeader.parse(this.payload).correlationId
  }

  /**
   * Reads the message.
   *
   * @param version - the one that the request had
   * @throws SchemaException when the bytes are no such message
   */
  decode<Req, Res, ReqIn, ResIn>(
    api: Api<Req, Res, ReqIn, ResIn>,
    version: number,
  ): Res {
    return api.response.decode(version, this.payload)
  }
}
