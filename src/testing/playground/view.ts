/**
 * # What a playground shows
 *
 * One plain object: the state that the cluster picture draws, and beside it the clients,
 * what became of each record, and which acknowledged ones are in no leader's log any more.
 *
 * A broker that is down keeps its replicas in the picture, as they lie on its disk. The
 * high watermark of such a copy is the one that was last written down.
 *
 * @module
 */

import { CorruptRecordException } from '../../base/errors.ts'
import type { TopicPartition } from '../../base/TopicPartition.ts'
import type { Log } from '../../log/Log.ts'
import { MemoryRecords } from '../../record/MemoryRecords.ts'
import type { Json } from '../../trace/Recorder.ts'
import { type ClusterState, clusterOf } from '../../traces/cluster-state.ts'
import { ClusterWatch } from '../../traces/watches.ts'
import type { SimulatedBroker } from '../simulation/SimulatedBroker.ts'
import type { Playground, SentRecord } from './Playground.ts'
import { type ConsumerStatus, GROUP } from './PlaygroundConsumer.ts'

/** A consumer, as the page shows it. */
export interface ConsumerView {
  readonly name: string
  readonly status: ConsumerStatus
  /** Partitions whose owner it is, by ZooKeeper. */
  readonly owns: readonly string[]
  readonly consumed: number
  readonly latest: readonly string[]
}

/** What a broker's machine does. */
export type MachineStatus = 'runs' | 'starts' | 'frozen' | 'down'

/** A partition at a glance. */
export interface PartitionSummary {
  readonly partition: string
  /** By ZooKeeper; -1 for nobody. */
  readonly leader: number
  readonly leaderEpoch: number
  readonly isr: readonly number[]
  /** Of the leader's log; undefined while nobody leads. */
  readonly logEndOffset: number | undefined
  readonly highWatermark: number | undefined
}

/** Everything that the page shows. */
export interface PlaygroundView {
  /** Virtual time since the world began, in ms. */
  readonly timeMs: number
  readonly cluster: ClusterState
  readonly machines: readonly MachineStatus[]
  readonly partitions: readonly PartitionSummary[]
  readonly consumers: readonly ConsumerView[]
  readonly sent: readonly SentRecord[]
  /** Acknowledged values that the leader of their partition does not have. */
  readonly missing: readonly string[]
  readonly cuts: readonly string[]
  /** Brokers whose disk is slow. */
  readonly slowDisks: readonly number[]
  /** What happened, the latest last. */
  readonly lines: readonly string[]
}

const watches = new WeakMap<Playground, ClusterWatch>()

/** The log directory of every broker. */
const LOG_DIR = '/kafka'

/** Looks at a playground. Changes nothing in it. */
export function viewOf(playground: Playground): PlaygroundView {
  const { cluster, consumers, sent, lines, cuts } = playground
  const facts = factsOf(playground)
  const actors = ['zookeeper', ...cluster.brokers.map(({ id }) => `broker ${id}`)]
  if (sent.length > 0) actors.push('producer')
  for (const { name, status } of consumers) if (status !== 'gone') actors.push(name)
  return {
    timeMs: cluster.world.virtualClock.monotonic(),
    cluster: clusterOf(facts, actors),
    machines: cluster.brokers.map(machineStatus),
    partitions: cluster.partitions.map((tp): PartitionSummary => {
      const { leader = -1, leaderEpoch = -1, isr = [] } = cluster.stateOf(tp) ?? {}
      const replica = cluster.brokers[leader]?.server?.replicaManager.getReplica(tp)
      return {
        ...{ partition: tp.key, leader, leaderEpoch, isr },
        logEndOffset: replica?.logEndOffset.messageOffset,
        highWatermark: replica?.highWatermark.messageOffset,
      }
    }),
    consumers: consumers.map(({ name, status, consumed, latest }) => ({
      ...{ name, status, consumed, latest: [...latest] },
      owns: cluster.partitions
        .filter(({ topic, partition }) => {
          const path = `/consumers/${GROUP}/owners/${topic}/${partition}`
          const owner = String(cluster.zooKeeper.peek(path)?.data ?? '')
          return owner.startsWith(`${GROUP}_${name}-`)
        })
        .map(({ key }) => key),
    })),
    sent: sent.map((record) => ({ ...record })),
    missing: missingOf(playground),
    cuts: [...cuts].sort(),
    slowDisks: cluster.brokers.filter((b) => b.hasSlowDisk).map(({ id }) => id),
    lines: [...lines],
  }
}

