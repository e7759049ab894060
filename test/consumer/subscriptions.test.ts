/** What a member may ask for: settings, topics and expressions. */
import { describe, expect, it } from 'vitest'
import { ConfigException, IllegalArgumentException } from '../../src/base/errors.ts'
import {
  ConsumerConfig,
  consumerConfigKeys,
} from '../../src/consumer/ConsumerConfig.ts'
import {
  constructTopicCount,
  StaticTopicCount,
  WildcardTopicCount,
} from '../../src/consumer/TopicCount.ts'
import { Blacklist, Whitelist } from '../../src/consumer/TopicFilter.ts'

const required = { 'group.id': 'g', 'zookeeper.connect': 'zk:2181' }

function config(props: Record<string, string>): ConsumerConfig {
  return new ConsumerConfig({ ...required, ...props })
}

describe('ConsumerConfig', () => {
  it('has the defaults of Kafka 1.1.1', () => {
    expect(config({})).toMatchObject({
      ...{ groupId: 'g', consumerId: undefined, clientId: 'g', zkConnect: 'zk:2181' },
      ...{ zkSessionTimeoutMs: 6000, zkConnectionTimeoutMs: 6000 },
      ...{ rebalanceMaxRetries: 4, rebalanceBackoffMs: 2000 },
      ...{ socketTimeoutMs: 30_000, fetchMessageMaxBytes: 1_048_576 },
      ...{ numConsumerFetchers: 1, queuedMaxMessages: 2 },
      ...{ fetchMinBytes: 1, fetchWaitMaxMs: 100, refreshLeaderBackoffMs: 200 },
      ...{ autoCommitEnable: true, autoCommitIntervalMs: 60_000 },
      ...{ offsetsChannelBackoffMs: 1000, offsetsChannelSocketTimeoutMs: 10_000 },
      ...{ offsetsCommitMaxRetries: 5, offsetsStorage: 'zookeeper' },
      ...{ dualCommitEnabled: false, autoOffsetReset: 'largest' },
      ...{ consumerTimeoutMs: -1, partitionAssignmentStrategy: 'range' },
      ...{ excludeInternalTopics: true },
    })
  })

  it('lets one setting stand in for another', () => {
    const made = config({
      ...{ 'zookeeper.session.timeout.ms': '9000', 'zookeeper.sync.time.ms': '50' },
      ...{ 'offsets.storage': 'kafka' },
    })
    expect(made).toMatchObject({
      ...{ zkConnectionTimeoutMs: 9000, rebalanceBackoffMs: 50 },
      ...{ offsetsStorage: 'kafka', dualCommitEnabled: true },
    })
    const own = config({ 'rebalance.backoff.ms': '7 ', 'client.id': ' me' })
    expect(own).toMatchObject({ rebalanceBackoffMs: 7, clientId: 'me' })
    const loud = config({ 'offsets.storage': 'Kafka' })
    expect(loud).toMatchObject({ offsetsStorage: 'kafka', dualCommitEnabled: true })
  })

  it.each([
    ['group.id', ''],
    ['group.id', 'a/b'],
    ['client.id', 'a b'],
    ['zookeeper.connect', ''],
    ['zookeeper.session.timeout.ms', 'soon'],
    ['zookeeper.session.timeout.ms', '6000.5'],
    ['zookeeper.session.timeout.ms', '99999999999'],
    ['zookeeper.connection.timeout.ms', ' '],
    ['socket.receive.buffer.bytes', 'much'],
    ['fetch.max.bytes', 'all'],
    ['num.consumer.fetchers', '0'],
    ['queued.max.message.chunks', '0'],
    ['fetch.message.max.bytes', '-1'],
    ['auto.commit.enable', 'yes'],
    ['auto.commit.interval.ms', '0'],
    ['dual.commit.enabled', 'TRUE?'],
    ['offsets.storage', 'disk'],
    ['auto.offset.reset', 'earliest'],
    ['partition.assignment.strategy', 'sticky'],
    ['exclude.internal.topics', '1'],
    ['fetch.wait.max.ms', '30001'],
    ['socket.timeout.ms', '99'],
  ])('refuses %s = %j, and names it', (name, value) => {
    expect(() => config({ [name]: value })).toThrow(ConfigException)
    expect(() => config({ [name]: value })).toThrow(name)
  })

  it('refuses to do without a group and without ZooKeeper', () => {
    expect(() => new ConsumerConfig({ 'group.id': 'g' })).toThrow('zookeeper.connect')
    expect(() => new ConsumerConfig({ 'zookeeper.connect': 'zk' })).toThrow('group.id')
  })

  it('leaves out what it does not know', () => {
    expect(() => config({ 'no.such.setting': '1' })).not.toThrow()
  })

  it('consumerConfigKeys describes every setting once', () => {
    const names = consumerConfigKeys.map(({ name }) => name)
    expect(new Set(names).size).toBe(names.length)
    expect(consumerConfigKeys.every(({ doc }) => doc.length > 0)).toBe(true)
    const oneOf = consumerConfigKeys.find(({ name }) => name === 'offsets.storage')
    expect(oneOf).toMatchObject({ type: 'string', oneOf: ['zookeeper', 'kafka'] })
  })
})

