import { describe, expect, it } from 'vitest'
import { TopicPartition } from '../../src/base/TopicPartition.ts'
import { TopicPartitionMap } from '../../src/base/TopicPartitionMap.ts'
import {
  ConfigEntityChangeNotificationSequenceZNode,
  ConfigEntityZNode,
  PreferredReplicaElectionZNode,
  ReassignPartitionsZNode,
} from '../../src/zk/admin-znodes.ts'
import { Broker, BrokerInfo } from '../../src/zk/Broker.ts'
import {
  BrokerIdZNode,
  ClusterIdZNode,
  ControllerEpochZNode,
  ControllerZNode,
  ProducerIdBlockZNode,
} from '../../src/zk/cluster-znodes.ts'
import { ConsumerIdZNode, ConsumerOffset } from '../../src/zk/consumer-znodes.ts'
import { EndPoint } from '../../src/zk/EndPoint.ts'
import { LeaderAndIsr, LeaderIsrAndControllerEpoch } from '../../src/zk/LeaderAndIsr.ts'
import { ResourceZNode } from '../../src/zk/security-znodes.ts'
import {
  IsrChangeNotificationSequenceZNode,
  LogDirEventNotificationSequenceZNode,
  TopicPartitionStateZNode,
  TopicZNode,
} from '../../src/zk/topic-znodes.ts'
import { ZkData, zNodes } from '../../src/zk/ZkData.ts'

const tp = new TopicPartition('t', 0)
const json = (data: Buffer) => JSON.parse(data.toString())
const bytes = (text: string) => Buffer.from(text)

describe('codecs of znodes', () => {
  it('ClusterIdZNode writes the version as a string', () => {
    const text = '{"version":"1","id":"5xpQY5ZkTFuOzdJm6yV7Ww"}'
    expect(ClusterIdZNode.encode('5xpQY5ZkTFuOzdJm6yV7Ww').toString()).toBe(text)
    expect(ClusterIdZNode.decode(bytes(text))).toBe('5xpQY5ZkTFuOzdJm6yV7Ww')
  })

  it('ControllerZNode writes the id as a number and the time as a string', () => {
    const text = '{"version":1,"brokerid":7,"timestamp":"1530000000000"}'
    expect(ControllerZNode.encode(7, 1530000000000).toString()).toBe(text)
    expect(ControllerZNode.decode(bytes(text))).toBe(7)
  })

  it('ControllerEpochZNode is decimal text', () => {
    expect(ControllerEpochZNode.encode(7).toString()).toBe('7')
    expect(ControllerEpochZNode.decode(bytes('12'))).toBe(12)
    expect(() => ControllerEpochZNode.decode(bytes('x'))).toThrow('/controller_epoch')
  })

  it('ProducerIdBlockZNode writes both ends as strings', () => {
    const text = '{"version":1,"broker":1,"block_start":"0","block_end":"999"}'
    const block = { brokerId: 1, start: 0n, end: 999n }
    expect(ProducerIdBlockZNode.encode(block).toString()).toBe(text)
    expect(ProducerIdBlockZNode.decode(bytes(text))).toEqual(block)
  })

  it('TopicZNode has partitions as string keys', () => {
    const text = '{"version":1,"partitions":{"0":[1,2],"1":[2,3]}}'
    const assignment = new Map([
      [0, [1, 2]],
      [1, [2, 3]],
    ])
    expect(TopicZNode.encode(assignment).toString()).toBe(text)
    const decoded = [...TopicZNode.decode('t', bytes(text))]
    expect(decoded.map(([p, r]) => [p.key, r])).toEqual([
      ['t-0', [1, 2]],
      ['t-1', [2, 3]],
    ])
  })

  it('TopicPartitionStateZNode keeps leader, epochs and ISR, and takes the version', () => {
    const text =
      '{"version":1,"leader":1,"leader_epoch":3,"controller_epoch":2,"isr":[1,2]}'
    const state = new LeaderIsrAndControllerEpoch(new LeaderAndIsr(1, 3, [1, 2], 9), 2)
    expect(TopicPartitionStateZNode.path(tp)).toBe(
      '/brokers/topics/t/partitions/0/state',
    )
    expect(TopicPartitionStateZNode.encode(state).toString()).toBe(text)
    expect(TopicPartitionStateZNode.decode(tp, bytes(text), 9)).toEqual(state)
  })

  it('notifications, orders and configurations have their payloads', () => {
    const partitions = '"partitions":[{"topic":"t","partition":0}]'
    const isr = IsrChangeNotificationSequenceZNode
    expect(isr.encode([tp]).toString()).toBe(`{"version":1,${partitions}}`)
    expect(isr.decode('0', isr.encode([tp]))).toEqual([tp])
    const dir = LogDirEventNotificationSequenceZNode
    expect(dir.encode(3).toString()).toBe('{"version":1,"broker":3,"event":1}')
    expect(dir.decode('0', dir.encode(3))).toBe(3)
    const move = new TopicPartitionMap([[tp, [2, 3]]])
    expect(ReassignPartitionsZNode.encode(move).toString()).toBe(
      '{"version":1,"partitions":[{"topic":"t","partition":0,"replicas":[2,3]}]}',
    )
    const elect = PreferredReplicaElectionZNode
    expect(elect.encode([tp]).toString()).toBe(`{"version":1,${partitions}}`)
    expect(ConfigEntityZNode.encode({ 'retention.ms': '1' }).toString()).toBe(
      '{"version":1,"config":{"retention.ms":"1"}}',
    )
    expect(ConfigEntityZNode.decode('/x', null)).toEqual({})
  })

  it('ConfigEntityChangeNotificationSequenceZNode reads both layouts', () => {
    const node = ConfigEntityChangeNotificationSequenceZNode
    const text = '{"version":2,"entity_path":"topics/foo"}'
    expect(node.encode('topics/foo').toString()).toBe(text)
    expect(node.decode('/c', bytes(text))).toBe('topics/foo')
    const old = '{"version":1,"entity_type":"clients","entity_name":"c"}'
    expect(node.decode('/c', bytes(old))).toBe('clients/c')
    expect(() => node.decode('/c', bytes('{"version":3}'))).toThrow('/c: version 3')
  })

  it('ConsumerIdZNode and ConsumerOffset have the layout of the old consumer', () => {
    const text =
      '{"version":1,"subscription":{"t":2},"pattern":"static",' +
      '"timestamp":"1530000000000"}'
    const subscription = new Map([['t', 2]])
    const member = {
      subscription,
      pattern: 'static',
      timestamp: 1530000000000,
    } as const
    expect(ConsumerIdZNode.encode(member).toString()).toBe(text)
    expect(ConsumerIdZNode.decode('/x', text)).toEqual(member)
    expect(() => ConsumerIdZNode.decode('/x', '{"pattern":"static"}')).toThrow(
      'malformed znode /x: field subscription must be an object, is nothing',
    )
    expect(ConsumerOffset.encode(42).toString()).toBe('42')
    expect(ConsumerOffset.decode('/x', bytes('42'))).toBe(42)
  })

  it('ConsumerIdZNode takes what is no expression for names of topics', () => {
    const data = '{"version":1,"subscription":{"t":2},"pattern":"list"}'
    expect(ConsumerIdZNode.decode('/x', data)).toMatchObject({ pattern: 'static' })
  })

  it('ResourceZNode reads what it writes', () => {
    const acl = {
      principal: 'User:a',
      permissionType: 'Allow',
      operation: 'Read',
      host: '*',
    }
    expect(ResourceZNode.decode('/x', ResourceZNode.encode([acl]))).toEqual([acl])
  })
})

