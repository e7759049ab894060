/**
 * # Requests that nobody sends
 *
 * A broker in memory, and peers that send it whatever fits the grammar of the protocol:
 * every API in every version, with names that are there and names that are not, numbers
 * that mean something and numbers at the ends of their range. A third of the frames is
 * damaged on top.
 *
 * What may come of it is an answer, a long wait or a closed connection. The broker never
 * reports a fault of its own, still serves a client afterwards, and shuts down.
 *
 * @module
 */
import { ByteReader } from '../../src/base/bytes/ByteReader.ts'
import { KafkaException } from '../../src/base/KafkaException.ts'
import { type LogLine, setLogLevel, setLogSink } from '../../src/base/logger.ts'
import {
  type MemoryPlatform,
  memoryPlatform,
} from '../../src/base/platform/memory/memory-platform.ts'
import type { AnyApi } from '../../src/protocol/Api.ts'
import { ApiKeys } from '../../src/protocol/ApiKeys.ts'
import type { AnyField, Fields, Scalar, WireType } from '../../src/protocol/fields.ts'
import { encodeRequest } from '../../src/protocol/framing.ts'
import { ControlledShutdown } from '../../src/protocol/messages/ControlledShutdown.ts'
import { LeaderAndIsr } from '../../src/protocol/messages/LeaderAndIsr.ts'
import { StopReplica } from '../../src/protocol/messages/StopReplica.ts'
import { UpdateMetadata } from '../../src/protocol/messages/UpdateMetadata.ts'
import { type KafkaCluster, startCluster } from '../../src/testing/start-cluster.ts'
import { type Dice, goodSets } from '../record/mutations.ts'
import { clientOf, createTopic, fetchTexts, produce } from '../server/clients.ts'

/** Who sends these is the controller, and is obeyed: a broker may lose all it has. */
const ofControllers: ReadonlySet<AnyApi> = new Set<AnyApi>([
  ...[LeaderAndIsr, StopReplica, UpdateMetadata, ControlledShutdown],
])

/** What one world was asked, and what came of it. */
export interface Outcome {
  readonly answered: number
  readonly closed: number
  /** Neither, when its peer had enough: a group that waits, a fetch that is not due. */
  readonly waiting: number
}

/** What the words and numbers of requests are drawn from; answers add to it. */
interface Pools {
  readonly names: string[]
  readonly numbers: number[]
  readonly producerIds: bigint[]
  readonly records: readonly Buffer[]
}

/**
 * Sends requests to a broker of its own.
 *
 * @param cases how many
 * @param asController whether requests that only a controller sends are among them
 * @throws Error with the case and its bytes, when the broker reports a fault of its own,
 *   serves no more, or does not shut down
 */
export async function askBroker(
  dice: Dice,
  cases: number,
  asController: boolean,
): Promise<Outcome> {
  const platform = memoryPlatform({ seed: 1 + dice.below(1000) })
  const faults: LogLine[] = []
  setLogSink((line) => isFault(line, asController) && faults.push(line))
  const level = setLogLevel('error')
  let last = 'nothing'
  try {
    const cluster = await platform.virtualClock.runUntil(startCluster({ platform }))
    await serves(platform, cluster, 'made')
    const apis = ApiKeys.all.filter((api) => asController || !ofControllers.has(api))
    const outcome = { answered: 0, closed: 0, waiting: 0 }
    const pools = poolsOf()
    for (let i = 0; i < cases; i++) {
      const api = dice.pick(apis)
      const version = dice.below(api.maxVersion + 1)
      const whole = requestOf(api, version, dice, pools)
      const isDamaged = dice.below(3) === 0
      const frame = isDamaged ? damaged(whole, dice) : whole
      last = `case ${i}, ${api.name} ${version}: ${frame.toString('hex')}`
      outcome[
        await send(platform, cluster, frame, isDamaged ? undefined : api, pools)
      ]++
      if (faults.length > 0) throw faults[0]?.cause ?? new Error(faults[0]?.message)
      if (i % 100 === 99 && !asController) await serves(platform, cluster, 'asked')
    }
    await platform.virtualClock.runUntil(cluster.close())
    return outcome
  } catch (cause) {
    throw new Error(last.slice(0, 4000), { cause })
  } finally {
    setLogSink(undefined)
    setLogLevel(level)
  }
}

/**
 * A fault of the broker's own. Where it obeys whoever claims to be the controller, what it
 * believes is no longer so, and it says that; a mistake in the code is a fault even then.
 */
function isFault({ level, cause }: LogLine, asController: boolean): boolean {
  if (level !== 'error' && level !== 'fatal') return false
  if (asController) return cause instanceof TypeError || cause instanceof RangeError
  return !(cause instanceof KafkaException)
}

/** Produces and fetches, as a client that knows nothing of it all. */
async function serves(
  { virtualClock }: MemoryPlatform,
  cluster: KafkaCluster,
  when: 'made' | 'asked',
): Promise<void> {
  const client = clientOf(cluster)
  if (when === 'made') {
    for (const name of ['alive', 't', 'u']) {
      await virtualClock.runUntil(createTopic(client, name, { partitions: 2 }))
    }
  }
  const { errorCode, baseOffset } = await virtualClock.runUntil(
    produce(client, 'alive', ['a']),
  )
  if (errorCode !== 0) throw new Error(`produce is answered with ${errorCode}`)
  const texts = await virtualClock.runUntil(fetchTexts(client, 'alive', baseOffset))
  if (texts.join() !== 'a') throw new Error(`fetch gives ${texts}`)
  client.close()
}

