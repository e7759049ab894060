/**
 * # Frames
 *
 * A connection carries frames, both ways: `[size 4 | payload]`. TCP knows nothing of
 * them, so a chunk from a socket may hold half a frame or ten.
 *
 *     chunks  ▕ size pay│load size payload size p│ayload ▏
 *     frames  [payload] [payload] [payload]
 *
 * A frame that lies within one chunk is handed on as a view of that chunk. One that
 * does not is gathered in a buffer that is allocated once, when its size is known.
 *
 * Invariants: a size that is negative or above the limit is refused before anything is
 * allocated; no payload is copied more than once.
 *
 * @kafka clients/src/main/java/org/apache/kafka/common/network/NetworkReceive.java#NetworkReceive
 * @kafka clients/src/main/java/org/apache/kafka/common/network/NetworkSend.java#NetworkSend
 * @module
 */

import { ByteWriter } from '../base/bytes/ByteWriter.ts'
import { InvalidReceiveException } from '../base/errors.ts'
import type { Api } from './Api.ts'
import { RequestHeader, ResponseHeader } from './RequestHeader.ts'

const sizeBytes = 4

/**
 * Cuts the chunks of one connection into frames.
 *
 * @kafka clients/src/main/java/org/apache/kafka/common/network/NetworkReceive.java#NetworkReceive
 */
export class FrameParser {
  readonly #maxBytes: number

  /** The size field of the frame under way, while it is incomplete. */
  readonly #sizeField = Buffer.alloc(sizeBytes)

  /** Bytes of the size field that have come: 0 to 3. */
  #sizeFilled = 0

  /** The payload under way; undefined between frames. */
  #payload: Buffer | undefined

  /** Bytes of the payload under way that have come. */
  #payloadFilled = 0

  /**
   * @param maxBytes - largest payload to accept, in bytes; a broker's is
   *   `socket.request.max.bytes`
   */
  constructor(maxBytes = Number.POSITIVE_INFINITY) {
    this.#maxBytes = maxBytes
  }

  /**
   * Whether part of a frame has come: the peer stopped in the middle if it ends now.
   */
  get midFrame(): boolean {
    return this.#sizeFilled > 0 || this.#payload !== undefined
  }

  /**
   * Takes the next chunk.
   *
   * @param chunk - bytes as they came; must not be written to afterwards
   * @param frames - where the payloads go that it completes, oldest first, without their
   *   size fields; those before a size that is refused are there, too
   * @returns `frames`
   * @throws InvalidReceiveException when a size is negative or above the limit; close
   *   the connection then, for the next frame cannot be found
   */
  push(chunk: Buffer, frames: Buffer[] = []): Buffer[] {
    let at = 0
    while (at < chunk.length) {
      // Add to the payload under way.
      if (this.#payload !== undefined) {
        at += this.#fill(chunk, at, frames)
        continue
      }

      // Take the size from the chunk, or gather it byte by byte.
      let size: number
      if (this.#sizeFilled === 0 && chunk.length - at >= sizeBytes) {
        size = chunk.readInt32BE(at)
        at += sizeBytes
      } else {
        this.#sizeField[this.#sizeFilled++] = chunk[at++]!
        if (this.#sizeFilled < sizeBytes) continue
        size = this.#sizeField.readInt32BE(0)
        this.#sizeFilled = 0
      }

      // Refuse what cannot be a frame.
      if (size < 0 || size > this.#maxBytes)
        throw new InvalidReceiveException(
          `frame of ${size} bytes, accepted are 0 to ${this.#maxBytes}`,
        )

      // Hand on a view when the whole payload is here.
      if (chunk.length - at >= size) {
        frames.push(chunk.subarray(at, at + size))
        at += size
        continue
      }

      // Make room for the rest otherwise.
      this.#payload = Buffer.allocUnsafeSlow(size)
      this.#payloadFilled = 0
    }
    return frames
  }

  /**
   * Copies what the payload lacks out of `chunk`, and returns how many bytes that was.
   */
  #fill(chunk: Buffer, at: number, frames: Buffer[]): number {
    const payload = this.#payload!
    const copied = chunk.copy(payload, this.#payloadFilled, at)
    this.#payloadFilled += copied

    // Hand on the payload once it is whole.
    if (this.#payloadFilled === payload.length) {
      frames.push(payload)
      this.#payload = undefined
    }
    return copied
  }
}

/**
 * Writes a request as a whole frame.
 *
 * @param api - which API
 * @param version - version to write, 0 to `api.maxVersion`
 * @param correlationId - the number to find in the response
 * @param clientId - name of the client; null for none
 * @param body - the request; fields that the version lacks are dropped
 * @returns size field, header and message
 * @throws SchemaException when a required field is missing
 */
export function encodeRequest<Req, Res, ReqIn, ResIn>(
  api: Api<Req, Res, ReqIn, ResIn>,
  version: number,
  correlationId: number,
  clientId: string | null,
  body: ReqIn,
): Buffer {
  const writer = beginFrame()
  new RequestHeader(api.key, version, correlationId, clientId).write(writer)
  api.request.encode(version, body, writer)
  return endFrame(writer)
}

/**
 * Writes a response as a whole frame.
 *
 * @param api - which API
 * @param version - version of the request that it answers
 * @param correlationId - number of that request
 * @param body - the response; fields that the version lacks are dropped
 * @param sizeHint - bytes to make room for at once; a fetch knows how much it carries
 * @returns size field, header and message
 * @throws SchemaException when a required field is missing
 */
export function encodeResponse<Req, Res, ReqIn, ResIn>(
  api: Api<Req, Res, ReqIn, ResIn>,
  version: number,
  correlationId: number,
  body: ResIn,
  sizeHint?: number,
): Buffer {
  const writer = beginFrame(sizeHint)
  new ResponseHeader(correlationId).write(writer)
  api.response.encode(version, body, writer)
  return endFrame(writer)
}

/** Starts a frame with an empty size field. */
function beginFrame(sizeHint?: number): ByteWriter {
  const writer = new ByteWriter(sizeHint)
  writer.writeInt32(0)
  return writer
}

/** Fills in the size field, now that the size is known. */
function endFrame(writer: ByteWriter): Buffer {
  writer.patchInt32(0, writer.position - sizeBytes)
  return writer.toBuffer()
}