function machineStatus(broker: SimulatedBroker): MachineStatus {
  if (!broker.isUp) return 'down'
  if (broker.isPaused) return 'frozen'
  return broker.server ? 'runs' : 'starts'
}

/** Named values of everything that runs, and the disks of what does not. */
function factsOf(playground: Playground): Map<string, Json> {
  const { cluster } = playground
  const watch = watches.get(playground) ?? new ClusterWatch()
  watches.set(playground, watch)
  const facts = new Map<string, Json>()
  const brokers = cluster.brokers.flatMap(({ server }) => server ?? [])
  const { zooKeeper: zooKeeperServer } = cluster
  for (const [name, value] of watch.seeCluster({ brokers, zooKeeperServer })) {
    if (value !== undefined) facts.set(name, value)
  }
  for (const broker of cluster.brokers) {
    const mine = `replica/${broker.id}/`
    const status = machineStatus(broker)
    if (status !== 'runs') {
      const words = { starts: 'Starting', frozen: 'Frozen', down: 'NotRunning' }
      facts.set(`broker/${broker.id}`, words[status])
    }
    if (broker.server) continue
    for (const tp of cluster.partitions) {
      const copy = onDisk(broker, tp)
      if (copy) facts.set(`${mine}${tp.key}`, copy)
    }
  }
  return facts
}

/** What the disk of a broker that does not run holds of a partition. */
function onDisk({ machine }: SimulatedBroker, tp: TopicPartition): Json | undefined {
  const { storage } = machine
  const directory = `${LOG_DIR}/${tp.key}`
  if (!storage.exists(directory)) return undefined
  const batches = storage
    .readdir(directory)
    .filter((name) => name.endsWith('.log'))
    .sort()
    .flatMap((name) => {
      return batchesIn(storage.readFile(`${directory}/${name}`))
    })
  const checkpoint = `${LOG_DIR}/replication-offset-checkpoint`
  const saved = storage.exists(checkpoint) ? String(storage.readFile(checkpoint)) : ''
  const line = saved
    .split('\n')
    .find((l) => l.startsWith(`${tp.topic} ${tp.partition} `))
  return {
    start: 0,
    end: (batches.at(-1)?.[1] ?? -1) + 1,
    highWatermark: Number(line?.split(' ')[2] ?? 0),
    batches,
  }
}

/** The batches of a file, as rows; those before a damaged one when there is one. */
function batchesIn(file: Buffer): number[][] {
  const rows: number[][] = []
  try {
    for (const batch of new MemoryRecords(file).batches()) {
      const { baseOffset, lastOffset, sizeInBytes, partitionLeaderEpoch } = batch
      rows.push([baseOffset, lastOffset, sizeInBytes, partitionLeaderEpoch])
    }
  } catch (error) {
    if (!(error instanceof CorruptRecordException)) throw error
  }
  return rows
}

/** Acknowledged records that are gone: the leader has a log without them. */
function missingOf({ cluster, sent }: Playground): string[] {
  const missing: string[] = []
  for (const tp of cluster.partitions) {
    const { leader = -1 } = cluster.stateOf(tp) ?? {}
    const partition = cluster.brokers[leader]?.server?.replicaManager.getPartition(tp)
    const log = partition?.leaderReplicaIfLocal?.log
    if (!log) continue
    const there = valuesOf(log)
    for (const record of sent) {
      const isHere = record.partition === tp.partition
      if (isHere && record.fate === 'acknowledged' && !there.has(record.value)) {
        missing.push(record.value)
      }
    }
  }
  return missing
}

function valuesOf(log: Log): Set<string> {
  const values = new Set<string>()
  for (const segment of log.segments.values()) {
    for (const batch of segment.log.batches()) {
      for (const record of batch) values.add(String(record.value))
    }
  }
  return values
}
