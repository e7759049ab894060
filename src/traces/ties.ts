/**
 * # What proves each line of the notes
 *
 * One tie for each line, in the order of the lines. `checkNotes` holds them against the
 * recordings; a line of the notes that has no tie here fails the check.
 *
 * The `$` of the notes stands for the class at hand; the ties name it.
 *
 * @module
 */
import type { Tie } from '../trace/notes.ts'

const connector = 'ZookeeperConsumerConnector'
const rebalancer = 'ZKRebalancerListener'

const consumer: Tie[] = [
  { line: '# consumer', trace: 'consumer', sees: [] },
  { line: '## zk', trace: 'consumer', sees: [] },
  {
    line: 'connector := Consumer.create(config: ConsumerConfig)',
    trace: 'consumer',
    sees: [{ frame: 'Consumer.create', shows: { config: 'ConsumerConfig' } }],
  },
  {
    line: 'new ZookeeperConsumerConnector',
    trace: 'consumer',
    sees: [{ frame: `new ${connector}` }],
    under: 'connector := Consumer.create(config: ConsumerConfig)',
  },
  {
    line: 'ZookeeperConsumerConnector.createMessageStreams(',
    trace: 'consumer',
    sees: [{ frame: `${connector}.createMessageStreams` }],
  },
  {
    line: 'topicCountMap: Map[String,Int], keyDecoder: Decoder[K], valueDecoder: Decoder[V])',
    trace: 'consumer',
    sees: [
      {
        frame: `${connector}.createMessageStreams`,
        shows: { topicCountMap: 'Map', keyDecoder: 'Decoder', valueDecoder: 'Decoder' },
      },
    ],
  },
  {
    line: '$.consume()',
    trace: 'consumer',
    sees: [{ frame: `${connector}.consume` }],
    under: 'ZookeeperConsumerConnector.createMessageStreams(',
  },
  {
    line: "$.registerConsumerInZK()  '/consumers/$groupId/ids/$consumerIdString'",
    trace: 'consumer',
    sees: [
      { frame: `${connector}.registerConsumerInZK` },
      {
        frame: 'ZkUtils.createCheckedEphemeral',
        shows: { path: '/consumers/annotated/ids/' },
      },
    ],
    under: '$.consume()',
  },
  {
    line: '$.reinitializeConsumer()',
    trace: 'consumer',
    sees: [{ frame: `${connector}.reinitializeConsumer` }],
    under: '$.consume()',
  },
  {
    line: '$.loadBalancerListener = new ZKRebalancerListener',
    trace: 'consumer',
    sees: [{ frame: `new ${rebalancer}` }],
    under: '$.reinitializeConsumer()',
  },
  {
    line: '$.topicThreadIdAndQueues.put(topicAndConsumerThreadId)',
    trace: 'consumer',
    sees: [{ frame: 'Pool.put', shows: { key: 'greetings' } }],
    under: '$.reinitializeConsumer()',
  },
  {
    line: '$.loadBalancerListener.syncedRebalance()  // 同步rebalance',
    trace: 'consumer',
    sees: [{ frame: `${rebalancer}.syncedRebalance` }],
    under: '$.reinitializeConsumer()',
  },
  {
    line: '$.closeFetchers()',
    trace: 'consumer',
    sees: [{ frame: `${rebalancer}.closeFetchers` }],
    under: '$.loadBalancerListener.syncedRebalance()  // 同步rebalance',
  },
  {
    line: '$.updateFetcher()',
    trace: 'consumer',
    sees: [{ frame: `${rebalancer}.updateFetcher` }],
    under: '$.loadBalancerListener.syncedRebalance()  // 同步rebalance',
  },
  {
    line: '$.fetcher.get.startConnections(allPartitionInfos, cluster)  // ConsumerFetcherManager::startConnections',
    trace: 'consumer',
    sees: [{ frame: 'ConsumerFetcherManager.startConnections' }],
    under: '$.updateFetcher()',
  },
  { line: '## KafkaStream', trace: 'kafka-stream', sees: [] },
  {
    line: 'KafkaStream -> ConsumerIterator -> ConsumerFetcherThread -> SimpleConsumer',
    trace: 'kafka-stream',
    sees: [
      { frame: 'KafkaStream.iterator' },
      { frame: 'ConsumerIterator.makeNext' },
      { frame: 'ConsumerFetcherThread.fetch', anyOrder: true },
      { frame: 'SimpleConsumer.fetch', anyOrder: true },
    ],
  },
]

const producer: Tie[] = [
  { line: '# producer', trace: 'producer', sees: [] },
  {
    line: '## SyncProducer',
    trace: 'producer',
    sees: [{ frame: 'new SyncProducer' }, { frame: 'SyncProducer.send' }],
  },
]

