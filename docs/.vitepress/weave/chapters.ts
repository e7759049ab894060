/**
 * # The chapters
 *
 * All of them, in call order, each with the call that it is about and the recording in
 * which that call is seen. The side bar, the walk through the notes, and the head and foot
 * of each chapter are made of this list.
 *
 * @module
 */
import { existsSync } from 'node:fs'
import { join } from 'node:path'
import { type NoteLine, parseNotes } from '../../../src/trace/notes.ts'

/** One chapter. */
export interface Chapter {
  /** Its page below `/chapters/`. */
  readonly name: string
  readonly title: string
  /** The call that it tells of. */
  readonly subject: string
  /** A recording that has the call. */
  readonly trace: string
  /** The heading of the notes that it belongs to; undefined below the headings. */
  readonly heading?: string
}

/** All chapters, in the order of the calls. */
export const chapterList: readonly Chapter[] = [
  {
    name: 'consumer-zk',
    title: 'Joining a group',
    subject: 'ZookeeperConsumerConnector.createMessageStreams',
    trace: 'consumer',
    heading: '## zk',
  },
  {
    name: 'kafka-stream',
    title: 'From broker to application',
    subject: 'ConsumerIterator.makeNext',
    trace: 'kafka-stream',
    heading: '## KafkaStream',
  },
  {
    name: 'sync-producer',
    title: 'One request, one answer',
    subject: 'SyncProducer.send',
    trace: 'producer',
    heading: '## SyncProducer',
  },
  {
    name: 'request',
    title: 'Who sends what',
    subject: 'ClientUtils.fetchTopicMetadata',
    trace: 'request',
    heading: '# request',
  },
  {
    name: 'kafka-server',
    title: 'A broker starts',
    subject: 'KafkaServer.startup',
    trace: 'server-startup',
    heading: '# KafkaServer',
  },
  {
    name: 'zookeeper',
    title: 'A tree that tells',
    subject: 'ZooKeeperServer.processPacket',
    trace: 'zookeeper',
  },
  {
    name: 'recovery',
    title: 'After a crash',
    subject: 'LogSegment.recover',
    trace: 'recovery',
  },
  {
    name: 'shutdown',
    title: 'A broker stops',
    subject: 'KafkaServer.shutdown',
    trace: 'leader-moved',
  },
  {
    name: 'kafka-apis',
    title: 'Append, then wake',
    subject: 'KafkaApis.handleProduceRequest',
    trace: 'produce',
    heading: '# KafkaApis',
  },
  {
    name: 'record-batch',
    title: 'A batch on its way',
    subject: 'Log.analyzeAndValidateRecords',
    trace: 'produce',
  },
  {
    name: 'log',
    title: 'The end of a log',
    subject: 'Log.append',
    trace: 'produce',
  },
  {
    name: 'idempotent-producer',
    title: 'Once, and in order',
    subject: 'ProducerAppendInfo.append',
    trace: 'idempotent-producer',
  },
  {
    name: 'fetch-session',
    title: 'Only what changed',
    subject: 'FetchManager.newContext',
    trace: 'fetch-session',
  },
  {
    name: 'offset-index',
    title: 'Finding an offset',
    subject: 'LogSegment.translateOffset',
    trace: 'find-offset',
  },
  {
    name: 'cleaner',
    title: 'The last of each key',
    subject: 'CleanerThread.cleanLog',
    trace: 'compaction',
  },
  {
    name: 'purgatory',
    title: 'Waiting in the purgatory',
    subject: 'DelayedOperationPurgatory.tryCompleteElseWatch',
    trace: 'produce',
  },
  {
    name: 'quotas',
    title: 'An answer that waits',
    subject: 'ClientQuotaManager.maybeRecordAndThrottle',
    trace: 'throttle',
  },
  {
    name: 'replica-manager',
    title: 'Leader or follower',
    subject: 'ReplicaManager.becomeLeaderOrFollower',
    trace: 'become-leader-or-follower',
    heading: '# ReplicaManager',
  },
  {
    name: 'high-watermark',
    title: 'What cannot be lost',
    subject: 'Partition.maybeIncrementLeaderHW',
    trace: 'replicate',
  },
  {
    name: 'failover',
    title: 'A leader dies',
    subject: 'BrokerChange.process',
    trace: 'failover',
  },
  {
    name: 'leader-epoch',
    title: 'Where the logs part',
    subject: 'ReplicaFetcherThread.truncateToEpochs',
    trace: 'parted-logs',
  },
  {
    name: 'isr-shrink',
    title: 'A follower falls behind',
    subject: 'Partition.maybeShrinkIsr',
    trace: 'isr-shrink',
  },
  {
    name: 'log-dir-failure',
    title: 'A disk fails',
    subject: 'LogDirReplicas.handleLogDirFailure',
    trace: 'log-dir-failure',
  },
  {
    name: 'controller-election',
    title: 'The office changes hands',
    subject: 'KafkaController.elect',
    trace: 'controller-election',
  },
  {
    name: 'controller-events',
    title: 'One event at a time',
    subject: 'ControllerEventThread.doWork',
    trace: 'failover',
  },
  {
    name: 'topic-life',
    title: 'A topic comes and goes',
    subject: 'TopicDeletion.process',
    trace: 'topic-life',
  },
  {
    name: 'reassignment',
    title: 'A partition moves',
    subject: 'PartitionReassignments.onPartitionReassignment',
    trace: 'reassignment',
  },
  {
    name: 'group',
    title: 'A group rebalances',
    subject: 'GroupCoordinator.handleJoinGroup',
    trace: 'join-group',
  },
  {
    name: 'rebalance',
    title: 'Two ways to share',
    subject: 'ZKRebalancerListener.rebalance',
    trace: 'shared-group',
  },
  {
    name: 'commit-offset',
    title: 'An offset is a record',
    subject: 'GroupCoordinator.doCommitOffsets',
    trace: 'commit-offset',
  },
  {
    name: 'transaction',
    title: 'All or nothing',
    subject: 'TransactionCoordinator.handleEndTransaction',
    trace: 'transaction',
  },
]

/**
 * The headings of the notes that have no chapter. One that only holds other headings is
 * told by theirs.
 *
 * @param directory where the chapters lie, a file each
 * @returns a complaint for each; empty when all is well
 */
export function headingsWithoutChapter(
  notes: string,
  list: readonly Chapter[],
  directory: string,
): string[] {
  const lines = parseNotes(notes)
  return lines.flatMap((line, i) => {
    if (line.headingLevel === 0 || holdsHeadings(line, lines[i + 1])) return []
    const chapter = list.find(({ heading }) => heading === line.text)
    if (!chapter) return [`heading ${line.text} of the notes has no chapter`]
    if (existsSync(join(directory, `${chapter.name}.md`))) return []
    return [`heading ${line.text} of the notes: there is no ${chapter.name}.md`]
  })
}

function holdsHeadings(line: NoteLine, next: NoteLine | undefined): boolean {
  return (next?.headingLevel ?? 0) > line.headingLevel
}
