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
import { type AimName, aimNames, aims } from './aims.ts'

/** Whom a fault strikes: a broker by its part, at the time when it strikes. */
export type Victim =
  | 'leader'
  | 'controller'
  | 'follower'
  | 'any'
  /** A member of the ISR that neither leads nor came into it last. */
  | 'elder'

/** What a fault can wait for, seen in ZooKeeper: of its partition, or a new controller. */
export type Moment =
  | 'isr-grows'
  | 'isr-shrinks'
  | 'leader-elected'
  | 'controller-elected'

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
  /** What it sends to other brokers takes 0.2 to 0.8 s longer. */
  | 'slow'
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
  /** What it waits for after the entry before; when that does not come, it never strikes. */
  readonly when?: Moment
  /** Ms since the entry before, or since the moment. */
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
  /** Most bytes of a partition in one fetch of a follower; it gets a batch at least. */
  readonly replicaFetchBytes: number
  /** What the faults aim at; undefined when they fall as they may. */
  readonly aim: AimName | undefined
  readonly faults: readonly Fault[]
}

/** What narrows a schedule; left out, a seed draws from everything. */
export interface ScheduleLimits {
  /** Kinds of faults to draw from. */
  readonly only?: readonly FaultKind[]
  /** What to aim at; 'none' for faults that fall as they may. */
  readonly aim?: AimName | 'none'
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

/** How often an aimed schedule tells its story. */
const ROUNDS = 2

/** What a follower fetches of a partition at most, when nothing else is said: 1 MB. */
const REPLICA_FETCH_BYTES = 1 << 20

/** Draws the schedule of a seed. */
export function drawSchedule(random: Random, limits: ScheduleLimits = {}): Schedule {
  const { only } = limits
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
  const latencyMs = pick([1, 3, 3, 12])
  const unaimed: Schedule = {
    ...{ brokers, partitions, latencyMs, disk, faults },
    ...{ replicaFetchBytes: REPLICA_FETCH_BYTES, aim: undefined },
  }

  // Aim half of the schedules: a few faults as they fall, then a story in three rounds.
  const isAimed = random.nextInt(2) === 0
  const aim = limits.aim ?? (isAimed && only === undefined ? pick(aimNames) : 'none')
  if (aim === 'none') return unaimed
  const rounds = Array.from({ length: ROUNDS }, () => aims[aim](random)).flat()
  const replicaFetchBytes = pick([1, 300, REPLICA_FETCH_BYTES])
  const before = faults.slice(0, random.nextInt(3))
  return { ...unaimed, aim, replicaFetchBytes, faults: [...before, ...rounds] }
}
