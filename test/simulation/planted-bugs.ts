/**
 * Bugs planted into the product from outside, one at a time: each replaces a method while
 * its history runs. The seed beside each showed the bug when it was planted; any change of
 * the product may shift what a seed shows, so the test tries some more from there on. Some
 * bugs show only when faults aim at them; half of all schedules aim at something.
 */
import { Errors } from '../../src/base/errors.ts'
import { MemoryStorage } from '../../src/base/platform/memory/MemoryStorage.ts'
import { TopicPartitionMap } from '../../src/base/TopicPartitionMap.ts'
import { PartitionLeaderElectionAlgorithms } from '../../src/controller/PartitionLeaderElectionAlgorithms.ts'
import type { ProducerAppendInfo } from '../../src/log/ProducerAppendInfo.ts'
import { ProducerStateEntry } from '../../src/log/ProducerStateEntry.ts'
import { ProducerStateManager } from '../../src/log/ProducerStateManager.ts'
import type { EpochEndOffset } from '../../src/network/fetcher/AbstractFetcherThread.ts'
import { LocalPartitions } from '../../src/replica/LocalPartitions.ts'
import { Partition } from '../../src/replica/Partition.ts'
import { ReplicaFetcherThread } from '../../src/replica/ReplicaFetcherThread.ts'
import { ReplicaManager } from '../../src/replica/ReplicaManager.ts'
import type { AimName } from '../../src/testing/simulation/aims.ts'
import { LeaderAndIsr } from '../../src/zk/LeaderAndIsr.ts'
import { ZNodeAccess } from '../../src/zk/ZNodeAccess.ts'

/** One bug. */
export interface PlantedBug {
  readonly name: string
  /** The seed from which on histories are tried. */
  readonly seed: number
  /** What its schedules aim at; 'none' for faults that fall as they may. */
  readonly aim: AimName | 'none'
  /** A rule that it breaks there. */
  readonly finds: string
  /** Plants it. @returns what takes it out again */
  plant(): () => void
}

/** Replaces a method. @returns what puts the right one back */
function replace<T extends object, K extends keyof T>(
  target: T,
  name: K,
  make: (original: T[K]) => T[K],
): () => void {
  const own = Object.getOwnPropertyDescriptor(target, name)
  const value = make(target[name])
  Object.defineProperty(target, name, { value, configurable: true, writable: true })
  return () => {
    if (own === undefined) delete target[name]
    else Object.defineProperty(target, name, own)
  }
}

const partition = Partition.prototype
const fetcher = ReplicaFetcherThread.prototype