const request: Tie[] = [
  { line: '# request', trace: 'request', sees: [] },
  { line: '> SyncProducer', trace: 'request', sees: [{ frame: 'new SyncProducer' }] },
  {
    line: 'send(request: TopicMetadataRequest)',
    trace: 'request',
    sees: [{ frame: 'SyncProducer.send', shows: { request: 'TopicMetadataRequest' } }],
  },
  {
    line: 'send(producerRequest: ProducerRequest)',
    trace: 'request',
    sees: [{ frame: 'SyncProducer.send', shows: { request: 'ProducerRequest' } }],
  },
  {
    line: '> ZookeeperConsumerConnector',
    trace: 'request',
    sees: [{ frame: `new ${connector}` }],
  },
  {
    line: 'offsetsChannel.send(offsetFetchRequest)',
    trace: 'request',
    sees: [
      { frame: `${connector}.fetchOffsets` },
      { frame: 'BlockingChannel.send', shows: { api: 'OffsetFetch' } },
    ],
  },
  {
    line: 'offsetsChannel.send(offsetCommitRequest)',
    trace: 'request',
    sees: [
      { frame: `${connector}.commitOffsets` },
      { frame: 'BlockingChannel.send', shows: { api: 'OffsetCommit' } },
    ],
  },
  {
    line: '> ConsumerFetcherManager',
    trace: 'request',
    sees: [{ frame: 'ConsumerFetcherManager.startConnections', anyOrder: true }],
  },
  {
    line: 'ClientUtils.fetchTopicMetadata()',
    trace: 'request',
    sees: [
      { frame: 'LeaderFinderThread.doWork', anyOrder: true },
      { frame: 'ClientUtils.fetchTopicMetadata', anyOrder: true },
    ],
  },
  {
    line: '> SimpleConsumer',
    trace: 'request',
    sees: [{ frame: 'new SimpleConsumer', anyOrder: true }],
  },
  {
    line: 'fetch(request: FetchRequest)',
    trace: 'request',
    sees: [{ frame: 'SimpleConsumer.fetch', anyOrder: true }],
  },
]

const startup = 'server-startup'
const inStartup = (line: string, ...frames: string[]): Tie => ({
  ...{ line, trace: startup, under: '> startup()' },
  sees: frames.map((frame) => ({ frame })),
})

const kafkaServer: Tie[] = [
  { line: '# KafkaServer', trace: startup, sees: [] },
  { line: '> startup()', trace: startup, sees: [{ frame: 'KafkaServer.startup' }] },
  inStartup('logManager.startup()', 'LogManager.startup'),
  inStartup('metadataCache = new MetadataCache(config.brokerId)', 'new MetadataCache'),
  inStartup('socketServer.startup()', 'SocketServer.startup'),
  inStartup('replicaManager.startup()', 'ReplicaManager.startup'),
  inStartup('checkpointBrokerId()', 'KafkaServer.checkpointBrokerId'),
  inStartup('kafkaController.startup()', 'KafkaController.startup'),
  inStartup('adminManager = new AdminManager(metadataCache)', 'new AdminManager'),
  inStartup('groupCoordinator.startup()', 'GroupCoordinator.startup'),
  inStartup('val fetchManager = new FetchManager', 'new FetchManager'),
  inStartup('apis = new KafkaApis(', 'new KafkaApis'),
  inStartup('socketServer.requestChannel, replicaManager,', 'new KafkaApis'),
  inStartup('adminManager, groupCoordinator, kafkaController,', 'new KafkaApis'),
  inStartup('metadataCache, fetchManager', 'new KafkaApis'),
  inStartup(')', 'new KafkaApis'),
  inStartup(
    'requestHandlerPool = new KafkaRequestHandlerPool(',
    'new KafkaRequestHandlerPool',
  ),
  inStartup('socketServer.requestChannel, apis', 'new KafkaRequestHandlerPool'),
  inStartup(')', 'new KafkaRequestHandlerPool'),
]

const apis: Tie[] = [
  { line: '# KafkaApis', trace: 'produce', sees: [] },
  {
    line: '> handleProduceRequest',
    trace: 'produce',
    sees: [{ frame: 'KafkaApis.handleProduceRequest' }],
  },
  {
    line: 'ReplicaManager.appendRecords',
    trace: 'produce',
    sees: [{ frame: 'ReplicaManager.appendRecords' }],
    under: '> handleProduceRequest',
  },
  {
    line: 'Partition.appendRecordsToLeader',
    trace: 'produce',
    sees: [{ frame: 'Partition.appendRecordsToLeader' }],
    under: 'ReplicaManager.appendRecords',
  },
  {
    line: 'ReplicaManager.tryCompleteDelayedFetch(key{topic, partitionId})',
    trace: 'produce',
    sees: [
      {
        frame: 'ReplicaManager.tryCompleteDelayedFetch',
        shows: { key: 'greetings-0' },
      },
    ],
    under: 'Partition.appendRecordsToLeader',
  },
  {
    line: 'DelayedOperation.checkAndComplete(key)',
    trace: 'produce',
    sees: [{ frame: 'DelayedOperationPurgatory.checkAndComplete' }],
    under: 'ReplicaManager.tryCompleteDelayedFetch(key{topic, partitionId})',
  },
  {
    line: '$.watchersForKey.get(key)',
    trace: 'produce',
    sees: [{ frame: 'Pool.get' }],
    under: 'DelayedOperation.checkAndComplete(key)',
  },
  {
    line: 'if wathcer != null',
    trace: 'produce',
    sees: [{ frame: 'Pool.get', shows: { result: 'Watchers' } }],
    under: 'DelayedOperation.checkAndComplete(key)',
  },
  {
    line: 'watcher.tryCompleteWatched()',
    trace: 'produce',
    sees: [{ frame: 'Watchers.tryCompleteWatched' }],
    under: 'DelayedOperation.checkAndComplete(key)',
  },
]

const replicaManager: Tie[] = [
  { line: '# ReplicaManager', trace: 'become-leader-or-follower', sees: [] },
  {
    line: '> becomeLeaderOrFollower',
    trace: 'become-leader-or-follower',
    sees: [{ frame: 'ReplicaManager.becomeLeaderOrFollower' }],
  },
  {
    line: '$.makeFollowers',
    trace: 'become-leader-or-follower',
    sees: [{ frame: 'ReplicaManager.makeFollowers' }],
    under: '> becomeLeaderOrFollower',
  },
]

/** What must be seen for each line of the notes, in their order. */
export const ties: readonly Tie[] = [
  ...consumer,
  ...producer,
  ...request,
  ...kafkaServer,
  ...apis,
  ...replicaManager,
]
