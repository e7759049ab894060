/**
 * A broker of Apache Kafka 1.1.1 and one of ours, each alone in its cluster, side by side
 * on one ZooKeeper. A question goes to both as the same bytes; what is answered is read
 * back and compared.
 *
 *     compare(name, api, body) ──┬─▶ ours   ─▶ answer ─┐
 *                                └─▶ Apache ─▶ answer ─┴─▶ differences, a line each
 *
 * Not compared: ports, directories, ids drawn by chance, the words of error messages, the
 * order of what stands in a hash table, and the ten bytes before what gzip has packed.
 */
import { mkdtempSync, rmSync } from 'node:fs'
import { connect } from 'node:net'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { setTimeout as sleep } from 'node:timers/promises'
import { ByteReader } from '../../../src/base/bytes/ByteReader.ts'
import { nodePlatform } from '../../../src/base/platform/node/node-platform.ts'
import type { AnyApi, RequestInputOf, ResponseOf } from '../../../src/protocol/Api.ts'
import { encodeRequest } from '../../../src/protocol/framing.ts'
import { ApiVersions } from '../../../src/protocol/messages/ApiVersions.ts'
import { CreateTopics } from '../../../src/protocol/messages/CreateTopics.ts'
import { FindCoordinator } from '../../../src/protocol/messages/FindCoordinator.ts'
import { Metadata } from '../../../src/protocol/messages/Metadata.ts'
import { type KafkaCluster, startCluster } from '../../../src/testing/start-cluster.ts'
import { connectWithNodeZookeeperClient } from '../../../src/zookeeper/node-zookeeper-client-session.ts'
import { ZooKeeperServer } from '../../../src/zookeeper/server/ZooKeeperServer.ts'
import { ApacheBroker } from '../apache-kafka.ts'
import { plain } from './plain.ts'

/** What both are told: the same, also where a test cluster has defaults of its own. */
const config = {
  'broker.id': '0',
  'offsets.topic.num.partitions': '1',
  'offsets.topic.replication.factor': '1',
  'transaction.state.log.num.partitions': '1',
  'transaction.state.log.replication.factor': '1',
  'transaction.state.log.min.isr': '1',
  'group.initial.rebalance.delay.ms': '0',
  'controlled.shutdown.enable': 'false',
  'controlled.shutdown.retry.backoff.ms': '5000',
  'log.index.size.max.bytes': '10485760',
  'replica.fetch.backoff.ms': '1000',
}

/** Records stamped in 1970 stay while they are asked about. */
const kept = { 'retention.ms': '-1' }

/** The answers of both to one question; `undefined` where nothing was answered. */
export interface Answers<R> {
  readonly ours: R | undefined
  readonly apache: R | undefined
}

type Side = keyof Answers<unknown>

/** A question: the same for both, or made of what each has answered before. */
export type Body<A extends AnyApi> =
  | RequestInputOf<A>
  | ((side: Side) => RequestInputOf<A>)

/** See the top. */
export class BrokerPair {
  readonly #zooKeeper: ZooKeeperServer
  readonly #apache: ApacheBroker
  readonly #ours: KafkaCluster
  readonly #root: string
  #differences: string[] = []

  /** How many questions were asked. */
  asked = 0

  private constructor(
    zooKeeper: ZooKeeperServer,
    { apache, ours }: { apache: ApacheBroker; ours: KafkaCluster },
    root: string,
  ) {
    this.#zooKeeper = zooKeeper
    this.#apache = apache
    this.#ours = ours
    this.#root = root
  }

  /** Starts both, with the topics of offsets and of transactions. */
  static async start(): Promise<BrokerPair> {
    const root = mkdtempSync(join(tmpdir(), 'annotated-kafka-answers-'))
    const zooKeeper = new ZooKeeperServer({
      ...{ platform: nodePlatform(), host: '127.0.0.1', port: 0 },
    })
    await zooKeeper.startup()
    const connectString = `127.0.0.1:${zooKeeper.port}`
    const session = await connectWithNodeZookeeperClient({
      ...{ connectString, sessionTimeoutMs: 6000, connectionTimeoutMs: 6000 },
      ...{ onWatch() {}, onState() {} },
    })
    for (const path of ['/apache', '/ours']) {
      await session.create(path, null, 'PERSISTENT')
    }
    const isRegistered = async () =>
      (await session.exists('/apache/brokers/ids/0')) !== undefined
    const [apache, ours] = await Promise.all([
      ApacheBroker.start({
        ...{ dir: join(root, 'apache'), logDir: join(root, 'apache-logs') },
        ...{ zookeeperConnect: `${connectString}/apache`, config, isRegistered },
      }),
      startCluster({
        zookeeperConnect: `${connectString}/ours`,
        config: { ...config, 'log.dirs': join(root, 'ours-logs') },
      }),
    ])
    await session.close()
    const pair = new BrokerPair(zooKeeper, { apache, ours }, root)
    await pair.#untilCoordinatorsServe()
    return pair
  }

