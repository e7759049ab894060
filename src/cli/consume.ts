/**
 * # annotated-kafka consume
 *
 * Prints what topics hold, with the flags of `kafka-console-consumer.sh`. With
 * `--bootstrap-server` it reads as today's consumers do; with `--zookeeper`, as the
 * consumer of the notes.
 *
 * @module
 */
import { readFileSync } from 'node:fs'
import { IllegalArgumentException, IllegalStateException } from '../base/errors.ts'
import { logger } from '../base/logger.ts'
import { nodePlatform } from '../base/platform/node/node-platform.ts'
import type { Platform } from '../base/platform/Platform.ts'
import { TopicPartition } from '../base/TopicPartition.ts'
import { TopicPartitionMap } from '../base/TopicPartitionMap.ts'
import type { ClusterClient } from '../clients/ClusterClient.ts'
import type { RecordSource } from '../clients/fetched-record.ts'
import { GroupConsumer } from '../clients/GroupConsumer.ts'
import {
  EARLIEST_TIMESTAMP,
  LATEST_TIMESTAMP,
  listOffsets,
} from '../clients/list-offsets.ts'
import { PartitionReader } from '../clients/PartitionReader.ts'
import { ConsumerConfig } from '../consumer/ConsumerConfig.ts'
import { Blacklist, Whitelist } from '../consumer/TopicFilter.ts'
import { KafkaConfig } from '../server/KafkaConfig.ts'
import { connectWithNodeZookeeperClient } from '../zookeeper/node-zookeeper-client-session.ts'
import { withZooKeeper } from './admin/open-zookeeper.ts'
import { keyValues } from './key-value.ts'
import { type ClusterOptions, onCluster } from './on-cluster.ts'
import { stdout } from './stdout.ts'
import {
  ConsoleConsumer,
  type ConsoleConsumerOptions,
} from './tools/ConsoleConsumer.ts'
import { KafkaCSVMetricsReporter } from './tools/KafkaCSVMetricsReporter.ts'
import { createMessageFormatter } from './tools/message-formatters.ts'
import { OldConsumerSource } from './tools/OldConsumerSource.ts'
import { exitCodeOf, untilSignal } from './until-signal.ts'

/** The flags. */
export interface ConsumeOptions extends ClusterOptions {
  readonly topic?: string
  readonly whitelist?: string
  readonly blacklist?: string
  readonly partition?: number
  readonly offset?: string
  readonly fromBeginning?: boolean
  readonly maxMessages?: number
  readonly timeoutMs?: number
  readonly group?: string
  readonly isolationLevel: 'read_uncommitted' | 'read_committed'
  readonly skipMessageOnError?: boolean
  readonly deleteConsumerOffsets?: boolean
  readonly keyDeserializer?: string
  readonly valueDeserializer?: string
  /** `name=value` each. */
  readonly property: readonly string[]
  readonly consumerProperty: readonly string[]
  readonly consumerConfig?: string
  readonly 'consumer.config'?: string
  /** Class name of what makes text of records. */
  readonly formatter: string
  readonly newConsumer?: boolean
  readonly enableSystestEvents?: boolean
  readonly csvReporterEnabled?: boolean
  readonly metricsDir: string
}

/**
 * Runs the command.
 *
 * @throws IllegalArgumentException (rejects) when flags are missing or contradict
 */
export async function consume(options: ConsumeOptions): Promise<void> {
  checkFlags(options)
  const formatter = createMessageFormatter(options.formatter, {
    ...keyValues(options.property),
    ...(options.keyDeserializer && { 'key.deserializer': options.keyDeserializer }),
    ...(options.valueDeserializer && {
      'value.deserializer': options.valueDeserializer,
    }),
  })
  const properties = propertiesOf(options)

  // Stop at a signal, and end as a process that one ended.
  const stop = new AbortController()
  void untilSignal().then((signal) => {
    stop.abort()
    process.exitCode = exitCodeOf(signal)
  })

  // Print, and say at the end how much it was.
  const { clock } = nodePlatform()
  const output = stdout()
  const consumer = new ConsoleConsumer(formatter, output, clock)
  const reporter = options.csvReporterEnabled
    ? new KafkaCSVMetricsReporter(options.metricsDir, clock)
    : undefined
  let hasBegun = false
  const read = (source: RecordSource, end: ConsoleConsumerOptions) => {
    hasBegun = true
    return consumer.process(reporter?.over(source) ?? source, end, stop.signal)
  }
  try {
    if (options.zookeeper === undefined) {
      await onCluster(options, {
        brokers: async (client, platform) =>
          read(await newSource(client, platform, options, properties), options),
      })
    } else await readWithOldConsumer(options, properties, read)
  } finally {
    reporter?.stop()
    if (hasBegun) {
      process.stderr.write(`Processed a total of ${consumer.messageCount} messages\n`)
    }
    if (options.enableSystestEvents) await output.write(Buffer.from(SHUT_DOWN))
  }
}