/** The bugs; the page "How we know" lists them. */
export const plantedBugs: readonly PlantedBug[] = [
  {
    name: 'acknowledges before the high watermark',
    seed: 5,
    aim: 'none',
    finds: 'acknowledged-lost',
    plant: () =>
      replace(
        partition,
        'checkEnoughReplicasReachOffset',
        (original) =>
          function (this: Partition, offset) {
            const answer = original.call(this, offset)
            return this.leaderReplicaIfLocal
              ? { hasEnough: true, error: Errors.NONE }
              : answer
          },
      ),
  },
  {
    name: 'moves the high watermark to its own log end',
    seed: 5,
    aim: 'none',
    finds: 'acknowledged-lost',
    plant: () =>
      replace(partition, 'maybeIncrementLeaderHW', () => (leader) => {
        const { highWatermark, logEndOffset } = leader
        if (highWatermark.messageOffset >= logEndOffset.messageOffset) return false
        leader.setHighWatermark(logEndOffset)
        return true
      }),
  },
  {
    name: 'takes what it sends to a follower for what the follower has',
    seed: 53,
    aim: 'none',
    finds: 'acknowledged-lost',
    plant: () =>
      replace(
        partition,
        'updateReplicaLogReadResult',
        (original) =>
          function (this: Partition, replica, result) {
            const fetchOffsetMetadata =
              this.leaderReplicaIfLocal?.logEndOffset ?? result.info.fetchOffsetMetadata
            const info = { ...result.info, fetchOffsetMetadata }
            const changed = Object.create(result, { info: { value: info } })
            return original.call(this, replica, changed)
          },
      ),
  },
  {
    name: 'adopts an ISR that ZooKeeper refused',
    seed: 19,
    aim: 'none',
    finds: 'value-changed',
    plant: () =>
      replace(
        partition,
        'updateIsr',
        (original) =>
          async function (this: Partition, newIsr) {
            await original.call(this, newIsr)
            this.inSyncReplicas = newIsr
          },
      ),
  },
  {
    name: 'writes states to ZooKeeper whatever their version',
    seed: 13,
    aim: 'none',
    finds: 'epoch',
    plant: () =>
      replace(
        ZNodeAccess.prototype,
        'conditionalUpdatePath',
        (original) =>
          function (this: ZNodeAccess, path, data, _version, checker) {
            return original.call(this, path, data, -1, checker)
          },
      ),
  },
  {
    name: 'does not truncate',
    seed: 1,
    aim: 'none',
    finds: 'replicas-differ',
    plant: () =>
      replace(
        fetcher,
        'fetchEpochsFromLeader',
        (original) =>
          async function (this: ReplicaFetcherThread, epochs) {
            const answers = await original.call(this, epochs)
            for (const [topicPartition, { error }] of [...answers]) {
              answers.set(topicPartition, { error, endOffset: Number.MAX_SAFE_INTEGER })
            }
            return answers
          },
      ),
  },
  {
    name: 'elects a leader out of the ISR',
    seed: 20,
    aim: 'none',
    finds: 'acknowledged-lost',
    plant: () =>
      replace(
        PartitionLeaderElectionAlgorithms,
        'offlinePartitionLeaderElection',
        () => (assignment, _isr, live) => assignment.find((id) => live.has(id)),
      ),
  },
  {
    name: 'elects without a new leader epoch',
    seed: 1,
    aim: 'none',
    finds: 'epoch',
    plant: () =>
      replace(
        LeaderAndIsr.prototype,
        'newLeaderAndIsr',
        () =>
          function (this: LeaderAndIsr, leader, isr) {
            return new LeaderAndIsr(leader, this.leaderEpoch, isr, this.zkVersion)
          },
      ),
  },
  {
    name: 'shows consumers what is above the high watermark',
    seed: 1,
    aim: 'none',
    finds: 'past-high-watermark',
    plant: () =>
      replace(
        LocalPartitions.prototype,
        'readFromLocalLog',
        (original) =>
          function (this: LocalPartitions, params, partitions) {
            const all = { ...params, fetchOnlyCommitted: false }
            return original.call(this, all, partitions)
          },
      ),
  },
  {
    name: 'appends a batch that it has already',
    seed: 2,
    aim: 'none',
    finds: 'duplicate',
    plant: () => {
      const undo = replace(
        ProducerStateEntry.prototype,
        'findDuplicateBatch',
        () => () => undefined,
      )
      const undoCheck = replace(
        ProducerStateManager.prototype,
        'prepareUpdate',
        (original) =>
          function (this: ProducerStateManager, producerId) {
            return original.call(this, producerId, false)
          },
      )
      return () => {
        undo()
        undoCheck()
      }
    },
  },
  {
    name: 'forgets producers when a follower becomes leader',
    seed: 14,
    aim: 'none',
    finds: 'duplicate',
    plant: () => {
      const copied = new WeakSet<ProducerAppendInfo>()
      const undoPrepare = replace(
        ProducerStateManager.prototype,
        'prepareUpdate',
        (original) =>
          function (this: ProducerStateManager, producerId, isFromClient) {
            const info = original.call(this, producerId, isFromClient)
            if (!isFromClient) copied.add(info)
            return info
          },
      )
      const undo = replace(
        ProducerStateManager.prototype,
        'update',
        (original) =>
          function (this: ProducerStateManager, info) {
            if (!copied.has(info)) original.call(this, info)
          },
      )
      return () => {
        undo()
        undoPrepare()
      }
    },
  },
  {
    name: 'says that it flushed, and did not',
    seed: 15,
    aim: 'none',
    finds: 'acknowledged-lost',
    plant: () =>
      replace(
        MemoryStorage.prototype,
        'open',
        (original) =>
          function (this: MemoryStorage, path, mode) {
            const file = original.call(this, path, mode)
            if (!path.endsWith('.log')) return file
            file.syncNow = () => undefined
            file.sync = async () => undefined
            return file
          },
      ),
  },
  {
    name: 'lets any follower into the ISR',
    seed: 1,
    aim: 'newcomer',
    finds: 'acknowledged-lost',
    plant: () =>
      replace(
        partition,
        'mayJoinIsr',
        () =>
          function (this: Partition, replica) {
            return !this.inSyncReplicas.has(replica)
          },
      ),
  },
  {
    name: 'truncates to the high watermark instead of by epoch',
    seed: 2,
    aim: 'fresh-follower',
    finds: 'acknowledged-lost',
    plant: () =>
      replace(fetcher, 'fetchEpochsFromLeader', () => async (epochs) => {
        const answers = new TopicPartitionMap<EpochEndOffset>()
        for (const topicPartition of epochs.keys()) {
          answers.set(topicPartition, { error: Errors.NONE, endOffset: -1 })
        }
        return answers
      }),
  },
  {
    name: 'takes a role whatever its leader epoch',
    seed: 3,
    aim: 'stale-state',
    finds: 'not-healed',
    plant: () => replace(partition, 'getLeaderEpoch', () => () => -1),
  },
  {
    name: 'obeys a controller that was replaced',
    seed: 2,
    aim: 'old-controller',
    finds: 'epoch',
    plant: () => {
      const manager = ReplicaManager.prototype
      const newest = { controllerEpoch: { value: Number.MAX_SAFE_INTEGER } }
      const undos = [
        replace(
          manager,
          'becomeLeaderOrFollower',
          (original) =>
            function (this: ReplicaManager, id, request, onChange) {
              const obeyed = Object.create(request, newest)
              return original.call(this, id, obeyed, onChange)
            },
        ),
        replace(
          manager,
          'stopReplicas',
          (original) =>
            function (this: ReplicaManager, request) {
              return original.call(this, Object.create(request, newest))
            },
        ),
        replace(
          manager,
          'maybeUpdateMetadataCache',
          (original) =>
            function (this: ReplicaManager, id, request) {
              return original.call(this, id, Object.create(request, newest))
            },
        ),
      ]
      return () => {
        for (const undo of undos) undo()
      }
    },
  },
]
