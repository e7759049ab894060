/**
 * # annotated-kafka offset-shell, export-offsets, import-offsets, verify-rebalance
 *
 * The small tools around offsets and owners, with the flags of Kafka's `kafka.tools`.
 *
 * @kafka core/src/main/scala/kafka/tools/GetOffsetShell.scala#GetOffsetShell
 * @module
 */
import { readFileSync, writeFileSync } from 'node:fs'
import {
  Errors,
  IllegalArgumentException,
  IllegalStateException,
} from '../base/errors.ts'
import { nodePlatform } from '../base/platform/node/node-platform.ts'
import { throwAbout } from '../clients/ClusterClient.ts'
import { ListOffsets } from '../protocol/messages/ListOffsets.ts'
import { ZkUtils } from '../zk/ZkUtils.ts'
import { withZooKeeper } from './admin/open-zookeeper.ts'
import { clusterClient, print } from './on-cluster.ts'
import { validateRebalancingOperation } from './tools/VerifyConsumerRebalance.ts'
import { exportZkOffsets, importZkOffsets } from './tools/zk-offsets.ts'

/** Flags of `offset-shell`. */
export interface OffsetShellOptions {
  readonly brokerList: string
  readonly topic: string
  /** Numbers with commas between; absent: all. */
  readonly partitions?: string
  /** ms since 1970; -1 the end, -2 the beginning. */
  readonly time: number
  /** How many offsets to tell of each partition. */
  readonly offsets: number
  /** How long a broker may take to answer, in ms. */
  readonly maxWaitMs: number
}

/**
 * Prints `topic:partition:offsets`, one line a partition. The offsets are those of
 * segments that begin before a time, newest first: the first form of ListOffsets. A
 * partition that is not there or has no leader is told of, and the others go on.
 *
 * @returns the exit code: 0, or 1 when a partition could not be asked for
 * @throws (rejects) when the topic is not there, or a broker refuses
 * @differs in 1.1.1 `--max-wait-ms` bounds the question for the topic alone, a second by
 *   default, and the exit code is 0 in any case
 */
export async function offsetShell(options: OffsetShellOptions): Promise<number> {
  const { brokerList, topic, time, offsets } = options
  const chosen = options.partitions?.split(',').map((id) => id.trim())
  if (chosen?.some((id) => !/^\d+$/.test(id))) {
    throw new IllegalArgumentException(
      `--partitions ${options.partitions}, expected numbers with commas between`,
    )
  }
  const client = clusterClient(nodePlatform(), brokerList, {
    requestTimeoutMs: options.maxWaitMs,
  })
  let exitCode = 0
  try {
    // Find who leads.
    const { topics, brokers } = await client.metadata([topic])
    const [known] = topics
    throwAbout(`topic ${topic}`, known?.errorCode ?? Errors.UNKNOWN_SERVER_ERROR.code)
    const partitions = (known?.partitions ?? []).toSorted(
      (a, b) => a.partition - b.partition,
    )
    const wanted = chosen?.map(Number) ?? partitions.map(({ partition }) => partition)

    // Ask the leader of each.
    for (const partition of wanted) {
      const found = partitions.find((candidate) => candidate.partition === partition)
      const leader = brokers.find(({ nodeId }) => nodeId === found?.leaderId)
      if (!leader) {
        const why = found ? 'has no leader' : 'does not exist'
        process.stderr.write(`Error: partition ${partition} ${why}\n`)
        exitCode = 1
        continue
      }
      const asked = { partition, timestamp: time, maxNumOffsets: offsets }
      const answer = await client.send(leader, ListOffsets, 0, {
        ...{ replicaId: -1, topics: [{ name: topic, partitions: [asked] }] },
      })
      const [told] = answer.topics[0]?.partitions ?? []
      throwAbout(`${topic}-${partition}`, told?.errorCode ?? -1)
      print(`${topic}:${partition}:${told?.oldStyleOffsets.join(',')}`)
    }
  } finally {
    client.close()
  }
  return exitCode
}

/** Writes the offsets that groups keep in ZooKeeper to a file. */
export async function exportOffsets(options: {
  readonly zkconnect: string
  readonly group: readonly string[]
  readonly outputFile: string
}): Promise<void> {
  await withZooKeeper(nodePlatform(), options.zkconnect, async (_, session) => {
    const lines = await exportZkOffsets(new ZkUtils(session), options.group)
    writeFileSync(options.outputFile, lines.map((line) => `${line}\n`).join(''))
    print(`${lines.length} offsets written to ${options.outputFile}`)
  })
}

/** Writes offsets from a file to ZooKeeper. */
export async function importOffsets(options: {
  readonly zkconnect: string
  readonly inputFile: string
}): Promise<void> {
  const text = readFileSync(options.inputFile, 'utf8')
  await withZooKeeper(nodePlatform(), options.zkconnect, async (_, session) => {
    const count = await importZkOffsets(new ZkUtils(session), text)
    print(`${count} offsets written to ZooKeeper`)
  })
}

/**
 * Says whether every partition that a group wants has an owner in the group.
 *
 * @throws IllegalStateException (rejects) when not
 */
export async function verifyRebalance(options: {
  readonly 'zookeeper.connect': string
  readonly group: string
}): Promise<void> {
  const connect = options['zookeeper.connect']
  await withZooKeeper(nodePlatform(), connect, async (_, session) => {
    const zkUtils = new ZkUtils(session)
    const problems = await validateRebalancingOperation(zkUtils, options.group)
    for (const problem of problems) print(problem)
    if (problems.length > 0)
      throw new IllegalStateException('Rebalance operation failed !')
    print('Rebalance operation successful !')
  })
}