/** What Kafka's system tests wait for. */
const SHUT_DOWN = 'shutdown_complete\n'

/** The settings of the consumer: those on the command line before those of a file. */
function propertiesOf(options: ConsumeOptions): Readonly<Record<string, string>> {
  const file = options['consumer.config'] ?? options.consumerConfig
  const fromFile =
    file === undefined ? {} : KafkaConfig.parseProperties(readFileSync(file, 'utf8'))
  const given = keyValues(options.consumerProperty)

  // Refuse two names for one group, wherever they stand.
  const groups = [options.group, fromFile['group.id'], given['group.id']]
  const names = new Set(groups.filter((name) => name !== undefined))
  if (names.size > 1) {
    throw new IllegalArgumentException(
      `--group, --consumer-property and --consumer.config name different groups: ${[
        ...names,
      ].join(', ')}`,
    )
  }
  return { ...fromFile, ...given }
}

/** A reader of one partition, or a member of a group. */
async function newSource(
  client: ClusterClient,
  { clock, random }: Platform,
  options: ConsumeOptions,
  properties: Readonly<Record<string, string>>,
): Promise<RecordSource> {
  const { topic, partition, isolationLevel } = options
  const autoOffsetReset = resetOf(options, properties, 'earliest', 'latest')
  const reader = { client, clock, autoOffsetReset, isolationLevel } as const
  const timing = timingOf(properties)

  // Wait for a topic that may be made by asking for it, as Kafka's consumer does.
  if (topic !== undefined) await client.leadersOf([topic], true)
  if (topic !== undefined && partition !== undefined) {
    const tp = new TopicPartition(topic, partition)
    const positions = new TopicPartitionMap<number>()
    positions.set(tp, await startOf(client, tp, options))
    return new PartitionReader(reader, positions)
  }
  const group =
    options.group ??
    properties['group.id'] ??
    `console-consumer-${random.nextInt(100_000)}`
  const filter = new Whitelist(options.whitelist ?? '')
  const wanted = (topics: readonly string[]) =>
    topic === undefined
      ? topics.filter((name) => filter.isTopicAllowed(name, true))
      : [topic]
  return new GroupConsumer({ ...reader, ...timing, group, wanted })
}

/**
 * What the properties say about a member of a group. The others of 1.1.1's consumer do
 * nothing here, and that is said.
 */
function timingOf(properties: Readonly<Record<string, string>>) {
  const used = new Set([
    ...['group.id', 'auto.offset.reset', 'enable.auto.commit', 'session.timeout.ms'],
    ...['heartbeat.interval.ms', 'auto.commit.interval.ms'],
  ])
  for (const name of Object.keys(properties)) {
    if (!used.has(name)) log.warn(`${name} is not used by this consumer`)
  }
  const number = (name: string) => {
    const text = properties[name]
    if (text === undefined) return undefined
    if (/^\d+$/.test(text.trim())) return Number(text)
    throw new IllegalArgumentException(`${name}=${text}, expected a whole number`)
  }
  const sessionTimeoutMs = number('session.timeout.ms')
  const heartbeatIntervalMs = number('heartbeat.interval.ms')
  const autoCommitIntervalMs = number('auto.commit.interval.ms')
  return {
    enableAutoCommit: properties['enable.auto.commit']?.trim() !== 'false',
    ...(sessionTimeoutMs !== undefined && { sessionTimeoutMs }),
    ...(heartbeatIntervalMs !== undefined && { heartbeatIntervalMs }),
    ...(autoCommitIntervalMs !== undefined && { autoCommitIntervalMs }),
  }
}

const log = logger('ConsoleConsumer')

/** The offset to begin with in one partition. */
async function startOf(
  client: ClusterClient,
  tp: TopicPartition,
  { offset, fromBeginning }: ConsumeOptions,
): Promise<number> {
  const text = (offset ?? (fromBeginning ? 'earliest' : 'latest')).toLowerCase()
  if (/^\d+$/.test(text)) return Number(text)
  const time = text === 'earliest' ? EARLIEST_TIMESTAMP : LATEST_TIMESTAMP
  return (await listOffsets(client, [tp], time)).get(tp) ?? 0
}

