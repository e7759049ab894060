/**
 * # The schedule of a simulated run
 *
 * Which fault strikes when and for how long, drawn from a seed before the run begins: so
 * that a changed product meets the same schedule. Whom it strikes is partly decided in the
 * run ("the leader of partition 0"), since that finds more than a fixed broker.
 *
 * @module
 */
import type { Random } from '../../base/platform/Platform.ts'

/** Whom a fault strikes: a broker by its part, at the time when it strikes. */
export type Victim = 'leader' | 'controller' | 'follower' | 'any'

/** What can happen. */
export type FaultKind =
  /** The process dies; what it wrote survives in the page cache. */
  | 'kill'
  /** The machine dies, and what was not flushed with it. */
  | 'power'
  /** The process stands still. */
  | 'pause'
  /** No packet passes between it and every other broker. */
  | 'cut-brokers'
  /** No packet passes between it and one other broker. */
  | 'cut-one'
  /** No packet passes between it and ZooKeeper. */
  | 'cut-zookeeper'
  /** No packet passes at all. */
  | 'isolate'
  /** Connections break, and can be made again. */
  | 'reset'
  /** ZooKeeper gives up its session. */
  | 'expire'
  /** Somebody deletes the controller's node: another election. */
  | 'move-controller'
  /** It shuts down in order, and starts again. */
  | 'shutdown'
  /** Partitions go back to their first replica. */
  | 'preferred-election'
  /** A partition moves to other brokers. */
  | 'reassign'

/** One entry of a schedule. */
export interface Fault {
  readonly kind: FaultKind
  readonly victim: Victim
  /** Ms since the entry before. */
  readonly afterMs: number
  /** Ms until it is taken back. */
  readonly lastsMs: number
  /** Chooses among what is equal: a broker, a partition. */
  readonly choice: number
}

/** What a seed decides. */
export interface Schedule {
  readonly brokers: number
  readonly partitions: number
  readonly latencyMs: number
  /** What a machine that loses power keeps; see {@link FaultKind}. */
  readonly disk: 'process-only' | 'one-tail-at-a-time' | 'always-flushed'
  readonly faults: readonly Fault[]
}

const kinds: readonly (readonly [kind: FaultKind, weight: number])[] = [
  ['kill', 5],
  ['power', 4],
  ['pause', 4],
  ['cut-brokers', 4],
  ['cut-one', 4],
  ['cut-zookeeper', 3],
  ['isolate', 3],
  ['reset', 2],
  ['expire', 4],
  ['move-controller', 2],
  ['shutdown', 3],
  ['preferred-election', 3],
  ['reassign', 2],
]

const victims: readonly Victim[] = [
  'leader',
  'leader',
  'leader',
  'follower',
  'controller',
  'any',
]

/**
 * Draws the schedule of a seed.
 *
 * @param only - kinds of faults to draw from; all when left out
 */
export function drawSchedule(random: Random, only?: readonly FaultKind[]): Schedule {
  const pick = <T>(from: readonly T[]): T => from[random.nextInt(from.length)] as T
  const brokers = pick([3, 3, 4])
  const disk = pick(['process-only', 'one-tail-at-a-time', 'always-flushed'] as const)
  const pool = kinds
    .filter(([kind]) => only === undefined || only.includes(kind))
    .flatMap(([kind, weight]) => Array<FaultKind>(weight).fill(kind))
  const count = 4 + random.nextInt(7)

  // Faults come in bursts: many findings need two within one round trip or one timeout.
  const faults = Array.from({ length: count }, (): Fault => {
    const kind = pick(pool)
    return {
      kind: kind === 'power' && disk === 'process-only' ? 'kill' : kind,
      victim: pick(victims),
      afterMs: random.nextInt(pick([5, 60, 400, 1500, 2500])),
      lastsMs: 10 + random.nextInt(pick([60, 600, 1500, 3000])),
      choice: random.nextInt(1 << 16),
    }
  })
  const partitions = pick([1, 2])
  return { brokers, partitions, latencyMs: pick([1, 3, 3, 12]), disk, faults }
}
