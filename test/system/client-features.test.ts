/**
 * What clients that others wrote can do with our brokers: a table, client by feature, with
 * which each run is compared. The suites against Apache Kafka fill its last columns.
 */
import { spawn, spawnSync } from 'node:child_process'
import { join } from 'node:path'
import { afterAll, beforeAll, describe, expect, it } from 'vitest'
import { TopicPartition } from '../../src/base/TopicPartition.ts'
import { type KafkaCluster, startCluster } from '../../src/testing/start-cluster.ts'
import { clientOf, fetchTexts } from '../server/clients.ts'
import { compareWithTable } from './clients/client-table.ts'
import { again, type Help, texts, tryFeatures } from './clients/features.ts'
import { KafkajsClient, kafkajsVersion } from './clients/kafkajs-client.ts'
import { KcatClient, kcatVersion } from './clients/kcat-client.ts'
import { hasKcat } from './kcat.ts'

const TIMEOUT_MS = 120_000

// Debian's own Python sees Debian's packages; another one on the path may not.
const PYTHON = '/usr/bin/python3'

let cluster: KafkaCluster
let help: Help

beforeAll(async () => {
  cluster = await startCluster({ brokers: 3 })
  const { bootstrapServers } = cluster
  const kcat = new KcatClient(bootstrapServers)
  const kafkajs = new KafkajsClient(bootstrapServers, 0)
  help = {
    // Without kcat the one line to a broker is ours.
    readByAnother: (topic) =>
      hasKcat ? kcat.readToEnd(topic) : readToEnd(cluster, topic),
    createTopic: (topic, partitions) => kafkajs.createTopic(topic, partitions),
  }
})

afterAll(async () => {
  await cluster.close()
})

// They mostly wait: for each other's sakes they do so at once.
describe.concurrent('does what the table says:', { timeout: TIMEOUT_MS }, () => {
  it('kafkajs', async () => {
    const client = new KafkajsClient(cluster.bootstrapServers, 0)
    const features = await tryFeatures(client, help)
    compareWithTable('kafkajs', { version: kafkajsVersion, features })
  })

  it.skipIf(!hasKcat)('kcat', async () => {
    const readByAnother = (topic: string) => readToEnd(cluster, topic)
    const client = new KcatClient(cluster.bootstrapServers)
    const features = await tryFeatures(client, { ...help, readByAnother })
    compareWithTable('kcat', { version: kcatVersion(), features })
  })

  for (const [client, broker, modules, script] of [
    ['kafka-python', '1', 'kafka, snappy, lz4', 'kafka_python_client.py'],
    ['confluent-kafka', '2', 'confluent_kafka', 'confluent_client.py'],
  ] as const) {
    const isHere = spawnSync(PYTHON, ['-c', `import ${modules}`]).status === 0
    if (!isHere) console.warn(`skipped: ${client}, which is not installed`)

    it.skipIf(!isHere)(client, async () => {
      const told = [cluster.bootstrapServers, broker]
      const program = join(import.meta.dirname, 'clients', script)
      const [version, ...results] = await python(['-B', program, ...told])
      const features: Record<string, string> = {}
      for (const line of results) {
        const { feature, result } = JSON.parse(line)
        features[feature] = result
      }
      compareWithTable(client, { version: JSON.parse(version ?? '').version, features })

      // What it packed is there for others.
      for (const codec of ['none', 'gzip', 'snappy', 'lz4']) {
        const values = await help.readByAnother(`${client}-${codec}`)
        expect(values).toEqual(texts(codec, 50).map(again))
      }
    })
  }
})

/** Reads partition 0 of a topic with a line of ours. */
async function readToEnd(of: KafkaCluster, topic: string): Promise<string[]> {
  // Its leader knows where it begins.
  const managers = of.brokers.map(({ replicaManager }) => replicaManager)
  const replicas = managers.map(
    (manager) =>
      manager.getPartition(new TopicPartition(topic, 0))?.leaderReplicaIfLocal,
  )
  const leader = replicas.findIndex((replica) => replica !== undefined)
  const client = clientOf(of, leader)
  try {
    return await fetchTexts(client, topic, replicas[leader]?.logStartOffset ?? 0)
  } finally {
    client.close()
  }
}

/** Runs Python. @returns the lines that it printed @throws with its errors unless it ended well */
function python(args: readonly string[]): Promise<string[]> {
  return new Promise((resolve, reject) => {
    const child = spawn(PYTHON, args)
    let out = ''
    let err = ''
    child.stdout.on('data', (chunk) => {
      out += chunk
    })
    child.stderr.on('data', (chunk) => {
      err += chunk
    })
    child.on('error', reject)
    child.on('close', (status) =>
      status === 0
        ? resolve(out.trim().split('\n'))
        : reject(new Error(`${status}\n${out}${err}`)),
    )
  })
}
