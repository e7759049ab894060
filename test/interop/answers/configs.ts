/** Questions about settings: of topics and of brokers, described and altered. */
import { AlterConfigs } from '../../../src/protocol/messages/AlterConfigs.ts'
import { DescribeConfigs } from '../../../src/protocol/messages/DescribeConfigs.ts'
import type { BrokerPair } from './BrokerPair.ts'

const [TOPIC, BROKER] = [2, 4]

/** All numbers that a type of resource can have, known or not. */
const types = [-1, 0, 1, 3, 5, 6, 9]

/** What is altered: topic `settings`, and both ways of naming the broker. */
const alterations: readonly (readonly [
  string,
  number,
  string,
  Readonly<Record<string, string | null>>,
])[] = [
  ['an unknown setting', TOPIC, 'settings', { 'no.such': 'x' }],
  ['a value that is no number', TOPIC, 'settings', { 'retention.ms': 'x' }],
  ['a value out of range', TOPIC, 'settings', { 'min.insync.replicas': '0' }],
  ['null', TOPIC, 'settings', { 'retention.ms': null }],
  ['an unknown topic', TOPIC, 'nope', { 'retention.ms': '1' }],
  ['a topic without a name', TOPIC, '', { 'retention.ms': '1' }],
  ['a topic whose name is bad', TOPIC, 'a b', { 'retention.ms': '1' }],
  ['another broker', BROKER, '1', {}],
  ['a broker that is no number', BROKER, 'x', {}],
  ['what cannot change', BROKER, '0', { 'broker.id': '4' }],
  ['what changes with a restart', BROKER, '0', { 'num.partitions': '4' }],
  ['an unknown setting of a broker', BROKER, '0', { 'no.such': '4' }],
  ['an unknown setting of all', BROKER, '', { 'no.such': '4' }],
  ['a bad value', BROKER, '0', { 'log.retention.ms': 'x' }],
  ['what belongs to one broker, for all', BROKER, '', { listeners: 'PLAINTEXT://:9' }],
  ['too many threads at once', BROKER, '0', { 'num.io.threads': '100' }],
  ['no threads', BROKER, '0', { 'num.io.threads': '0' }],
  ['a secret, with no key for it', BROKER, '0', { 'ssl.keystore.password': 'x' }],
  ['a secret of all', BROKER, '', { 'ssl.keystore.password': 'x' }],
  [
    'settings of a broker',
    ...([BROKER, '0'] as const),
    { 'log.retention.ms': '7200000', 'log.cleaner.threads': '2' },
  ],
  [
    'settings of all brokers',
    ...([BROKER, ''] as const),
    { 'log.retention.ms': '8200000', 'message.max.bytes': '2000000' },
  ],
  [
    'settings of a topic',
    ...([TOPIC, 'settings'] as const),
    { 'retention.ms': '12345', 'cleanup.policy': 'compact,delete' },
  ],
]

/** Asks all of it. */
export async function configs(pair: BrokerPair): Promise<void> {
  await pair.createTopics(['settings', 1, { 'retention.ms': '-1' }])
  const describe = (
    name: string,
    resources: readonly (readonly [number, string, (string[] | null)?])[],
    includeSynonyms = true,
  ) => {
    const list = resources.map(([resourceType, resourceName, keys = null]) => ({
      ...{ resourceType, resourceName, configurationKeys: keys },
    }))
    return pair.compare(name, DescribeConfigs, { resources: list, includeSynonyms })
  }

  // Before anything is altered.
  await describe('of nothing', [])
  await describe('of a topic', [[TOPIC, 'settings']])
  await describe('of a topic, no synonyms', [[TOPIC, 'settings']], false)
  await describe('of some', [[TOPIC, 'settings', ['retention.ms', 'no.such']]])
  await describe('of no setting', [[TOPIC, 'settings', []]])
  for (const name of ['nope', '', 'a b']) {
    await describe(`of topic "${name}"`, [[TOPIC, name]])
  }
  for (const name of ['1', 'x', ''])
    await describe(`of broker "${name}"`, [[BROKER, name]])
  for (const type of types) await describe(`of type ${type}`, [[type, 'a']])
  await describe('of a broker', [[BROKER, '0']])
  await describe('of a broker, no synonyms', [[BROKER, '0']], false)

  // Each alteration, first only checked; what is seen of it afterwards.
  const alter = (
    name: string,
    resources: readonly (readonly [
      number,
      string,
      Readonly<Record<string, string | null>>,
    ])[],
    validateOnly: boolean,
  ) => {
    const list = resources.map(([resourceType, resourceName, entries]) => ({
      ...{ resourceType, resourceName },
      configs: Object.entries(entries).map(([key, value]) => ({ name: key, value })),
    }))
    return pair.compare(name, AlterConfigs, { resources: list, validateOnly })
  }
  for (const validateOnly of [true, false]) {
    const what = validateOnly ? 'checked' : 'made'
    await alter(`nothing, ${what}`, [], validateOnly)
    for (const [name, ...resource] of alterations) {
      await alter(`${name}, ${what}`, [resource], validateOnly)
    }
    for (const type of types) {
      await alter(`of type ${type}, ${what}`, [[type, 'a', {}]], validateOnly)
    }
    await alter(
      `one topic twice, ${what}`,
      ['12345', '1'].map((value) => [TOPIC, 'settings', { 'retention.ms': value }]),
      validateOnly,
    )
    const expected = validateOnly ? '-1' : '1'
    await pair.until(
      DescribeConfigs,
      0,
      {
        resources: [
          {
            ...{ resourceType: TOPIC, resourceName: 'settings' },
            configurationKeys: ['retention.ms'],
          },
        ],
      },
      ({ results }) => results[0]?.configs[0]?.value === expected,
    )
    await pair.until(
      DescribeConfigs,
      0,
      {
        resources: [
          {
            ...{ resourceType: BROKER, resourceName: '0' },
            configurationKeys: ['message.max.bytes'],
          },
        ],
      },
      ({ results }) =>
        results[0]?.configs[0]?.value === (validateOnly ? '1000012' : '2000000'),
    )
    await describe(`of a topic, ${what}`, [[TOPIC, 'settings']])
    const keys = ['log.retention.ms', 'log.retention.hours', 'log.retention.minutes']
    const others = ['message.max.bytes', 'log.cleaner.threads', 'num.io.threads']
    await describe(`of a broker, ${what}`, [[BROKER, '0', [...keys, ...others]]])
    await describe(`of all brokers, ${what}`, [[BROKER, '']])
  }
}
