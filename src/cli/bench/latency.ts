/**
 * # bench latency
 *
 * From the send of a produce to the answer of a fetch that waits for it, on an idle broker:
 * end to end, and of that the time from the produce's own answer. Beside it a bare ping
 * over loopback.
 *
 * @module
 */
import type { Socket } from 'node:net'
import { FrameParser } from '../../protocol/framing.ts'
import { inTemporaryDirectory, portOf, startBroker, startModule } from './processes.ts'
import { batchOf, createTopic, fetchFrame, produceFrame } from './produce-frames.ts'
import { dial } from './pump.ts'
import { fixed, percentile, table } from './windows.ts'

const MESSAGES = 2000

/** Runs the benchmark and prints its table. */
export function latency(): Promise<string> {
  return inTemporaryDirectory(async (dir) => {
    const broker = await startBroker(dir)
    const sink = await startModule('./sink.js', ['receive', dir])
    try {
      const port = portOf(broker.line)
      await createTopic(port, 'bench')
      const produceFor = produceFrame('bench', batchOf(100, 100))
      const producer = new Asker(await dial(port))
      const consumer = new Asker(await dial(port))
      const pinger = new Asker(await dial(Number(sink.line.slice(5))))
      const endToEnd: number[] = []
      const acked: number[] = []
      const ping: number[] = []
      for (let offset = 0; offset < MESSAGES; offset++) {
        // Let a fetch wait, then produce what it waits for.
        const fetched = consumer.ask(fetchFrame('bench', offset, 1_048_576, 10_000))
        const begin = performance.now()
        const produced = producer.ask(produceFor)
        const [fetchedAt, producedAt] = await Promise.all([fetched, produced])
        endToEnd.push(fetchedAt - begin)
        acked.push(producedAt - begin)
        const pinged = performance.now()
        ping.push((await pinger.ask(produceFor)) - pinged)
      }
      for (const asker of [producer, consumer, pinger]) asker.close()
      const row = (name: string, values: readonly number[]) => [
        name,
        ...[0.5, 0.95, 0.99].map((share) => fixed(percentile(values, share), 2)),
      ]
      return table([
        ['latency, ms', 'p50', 'p95', 'p99'],
        row('ping a bare sink (the limit)', ping),
        row('produce acknowledged, acks=1', acked),
        row('produce to waiting fetch', endToEnd),
      ])
    } finally {
      await broker.stop()
      await sink.stop()
    }
  })
}

/** Sends one frame, and resolves with the moment its answer is whole. */
class Asker {
  readonly #socket: Socket
  readonly #parser = new FrameParser()
  #answered: (at: number) => void = () => {}

  constructor(socket: Socket) {
    this.#socket = socket
    socket.on('data', (chunk: Buffer) => {
      const at = performance.now()
      for (const _ of this.#parser.push(chunk)) this.#answered(at)
    })
  }

  ask(frame: Buffer): Promise<number> {
    return new Promise((resolve) => {
      this.#answered = resolve
      this.#socket.write(frame)
    })
  }

  close(): void {
    this.#socket.destroy()
  }
}
