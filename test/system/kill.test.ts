/**
 * A broker is killed in the middle of producing and started again on what it left: every
 * line that it acknowledged is there, none of them twice.
 */
import { describe, expect, it } from 'vitest'
import type { NetworkClient } from '../../src/network/NetworkClient.ts'
import { InitProducerId } from '../../src/protocol/messages/InitProducerId.ts'
import { MemoryRecords } from '../../src/record/MemoryRecords.ts'
import { createTopic, fetchBytes, produceBytes, textsOf } from '../server/clients.ts'
import { StartedCommand, TemporaryDirectory } from './running-command.ts'
import { textLines } from './text-file.ts'

const TOPIC = 'lines'
const LINES_A_BATCH = 20
const IN_FLIGHT = 5
const FULL = process.env.SYSTEM_FULL === '1'
const ROUNDS = FULL ? 12 : 4

/** Acks and seeds of the long run. */
const moreRuns = [1, -1].flatMap((acks) => {
  return [11, 12, 13, 14].map((seed) => [acks, seed] as const)
})

/** A batch on its way: its number, its lines, and where it went, once that is known. */
interface Batch {
  readonly sequence: number
  readonly lines: readonly string[]
  baseOffset: number | undefined
}

/** The next number of a small generator; the seed is told when a test fails. */
function mulberry(seed: number): () => number {
  let state = seed
  return () => {
    state = (state + 0x6d2b79f5) | 0
    let t = Math.imul(state ^ (state >>> 15), 1 | state)
    t = (t + Math.imul(t ^ (t >>> 7), 61 | t)) ^ t
    return ((t ^ (t >>> 14)) >>> 0) / 2 ** 32
  }
}

/** A producer that remembers what was acknowledged. */
class RecordingProducer {
  readonly acknowledged: Batch[] = []
  readonly #lines: readonly string[]
  readonly #acks: number
  readonly #producer: { producerId: bigint; producerEpoch: number } | undefined
  #sequence = 0
  /** Sent, and neither acknowledged nor given up. */
  #pending: Batch[] = []

  constructor(lines: readonly string[], acks: number, producerId?: bigint) {
    this.#lines = lines
    this.#acks = acks
    if (producerId !== undefined) this.#producer = { producerId, producerEpoch: 0 }
  }

  /** Sends batches, some at once, until the broker is gone. */
  async sendUntilItDies(
    client: NetworkClient,
    onAcknowledged: (count: number) => void,
  ): Promise<void> {
    // What a plain producer does not know about is given up; an idempotent one repeats it.
    const repeat = this.#producer ? this.#pending : []
    this.#pending = []
    const line = async (): Promise<void> => {
      for (;;) {
        const batch = repeat.shift() ?? this.#next()
        this.#pending.push(batch)
        const answer = await this.#send(client, batch).catch(() => undefined)
        if (!answer) return
        if (answer.errorCode !== 0)
          throw new Error(
            `error ${answer.errorCode} for ${batch.sequence} after ${this.acknowledged.length}`,
          )
        batch.baseOffset = answer.baseOffset
        this.#pending.splice(this.#pending.indexOf(batch), 1)
        this.acknowledged.push(batch)
        onAcknowledged(this.acknowledged.length)
      }
    }

    // A connection is served in order; sending in order keeps sequences in order.
    await Promise.all(Array.from({ length: IN_FLIGHT }, line))
    this.#pending.sort((a, b) => a.sequence - b.sequence)
  }

  /** Sends again what was not acknowledged. */
  async finish(client: NetworkClient): Promise<void> {
    for (const batch of this.#pending) {
      const answer = await this.#send(client, batch)
      if (answer.errorCode !== 0)
        throw new Error(
          `error ${answer.errorCode} for ${batch.sequence} after ${this.acknowledged.length}`,
        )
      batch.baseOffset = answer.baseOffset
      this.acknowledged.push(batch)
    }
    this.#pending = []
  }

