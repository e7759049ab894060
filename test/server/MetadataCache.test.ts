/** What a broker knows of its cluster, told by hand. */
import { beforeEach, describe, expect, it } from 'vitest'
import { Errors } from '../../src/base/errors.ts'
import { TopicPartition } from '../../src/base/TopicPartition.ts'
import type { UpdateMetadataRequest } from '../../src/protocol/messages/UpdateMetadata.ts'
import { UpdateMetadata } from '../../src/protocol/messages/UpdateMetadata.ts'
import { MetadataCache } from '../../src/server/MetadataCache.ts'

let cache: MetadataCache

beforeEach(() => {
  cache = new MetadataCache(0)
})

type Brokers = UpdateMetadataRequest['liveBrokers']
type State = UpdateMetadataRequest['ungroupedPartitionStates'][number]

/** A broker with a listener for clients, and perhaps one for brokers. */
function broker(id: number, ...listeners: string[]): Brokers[number] {
  const endpoints = listeners.map((listener, i) => ({
    ...{ port: 9092 + i, host: `host${id}`, listener, securityProtocol: 0 },
  }))
  return { id, v0Host: '', v0Port: 0, endpoints, rack: id === 1 ? 'r1' : null }
}

function state(topicName: string, leader: number, rest: Partial<State> = {}): State {
  return {
    ...{ topicName, partition: 0, controllerEpoch: 1, leader, leaderEpoch: 0 },
    ...{ isr: [0, 1], zkVersion: 0, replicas: [0, 1], offlineReplicas: [] },
    ...rest,
  }
}

function update(brokers: Brokers, states: readonly State[] = [], controllerId = 0) {
  return cache.updateCache(1, {
    ...{ controllerId, controllerEpoch: 1, liveBrokers: brokers },
    ungroupedPartitionStates: [...states],
  })
}

const both = () => [broker(0, 'PLAINTEXT'), broker(1, 'PLAINTEXT')]

describe('updateCache()', () => {
  it('starts with nothing', () => {
    expect(cache.getControllerId()).toBeUndefined()
    expect(cache.getAliveBrokers()).toEqual([])
    expect(cache.getAllTopics()).toEqual([])
    expect(cache.contains('t')).toBe(false)
  })

  it('replaces the brokers, and merges the partitions', () => {
    update(both(), [state('a', 0)])
    update([broker(1, 'PLAINTEXT')], [state('b', 1)], 1)
    expect(cache.getAliveBrokers().map(({ id }) => id)).toEqual([1])
    expect(cache.isBrokerAlive(0)).toBe(false)
    expect(cache.getControllerId()).toBe(1)
    expect(cache.getAllTopics()).toEqual(['a', 'b'])
    expect(cache.getPartitionInfo('a', 0)).toMatchObject({ leader: 0, isr: [0, 1] })
  })

  it('forgets a partition that is being deleted, and says which', () => {
    update(both(), [state('a', 0), state('a', 0, { partition: 1 })])
    expect(update(both(), [state('a', -2)])).toEqual([new TopicPartition('a', 0)])
    expect(cache.contains('a')).toBe(true)
    expect(cache.containsPartition(new TopicPartition('a', 0))).toBe(false)
    update(both(), [state('a', -2, { partition: 1 })])
    expect(cache.contains('a')).toBe(false)
  })

  it('takes a negative controller id for none', () => {
    update(both(), [], -1)
    expect(cache.getControllerId()).toBeUndefined()
  })

  it('reads what each version carries of a broker', () => {
    // One unnamed address; then several, named by their protocol.
    const one = { ...broker(0), v0Host: 'old', v0Port: 1234 }
    update([one])
    const endPoint = { id: 0, host: 'old', port: 1234 }
    expect(cache.getAliveEndpoint(0, 'PLAINTEXT')).toEqual(endPoint)
    update([broker(0, '')])
    expect(cache.getAliveEndpoint(0, 'PLAINTEXT')).toMatchObject({ host: 'host0' })
    expect(UpdateMetadata.maxVersion).toBe(4)
  })

  it('tells who listens after each update, until they stop', () => {
    let calls = 0
    const stop = cache.onUpdate(() => calls++)
    update(both())
    stop()
    update(both())
    expect(calls).toBe(1)
  })
})

describe('getTopicMetadata()', () => {
  it('tells leader, replicas and ISR of known topics only', () => {
    update(both(), [state('t', 1, { isr: [1] })])
    expect(cache.getTopicMetadata(['t', 'u'], 'PLAINTEXT')).toEqual([
      {
        ...{ errorCode: 0, name: 't', isInternal: false },
        partitions: [
          {
            ...{ errorCode: 0, partition: 0, leaderId: 1 },
            ...{ replicaNodes: [0, 1], isrNodes: [1], offlineReplicas: [] },
          },
        ],
      },
    ])
    expect(cache.getNonExistingTopics(['t', 'u'])).toEqual(['u'])
  })

  it('knows the topics of Kafka itself', () => {
    update(both(), [state('__consumer_offsets', 0)])
    const [topic] = cache.getTopicMetadata(['__consumer_offsets'], 'PLAINTEXT')
    expect(topic?.isInternal).toBe(true)
  })

  it('has no leader where nobody leads, or the leader is dead', () => {
    for (const leader of [-1, 5]) {
      update(both(), [state('t', leader)])
      const [topic] = cache.getTopicMetadata(['t'], 'PLAINTEXT')
      const { code } = Errors.LEADER_NOT_AVAILABLE
      expect(topic?.partitions[0]).toMatchObject({ errorCode: code, leaderId: -1 })
    }
  })

  it('has no leader on a listener that the leader lacks', () => {
    update([broker(0, 'PLAINTEXT', 'INSIDE'), broker(1, 'PLAINTEXT')], [state('t', 1)])
    const [inside] = cache.getTopicMetadata(['t'], 'INSIDE')
    expect(inside?.partitions[0]?.leaderId).toBe(-1)
    const [outside] = cache.getTopicMetadata(['t'], 'PLAINTEXT')
    expect(outside?.partitions[0]?.leaderId).toBe(1)
  })

  it('leaves dead replicas out for version 0 only, and says so', () => {
    update([broker(0, 'PLAINTEXT')], [state('t', 0)])
    const [old] = cache.getTopicMetadata(['t'], 'PLAINTEXT', true)
    expect(old?.partitions[0]).toMatchObject({
      ...{ errorCode: Errors.REPLICA_NOT_AVAILABLE.code, leaderId: 0 },
      ...{ replicaNodes: [0], isrNodes: [0] },
    })
    const [later] = cache.getTopicMetadata(['t'], 'PLAINTEXT')
    expect(later?.partitions[0]).toMatchObject({ errorCode: 0, replicaNodes: [0, 1] })
  })
})

describe('getAliveBrokers()', () => {
  it('has the rack of each', () => {
    update(both())
    expect(cache.getAliveBrokers().map(({ rack }) => rack)).toEqual([undefined, 'r1'])
  })
})
