import { describe, expect, it } from 'vitest'
import { PartitionLeaderElectionAlgorithms as Algorithms } from '../../src/controller/PartitionLeaderElectionAlgorithms.ts'
import { PartitionStates } from '../../src/controller/PartitionStateMachine.ts'
import { ReplicaStates } from '../../src/controller/ReplicaStateMachine.ts'

const live = (...ids: number[]) => new Set(ids)

describe('PartitionLeaderElectionAlgorithms', () => {
  it('offlinePartitionLeaderElection() prefers assignment order within the live ISR', () => {
    const elect = Algorithms.offlinePartitionLeaderElection
    expect(elect([1, 2, 3], [3, 2], live(2, 3), false)).toBe(2)
    expect(elect([1, 2, 3], [1], live(2, 3), false)).toBeUndefined()
    expect(elect([1, 2, 3], [1], live(2, 3), true)).toBe(2)
    expect(elect([1, 2, 3], [1], live(), true)).toBeUndefined()
  })

  it('reassignPartitionLeaderElection() takes new replicas only', () => {
    const elect = Algorithms.reassignPartitionLeaderElection
    expect(elect([4, 5], [1, 5], live(1, 4, 5))).toBe(5)
    expect(elect([4, 5], [1], live(1, 4, 5))).toBeUndefined()
  })

  it('preferredReplicaPartitionLeaderElection() takes the first or nobody', () => {
    const elect = Algorithms.preferredReplicaPartitionLeaderElection
    expect(elect([1, 2], [1, 2], live(1, 2))).toBe(1)
    expect(elect([1, 2], [2], live(1, 2))).toBeUndefined()
    expect(elect([1, 2], [1, 2], live(2))).toBeUndefined()
    expect(elect([], [], live())).toBeUndefined()
  })

  it('controlledShutdownPartitionLeaderElection() skips brokers that go', () => {
    const elect = Algorithms.controlledShutdownPartitionLeaderElection
    expect(elect([1, 2, 3], [1, 2, 3], live(1, 2, 3), live(1, 2))).toBe(3)
    expect(elect([1, 2], [1], live(1, 2), live(1))).toBeUndefined()
  })
})

describe('tables of states', () => {
  it('PartitionStates has the moves of Kafka 1.1.1', () => {
    const moves = Object.entries(PartitionStates).map(([to, row]) => [
      to,
      row.validPreviousStates.map((s) => s.replace('Partition', '')).join(),
    ])
    expect(moves).toEqual([
      ['NewPartition', 'NonExistent'],
      ['OnlinePartition', 'New,Online,Offline'],
      ['OfflinePartition', 'New,Online,Offline'],
      ['NonExistentPartition', 'Offline'],
    ])
  })

  it('ReplicaStates has the moves of Kafka 1.1.1', () => {
    const alive = 'NewReplica,OnlineReplica,OfflineReplica,ReplicaDeletionIneligible'
    const moves = Object.entries(ReplicaStates).map(([to, row]) => [
      to,
      row.validPreviousStates.join(),
    ])
    expect(moves).toEqual([
      ['NewReplica', 'NonExistentReplica'],
      ['OnlineReplica', alive],
      ['OfflineReplica', alive],
      ['ReplicaDeletionStarted', 'OfflineReplica'],
      ['ReplicaDeletionSuccessful', 'ReplicaDeletionStarted'],
      ['ReplicaDeletionIneligible', 'ReplicaDeletionStarted'],
      ['NonExistentReplica', 'ReplicaDeletionSuccessful'],
    ])
  })

  it('numbers of states are those that metrics show', () => {
    const numbers = [...Object.values(PartitionStates), ...Object.values(ReplicaStates)]
    expect(numbers.map((row) => row.state)).toEqual([0, 1, 2, 3, 1, 2, 3, 4, 5, 6, 7])
  })
})