describe('TopicFilter', () => {
  it.each([
    ['a,b', 'a|b'],
    [' "a.*" ', 'a.*'],
    ["'a , b'", 'a|b'],
    ['a b', 'ab'],
  ])('reads %j as %j', (raw, regex) => {
    expect(new Whitelist(raw).regex).toBe(regex)
  })

  it('matches whole names', () => {
    const filter = new Whitelist('a,b.*')
    const allowed = ['a', 'aa', 'b', 'bcd', 'ab'].filter((topic) =>
      filter.isTopicAllowed(topic, true),
    )
    expect(allowed).toEqual(['a', 'b', 'bcd'])
  })

  it('Blacklist allows the others', () => {
    const filter = new Blacklist('a,b.*')
    expect(filter.isTopicAllowed('a', true)).toBe(false)
    expect(filter.isTopicAllowed('c', true)).toBe(true)
  })

  it('passes internal topics by, unless told', () => {
    for (const filter of [new Whitelist('.*'), new Blacklist('x')]) {
      expect(filter.isTopicAllowed('__consumer_offsets', true)).toBe(false)
      expect(filter.isTopicAllowed('__transaction_state', true)).toBe(false)
      expect(filter.isTopicAllowed('__consumer_offsets', false)).toBe(true)
    }
  })

  it('refuses what is no expression', () => {
    expect(() => new Whitelist('*')).toThrow(IllegalArgumentException)
    expect(() => new Blacklist('(')).toThrow(IllegalArgumentException)
  })
})

describe('TopicCount', () => {
  it('StaticTopicCount numbers the streams of each topic from 0', () => {
    const count = new StaticTopicCount('c', new Map([['t', 2], ['u', 1]])) // biome-ignore format: short
    const ids = count.getConsumerThreadIdsPerTopic()
    expect([...ids].map(([topic, list]) => `${topic}: ${list.join(' ')}`)).toEqual([
      't: c-0 c-1',
      'u: c-0',
    ])
  })

  it.each([0, -1, 1.5])('StaticTopicCount refuses %d streams', (streams) => {
    const count = new StaticTopicCount('c', new Map([['t', streams]]))
    const ask = () => count.getConsumerThreadIdsPerTopic()
    expect(ask).toThrow(IllegalArgumentException)
  })

  it('WildcardTopicCount looks at the topics that exist when it is asked', () => {
    const count = new WildcardTopicCount('c', new Whitelist('a.*'), 2, true)
    expect(count.topicCountMap).toEqual(new Map([['a.*', 2]]))
    expect(count.pattern).toBe('white_list')
    const ids = count.getConsumerThreadIdsPerTopic(['a1', 'b', 'a2'])
    expect([...ids.keys()]).toEqual(['a1', 'a2'])
    expect(ids.get('a1')?.join()).toBe('c-0,c-1')
    expect(count.getConsumerThreadIdsPerTopic([]).size).toBe(0)
  })

  it('constructTopicCount() makes what a member wrote', () => {
    const from = (pattern: 'static' | 'white_list' | 'black_list') =>
      constructTopicCount(
        'c',
        { pattern, subscription: new Map([['a.*', 1]]), timestamp: 1 },
        true,
      )
    expect(from('static')).toBeInstanceOf(StaticTopicCount)
    const topics = ['a1', 'b']
    const of = (count: ReturnType<typeof from>) =>
      [...count.getConsumerThreadIdsPerTopic(topics).keys()].join()
    expect(of(from('white_list'))).toBe('a1')
    expect(of(from('black_list'))).toBe('b')
    expect(from('black_list').pattern).toBe('black_list')
  })
})
