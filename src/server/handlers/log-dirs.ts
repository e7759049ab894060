/**
 * # AlterReplicaLogDirs, DescribeLogDirs
 *
 * What lies in which log directory of this broker, and moving a replica from one to
 * another. Admin clients send both to the broker that is meant: a log directory is the
 * affair of one broker, and the controller never hears of a move.
 *
 *     | API                 | answers                                                  |
 *     |---------------------|----------------------------------------------------------|
 *     | AlterReplicaLogDirs | as soon as the moves have begun, one error a partition   |
 *     | DescribeLogDirs     | every directory, with size and lag of each replica in it |
 *
 * A client that waits for the end of a move asks DescribeLogDirs again and again, until the
 * replica is there and no longer marked as future.
 *
 * @kafka core/src/main/scala/kafka/server/KafkaApis.scala#KafkaApis.handleAlterReplicaLogDirsRequest
 * @module
 */
import { TopicPartition } from '../../base/TopicPartition.ts'
import { TopicPartitionMap, TopicPartitionSet } from '../../base/TopicPartitionMap.ts'
import type { Request } from '../../network/RequestChannel.ts'
import {
  AlterReplicaLogDirs,
  type AlterReplicaLogDirsRequest,
} from '../../protocol/messages/AlterReplicaLogDirs.ts'
import {
  DescribeLogDirs,
  type DescribeLogDirsRequest,
} from '../../protocol/messages/DescribeLogDirs.ts'
import type { ApisContext } from './ApisContext.ts'
import { byTopic } from './by-topic.ts'

/** Serves AlterReplicaLogDirs; see `KafkaApis.handleAlterReplicaLogDirsRequest`. */
export async function handleAlterReplicaLogDirsRequest(
  context: ApisContext,
  request: Request,
): Promise<void> {
  // Take the last word on each partition.
  const { dirs } = request.body<AlterReplicaLogDirsRequest>()
  const partitionDirs = new TopicPartitionMap<string>()
  for (const { path, topics } of dirs) {
    for (const { name, partitions } of topics) {
      for (const id of partitions) partitionDirs.set(new TopicPartition(name, id), path)
    }
  }

  // Begin the moves.
  const results = await context.replicaManager.alterReplicaLogDirs(partitionDirs)
  const answers = new TopicPartitionMap<{ readonly errorCode: number }>()
  for (const [topicPartition, { code: errorCode }] of results) {
    answers.set(topicPartition, { errorCode })
  }
  context.sendResponseMaybeThrottle(request, AlterReplicaLogDirs, (throttleTimeMs) => ({
    throttleTimeMs,
    results: byTopic(answers).map(({ name: topicName, partitions }) => ({
      ...{ topicName, partitions },
    })),
  }))
}

/** Serves DescribeLogDirs; see `KafkaApis.handleDescribeLogDirsRequest`. */
export function handleDescribeLogDirsRequest(
  context: ApisContext,
  request: Request,
): void {
  // Null asks for all partitions.
  const { topics } = request.body<DescribeLogDirsRequest>()
  const wanted = topics?.flatMap(({ topic, partitions }) =>
    partitions.map((id) => new TopicPartition(topic, id)),
  )
  const infos = context.replicaManager.describeLogDirs(
    wanted && new TopicPartitionSet(wanted),
  )

  // Tell of every directory, also of those with nothing in them.
  const results = Array.from(infos, ([logDir, { error, replicaInfos }]) => {
    const partitions = new TopicPartitionMap<{
      partitionSize: number
      offsetLag: number
      isFutureKey: boolean
    }>()
    for (const [topicPartition, info] of replicaInfos) {
      const { size: partitionSize, offsetLag, isFuture: isFutureKey } = info
      partitions.set(topicPartition, { partitionSize, offsetLag, isFutureKey })
    }
    return { errorCode: error.code, logDir, topics: byTopic(partitions) }
  })
  context.sendResponseMaybeThrottle(request, DescribeLogDirs, (throttleTimeMs) => ({
    ...{ throttleTimeMs, results },
  }))
}
