/**
 * The last columns of the table of clients: Java's, and Kafka's own tools. They are asked
 * for what test/system/client-features.test.ts asks the others for.
 */
import { afterAll, beforeAll, describe, it } from 'vitest'
import { type KafkaCluster, startCluster } from '../../src/testing/start-cluster.ts'
import { compareWithTable } from '../system/clients/client-table.ts'
import { type Help, tryFeatures } from '../system/clients/features.ts'
import { KcatClient } from '../system/clients/kcat-client.ts'
import { hasKcat } from '../system/kcat.ts'
import { TemporaryDirectory } from '../system/running-command.ts'
import { missing } from './fetch-jars.ts'
import type { Row } from './group-members.ts'
import { JavaHost } from './JavaHost.ts'
import { JavaFeatureClient } from './java-feature-client.ts'
import { proven } from './proven.ts'
import { ToolsFeatureClient } from './tools-feature-client.ts'

const reason = missing()

describe.skipIf(reason !== undefined)('does what the table says:', () => {
  let cluster: KafkaCluster
  let java: JavaHost
  let help: Help
  let home: TemporaryDirectory

  beforeAll(async () => {
    home = new TemporaryDirectory()
    java = new JavaHost()
    cluster = await startCluster({ brokers: 3 })
    const { bootstrapServers } = cluster
    const kcat = new KcatClient(bootstrapServers)
    const settings = { 'bootstrap.servers': bootstrapServers }
    const readInJava = async (topic: string) => {
      const rows = await java.call<Row[]>('Clients.readAll', { topic, settings })
      return rows.map(([, , , value]) => value)
    }
    const some = new JavaFeatureClient(java, bootstrapServers, 0)
    help = {
      readByAnother: hasKcat ? (topic) => kcat.readToEnd(topic) : readInJava,
      createTopic: (topic, partitions) => some.createTopic(topic, partitions),
    }
  })

  afterAll(async () => {
    await java?.[Symbol.asyncDispose]()
    await cluster?.close()
    home?.[Symbol.dispose]()
  })

  it('the Java clients', async () => {
    const client = new JavaFeatureClient(java, cluster.bootstrapServers, 0)
    const features = await tryFeatures(client, help)
    compareWithTable('Java clients', { version: '1.1.1', features })
    proven('Java clients', ...passed(features))
  })

  it("Kafka's command-line tools", async () => {
    const { bootstrapServers: servers, zookeeperConnect: zookeeper } = cluster
    const options = { servers, zookeeper, broker: 1, dir: home.path }
    const features = await tryFeatures(new ToolsFeatureClient(java, options), help)
    compareWithTable("Kafka's tools", { version: '1.1.1', features })
    proven("Kafka's tools", ...passed(features))
  })
})

const passed = (features: Readonly<Record<string, string>>) =>
  Object.keys(features).filter((name) => features[name] === 'passed')
