/** AlterReplicaLogDirs and DescribeLogDirs, asked of a broker with two directories. */
import { afterAll, beforeAll, describe, expect, it } from 'vitest'
import { Errors } from '../../src/base/errors.ts'
import type { NetworkClient } from '../../src/network/NetworkClient.ts'
import { AlterReplicaLogDirs } from '../../src/protocol/messages/AlterReplicaLogDirs.ts'
import { DescribeLogDirs } from '../../src/protocol/messages/DescribeLogDirs.ts'
import { type KafkaCluster, startCluster } from '../../src/testing/start-cluster.ts'
import { clientOf, createTopic, fetchTexts, produce } from './clients.ts'

let cluster: KafkaCluster
let client: NetworkClient

beforeAll(async () => {
  const config = { 'log.dirs': '/disk-a,/disk-b', 'replica.fetch.max.bytes': '2000' }
  cluster = await startCluster({ platform: 'memory', config })
  client = clientOf(cluster)
})

afterAll(async () => {
  client.close()
  await cluster.close()
})

/** Asks for a move of partitions of one topic. @returns the name of each error */
async function alter(path: string, name: string, partitions: number[]) {
  const { results } = await client.sendAndReceive(AlterReplicaLogDirs, 0, {
    dirs: [{ path, topics: [{ name, partitions }] }],
  })
  return results.flatMap(({ topicName, partitions: answers }) =>
    answers.map((answer) => {
      const { name: error } = Errors.forCode(answer.errorCode)
      return `${topicName}-${answer.partition} ${error}`
    }),
  )
}

async function dirsOf(topic: string, partitions: number[] = [0]) {
  const { results } = await client.sendAndReceive(DescribeLogDirs, 0, {
    topics: [{ topic, partitions }],
  })
  return results.flatMap(({ logDir, topics }) =>
    topics.flatMap((found) =>
      found.partitions.map((p) => ({ topic: found.name, logDir, ...p })),
    ),
  )
}

/** Asks until the replica is in a directory, and in no other. */
async function untilIn(logDir: string, topic: string) {
  for (;;) {
    const found = await dirsOf(topic)
    if (found.length === 1 && found[0]?.logDir === logDir) return found[0]
  }
}

describe('handleAlterReplicaLogDirsRequest()', () => {
  it('moves a replica while it is written to', async () => {
    await createTopic(client, 'moved')
    const texts = Array.from({ length: 100 }, (_, i) => `text ${i}`)
    for (const text of texts.slice(0, 60)) await produce(client, 'moved', [text])
    const [start] = await dirsOf('moved')
    const to = start?.logDir === '/disk-a' ? '/disk-b' : '/disk-a'
    expect(await alter(to, 'moved', [0])).toEqual(['moved-0 NONE'])
    for (const text of texts.slice(60)) await produce(client, 'moved', [text])
    expect(await untilIn(to, 'moved')).toMatchObject({
      ...{ partition: 0, offsetLag: 0, isFutureKey: false },
    })
    expect(await fetchTexts(client, 'moved', 0)).toEqual(texts)
  })

  it('notes the directory for a replica that is not there yet', async () => {
    const noted = [
      ['first', '/disk-b'],
      ['second', '/disk-b'],
      ['third', '/disk-b'],
      ['fourth', '/disk-a'],
    ] as const
    for (const [topic, dir] of noted) {
      expect(await alter(dir, topic, [0])).toEqual([`${topic}-0 REPLICA_NOT_AVAILABLE`])
      await createTopic(client, topic)
      expect(await dirsOf(topic)).toMatchObject([{ logDir: dir }])
    }
  })

  it('refuses a directory that the broker does not have', async () => {
    await createTopic(client, 'stays')
    expect(await alter('/nowhere', 'stays', [0, 7])).toEqual([
      'stays-0 LOG_DIR_NOT_FOUND',
      'stays-7 LOG_DIR_NOT_FOUND',
    ])
  })
})

async function allTopics(): Promise<string[]> {
  const { results } = await client.sendAndReceive(DescribeLogDirs, 0, { topics: null })
  return results.flatMap(({ topics }) => topics.map(({ name }) => name))
}

describe('handleDescribeLogDirsRequest()', () => {
  it('tells of every directory, of all partitions or of some', async () => {
    await createTopic(client, 'seen', { partitions: 4 })
    await produce(client, 'seen', ['text'], { partition: 3 })
    const { results } = await client.sendAndReceive(DescribeLogDirs, 0, {
      topics: null,
    })
    expect(results.map(({ logDir, errorCode }) => [logDir, errorCode])).toEqual([
      ['/disk-a', 0],
      ['/disk-b', 0],
    ])
    expect(await allTopics()).toEqual(expect.arrayContaining(['seen', 'stays']))
    const some = await dirsOf('seen', [1, 3, 9])
    expect(some.map(({ partition }) => partition).sort()).toEqual([1, 3])
    const size = (id: number) => some.find((p) => p.partition === id)?.partitionSize
    expect([size(1), size(3)]).toEqual([0, expect.any(Number)])
    expect(size(3)).toBeGreaterThan(0)
    expect(await dirsOf('none')).toEqual([])
  })
})
