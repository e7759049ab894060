/**
 * # What a recording sees of a cluster
 *
 * While Kafka runs, the recorder looks at some of its objects. Here stands which, and what
 * of them is kept: enough to draw the cluster at every step, and no more.
 *
 *     broker/0                  what the broker says of itself
 *     partition/0/t-1           as broker 0 sees it: leader, epoch, in-sync set
 *     replica/0/t-1             broker 0's copy: batches, log end, high watermark
 *     waiting/0/7               an operation in a purgatory of broker 0
 *     znode//brokers/ids/0      a node of ZooKeeper
 *     wire/0.2                  the first Produce request of version 2, see `wires.ts`
 *     files/t-1                 segments that are cleaned, scanned or searched, see
 *                               `log-files.ts`, which keeps `search` and `batch`, too
 *
 * `cluster-state.ts` puts them together again.
 *
 * @module
 */
import type { Log } from '../log/Log.ts'
import type { LogSegment } from '../log/LogSegment.ts'
import type { DelayedOperation } from '../replica/DelayedOperation.ts'
import type { Partition } from '../replica/Partition.ts'
import type { Replica } from '../replica/Replica.ts'
import type { KafkaServer } from '../server/KafkaServer.ts'
import type { KafkaCluster } from '../testing/start-cluster.ts'
import type { Frame, Json, Seen, Watch } from '../trace/Recorder.ts'
import type { DataTree } from '../zookeeper/server/DataTree.ts'
import type { Txn } from '../zookeeper/server/txn.ts'
import { LogFilesWatch } from './log-files.ts'
import { adopt } from './recording-options.ts'
import { WireWatch } from './wires.ts'

/** Batches beyond this many are left out of a lane, the oldest first. */
const MOST_BATCHES = 24

/** Characters of a znode that are kept. */
const MOST_DATA = 300

/** Looks at the objects of one recording; remembers what it needs to tell them apart. */
export class ClusterWatch {
  /** What the recorder calls, by class. */
  readonly watches: Readonly<Record<string, Watch>>
  // A log does not know whose it is; the local copies that were seen do.
  readonly #copies = new WeakMap<Log, Replica>()
  readonly #batches = new WeakMap<Log, { key: string; rows: Json }>()
  readonly #waiting = new Map<DelayedOperation, string>()
  readonly #files = new LogFilesWatch()
  #operations = 0

  constructor() {
    const wires = new WireWatch()
    const watches: Record<string, Watch> = {
      KafkaServer: (self: KafkaServer) => seeBroker(self),
      Partition: (self: Partition) => this.#seePartition(self),
      Replica: (self: Replica) => this.#seeReplica(self),
      Log: (self: Log, args, frame) => this.#seeLog(self, args, frame),
      DelayedOperationPurgatory: (_self: never, args, frame) =>
        this.#seeWatched(args, frame),
      DelayedOperation: (self: DelayedOperation) => this.#seeOperation(self),
      DelayedFetch: (self: DelayedOperation) => this.#seeOperation(self),
      DelayedProduce: (self: DelayedOperation) => this.#seeOperation(self),
      DataTree: (self: DataTree, args) => seeTree(self, args),
      Processor: (_self: never, args, frame) => wires.see(args, frame),
      Cleaner: (_self: never, args) => this.#files.seeCleaner(args),
      LogSegment: (self: LogSegment, args, frame) =>
        this.#files.seeSegment(self, args, frame),
    }
    this.watches = watches
  }

  /** Looks at a whole cluster, as it is when a recording begins. */
  *seeCluster(
    cluster: Pick<KafkaCluster, 'brokers' | 'zooKeeperServer'>,
  ): Generator<Seen> {
    const tree = cluster.zooKeeperServer?.tree
    if (tree) for (const path of tree.paths()) yield* seeNode(tree, path)
    for (const broker of cluster.brokers) {
      yield* seeBroker(broker)

      // One that was shut down has closed its logs.
      if (broker.brokerState.currentState === 'NotRunning') continue
      adoptParts(broker)
      for (const partition of broker.replicaManager.nonOfflinePartitions()) {
        yield* this.#seePartition(partition)
      }
    }
  }