  /** Ends all of them. */
  async close(): Promise<void> {
    await this.#ours.close()
    await this.#apache.stop('SIGKILL')
    await this.#zooKeeper.shutdown()
    rmSync(this.#root, { recursive: true, force: true })
  }

  /** The differences since the last call, each once for all versions that have it. */
  takeDifferences(): string[] {
    const versions = new Map<string, number[]>()
    for (const line of this.#differences) {
      const [, version = '', text = ''] = /^(-?\d+) (.*)$/s.exec(line) ?? []
      versions.set(text, [...(versions.get(text) ?? []), Number(version)])
    }
    this.#differences = []
    return [...versions].map(([text, list]) => `v${list.join(',')} ${text}`)
  }

  /**
   * Asks both, in each version, and notes what differs.
   *
   * @param versions - which versions; all when absent
   * @returns the answers to the last question
   */
  async compare<A extends AnyApi>(
    name: string,
    api: A,
    body: Body<A>,
    versions: readonly number[] = versionsOf(api),
  ): Promise<Answers<ResponseOf<A>>> {
    let last: Answers<ResponseOf<A>> = { ours: undefined, apache: undefined }
    for (const version of versions) {
      last = await this.ask(api, version, body)
      const { ours, apache } = this.#plain(last)
      this.asked += 1
      for (const difference of differencesOf(ours, apache, '')) {
        this.#differences.push(`${version} ${api.name} ${name}${difference}`)
      }
    }
    return last
  }

  /** Asks both, and compares nothing. */
  async ask<A extends AnyApi>(
    api: A,
    version: number,
    body: Body<A>,
  ): Promise<Answers<ResponseOf<A>>> {
    const one = async (side: Side) => {
      const input =
        typeof body === 'function'
          ? (body as (side: Side) => RequestInputOf<A>)(side)
          : body
      const frame = encodeRequest(api, version, 7, 'client', input)
      const answer = await exchange(this.#port(side), frame)
      if (answer === undefined) return undefined
      const reader = new ByteReader(answer)
      reader.readInt32()
      return api.response.decode(version, reader) as ResponseOf<A>
    }
    const [ours, apache] = await Promise.all([one('ours'), one('apache')])
    return { ours, apache }
  }

  /**
   * Sends bytes to both, with their length in front.
   *
   * @param decode - reads an answer; when absent its bytes are compared
   */
  async compareBytes(name: string, bytes: Buffer, api?: AnyApi): Promise<void> {
    const size = Buffer.alloc(4)
    size.writeInt32BE(bytes.length)
    const version = bytes.length >= 4 ? bytes.readInt16BE(2) : 0
    await this.compareStream(name, Buffer.concat([size, bytes]), (answer) => {
      if (!api) return answer
      const reader = new ByteReader(answer)
      reader.readInt32()
      return api.response.decode(version, reader)
    })
  }

  /** Sends bytes to both as they are. */
  async compareStream(
    name: string,
    bytes: Buffer,
    decode: (answer: Buffer) => unknown = (answer) => answer,
  ): Promise<void> {
    const [ours, apache] = await Promise.all(
      (['ours', 'apache'] as const).map(async (side) => {
        const port = this.#port(side)
        const answer = await exchange(port, bytes)
        const value = answer === undefined ? 'no answer' : decode(answer)
        return plain(value, { port, root: this.#root })
      }),
    )
    this.asked += 1
    for (const difference of differencesOf(ours, apache, '')) {
      this.#differences.push(`0 bytes ${name}${difference}`)
    }
  }

  /** Makes topics, and waits until both have leaders for them. */
  async createTopics(
    ...topics: readonly (readonly [
      string,
      number?,
      Readonly<Record<string, string>>?,
    ])[]
  ): Promise<void> {
    const { ours, apache } = await this.ask(CreateTopics, 2, {
      topics: topics.map(([name, numPartitions = 1, configs = {}]) => ({
        ...{ name, numPartitions, replicationFactor: 1, assignments: [] },
        configs: Object.entries({ ...kept, ...configs }).map(([key, value]) => ({
          ...{ name: key, value },
        })),
      })),
      ...{ timeoutMs: 10_000, validateOnly: false },
    })
    const failed = [...(ours?.topics ?? []), ...(apache?.topics ?? [])].filter(
      ({ errorCode }) => errorCode !== 0,
    )
    if (failed.length > 0 || !ours || !apache) throw new Error(JSON.stringify(failed))
    await this.untilLed(...topics.map(([name]) => name))
  }

  /** Resolves when both say who leads the topics. */
  async untilLed(...names: readonly string[]): Promise<void> {
    await this.until(
      Metadata,
      1,
      { topics: names.map((name) => ({ name })) },
      (answer) =>
        answer.topics.every(
          (topic) =>
            topic.errorCode === 0 && topic.partitions.every((p) => p.errorCode === 0),
        ),
    )
  }

  /** Asks both again until both answer so. */
  async until<A extends AnyApi>(
    api: A,
    version: number,
    body: Body<A>,
    isSo: (answer: ResponseOf<A>) => boolean,
  ): Promise<void> {
    for (let tries = 0; ; tries++) {
      const { ours, apache } = await this.ask(api, version, body)
      if (ours && apache && isSo(ours) && isSo(apache)) return
      if (tries === 100) throw new Error(JSON.stringify(this.#plain({ ours, apache })))
      await sleep(50)
    }
  }

  async #untilCoordinatorsServe(): Promise<void> {
    for (const keyType of [0, 1]) {
      const key = 'first'
      await this.until(FindCoordinator, 1, { key, keyType }, (a) => a.errorCode === 0)
    }
    await this.untilLed('__consumer_offsets', '__transaction_state')
  }

  #plain(answers: Answers<unknown>): Answers<unknown> {
    const one = (side: Side) =>
      plain(answers[side] ?? 'no answer', { port: this.#port(side), root: this.#root })
    return { ours: one('ours'), apache: one('apache') }
  }

  #port(side: Side): number {
    if (side === 'apache') return this.#apache.port
    const [broker] = this.#ours.brokers
    if (!broker) throw new Error('there is no broker')
    return broker.boundPort()
  }
}

/** All versions of an API, or those from one on. */
export function versionsOf(api: AnyApi, from = 0): number[] {
  return Array.from({ length: api.maxVersion + 1 - from }, (_, i) => i + from)
}

/**
 * Sends bytes on a connection of their own, and a known question after them: it is
 * answered when they were not, and did not end the connection.
 *
 * @returns the answer without its length; `undefined` when there was none
 */
function exchange(port: number, bytes: Buffer): Promise<Buffer | undefined> {
  const mark = 0x7ffffff0
  return new Promise((resolve, reject) => {
    const socket = connect(port, '127.0.0.1')
    const timer = setTimeout(() => {
      socket.destroy()
      reject(new Error(`no answer in 20 s to ${bytes.toString('hex', 0, 200)}`))
    }, 20_000)
    let got = Buffer.alloc(0)
    const end = (answer: Buffer | undefined) => {
      clearTimeout(timer)
      socket.destroy()
      resolve(answer)
    }
    socket.on('data', (chunk) => {
      got = Buffer.concat([got, chunk])
      if (got.length < 8 || got.length < 4 + got.readInt32BE(0)) return
      const frame = got.subarray(4, 4 + got.readInt32BE(0))
      end(frame.readInt32BE(0) === mark ? undefined : frame)
    })
    socket.on('close', () => end(undefined))
    socket.on('error', () => end(undefined))
    socket.write(
      Buffer.concat([bytes, encodeRequest(ApiVersions, 0, mark, 'mark', {})]),
    )
  })
}

/** Where two plain values differ: ` at.path: ours …, apache …`. */
function differencesOf(ours: unknown, apache: unknown, at: string): string[] {
  if (JSON.stringify(ours) === JSON.stringify(apache)) return []
  if (isTable(ours) && isTable(apache)) {
    const keys = new Set([...Object.keys(ours), ...Object.keys(apache)])
    return [...keys].flatMap((key) =>
      differencesOf(ours[key], apache[key], at === '' ? ` ${key}` : `${at}.${key}`),
    )
  }
  const [left, right] = [ours, apache].map((x) => JSON.stringify(x)?.slice(0, 300))
  return [`${at}: ours ${left}, apache ${right}`]
}

function isTable(value: unknown): value is Record<string, unknown> {
  return typeof value === 'object' && value !== null && !Array.isArray(value)
}
