/**
 * # LogBroker
 *
 * A broker of a few lines: it keeps messages in arrays and offsets in a map, waits with an
 * empty fetch as long as it is asked to, and lets a test answer in its place. Under a
 * virtual clock a whole group runs against it without time passing.
 *
 * @module
 */
import { ByteReader } from '../../src/base/bytes/ByteReader.ts'
import { Errors } from '../../src/base/errors.ts'
import type { MemoryPlatform } from '../../src/base/platform/memory/memory-platform.ts'
import type { Connection, Listener } from '../../src/base/platform/Platform.ts'
import { ApiKeys } from '../../src/protocol/ApiKeys.ts'
import { encodeResponse, FrameParser } from '../../src/protocol/framing.ts'
import { RequestHeader } from '../../src/protocol/RequestHeader.ts'
import { MemoryRecords } from '../../src/record/MemoryRecords.ts'

/** A request as it came. */
export interface Seen {
  readonly name: string
  readonly header: RequestHeader
  // biome-ignore lint/suspicious/noExplicitAny: each test knows what it gets
  readonly body: any
}

/** Response fields; `silent` for none, `close` to hang up, undefined for the usual. */
export type Answer = (
  seen: Seen,
) => object | 'silent' | 'close' | undefined | Promise<object | 'silent' | 'close'>

/** What the brokers of one test share. */
export class World {
  readonly platform: MemoryPlatform
  readonly brokers: LogBroker[] = []
  /** `t-0` → values; the offset of the first is `logStart`. */
  readonly logs = new Map<string, string[]>()
  readonly logStart = new Map<string, number>()
  /** `t-0` → id of the leader; the first broker unless set, -1 for none. */
  readonly leaders = new Map<string, number>()
  /** `group/t-0` → what was committed. */
  readonly offsets = new Map<string, number>()
  coordinator = 0
  readonly #appended = new Set<() => void>()

  constructor(platform: MemoryPlatform) {
    this.platform = platform
  }

  /** Appends texts. */
  produce(key: string, ...texts: string[]): void {
    this.logs.set(key, [...(this.logs.get(key) ?? []), ...texts])
    const woken = [...this.#appended]
    this.#appended.clear()
    for (const wake of woken) wake()
  }

  /** Resolves at the next append, or when the time is over. */
  appendedOr(ms: number): Promise<void> {
    return new Promise((resolve) => {
      const wake = () => {
        this.platform.clock.clearTimeout(timer)
        resolve()
      }
      const timer = this.platform.clock.setTimeout(() => {
        this.#appended.delete(wake)
        resolve()
      }, ms)
      this.#appended.add(wake)
    })
  }

  leaderOf(key: string): number {
    return this.leaders.get(key) ?? 0
  }
}

/** One broker of a world. */
export class LogBroker {
  readonly world: World
  readonly id: number
  readonly host: string
  readonly port = 9092
  readonly seen: Seen[] = []
  /** By the API's name; instead of the usual answer. */
  readonly answers: Record<string, Answer> = {}
  connections = 0
  #listener: Listener | undefined
  readonly #open = new Set<Connection>()

  constructor(world: World) {
    this.world = world
    this.id = world.brokers.length
    this.host = `b${this.id}`
    world.brokers.push(this)
  }

  get openConnections(): number {
    return this.#open.size
  }

  async start(): Promise<this> {
    const { host, port } = this
    const onConnection = (c: Connection): void => this.#accept(c)
    const { network } = this.world.platform.onHost(host)
    this.#listener = await network.listen({ host, port, onConnection })
    return this
  }

