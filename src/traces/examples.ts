/**
 * All example traces, in the order of the notes.
 *
 * @module
 */
import type { ExampleTrace } from './ExampleTrace.ts'
import { asyncProducer } from './examples/async-producer.ts'
import { becomeLeaderOrFollower } from './examples/become-leader-or-follower.ts'
import { commitOffset } from './examples/commit-offset.ts'
import { compaction } from './examples/compaction.ts'
import { consumer } from './examples/consumer.ts'
import { controllerElection } from './examples/controller-election.ts'
import { coordinatorMoved } from './examples/coordinator-moved.ts'
import { deletionWaits } from './examples/deletion-waits.ts'
import { failover } from './examples/failover.ts'
import { fetchSession } from './examples/fetch-session.ts'
import { findOffset } from './examples/find-offset.ts'
import { followerLeftBehind } from './examples/follower-left-behind.ts'
import { idempotentProducer } from './examples/idempotent-producer.ts'
import { isrShrink } from './examples/isr-shrink.ts'
import { joinGroup } from './examples/join-group.ts'
import { kafkaStream } from './examples/kafka-stream.ts'
import { leaderMoved } from './examples/leader-moved.ts'
import { logDirFailure } from './examples/log-dir-failure.ts'
import { memberDies } from './examples/member-dies.ts'
import { morePartitions } from './examples/more-partitions.ts'
import { noBroker } from './examples/no-broker.ts'
import { offsetOutOfRange } from './examples/offset-out-of-range.ts'
import { offsetsExpired } from './examples/offsets-expired.ts'
import { partedLogs } from './examples/parted-logs.ts'
import { produce } from './examples/produce.ts'
import { producer } from './examples/producer.ts'
import { producerFailed } from './examples/producer-failed.ts'
import { producerRetry } from './examples/producer-retry.ts'
import { reassignment } from './examples/reassignment.ts'
import { rebalanceConflict } from './examples/rebalance-conflict.ts'
import { rebalanceFailed } from './examples/rebalance-failed.ts'
import { recovery } from './examples/recovery.ts'
import { replicate } from './examples/replicate.ts'
import { request } from './examples/request.ts'
import { retention } from './examples/retention.ts'
import { serverStartup } from './examples/server-startup.ts'
import { sessionEvicted } from './examples/session-evicted.ts'
import { sessionExpired } from './examples/session-expired.ts'
import { sharedGroup } from './examples/shared-group.ts'
import { throttle } from './examples/throttle.ts'
import { topicLife } from './examples/topic-life.ts'
import { transaction } from './examples/transaction.ts'
import { transactionCoordinatorMoved } from './examples/transaction-coordinator-moved.ts'
import { transactionTimeout } from './examples/transaction-timeout.ts'
import { transactionalIdExpired } from './examples/transactional-id-expired.ts'
import { wildcard } from './examples/wildcard.ts'
import { zookeeper } from './examples/zookeeper.ts'

/** All example traces, in the order of the notes, branches behind what they leave. */
export const examples: readonly ExampleTrace[] = [
  consumer,
  sharedGroup,
  morePartitions,
  rebalanceConflict,
  rebalanceFailed,
  noBroker,
  sessionExpired,
  wildcard,
  coordinatorMoved,
  kafkaStream,
  leaderMoved,
  offsetOutOfRange,
  producer,
  producerRetry,
  producerFailed,
  asyncProducer,
  request,
  serverStartup,
  zookeeper,
  recovery,
  compaction,
  retention,
  produce,
  idempotentProducer,
  findOffset,
  fetchSession,
  sessionEvicted,
  throttle,
  becomeLeaderOrFollower,
  replicate,
  failover,
  partedLogs,
  followerLeftBehind,
  isrShrink,
  logDirFailure,
  controllerElection,
  topicLife,
  deletionWaits,
  reassignment,
  joinGroup,
  memberDies,
  commitOffset,
  offsetsExpired,
  transaction,
  transactionTimeout,
  transactionCoordinatorMoved,
  transactionalIdExpired,
]
