/**
 * All example traces, in the order of the notes.
 *
 * @module
 */
import type { ExampleTrace } from './ExampleTrace.ts'
import { becomeLeaderOrFollower } from './examples/become-leader-or-follower.ts'
import { commitOffset } from './examples/commit-offset.ts'
import { consumer } from './examples/consumer.ts'
import { controllerElection } from './examples/controller-election.ts'
import { failover } from './examples/failover.ts'
import { isrShrink } from './examples/isr-shrink.ts'
import { joinGroup } from './examples/join-group.ts'
import { kafkaStream } from './examples/kafka-stream.ts'
import { produce } from './examples/produce.ts'
import { producer } from './examples/producer.ts'
import { replicate } from './examples/replicate.ts'
import { request } from './examples/request.ts'
import { serverStartup } from './examples/server-startup.ts'
import { transaction } from './examples/transaction.ts'

/** All example traces, in the order of the notes. */
export const examples: readonly ExampleTrace[] = [
  consumer,
  kafkaStream,
  producer,
  request,
  serverStartup,
  produce,
  becomeLeaderOrFollower,
  replicate,
  failover,
  isrShrink,
  controllerElection,
  joinGroup,
  commitOffset,
  transaction,
]
