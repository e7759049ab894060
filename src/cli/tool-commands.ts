/**
 * The commands that are clients of a cluster, with the flags of Kafka's own scripts.
 *
 * @module
 */
import type { Command } from 'commander'
import { keyValue, many, natural, oneOf, positive, whole } from './flags.ts'

/** Adds `topics`, `produce`, `consume`, `groups`, `configs` and the tools for offsets. */
export function addToolCommands(program: Command): void {
  addTopics(program)
  addProduce(program)
  addConsume(program)
  addGroups(program)
  addConfigs(program)
  addOffsetTools(program)
}

/** The two ways to a cluster. */
function onCluster(command: Command): Command {
  return command
    .option(
      '--bootstrap-server <host:port>',
      'brokers of the cluster, with commas between',
    )
    .option('--zookeeper <host:port>', 'ZooKeeper of the cluster')
}

function addTopics(program: Command): void {
  onCluster(program.command('topics'))
    .description('create, list, describe, change and delete topics')
    .option('--create', 'create a topic')
    .option('--list', 'print the names of topics')
    .option('--describe', 'print partitions, leaders and replicas')
    .option('--alter', 'change partitions or settings')
    .option('--delete', 'delete topics')
    .option('--topic <topic>', 'its name; for all but --create an expression')
    .option('--partitions <n>', 'number of partitions', positive)
    .option('--replication-factor <n>', 'replicas of each partition', positive)
    .option('--replica-assignment <ids>', 'brokers of each partition: 0:1,1:2')
    .option('--config <name=value>', 'a setting of the topic', keyValue, [])
    .option('--delete-config <name>', 'a setting to remove', many, [])
    .option('--if-not-exists', 'with --create: it may be there already')
    .option('--if-exists', 'with --alter and --delete: it may not be there')
    .option('--disable-rack-aware', 'place replicas as if no broker had a rack')
    .option(
      '--under-replicated-partitions',
      'only partitions that lack replicas in sync',
    )
    .option('--unavailable-partitions', 'only partitions without a living leader')
    .option('--topics-with-overrides', 'only topics with settings of their own')
    .option('--force', 'accepted for the sake of scripts; nothing is asked')
    .action(async (options) => (await import('./topics.ts')).topics(options))
}

/** Names of Kafka's classes that a script may give. */
const ENCODER = 'kafka.serializer.DefaultEncoder'
const LINE_READER = 'kafka.tools.ConsoleProducer$LineMessageReader'

function addProduce(program: Command): void {
  program
    .command('produce')
    .description('send each line of standard input to a topic')
    .requiredOption('--topic <topic>', 'where to')
    .option('--broker-list <host:port>', 'brokers of the cluster, with commas between')
    .option('--bootstrap-server <host:port>', 'the same')
    .option('--sync', 'send one message at a time')
    .option(
      '--compression-codec [codec]',
      'none, gzip, snappy or lz4; gzip without a value',
    )
    .option('--batch-size <n>', 'old producer: messages in a batch', positive, 200)
    .option('--message-send-max-retries <n>', 'tries after the first', natural, 3)
    .option('--retry-backoff-ms <ms>', 'pause before each', natural, 100)
    .option('--timeout <ms>', 'how long a message waits for company', natural, 1000)
    .option(
      '--queue-size <n>',
      'old producer: messages that may wait',
      positive,
      10_000,
    )
    .option('--queue-enqueuetimeout-ms <ms>', 'old: wait for room', whole, 2147483647)
    .option('--request-required-acks <acks>', '0, 1, -1 or all', '1')
    .option('--request-timeout-ms <ms>', 'wait for replicas', positive, 1500)
    .option('--max-block-ms <ms>', 'wait for a leader, or for room', natural, 60_000)
    .option('--max-memory-bytes <n>', 'bytes that may wait', positive, 33_554_432)
    .option('--max-partition-memory-bytes <n>', 'bytes of a batch', positive, 16_384)
    .option(
      '--property <key=value>',
      'parse.key, key.separator, ignore.error',
      keyValue,
      [],
    )
    .option('--old-producer', 'send as the producer of the notes')
    .option('--producer-property <key=value>', 'old producer: a setting', keyValue, [])
    .option('--producer.config <file>', 'old producer: a file of settings')
    .option('--producer-config <file>', 'the same')
    .option('--key-serializer <class>', 'old producer: turns keys into bytes', ENCODER)
    .option('--value-serializer <class>', 'old producer: the same of values', ENCODER)
    .option('--metadata-expiry-ms <ms>', 'old: age to renew it at', natural, 300_000)
    .option('--socket-buffer-size <n>', 'old: checked, not used', positive, 102_400)
    .option(
      '--line-reader <class>',
      'what makes messages of lines; there is one',
      oneOf('LineMessageReader', LINE_READER),
      LINE_READER,
    )
    .action(async (options) => (await import('./produce.ts')).produce(options))
}