  async stop(): Promise<void> {
    await this.#listener?.close()
    for (const connection of this.#open) connection.destroy()
  }

  /** What was asked of one API. */
  asked(name: string): Seen[] {
    return this.seen.filter((seen) => seen.name === name)
  }

  #accept(connection: Connection): void {
    const parser = new FrameParser(1 << 20)
    this.connections++
    this.#open.add(connection)
    connection.onClose(() => this.#open.delete(connection))
    connection.onData((chunk) => {
      for (const frame of parser.push(chunk)) void this.#answer(frame, connection)
    })
  }

  async #answer(frame: Buffer, connection: Connection): Promise<void> {
    const reader = new ByteReader(frame)
    const header = RequestHeader.parse(reader)
    const api = ApiKeys.forId(header.apiKey)!
    const body = api.request.decode(header.apiVersion, reader)
    const seen = { name: api.name, header, body }
    this.seen.push(seen)
    const scripted = await this.answers[api.name]?.(seen)
    const answer = scripted ?? (await this.#usual(seen))
    if (answer === 'silent') return
    if (answer === 'close') return connection.destroy()
    const { apiVersion, correlationId } = header
    const response = encodeResponse(api, apiVersion, correlationId, answer)
    await connection.write(response).catch(() => undefined)
  }

  #usual({ name, body }: Seen): object | Promise<object> {
    const { world } = this
    const forEach = (
      topics: { name: string; partitions: { partition: number }[] }[],
      // biome-ignore lint/suspicious/noExplicitAny: as decoded
      answer: (key: string, asked: any) => object,
    ) => ({
      errorCode: 0,
      topics: topics.map(({ name: topic, partitions }) => ({
        name: topic,
        partitions: partitions.map((asked) => ({
          partition: asked.partition,
          errorCode: 0,
          ...answer(`${topic}-${asked.partition}`, asked),
        })),
      })),
    })
    switch (name) {
      case 'Metadata':
        return this.#metadata(body.topics)
      case 'Fetch':
        return this.#fetch(body)
      case 'ListOffsets':
        return forEach(body.topics, (key, { timestamp }) => {
          const start = world.logStart.get(key) ?? 0
          const end = start + (world.logs.get(key)?.length ?? 0)
          return { oldStyleOffsets: [timestamp === -2 ? start : end] }
        })
      case 'FindCoordinator': {
        const { id, host, port } = world.brokers[world.coordinator]!
        return { errorCode: 0, nodeId: id, host, port }
      }
      case 'OffsetCommit':
        return forEach(body.topics, (key, { committedOffset }) => {
          world.offsets.set(`${body.groupId}/${key}`, committedOffset)
          return {}
        })
      case 'OffsetFetch': {
        // biome-ignore lint/suspicious/noExplicitAny: as decoded
        const topics = body.topics.map(({ name: topic, partitionIndexes }: any) => ({
          name: topic,
          partitions: partitionIndexes.map((partition: number) => ({ partition })),
        }))
        return forEach(topics, (key) => ({
          committedOffset: world.offsets.get(`${body.groupId}/${key}`) ?? -1,
          metadata: '',
        }))
      }
      default:
        throw new Error(`${name} is not understood here`)
    }
  }

  #metadata(wanted: readonly { readonly name: string }[]): object {
    const { world } = this
    const topics = wanted.map(({ name }) => {
      const keys = [...world.logs.keys()].filter((key) => key.startsWith(`${name}-`))
      const partitions = keys.map((key) => {
        const leaderId = world.leaderOf(key)
        const partition = Number(key.slice(name.length + 1))
        const none = leaderId === -1
        const replicas = none ? [] : [leaderId]
        return {
          ...{ errorCode: none ? 5 : 0, partition, leaderId },
          ...{ replicaNodes: replicas, isrNodes: replicas },
        }
      })
      return { errorCode: 0, name, partitions }
    })
    const brokers = world.brokers.map(({ id: nodeId, host, port }) => ({
      ...{ nodeId, host, port },
    }))
    return { brokers, topics }
  }

  // biome-ignore lint/suspicious/noExplicitAny: as decoded
  async #fetch(body: any): Promise<object> {
    const answer = () => this.#fetchNow(body)
    const first = answer()
    if (first.ready) return first
    await this.world.appendedOr(body.maxWaitMs)
    return answer()
  }

  // biome-ignore lint/suspicious/noExplicitAny: as decoded
  #fetchNow(body: any): { ready: boolean; responses: object[] } {
    const { world } = this
    let ready = false
    // biome-ignore lint/suspicious/noExplicitAny: as decoded
    const responses = body.topics.map(({ topic, partitions }: any) => ({
      topic,
      partitions: partitions.map(
        // biome-ignore lint/suspicious/noExplicitAny: as decoded
        ({ partition, fetchOffset, partitionMaxBytes }: any) => {
          const key = `${topic}-${partition}`
          const start = world.logStart.get(key) ?? 0
          const values = world.logs.get(key) ?? []
          const end = start + values.length
          const base = { partition, highWatermark: end, records: Buffer.alloc(0) }
          if (world.leaderOf(key) !== this.id) {
            ready = true
            return { ...base, errorCode: Errors.NOT_LEADER_FOR_PARTITION.code }
          }
          if (fetchOffset < start || fetchOffset > end) {
            ready = true
            return { ...base, errorCode: Errors.OFFSET_OUT_OF_RANGE.code }
          }
          const wanted = values.slice(fetchOffset - start)
          if (wanted.length > 0) ready = true
          const records = messages(fetchOffset, wanted).subarray(0, partitionMaxBytes)
          return { ...base, errorCode: 0, records }
        },
      ),
    }))
    return { ready, responses }
  }
}

/** Messages in format 1, one after the other. */
export function messages(baseOffset: number, values: readonly string[]): Buffer {
  const sets = values.map((value, i) => {
    const record = { value: Buffer.from(value), timestamp: 1 }
    const options = { magic: 1, baseOffset: baseOffset + i }
    return MemoryRecords.withRecords(options, record).buffer
  })
  return Buffer.concat(sets)
}
