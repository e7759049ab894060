/**
 * # ScriptedBroker
 *
 * A broker that answers what a test tells it to, over a memory network.
 *
 * @module
 */
import { ByteReader } from '../../src/base/bytes/ByteReader.ts'
import type { Connection, Listener, Network } from '../../src/base/platform/Platform.ts'
import { ApiKeys } from '../../src/protocol/ApiKeys.ts'
import { encodeResponse, FrameParser } from '../../src/protocol/framing.ts'
import { RequestHeader } from '../../src/protocol/RequestHeader.ts'

/** A request as it came. */
export interface Seen {
  readonly header: RequestHeader
  // biome-ignore lint/suspicious/noExplicitAny: each test knows what it gets
  readonly body: any
  readonly connection: number
}

/** The response's fields; nothing to stay silent; `close` to drop the connection. */
export type Answer = (seen: Seen) => object | undefined | 'close'

/** Listens, remembers what it is asked, and answers by script. */
export class ScriptedBroker {
  /** Everything that was asked, in order. */
  readonly seen: Seen[] = []

  /** How many connections were accepted. */
  connections = 0

  /** By the API's name. */
  readonly answers: Record<string, Answer>

  readonly host: string
  readonly port: number
  #listener: Listener | undefined
  readonly #open = new Set<Connection>()

  constructor(host: string, port: number, answers: Record<string, Answer>) {
    this.host = host
    this.port = port
    this.answers = answers
  }

  async start(network: Network): Promise<this> {
    const { host, port } = this
    const onConnection = (c: Connection): void => this.#accept(c)
    this.#listener = await network.listen({ host, port, onConnection })
    return this
  }

  async stop(): Promise<void> {
    await this.#listener?.close()
    this.drop()
  }

  /** Drops all connections. */
  drop(): void {
    for (const connection of this.#open) connection.destroy()
  }

  #accept(connection: Connection): void {
    const parser = new FrameParser(1 << 20)
    const number = ++this.connections
    this.#open.add(connection)
    connection.onClose(() => this.#open.delete(connection))
    connection.onData((chunk) => {
      for (const frame of parser.push(chunk)) this.#answer(frame, connection, number)
    })
  }

  #answer(frame: Buffer, connection: Connection, number: number): void {
    const reader = new ByteReader(frame)
    const header = RequestHeader.parse(reader)
    const api = ApiKeys.forId(header.apiKey)!
    const body = api.request.decode(header.apiVersion, reader)
    const seen = { header, body, connection: number }
    this.seen.push(seen)
    const answer = this.answers[api.name]?.(seen)
    if (answer === 'close') connection.destroy()
    else if (answer !== undefined) {
      const { apiVersion, correlationId } = header
      const response = encodeResponse(api, apiVersion, correlationId, answer)
      connection.write(response).catch(() => undefined)
    }
  }
}

/** A Metadata answer: one partition for each entry of `leaders`, led by that broker. */
export function metadata(
  brokers: readonly ScriptedBroker[],
  topics: Readonly<Record<string, readonly number[]>>,
): object {
  return {
    brokers: brokers.map(({ host, port }, i) => ({ nodeId: i + 1, host, port })),
    topics: Object.entries(topics).map(([name, leaders]) => ({
      errorCode: 0,
      name,
      partitions: leaders.map((leaderId, partition) => ({
        errorCode: leaderId === -1 ? 5 : 0,
        partition,
        leaderId,
        replicaNodes: leaderId === -1 ? [] : [leaderId],
        isrNodes: leaderId === -1 ? [] : [leaderId],
      })),
    })),
  }
}

/** A Produce answer that takes everything at `baseOffset`, or refuses with an error. */
export function produced({ body }: Seen, baseOffset = 0, errorCode = 0): object {
  return {
    // biome-ignore lint/suspicious/noExplicitAny: as decoded
    responses: body.topicData.map(({ name, partitionData }: any) => ({
      name,
      partitionResponses: partitionData.map(({ index }: { index: number }) => ({
        index,
        errorCode,
        baseOffset,
      })),
    })),
  }
}