function addConsume(program: Command): void {
  onCluster(program.command('consume'))
    .description(
      'print what topics hold; with --zookeeper as the consumer of the notes',
    )
    .option('--topic <topic>', 'what to read')
    .option('--whitelist <expression>', 'read the topics that match')
    .option(
      '--blacklist <expression>',
      'with --zookeeper: the topics that do not match',
    )
    .option('--partition <n>', 'one partition, without a group', natural)
    .option('--offset <offset>', 'with --partition: earliest, latest or a number')
    .option(
      '--from-beginning',
      'begin with the first record where the group has no offset',
    )
    .option('--max-messages <n>', 'end after so many; -1: no end', whole)
    .option('--timeout-ms <ms>', 'end when nothing comes for so long', whole)
    .option('--group <group>', 'the group to read in')
    .option(
      '--isolation-level <level>',
      'read_uncommitted or read_committed',
      oneOf('read_uncommitted', 'read_committed'),
      'read_uncommitted',
    )
    .option('--skip-message-on-error', 'go on when a message cannot be printed')
    .option('--delete-consumer-offsets', 'with --zookeeper: forget the group first')
    .option(
      '--key-deserializer <class>',
      'such as StringDeserializer, LongDeserializer',
    )
    .option('--value-deserializer <class>', 'the same')
    .option(
      '--property <key=value>',
      'print.timestamp, print.key, print.value, key.separator, line.separator',
      keyValue,
      [],
    )
    .option(
      '--consumer-property <key=value>',
      'a setting of the consumer',
      keyValue,
      [],
    )
    .option('--consumer.config <file>', 'a file of settings')
    .option('--consumer-config <file>', 'the same')
    .option(
      '--formatter <class>',
      'DefaultMessageFormatter, LoggingMessageFormatter, NoOpMessageFormatter, ' +
        'ChecksumMessageFormatter, OffsetsMessageFormatter, ' +
        'GroupMetadataMessageFormatter or TransactionLogMessageFormatter',
      'kafka.tools.DefaultMessageFormatter',
    )
    .option('--new-consumer', 'accepted for the sake of scripts; it is the default')
    .option('--command-config <file>', 'a file of settings for the client of brokers')
    .option('--enable-systest-events', 'also print when it has shut down')
    .option('--csv-reporter-enabled', 'write how fast it reads to files, every 5 s')
    .option('--metrics-dir <dir>', 'where these files are', 'kafka_metrics')
    .action(async (options) => (await import('./consume.ts')).consume(options))
}

function addGroups(program: Command): void {
  const groups = onCluster(program.command('groups'))
    .description('list, describe and delete groups, and reset their offsets')
    .option('--list', 'print the names of groups')
    .option('--describe', 'print who reads what, how far, and how far behind')
    .option('--delete', 'delete groups that nobody is in')
    .option('--reset-offsets', 'set where a group reads on')
    .option('--members', 'with --describe: its members')
    .option('--offsets', 'with --describe: its offsets, as without a flag')
    .option('--state', 'with --describe: its state')
    .option('--verbose', 'with --members: also their partitions')
    .option('--timeout <ms>', 'how long to look for the coordinator', positive, 5000)
    .option('--new-consumer', 'accepted for the sake of scripts; it is the default')
  addResetFlags(groups)
  groups.action(async (options) => (await import('./groups.ts')).groups(options))
  addResetFlags(
    program
      .command('reset-offsets')
      .description('`groups --reset-offsets`')
      .option('--bootstrap-server <host:port>', 'brokers of the cluster')
      .option('--timeout <ms>', 'how long to look for the coordinator', positive, 5000)
      .option(
        '--command-config <file>',
        'a file of settings for the client of brokers',
      ),
  ).action(async (options) => {
    await (await import('./groups.ts')).groups({ ...options, resetOffsets: true })
  })
}

