import { describe, expect, it } from 'vitest'
import { KafkaConfig } from '../../src/server/KafkaConfig.ts'

const MINIMAL = { 'zookeeper.connect': 'localhost:2181' }

function make(props: Record<string, string>): KafkaConfig {
  return new KafkaConfig({ ...MINIMAL, ...props })
}

describe('KafkaConfig', () => {
  it("has Kafka's defaults", () => {
    const config = make({})
    expect(config).toMatchObject({
      ...{
        brokerId: -1,
        numIoThreads: 8,
        numNetworkThreads: 3,
        queuedMaxRequests: 500,
      },
      ...{ socketRequestMaxBytes: 104857600, messageMaxBytes: 1000012 },
      ...{ logDirs: ['/tmp/kafka-logs'], logSegmentBytes: 1073741824 },
      ...{ logRetentionTimeMillis: 604800000, logRollTimeMillis: 604800000 },
      ...{ offsetsTopicPartitions: 50, groupInitialRebalanceDelay: 3000 },
      ...{ zkSessionTimeoutMs: 6000, zkConnectionTimeoutMs: 6000 },
    })
    expect(config.listeners.map(String)).toEqual(['PLAINTEXT://:9092'])
    expect(config.interBrokerListenerName).toBe('PLAINTEXT')
  })

  it('lets milliseconds win over minutes, and minutes over hours', () => {
    const hours = { 'log.retention.hours': '2' }
    expect(make(hours).logRetentionTimeMillis).toBe(7_200_000)
    const minutes = { ...hours, 'log.retention.minutes': '3' }
    expect(make(minutes).logRetentionTimeMillis).toBe(180_000)
    const ms = { ...minutes, 'log.retention.ms': '5' }
    expect(make(ms).logRetentionTimeMillis).toBe(5)
    expect(make({ 'log.retention.ms': '-5' }).logRetentionTimeMillis).toBe(-1)
  })

  it('tells clients of what is advertised, by the new keys or by the old', () => {
    const listeners = { listeners: 'IN://:1,OUT://:2' }
    const map = { 'listener.security.protocol.map': 'IN:PLAINTEXT,OUT:PLAINTEXT' }
    const inner = { 'inter.broker.listener.name': 'IN' }
    const advertised = { 'advertised.listeners': 'OUT://o:9,IN://i:8' }
    const config = make({ ...listeners, ...map, ...inner, ...advertised })
    expect(config.advertisedListeners.map(String)).toEqual(['OUT://o:9', 'IN://i:8'])
    expect(config.interBrokerListenerName).toBe('IN')

    const old = make({ 'advertised.host.name': 'h', port: '5' })
    expect(old.listeners.map(String)).toEqual(['PLAINTEXT://:5'])
    expect(old.advertisedListeners.map(String)).toEqual(['PLAINTEXT://h:5'])
  })

  it('reads connection limits of single addresses', () => {
    const config = make({ 'max.connections.per.ip.overrides': '1.2.3.4:5, ::1:6' })
    expect([...config.maxConnectionsPerIpOverrides]).toEqual([
      ['1.2.3.4', 5],
      ['::1', 6],
    ])
  })

  it('lets log.dirs win over log.dir', () => {
    expect(make({ 'log.dir': '/a', 'log.dirs': '/b, /c' }).logDirs).toEqual([
      '/b',
      '/c',
    ])
  })

  it.each([
    ['num.io.threads', 'many', "invalid value 'many' for num.io.threads"],
    ['num.io.threads', '0', 'of at least 1'],
    ['num.io.threads', '2147483648', 'a whole number of 32 bits'],
    ['auto.create.topics.enable', 'yes', 'expected true or false'],
    ['compression.type', 'zstd', 'one of uncompressed, gzip, snappy, lz4, producer'],
    ['listeners', 'PLAINTEXT//:9092', 'NAME://host:port'],
    ['listeners', 'PLAINTEXT://:1,PLAINTEXT://:2', 'names used once'],
    ['listeners', 'SSL://:9093', 'not built yet'],
    ['advertised.listeners', 'OTHER://h:1', 'NAME://host:port'],
    ['advertised.listeners', 'SSL://h:1', 'not built yet'],
    ['advertised.listeners', 'PLAINTEXT://0.0.0.0:1', 'an address others can'],
    ['max.connections.per.ip.overrides', '1.2.3.4', 'address:number pairs'],
    ['log.retention.ms', '0', 'at least 1 ms, or -1 for ever'],
    ['log.cleaner.dedupe.buffer.size', '1000', 'more than 1048576'],
    ['offsets.commit.required.acks', '4', '-1 to offsets.topic.replication.factor'],
    ['replica.fetch.wait.max.ms', '20000', 'at most replica.lag.time.max.ms'],
    ['broker.id', '1001', '-1 to 1000'],
    ['inter.broker.listener.name', 'OTHER', 'one of PLAINTEXT'],
    ['inter.broker.protocol.version', '3.0', 'a version such as 1.1'],
    ['inter.broker.protocol.version', '0.10.2', 'at most inter.broker.protocol'],
    ['replica.fetch.wait.max.ms', '60000', 'at most replica.socket.timeout.ms'],
    ['log.segment.bytes', '3', 'of at least 14'],
    ['log.message.format.version', '9.9', 'a version such as'],
  ])(
    'refuses %s = %s, naming key, value and what was expected',
    (key, value, message) => {
      expect(() => make({ [key]: value })).toThrow(message)
    },
  )

  it('refuses to be without ZooKeeper', () => {
    expect(() => new KafkaConfig({})).toThrow('zookeeper.connect')
  })

  it('hands every default of a topic on, under its own name', () => {
    const config = make({ 'log.segment.bytes': '2048', 'min.insync.replicas': '2' })
    const topic = config.extractLogConfigMap()
    expect(topic).toMatchObject({ 'segment.bytes': '2048', 'min.insync.replicas': '2' })
    expect(topic['flush.ms']).toBe('9223372036854775807')
  })

  it('parseProperties() reads a server.properties', () => {
    const text =
      '# a comment\nbroker.id=3\nlog.dirs: /x\nlisteners=A://h:1,\\\n  B://h:2\n'
    expect(KafkaConfig.parseProperties(text)).toEqual({
      ...{ 'broker.id': '3', 'log.dirs': '/x', listeners: 'A://h:1,B://h:2' },
    })
  })
})