  #next(): Batch {
    const sequence = this.#sequence
    this.#sequence += LINES_A_BATCH
    const lines = Array.from({ length: LINES_A_BATCH }, (_, at) => {
      return `${sequence + at}: ${this.#lines[(sequence + at) % this.#lines.length]}`
    })
    return { sequence, lines, baseOffset: undefined }
  }

  #send(client: NetworkClient, { sequence, lines }: Batch) {
    // A producer whose last record is old is forgotten at a start: send fresh ones.
    const timestamp = Date.now()
    const records = lines.map((text) => ({ value: Buffer.from(text), timestamp }))
    const idempotent = this.#producer && { ...this.#producer, baseSequence: sequence }
    const set = MemoryRecords.withRecords({ magic: 2, ...idempotent }, ...records)
    return produceBytes(client, TOPIC, set.buffer, { acks: this.#acks })
  }
}

/** The whole partition. */
async function readAll(client: NetworkClient): Promise<string[]> {
  const all: string[] = []
  for (;;) {
    const { errorCode, highWatermark, records } = await fetchBytes(
      client,
      TOPIC,
      all.length,
    )
    expect(errorCode).toBe(0)
    all.push(...textsOf(records as Buffer | null))
    if (all.length >= highWatermark) return all
  }
}

/** Every acknowledged line is at its offset, and nowhere else. */
function expectKept(all: readonly string[], acknowledged: readonly Batch[]): void {
  const times = new Map<string, number>()
  for (const line of all) times.set(line, (times.get(line) ?? 0) + 1)
  for (const { lines, baseOffset } of acknowledged) {
    const at = baseOffset as number
    expect(all.slice(at, at + lines.length)).toEqual(lines)
    expect(lines.map((line) => times.get(line))).toEqual(lines.map(() => 1))
  }
}

/** Produces until a seeded number of acknowledgements, kills, and starts again. */
async function killRepeatedly(
  seed: number,
  producerOf: (client: NetworkClient) => Promise<RecordingProducer>,
  finish: (producer: RecordingProducer, client: NetworkClient) => Promise<void>,
): Promise<void> {
  using home = new TemporaryDirectory()
  const dataDir = home.path
  const random = mulberry(seed)

  // Small segments, so that a kill also finds a log that has just rolled.
  const args = ['--override', 'log.segment.bytes=100000']
  let broker = await StartedCommand.start({ dataDir, args })
  try {
    const setup = broker.client()
    await createTopic(setup, TOPIC)
    const producer = await producerOf(setup)
    setup.close()
    for (let round = 0; round < ROUNDS; round++) {
      const client = broker.client()
      const dueAt = producer.acknowledged.length + 1 + Math.floor(random() * 150)
      let killed: Promise<unknown> | undefined
      await producer.sendUntilItDies(client, (count) => {
        if (count >= dueAt) killed ??= broker.end('SIGKILL')
      })
      client.close()
      expect(await killed).toEqual({ code: null, signal: 'SIGKILL' })

      broker = await StartedCommand.start({ dataDir, args })
      const reader = broker.client()
      expectKept(await readAll(reader), producer.acknowledged)
      reader.close()
    }
    const client = broker.client()
    await finish(producer, client)
    expectKept(await readAll(client), producer.acknowledged)
    client.close()
  } finally {
    await broker.end('SIGKILL')
  }
}

describe('kill -9 while a producer sends', () => {
  const lines = textLines(5000)

  for (const [acks, seed] of FULL
    ? moreRuns
    : ([
        [1, 1],
        [-1, 2],
      ] as const)) {
    it(`loses nothing that was acknowledged, acks=${acks}, seed ${seed}`, async () => {
      await killRepeatedly(
        seed,
        async () => new RecordingProducer(lines, acks),
        async () => {},
      )
    }, 60_000)
  }

  it('leaves each line once when an idempotent producer repeats, seed 3', async () => {
    await killRepeatedly(
      3,
      async (client) => {
        const body = { transactionalId: null, transactionTimeoutMs: 0 }
        const { producerId } = await client.sendAndReceive(InitProducerId, 0, body)
        return new RecordingProducer(lines, -1, producerId)
      },
      async (producer, client) => {
        await producer.finish(client)

        // Now all is known, and the log holds it in the order of its making.
        const all = await readAll(client)
        const numbers = all.map((line) => Number.parseInt(line, 10))
        expect(numbers).toEqual(numbers.map((_, at) => at))
        expect(all).toHaveLength(producer.acknowledged.length * LINES_A_BATCH)
      },
    )
  }, 60_000)
})
