import { describe, expect, it } from 'vitest'
import { AdminUtils } from '../../src/zk/AdminUtils.ts'
import { Topic } from '../../src/zk/Topic.ts'

const brokers = (n: number) =>
  Array.from({ length: n }, (_, id) => ({ id, rack: undefined }))
const never = () => {
  throw new Error('no randomness is asked for')
}

describe('AdminUtils', () => {
  it('assignReplicasToBrokers() deals leaders round and shifts followers each round', () => {
    const assignment = AdminUtils.assignReplicasToBrokers(
      brokers(5),
      { nPartitions: 10, replicationFactor: 3, fixedStartIndex: 0 },
      never,
    )
    expect([...assignment.values()]).toEqual([
      [0, 1, 2],
      [1, 2, 3],
      [2, 3, 4],
      [3, 4, 0],
      [4, 0, 1],
      [0, 2, 3],
      [1, 3, 4],
      [2, 4, 0],
      [3, 0, 1],
      [4, 1, 2],
    ])
  })

  it('assignReplicasToBrokers() begins where it is told', () => {
    const assignment = AdminUtils.assignReplicasToBrokers(
      brokers(3),
      { nPartitions: 2, replicationFactor: 1, fixedStartIndex: 1, startPartitionId: 4 },
      never,
    )
    expect([...assignment]).toEqual([
      [4, [2]],
      [5, [0]],
    ])
  })

  it('assignReplicasToBrokers() refuses what cannot be done', () => {
    const assign = (nPartitions: number, replicationFactor: number) => () =>
      AdminUtils.assignReplicasToBrokers(
        brokers(2),
        { nPartitions, replicationFactor },
        () => 0,
      )
    expect(assign(0, 1)).toThrow('at least 1 partition')
    expect(assign(2 ** 31 - 1, 1)).toThrow(
      '2147483647 partitions do not fit into a znode',
    )
    expect(assign(1, 0)).toThrow('at least 1 replica')
    expect(assign(1, 3)).toThrow('larger than available brokers: 2')
    const mixed = [
      { id: 0, rack: 'a' },
      { id: 1, rack: undefined },
    ]
    expect(() =>
      AdminUtils.assignReplicasToBrokers(
        mixed,
        { nPartitions: 1, replicationFactor: 1 },
        () => 0,
      ),
    ).toThrow('not all brokers tell their rack')
  })

  it('getRackAlternatedBrokerList() puts neighbours into different racks', () => {
    const racks = new Map([
      [0, 'rack1'],
      [1, 'rack3'],
      [2, 'rack3'],
      [3, 'rack2'],
      [4, 'rack2'],
      [5, 'rack1'],
    ])
    expect(AdminUtils.getRackAlternatedBrokerList(racks)).toEqual([0, 3, 1, 5, 4, 2])
  })

  it('assignReplicasToBrokers() gives each rack one replica before any gets two', () => {
    const rackOf = ['a', 'b', 'c', 'a', 'b', 'c']
    const metadata = rackOf.map((rack, id) => ({ id, rack }))
    const assignment = AdminUtils.assignReplicasToBrokers(
      metadata,
      { nPartitions: 12, replicationFactor: 3, fixedStartIndex: 0 },
      never,
    )
    const leads = new Map<number, number>()
    for (const replicas of assignment.values()) {
      expect(new Set(replicas.map((id) => rackOf[id])).size).toBe(3)
      leads.set(replicas[0]!, (leads.get(replicas[0]!) ?? 0) + 1)
    }
    expect([...leads.values()]).toEqual([2, 2, 2, 2, 2, 2])
  })

  it('assignReplicasToBrokers() uses every broker where there are more than racks', () => {
    const metadata = ['a', 'a', 'b'].map((rack, id) => ({ id, rack }))
    const assignment = AdminUtils.assignReplicasToBrokers(
      metadata,
      { nPartitions: 6, replicationFactor: 3, fixedStartIndex: 0 },
      never,
    )
    for (const replicas of assignment.values()) expect(new Set(replicas).size).toBe(3)
  })
})

describe('Topic', () => {
  it('validate() refuses names that cannot be directories or metrics', () => {
    for (const bad of ['', '.', '..', 'a b', 'ä', 'a/b', 'x'.repeat(250)]) {
      expect(() => Topic.validate(bad), bad).toThrow()
    }
    for (const good of ['a', 'A.b_c-9', 'x'.repeat(249)]) Topic.validate(good)
  })

  it('isValid() says what validate() does', () => {
    const names = [
      '',
      '.',
      '..',
      '...',
      'a',
      'a b',
      'a/b',
      'ä',
      'a.b_c-9',
      'x'.repeat(249),
    ]
    for (const name of [...names, 'x'.repeat(250)]) {
      const validate = () => Topic.validate(name)
      if (Topic.isValid(name)) expect(validate, name).not.toThrow()
      else expect(validate, name).toThrow('topic name')
    }
  })

  it('hasCollision() ignores the difference of . and _', () => {
    expect(Topic.hasCollision('a.b', 'a_b')).toBe(true)
    expect(Topic.hasCollision('a.b', 'a.c')).toBe(false)
    expect(Topic.isInternal('__consumer_offsets')).toBe(true)
  })
})
