/**
 * # Pump
 *
 * A client that only pumps: it sends one frame again and again over one connection, keeps
 * a few in flight, and counts what comes back. Broker and bare sink are driven by the same
 * pump, so that the ratio between them is theirs alone.
 *
 * @module
 */
import { connect, type Socket } from 'node:net'
import { Windows } from './windows.ts'

/** What to pump. */
export interface PumpOptions {
  readonly port: number
  /** A whole frame with its size field; or what makes the next one. */
  readonly frame: Buffer | (() => Buffer)
  /** Frames without an answer at any time. */
  readonly inFlight: number
  readonly seconds: number
  /** What a window counts: bytes of the frames sent, or of the answers. */
  readonly count: 'sent' | 'received'
  /** Looks at each answer; called with the payload when it is whole and small. */
  readonly onAnswer?: (bytes: number) => void
  /** Keep answers and give them to this; without it they are only counted. */
  readonly inspect?: (payload: Buffer) => void
}

/** Connects to a port of this machine. */
export function dial(port: number): Promise<Socket> {
  return new Promise((resolve, reject) => {
    const socket = connect({ port, host: '127.0.0.1', noDelay: true })
    socket.once('connect', () => resolve(socket))
    socket.once('error', reject)
  })
}

/** Pumps for a while. @returns MB a second for each window. */
export async function pump(options: PumpOptions): Promise<number[]> {
  const { inFlight, seconds, count } = options
  const socket = await dial(options.port)
  const next = () =>
    typeof options.frame === 'function' ? options.frame() : options.frame
  const windows = new Windows()
  const until = performance.now() + seconds * 1000
  const sizes: number[] = []

  await new Promise<void>((resolve, reject) => {
    const send = () => {
      const frame = next()
      sizes.push(frame.length)
      socket.write(frame)
    }
    const answers = new AnswerCounter(options.inspect, (bytes) => {
      // Count one answer, and send the next frame while there is time.
      const sent = sizes.shift() ?? 0
      windows.add(count === 'sent' ? sent : bytes)
      options.onAnswer?.(bytes)
      if (performance.now() < until) send()
      else if (sizes.length === 0) resolve()
    })
    socket.on('data', (chunk: Buffer) => answers.push(chunk))
    socket.once('error', reject)
    socket.once('close', () => reject(new Error('the peer closed the connection')))
    for (let i = 0; i < inFlight; i++) send()
  })
  socket.destroy()
  return windows.rates()
}

/** Finds the ends of answers in a stream without keeping their bytes. */
class AnswerCounter {
  readonly #inspect: ((payload: Buffer) => void) | undefined
  readonly #done: (bytes: number) => void
  #header = Buffer.alloc(4)
  #headerFilled = 0
  #left = 0
  #size = 0
  #kept: Buffer[] = []

  constructor(
    inspect: ((payload: Buffer) => void) | undefined,
    done: (bytes: number) => void,
  ) {
    this.#inspect = inspect
    this.#done = done
  }

  push(chunk: Buffer): void {
    let at = 0
    while (at < chunk.length) {
      if (this.#left === 0) {
        // Gather the size of the next answer.
        this.#header[this.#headerFilled++] = chunk[at++] ?? 0
        if (this.#headerFilled < 4) continue
        this.#headerFilled = 0
        this.#size = this.#left = this.#header.readInt32BE(0)
        if (this.#left > 0) continue
      }
      const take = Math.min(this.#left, chunk.length - at)
      if (this.#inspect) this.#kept.push(chunk.subarray(at, at + take))
      at += take
      this.#left -= take
      if (this.#left === 0) this.#finish()
    }
  }

  #finish(): void {
    if (this.#inspect) {
      this.#inspect(Buffer.concat(this.#kept))
      this.#kept = []
    }
    this.#done(this.#size + 4)
  }
}
