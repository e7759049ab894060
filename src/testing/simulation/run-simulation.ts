/**
 * # runSimulation
 *
 * One seed, one history: starts a cluster, lets producers write and consumers read while
 * faults strike, lets everything heal, and holds what was seen against what is promised.
 *
 *     start ─▶ faults, writes, reads ─▶ heal ─▶ whole within a bound? ─▶ read all ─▶ judge
 *
 * @module
 */

import { crc32c } from '../../base/crc.ts'
import { SeededRandom } from '../../base/platform/memory/SeededRandom.ts'
import type { TopicPartition } from '../../base/TopicPartition.ts'
import { HistoryCheck, type ReplicaAtEnd } from '../faults/history-check.ts'
import { EventLog } from './event-log.ts'
import { FaultInjector } from './FaultInjector.ts'
import { SimulatedCluster } from './SimulatedCluster.ts'
import { SimulatedConsumer } from './SimulatedConsumer.ts'
import { SimulatedProducer } from './SimulatedProducer.ts'
import { drawSchedule, type Schedule, type ScheduleLimits } from './schedule.ts'

/** Virtual time within which all partitions must be whole after the last fault, in ms. */
const HEALED_LIMIT_MS = 30_000

/** Virtual time that a whole run may take, in ms. */
const RUN_LIMIT_MS = 600_000

/** What became of a seed. */
export interface SimulationResult {
  readonly seed: number
  readonly schedule: Schedule
  readonly check: HistoryCheck
  readonly log: EventLog
  /** Equal for two runs that are the same. */
  readonly digest: string
  readonly faults: number
  readonly virtualMs: number
  /** Leader epochs that were begun in all partitions. */
  readonly elections: number
}

/**
 * Runs the history of a seed.
 *
 * @param limits - what the schedule is drawn from; everything when left out
 * @throws when the cluster cannot be started, or hangs; with the log
 */
export async function runSimulation(
  seed: number,
  limits?: ScheduleLimits,
): Promise<SimulationResult> {
  const schedule = drawSchedule(new SeededRandom(seed ^ 0x5eed), limits)
  const check = new HistoryCheck()
  const cluster = new SimulatedCluster({
    ...{ seed, check, log: (world) => new EventLog(world.clock) },
    brokers: schedule.brokers,
    partitions: schedule.partitions,
    latencyMs: schedule.latencyMs,
    flushed: schedule.disk === 'always-flushed',
    replicaFetchBytes: schedule.replicaFetchBytes,
  })
  const { virtualClock } = cluster.world
  const injector = new FaultInjector(cluster, schedule)
  try {
    await virtualClock.runUntil(live(cluster, injector, check), RUN_LIMIT_MS)
  } catch (error) {
    throw new Error(`seed ${seed}: ${error}\n${cluster.log}`, { cause: error })
  } finally {
    cluster.end()
  }

  // The next number of the world's chance tells whether two runs drew equally often.
  cluster.log.note(`${cluster.world.random.next()} ${virtualClock.monotonic()}`)
  const states = cluster.partitions.map((p) => cluster.stateOf(p)?.leaderEpoch ?? 0)
  return {
    ...{ seed, schedule, check, log: cluster.log, digest: cluster.log.digest },
    faults: injector.struck,
    virtualMs: virtualClock.monotonic(),
    elections: states.reduce((sum, epoch) => sum + epoch + 1, 0),
  }
}