/** Sends one frame, and gives the broker a little time. */
async function send(
  { network, virtualClock }: MemoryPlatform,
  cluster: KafkaCluster,
  frame: Buffer,
  api: AnyApi | undefined,
  pools: Pools,
): Promise<keyof Outcome> {
  const port = cluster.brokers[0]?.boundPort() ?? 0
  const where = { host: '127.0.0.1', port, timeoutMs: 1000 }
  const connection = await virtualClock.runUntil(network.connect(where))
  let outcome: keyof Outcome = 'waiting'
  connection.onClose(() => {
    if (outcome === 'waiting') outcome = 'closed'
  })
  connection.onData((chunk) => {
    outcome = 'answered'
    if (api) learn(api, frame.readInt16BE(6), chunk, pools)
  })
  connection.write(frame).catch(() => undefined)
  await virtualClock.advance(frame.length % 10 === 0 ? 12_000 : 60)
  connection.end()
  return outcome
}

/** Takes what an answer gives out, for requests to come. */
function learn(api: AnyApi, version: number, answer: Buffer, pools: Pools): void {
  if (!['JoinGroup', 'InitProducerId', 'Fetch'].includes(api.name)) return
  const body = api.response.decode(version, new ByteReader(answer.subarray(8)))
  const { memberId, producerId, sessionId } = body as Record<string, unknown>
  if (typeof memberId === 'string') pools.names.splice(4, 1, memberId)
  if (typeof producerId === 'bigint') pools.producerIds.splice(2, 1, producerId)
  if (typeof sessionId === 'number') pools.numbers.splice(0, 1, sessionId)
}

function poolsOf(): Pools {
  const many = 2 ** 31 - 1
  return {
    names: [
      ...[
        't',
        't',
        't',
        'u',
        'a member',
        'g',
        'g',
        'g',
        'h',
        '',
        'nowhere',
        'ä',
        'a b',
      ],
      ...['__consumer_offsets', '__transaction_state', '0', '1', 'consumer', 'range'],
      ...['retention.ms', 'cleanup.policy', 'listeners', 'num.io.threads', 'compact'],
      ...['DIR', 'PLAIN', '/', '.', 'x'.repeat(300)],
    ],
    numbers: [
      ...[0, 0, 0, 0, 0, 0, 1, 1, 1, 1, 2, 2, 3, 4, 10, 100, 1000, 6000, 10_000],
      ...[-1, -1, -2, -3, many, -many - 1],
    ],
    producerIds: [-1n, 0n, 1n, 2n ** 63n - 1n, -(2n ** 63n)],
    records: [...goodSets(), Buffer.alloc(0)],
  }
}

/** A request of any content, as a frame. */
function requestOf(api: AnyApi, version: number, dice: Dice, pools: Pools): Buffer {
  const body = structOf(api.request.fields, version, dice, pools)
  const clientId = dice.pick([null, '', 'fuzz'])
  return encodeRequest(api, version, dice.below(9), clientId, body as never)
}

function structOf(fields: Fields, version: number, dice: Dice, pools: Pools): object {
  const entries = Object.entries(fields).map(([name, field]) => {
    return [name, fieldOf(field, version, dice, pools)] as const
  })
  return Object.fromEntries(entries)
}

function fieldOf(field: AnyField, version: number, dice: Dice, pools: Pools): unknown {
  if (version < field.since || version > field.until) return field.fallback?.()
  if (version >= field.nullableSince && dice.below(4) === 0) return null
  return anyOf(field.type, version, dice, pools)
}

function anyOf(type: WireType, version: number, dice: Dice, pools: Pools): unknown {
  if (typeof type === 'string') return scalars[type](dice, pools)
  if ('struct' in type) return structOf(type.struct, version, dice, pools)
  const length = dice.pick([0, 1, 1, 1, 2, 3])
  return Array.from({ length }, () => anyOf(type.arrayOf, version, dice, pools))
}

const scalars: { readonly [S in Scalar]: (dice: Dice, pools: Pools) => unknown } = {
  boolean: (dice) => dice.below(2) === 0,
  int8: (dice) => dice.pick([0, 1, 2, 3, -1, 127, -128]),
  int16: (dice) => dice.pick([0, 0, 1, 1, 2, -1, 32_767, -32_768]),
  int32: (dice, { numbers }) => dice.pick(numbers),
  int64: (dice, { numbers }) => dice.pick([...numbers, 2 ** 53, -(2 ** 62)]),
  producerId: (dice, { producerIds }) => dice.pick(producerIds),
  string: (dice, { names }) => dice.pick(names),
  bytes: (dice) =>
    dice.pick([Buffer.alloc(0), Buffer.from('x'), Buffer.alloc(40, 255)]),
  records: (dice, { records }) => dice.pick(records),
}

/** The frame with one to three places damaged; its length stays true, mostly. */
function damaged(whole: Buffer, dice: Dice): Buffer {
  let bytes = Buffer.from(whole)
  for (let times = 1 + dice.below(3); times > 0; times--) {
    const at = 8 + dice.below(Math.max(1, bytes.length - 8))
    const kind = dice.below(5)
    if (kind === 0) bytes[at] = dice.below(256)
    else if (kind === 1) bytes.subarray(at, at + 4).fill(dice.pick([0, 127, 128, 255]))
    else if (kind === 2) bytes = bytes.subarray(0, Math.max(12, at))
    else if (kind === 3) bytes = Buffer.concat([bytes, Buffer.alloc(3, 7)])
    else bytes.copyWithin(at, 8 + dice.below(bytes.length - 8), bytes.length)
  }
  if (dice.below(20) !== 0) bytes.writeInt32BE(bytes.length - 4)
  return bytes
}
