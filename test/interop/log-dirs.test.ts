/**
 * The admin tools of Apache Kafka 1.1.1 look into our log directories, and move a replica
 * between them while a producer writes.
 */
import { mkdtempSync, readdirSync, rmSync, writeFileSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { afterEach, beforeEach, describe, expect, it } from 'vitest'
import type { NetworkClient } from '../../src/network/NetworkClient.ts'
import { type KafkaCluster, startCluster } from '../../src/testing/start-cluster.ts'
import { clientOf, createTopic, fetchTexts, produce } from '../server/clients.ts'
import { runKafka } from './apache-kafka.ts'
import { missing } from './fetch-jars.ts'

const reason = missing()
const name = reason === undefined ? 'log directories' : `log directories (${reason})`

describe.skipIf(reason !== undefined)(name, () => {
  let root = ''
  let cluster: KafkaCluster
  let client: NetworkClient
  let dirs: readonly string[] = []

  beforeEach(async () => {
    root = mkdtempSync(join(tmpdir(), 'annotated-kafka-dirs-'))
    dirs = [join(root, 'a'), join(root, 'b')]
    cluster = await startCluster({
      config: { 'log.dirs': dirs.join(','), 'replica.fetch.max.bytes': '50000' },
    })
    client = clientOf(cluster)
    await createTopic(client, 'moved')
  })

  afterEach(async () => {
    client?.close()
    await cluster?.close()
    rmSync(root, { recursive: true, force: true })
  })

  /** What `kafka-log-dirs --describe` prints, read back. */
  async function describeLogDirs() {
    const { status, stdout, stderr } = await runKafka(
      'kafka.admin.LogDirsCommand',
      ...['--describe', '--bootstrap-server', cluster.bootstrapServers],
      ...['--broker-list', '0', '--topic-list', 'moved'],
    )
    expect(status, stdout + stderr).toBe(0)
    const json = stdout.split('\n').find((line) => line.startsWith('{')) ?? ''
    const { brokers } = JSON.parse(json)
    expect(brokers.map((each: { broker: number }) => each.broker)).toEqual([0])
    return brokers[0].logDirs as {
      readonly logDir: string
      readonly error: string | null
      readonly partitions: readonly Record<string, unknown>[]
    }[]
  }

  /** Runs `kafka-reassign-partitions`. */
  async function reassign(file: string, action: '--execute' | '--verify') {
    const { stdout, stderr } = await runKafka(
      'kafka.admin.ReassignPartitionsCommand',
      ...['--zookeeper', cluster.zookeeperConnect],
      ...['--bootstrap-server', cluster.bootstrapServers],
      ...['--reassignment-json-file', file, action],
    )
    return stdout + stderr
  }

  it('are described, and a replica moves between them while it is written to', async () => {
    // What lies where, as the tool sees it.
    const texts: string[] = []
    const send = async () => {
      const text = `text ${texts.length} ${'x'.repeat(500)}`
      const { errorCode, baseOffset } = await produce(client, 'moved', [text])
      expect([errorCode, baseOffset]).toEqual([0, texts.length])
      texts.push(text)
    }
    for (let i = 0; i < 500; i++) await send()
    const before = await describeLogDirs()
    expect(before.map(({ logDir, error }) => [logDir, error]).sort()).toEqual(
      dirs.map((dir) => [dir, null]),
    )
    const from = before.find(({ partitions }) => partitions.length > 0)
    expect(from?.partitions).toEqual([
      expect.objectContaining({ partition: 'moved-0', offsetLag: 0, isFuture: false }),
    ])
    const to = dirs.find((dir) => dir !== from?.logDir) ?? ''

    // Move it with the tool, and write all the while.
    const file = join(root, 'reassignment.json')
    const replica = { topic: 'moved', partition: 0, replicas: [0], log_dirs: [to] }
    writeFileSync(file, JSON.stringify({ version: 1, partitions: [replica] }))
    let isWriting = true
    const writing = (async () => {
      while (isWriting) await send()
    })()
    try {
      const executed = await reassign(file, '--execute')
      expect(executed).toContain('Successfully started reassignment of partitions.')
      for (let tries = 0; ; tries++) {
        const verified = await reassign(file, '--verify')
        if (/replica moved-0-0 completed successfully/.test(verified)) break
        expect(tries, verified).toBeLessThan(5)
      }
    } finally {
      isWriting = false
      await writing
    }

    // Every record is there, in the other directory.
    const after = await describeLogDirs()
    const there = after.find(({ logDir }) => logDir === to)
    expect(there?.partitions).toEqual([
      expect.objectContaining({ partition: 'moved-0', offsetLag: 0, isFuture: false }),
    ])
    expect(readdirSync(to)).toContain('moved-0')
    const read: string[] = []
    while (read.length < texts.length) {
      read.push(...(await fetchTexts(client, 'moved', read.length)))
    }
    expect(read).toEqual(texts)
  })
})