/** The life of a cluster. */
async function live(
  cluster: SimulatedCluster,
  injector: FaultInjector,
  check: HistoryCheck,
): Promise<void> {
  await cluster.start()
  cluster.log.add('whole; faults begin')
  const stopWatching = cluster.watchBrokers()

  // Write and read while faults strike.
  const { producers, consumers } = clients(cluster, check)
  const running = [...producers, ...consumers].map((client) => client.run())
  await injector.run()
  cluster.log.add('faults end')
  injector.heal()

  // Give it time to heal, then let what is under way arrive.
  await cluster.until(() => cluster.isWhole(), HEALED_LIMIT_MS)
  cluster.log.add(cluster.isWhole() ? 'whole again' : 'not whole again')
  checkWhole(cluster, check)
  if (!cluster.isWhole()) return
  for (const producer of producers) producer.stop()
  const stopped = Promise.all(running.slice(0, producers.length)).then(() => true)
  const inTime = cluster.world.clock.sleep(HEALED_LIMIT_MS).then(() => false)
  if (!(await Promise.race([stopped, inTime]))) {
    throw new Error('a producer hangs on a cluster that is whole')
  }
  for (const consumer of consumers) consumer.stop()
  await Promise.all(running)

  // It may have lost a member again that was in sync in name only.
  await cluster.until(() => cluster.isWhole(), HEALED_LIMIT_MS)
  checkWhole(cluster, check)
  if (cluster.isWhole()) await judge(cluster, check)
  stopWatching()
}

function checkWhole(cluster: SimulatedCluster, check: HistoryCheck): void {
  for (const topicPartition of cluster.partitions) {
    const { leader = -1, isr = [] } = cluster.stateOf(topicPartition) ?? {}
    const replicas = cluster.replicasOf(topicPartition)
    check.partitionAtEnd({ partition: topicPartition.key, leader, isr, replicas })
  }
}

/** Two writers and a reader for each partition. */
function clients(cluster: SimulatedCluster, check: HistoryCheck) {
  const { world, log, partitions } = cluster
  const host = world.onHost('clients')
  const of = { platform: host, brokers: cluster.brokers.length, check, log }
  const producers = partitions.flatMap((topicPartition) =>
    [true, false].map((idempotent) => {
      const name = `${idempotent ? 'i' : 'p'}${topicPartition.partition}`
      return new SimulatedProducer({ ...of, name, topicPartition, idempotent })
    }),
  )
  const consumers = partitions.map((topicPartition) => {
    const name = `c${topicPartition.partition}`
    const onRecord = check.consumed.bind(check)
    return new SimulatedConsumer({ ...of, name, topicPartition, onRecord })
  })
  return { producers, consumers }
}

/** Reads everything again, as a consumer and from the disks. */
async function judge(cluster: SimulatedCluster, check: HistoryCheck): Promise<void> {
  const host = cluster.world.onHost('judge')
  const of = { platform: host, brokers: cluster.brokers.length, log: cluster.log }
  for (const topicPartition of cluster.partitions) {
    const records: { partition: string; offset: number; value: string }[] = []
    const onRecord = (record: (typeof records)[number]) => records.push(record)
    const reader = new SimulatedConsumer({
      ...{ ...of, name: 'judge', topicPartition, onRecord },
    })
    const reading = reader.run()
    if (!(await cluster.until(() => reader.isAtEnd, HEALED_LIMIT_MS))) {
      throw new Error(`the end of ${topicPartition.key} cannot be read`)
    }
    reader.stop()
    await reading
    check.finalLog(topicPartition.key, records)

    // All high watermarks reach the end when nobody writes.
    const replicas = () => replicasAtEnd(cluster, topicPartition)
    await cluster.until(
      () => new Set(replicas().map((replica) => replica.highWatermark)).size === 1,
      HEALED_LIMIT_MS,
    )
    check.replicasAtEnd(replicas())
    cluster.log.add(`${topicPartition.key} ends at ${reader.position}`)
  }
}

function replicasAtEnd(
  cluster: SimulatedCluster,
  topicPartition: TopicPartition,
): ReplicaAtEnd[] {
  return cluster.replicasOf(topicPartition).flatMap((broker) => {
    const replica =
      cluster.brokers[broker]?.server?.replicaManager.getReplica(topicPartition)
    if (replica?.log === undefined) return []
    const batches = replica.log.logSegments.flatMap((segment) =>
      Array.from(segment.log.batches(), (batch) => ({
        baseOffset: batch.baseOffset,
        lastOffset: batch.lastOffset,
        leaderEpoch: batch.partitionLeaderEpoch,
        digest: `${batch.sizeInBytes}:${crc32c(batch.buffer)}`,
      })),
    )
    const highWatermark = replica.highWatermark.messageOffset
    return [{ partition: topicPartition.key, broker, highWatermark, batches }]
  })
}