/** Reads as the notes do; cleans up behind a group that was made for this run. */
async function readWithOldConsumer(
  options: ConsumeOptions,
  properties: Readonly<Record<string, string>>,
  read: (source: RecordSource, end: ConsoleConsumerOptions) => Promise<void>,
): Promise<void> {
  const platform = nodePlatform()
  const { zookeeper = '' } = options
  const given = options.group ?? properties['group.id']
  const group = given ?? `console-consumer-${platform.random.nextInt(100_000)}`
  const reset = resetOf(options, properties, 'smallest', 'largest')
  const home = `/consumers/${group}`

  await withZooKeeper(platform, zookeeper, async (zkClient) => {
    // Refuse a ZooKeeper that no broker was ever registered in.
    if (!(await zkClient.pathExists('/brokers/ids'))) {
      throw new IllegalStateException('No brokers found in ZK.')
    }

    // Refuse to begin at the beginning of what the group has begun already.
    if (options.deleteConsumerOffsets) await zkClient.deleteRecursive(home)
    const begun = await zkClient.pathExists(`${home}/offsets`)
    if (reset === 'smallest' && begun) {
      throw new IllegalArgumentException(
        `group ${group} has offsets; --delete-consumer-offsets deletes them`,
      )
    }
  })
  // Let the stream itself wait for messages: it begins to when the group has rebalanced.
  const { timeoutMs = -1, ...end } = options
  const config = new ConsumerConfig({
    ...properties,
    ...{ 'group.id': group, 'zookeeper.connect': zookeeper },
    ...(timeoutMs >= 0 && { 'consumer.timeout.ms': String(timeoutMs) }),
    'auto.offset.reset': reset,
  })
  const filter = options.blacklist
    ? new Blacklist(options.blacklist)
    : new Whitelist(options.topic ?? options.whitelist ?? '')
  const environment = { platform, zooKeeperConnect: connectWithNodeZookeeperClient }
  await read(new OldConsumerSource(config, environment, filter), end)
  if (given !== undefined) return
  await withZooKeeper(platform, zookeeper, (zkClient) => zkClient.deleteRecursive(home))
}

/** Where to begin without an offset: as the property says, or the flag. */
function resetOf<T extends string>(
  { fromBeginning }: ConsumeOptions,
  properties: Readonly<Record<string, string>>,
  first: T,
  last: T,
): T {
  const text = properties['auto.offset.reset']
  if (text === undefined) return fromBeginning ? first : last
  const value = [first, last].find((known) => known === text)
  if (value === undefined) {
    throw new IllegalArgumentException(
      `auto.offset.reset=${text}, expected ${first} or ${last}`,
    )
  }
  if (fromBeginning && value !== first) {
    throw new IllegalArgumentException(
      `--from-beginning and auto.offset.reset=${text} contradict each other`,
    )
  }
  return value
}

function checkFlags(options: ConsumeOptions): void {
  const { topic, whitelist, blacklist, zookeeper, partition } = options
  const refuse = (text: string) => new IllegalArgumentException(text)
  const old = zookeeper !== undefined
  if (old && options.bootstrapServer !== undefined) {
    throw refuse('give only one of --bootstrap-server and --zookeeper')
  }
  if (old && options.newConsumer) throw refuse('--new-consumer is not for --zookeeper')
  const named = [topic, whitelist, blacklist].filter((name) => name !== undefined)
  if (named.length !== 1) {
    throw refuse(
      `give exactly one of --topic, --whitelist${old ? ' and --blacklist' : ''}`,
    )
  }
  if (blacklist !== undefined && !old) throw refuse('--blacklist needs --zookeeper')
  if (partition !== undefined && (old || topic === undefined)) {
    throw refuse('--partition needs --bootstrap-server and --topic')
  }
  if (options.offset !== undefined && partition === undefined) {
    throw refuse('--offset needs --partition')
  }
  if (!/^(\d+|earliest|latest|undefined)$/i.test(String(options.offset))) {
    throw refuse(
      `--offset ${options.offset}, expected earliest, latest or a whole number`,
    )
  }
  if (options.offset !== undefined && options.fromBeginning) {
    throw refuse('give only one of --offset and --from-beginning')
  }
}