  *#seePartition(partition: Partition): Generator<Seen> {
    const local = partition.isOffline ? undefined : partition.getReplica()
    if (!local) return
    const isr = [...partition.inSyncReplicas].map(({ brokerId }) => brokerId)
    const remote = partition.assignedReplicas
      .filter((replica) => replica !== local)
      .map(({ brokerId, logEndOffset }) => [brokerId, logEndOffset.messageOffset])
    yield [
      `partition/${local.brokerId}/${partition.topicPartition.key}`,
      {
        leader: partition.leaderReplicaIdOpt ?? -1,
        epoch: partition.getLeaderEpoch(),
        isr: isr.sort((a, b) => a - b),
        remote,
      },
    ]
    yield* this.#seeReplica(local)
  }

  *#seeReplica(replica: Replica): Generator<Seen> {
    const { log, brokerId, topicPartition, highWatermark } = replica
    if (!log) return
    this.#copies.set(log, replica)
    yield [
      `replica/${brokerId}/${topicPartition.key}`,
      {
        start: log.logStartOffset,
        end: log.logEndOffset,
        highWatermark: highWatermark.messageOffset,
        batches: this.#batchesOf(log),
      },
    ]
  }

  *#seeLog(
    log: Log,
    args: Readonly<Record<string, unknown>>,
    frame: Frame,
  ): Generator<Seen> {
    const copy = this.#copies.get(log)
    if (copy) yield* this.#seeReplica(copy)
    yield* this.#files.seeAppend(log, args, frame)
    yield* this.#files.seeRetention(log, frame)
  }

  /** The batches of a log, read again only when the log has moved. */
  #batchesOf(log: Log): Json {
    const key = `${log.logStartOffset} ${log.logEndOffset} ${log.size}`
    const known = this.#batches.get(log)
    if (known?.key === key) return known.rows
    const rows = [...log.segments.values()].flatMap((segment) =>
      Array.from(segment.log.batches(), (batch) => [
        ...[batch.baseOffset, batch.lastOffset, batch.sizeInBytes],
        ...[batch.partitionLeaderEpoch],
      ]),
    )
    const kept = rows.slice(-MOST_BATCHES)
    this.#batches.set(log, { key, rows: kept })
    return kept
  }

  *#seeWatched(args: Readonly<Record<string, unknown>>, frame: Frame): Generator<Seen> {
    const { operation, watchKeys } = args as {
      readonly operation?: DelayedOperation
      readonly watchKeys?: readonly { readonly keyLabel: string }[]
    }
    if (frame.name !== 'DelayedOperationPurgatory.tryCompleteElseWatch') return
    if (!operation || !watchKeys || operation.isCompleted) return

    // The first look comes before the operation waits, the second after.
    const broker = /^broker (\d+)$/.exec(frame.actor)?.[1]
    if (broker === undefined) return
    if (!this.#waiting.has(operation)) {
      this.#waiting.set(operation, `waiting/${broker}/${++this.#operations}`)
    }
    yield* this.#seeOperation(operation)
  }

  *#seeOperation(operation: DelayedOperation): Generator<Seen> {
    const name = this.#waiting.get(operation)
    if (name === undefined) return
    if (operation.isCompleted) {
      this.#waiting.delete(operation)
      yield [name, undefined]
      return
    }
    const kind = operation.constructor.name.replace('Delayed', '')
    const { missingBytes, minBytes } = operation as Partial<{
      readonly missingBytes: () => number
      readonly minBytes: number
    }>
    if (!missingBytes || minBytes === undefined) yield [name, { kind }]
    else yield [name, { kind, missing: missingBytes.call(operation), of: minBytes }]
  }
}

/** Loops and sessions do not know whose they are; their broker does. */
function adoptParts(broker: KafkaServer): void {
  const { config, logCleaner, replicaManager, zkClient } = broker
  const actor = `broker ${config.brokerId}`
  const { fetcherThreadMap } = replicaManager.replicaFetcherManager
  for (const thread of fetcherThreadMap.values()) adopt(thread, actor)
  for (const thread of logCleaner?.threads ?? []) adopt(thread, actor)
  const { zooKeeperClient } = zkClient as unknown as { zooKeeperClient: object }
  adopt(zooKeeperClient, actor)
  adopt(broker.logManager, actor)
  adopt(broker.dynamicConfigManager, actor)
}

function* seeBroker(server: KafkaServer): Generator<Seen> {
  const { currentState } = server.brokerState
  yield [`broker/${server.config.brokerId}`, currentState]
}

/** After a transaction was applied: the nodes that it speaks of. */
function* seeTree(
  tree: DataTree,
  { txn, path }: Readonly<Record<string, unknown>>,
): Generator<Seen> {
  if (typeof path === 'string') yield* seeNode(tree, path)
  const applied = txn as Txn | undefined
  if (applied && 'path' in applied) yield* seeNode(tree, applied.path)
  if (applied && 'txns' in applied) {
    for (const each of applied.txns) yield* seeTree(tree, { txn: each })
  }
}

function* seeNode(tree: DataTree, path: string): Generator<Seen> {
  if (path === '/' || path.startsWith('/zookeeper')) return
  const node = tree.getNode(path)
  if (!node) {
    yield [`znode/${path}`, undefined]
    return
  }
  const text = node.data?.toString('utf8') ?? ''
  yield [
    `znode/${path}`,
    {
      data: text.length > MOST_DATA ? `${text.slice(0, MOST_DATA)}…` : text,
      ephemeral: node.stat.ephemeralOwner !== 0n,
      version: node.stat.version,
    },
  ]
}
