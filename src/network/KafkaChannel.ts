/**
 * # KafkaChannel
 *
 * A connection of a broker, with the frames that were read off it and not yet handled.
 *
 *     bytes ─▶ FrameParser ─▶ [ staged frames ] ─▶ one at a time, while not muted
 *
 * While a request of it is in the broker the channel is *muted*: frames stay staged, and
 * the first bytes that come meanwhile make it stop reading, so at most one chunk beyond
 * the frame under way is kept here. The rest waits in the kernel, then in the client.
 *
 * @kafka clients/src/main/java/org/apache/kafka/common/network/KafkaChannel.java#KafkaChannel
 * @module
 */
import type { Connection } from '../base/platform/Platform.ts'
import { FrameParser } from '../protocol/framing.ts'

/** One connection, between bytes and requests. */
export class KafkaChannel {
  readonly id: string
  readonly connection: Connection
  readonly #parser: FrameParser
  #staged: Buffer[] = []
  #nextStaged = 0
  #isMute = false
  #reading = true

  /** Whether a response is on its way; there is at most one. Set by the selector. */
  sending = false

  /** @param maxReceiveSize - larger frames are refused, `socket.request.max.bytes` */
  constructor(id: string, connection: Connection, maxReceiveSize: number) {
    this.id = id
    this.connection = connection
    this.#parser = new FrameParser(maxReceiveSize)
  }

  get isMute(): boolean {
    return this.#isMute
  }

  /** Whether a frame waits to be handled. */
  get hasStagedReceives(): boolean {
    return this.#nextStaged < this.#staged.length
  }

  /** Whether a frame may be handled now. */
  get isReady(): boolean {
    return !this.#isMute && this.hasStagedReceives
  }

  /** Whether the peer stopped in the middle of a frame. */
  get midFrame(): boolean {
    return this.#parser.midFrame
  }

  /**
   * Takes bytes and stages the frames that they complete.
   *
   * @throws InvalidReceiveException when a length is negative or too large; what came
   *   whole before it is staged
   */
  read(chunk: Buffer): void {
    if (this.#nextStaged === this.#staged.length) {
      this.#staged = []
      this.#nextStaged = 0
    }
    this.#parser.push(chunk, this.#staged)

    // Read no further while the frames that are here cannot be handled.
    if (this.#isMute && this.#reading) {
      this.#reading = false
      this.connection.pause()
    }
  }

  /** Takes the oldest staged frame. */
  takeStagedReceive(): Buffer {
    const frame = this.#staged[this.#nextStaged]!
    this.#staged[this.#nextStaged++] = empty
    return frame
  }

  /** Hands out no frames from now on. */
  mute(): void {
    this.#isMute = true
  }

  /** Hands out frames again, and reads on when all of them were taken. */
  unmute(): void {
    this.#isMute = false
    if (this.#reading || this.hasStagedReceives) return
    this.#reading = true
    this.connection.resume()
  }
}

/** Stands where a frame was taken, so that its memory is free. */
const empty = Buffer.alloc(0)