describe('BrokerIdZNode', () => {
  const plain = new EndPoint('kafka1', 9092, 'PLAINTEXT', 'PLAINTEXT')
  const secure = new EndPoint('::1', 9093, 'INTERNAL', 'SASL_SSL')

  it('encode() writes layout 4 with all fields', () => {
    const info = new BrokerInfo(new Broker(1, [plain, secure], 'r1'))
    expect(json(BrokerIdZNode.encode(info, 1530000000000))).toEqual({
      version: 4,
      host: 'kafka1',
      port: 9092,
      jmx_port: -1,
      timestamp: '1530000000000',
      endpoints: ['PLAINTEXT://kafka1:9092', 'INTERNAL://[::1]:9093'],
      rack: 'r1',
      listener_security_protocol_map: { PLAINTEXT: 'PLAINTEXT', INTERNAL: 'SASL_SSL' },
    })
  })

  it('encode() writes host null and port -1 without a plaintext end point', () => {
    const encoded = json(
      BrokerIdZNode.encode(new BrokerInfo(new Broker(1, [secure])), 0),
    )
    expect(encoded).toMatchObject({ host: null, port: -1 })
    expect(encoded).not.toHaveProperty('rack')
  })

  it('encode() leaves out of layout 2 what came later', () => {
    const info = new BrokerInfo(new Broker(1, [plain], 'r1'), 2)
    const encoded = json(BrokerIdZNode.encode(info, 0))
    expect(Object.keys(encoded)).toEqual([
      'version',
      'host',
      'port',
      'jmx_port',
      'timestamp',
      'endpoints',
    ])
  })

  it('decode() reads what encode() wrote', () => {
    const info = new BrokerInfo(new Broker(1, [plain, secure], 'r1'))
    expect(BrokerIdZNode.decode(1, BrokerIdZNode.encode(info, 5))).toEqual(info)
  })

  it('decode() reads layout 1, and ignores fields it does not know', () => {
    const text = '{"version":1,"host":"h","port":9,"jmx_port":-1,"new_field":[]}'
    const { broker } = BrokerIdZNode.decode(3, bytes(text))
    expect(String(broker)).toBe('3 (PLAINTEXT://h:9)')
  })

  it('decode() names the path of malformed data', () => {
    const decode = (text: string) => () => BrokerIdZNode.decode(3, bytes(text))
    expect(decode('nonsense')).toThrow('malformed znode /brokers/ids/3: not JSON')
    expect(decode('[]')).toThrow('malformed znode /brokers/ids/3: not a JSON object')
    expect(decode('{"version":"4"}')).toThrow('version must be an integer, is "4"')
    expect(decode('{"version":0,"jmx_port":1}')).toThrow('version 0 is not supported')
    expect(decode('{"version":4}')).toThrow('jmx_port must be an integer, is nothing')
    expect(decode('{"version":4,"jmx_port":1,"endpoints":["x"]}')).toThrow(
      '/brokers/ids/3: end point x cannot be used',
    )
  })
})

describe('the table of znodes', () => {
  it('names every znode once, with a path that is absolute', () => {
    const patterns = Object.values(zNodes).map((z) => z.pattern)
    expect(new Set(patterns).size).toBe(patterns.length)
    for (const pattern of patterns) expect(pattern).toMatch(/^\/[a-z]/)
  })

  it('defaultAcls() opens everything, unless secure; hides secrets', () => {
    expect(ZkData.defaultAcls(false, '/x')).toEqual([
      { perms: 31, scheme: 'world', id: 'anyone' },
    ])
    expect(ZkData.defaultAcls(true, '/brokers/ids')).toEqual([
      { perms: 31, scheme: 'auth', id: '' },
      { perms: 1, scheme: 'world', id: 'anyone' },
    ])
    expect(ZkData.defaultAcls(true, '/config/users/u')).toHaveLength(1)
  })
})