/** Scope, scenario and execution of a reset. */
function addResetFlags(command: Command): Command {
  return command
    .option('--group <group>', 'the group; more than one with --delete', many, [])
    .option('--all-topics', 'scope: all partitions that the group has offsets of')
    .option(
      '--topic <topic>',
      'scope: a topic, or some partitions, topic:0,1; with --delete: this topic alone',
      many,
      [],
    )
    .option('--to-offset <n>', 'to this offset', natural)
    .option('--to-earliest', 'to the first record')
    .option('--to-latest', 'behind the last record')
    .option('--to-current', 'to where the group is')
    .option('--shift-by <n>', 'so many records on, or back', whole)
    .option('--to-datetime <time>', 'to a time: YYYY-MM-DDTHH:mm:SS.sss')
    .option('--by-duration <duration>', 'so long before now: PnDTnHnMnS')
    .option('--from-file <file>', 'as lines topic,partition,offset say')
    .option('--dry-run', 'only print the plan; the default')
    .option('--execute', 'carry the plan out')
    .option('--export', 'print the plan as --from-file reads it')
}

function addConfigs(program: Command): void {
  // Names and defaults count in the order in which they stand.
  const entityNames: (string | undefined)[] = []
  const configs = onCluster(program.command('configs'))
    .description('show and change settings of topics, brokers, users and client ids')
    .option('--describe', 'print what is set')
    .option('--alter', 'change it')
    .option('--entity-type <type>', 'topics, brokers, users or clients', many, [])
    .option('--entity-name <name>', 'which of them')
    .option('--entity-default', 'the default of all of them')
    .option('--add-config <k1=v1,k2=[a,b]>', 'what to set')
    .option(
      '--delete-config <k1,k2>',
      'what to remove',
      (text, before: string[]) => [...before, ...text.split(',')],
      [],
    )
    .option('--force', 'accepted for the sake of scripts; nothing is asked')
    .option('--command-config <file>', 'a file of settings for the client of brokers')
  configs.on('option:entity-name', (name: string) => entityNames.push(name))
  configs.on('option:entity-default', () => entityNames.push(undefined))
  configs.action(async (options) =>
    (await import('./configs.ts')).configs({ ...options, entityNames }),
  )
}

function addOffsetTools(program: Command): void {
  program
    .command('offset-shell')
    .description('print offsets of partitions')
    .requiredOption('--broker-list <host:port>', 'brokers of the cluster')
    .requiredOption('--topic <topic>', 'which topic')
    .option('--partitions <ids>', 'with commas between; all when left out')
    .option('--time <ms>', 'offsets before a time; -1 latest, -2 earliest', whole, -1)
    .option('--offsets <n>', 'how many of each partition', positive, 1)
    .option('--max-wait-ms <ms>', 'how long to wait for an answer', positive, 10_000)
    .action(async (options) => {
      process.exitCode = await (await import('./offset-tools.ts')).offsetShell(options)
    })
  program
    .command('export-offsets')
    .description('write offsets that groups keep in ZooKeeper to a file')
    .option('--zkconnect <host:port>', 'ZooKeeper of the cluster', 'localhost:2181')
    .option('--group <group>', 'which group; all when left out', many, [])
    .requiredOption('--output-file <file>', 'where to')
    .action(async (options) =>
      (await import('./offset-tools.ts')).exportOffsets(options),
    )
  program
    .command('import-offsets')
    .description('write offsets from such a file to ZooKeeper')
    .option('--zkconnect <host:port>', 'ZooKeeper of the cluster', 'localhost:2181')
    .requiredOption('--input-file <file>', 'where from')
    .action(async (options) =>
      (await import('./offset-tools.ts')).importOffsets(options),
    )
  program
    .command('verify-rebalance')
    .description('check that a group of old consumers owns every partition it wants')
    .option('--zookeeper.connect <host:port>', 'its ZooKeeper', 'localhost:2181')
    .requiredOption('--group <group>', 'which group')
    .action(async (options) =>
      (await import('./offset-tools.ts')).verifyRebalance(options),
    )
}
