/**
 * Configurations through the brokers: DescribeConfigs and AlterConfigs.
 *
 * AlterConfigs replaces everything that is set for an entity, so a change of one key reads
 * the others first and sends them along. Two who do this at the same time can undo each
 * other; 1.1 has nothing better (IncrementalAlterConfigs came with 2.3).
 *
 * @module
 */
import { type ClusterClient, throwUnlessNone } from '../../clients/ClusterClient.ts'
import { AlterConfigs } from '../../protocol/messages/AlterConfigs.ts'
import { DescribeConfigs } from '../../protocol/messages/DescribeConfigs.ts'

/** Numbers of resource types on the wire. */
export const ConfigResourceType = { TOPIC: 2, BROKER: 4 } as const

/** Numbers of the sources of a value on the wire. */
export const ConfigSource = {
  TOPIC_CONFIG: 1,
  DYNAMIC_BROKER_CONFIG: 2,
  DYNAMIC_DEFAULT_BROKER_CONFIG: 3,
  STATIC_BROKER_CONFIG: 4,
  DEFAULT_CONFIG: 5,
} as const

/** A key that was set for an entity. */
export interface ConfigEntry {
  readonly name: string
  /** Null when it is secret. */
  readonly value: string | null
  readonly isSensitive: boolean
  readonly synonyms: readonly {
    readonly name: string
    readonly value: string | null
    readonly source: number
  }[]
}

/**
 * Reads what was set for a topic or a broker itself.
 *
 * @param name - the topic; the broker's id; '' for the default of all brokers
 * @throws (rejects) what the broker answers
 */
export async function describeEntity(
  client: ClusterClient,
  resourceType: number,
  name: string,
): Promise<ConfigEntry[]> {
  const own =
    resourceType === ConfigResourceType.TOPIC
      ? ConfigSource.TOPIC_CONFIG
      : name === ''
        ? ConfigSource.DYNAMIC_DEFAULT_BROKER_CONFIG
        : ConfigSource.DYNAMIC_BROKER_CONFIG
  const body = {
    resources: [{ resourceType, resourceName: name, configurationKeys: null }],
    includeSynonyms: true,
  }
  const node = await holder(client, resourceType, name)
  const { results } = await client.send(node, DescribeConfigs, 1, body)
  const entries: ConfigEntry[] = []
  for (const result of results) {
    throwUnlessNone(result.errorCode, result.errorMessage)
    entries.push(...result.configs.filter(({ configSource }) => configSource === own))
  }
  return entries
}

/**
 * Sets and removes keys of a topic or a broker; the others stay as they are.
 *
 * @throws (rejects) what the broker answers, such as InvalidConfigurationException
 */
export async function alterEntity(
  client: ClusterClient,
  resourceType: number,
  name: string,
  change: {
    readonly added: Readonly<Record<string, string>>
    readonly deleted: readonly string[]
  },
): Promise<void> {
  // Put the change over what is set.
  const values = new Map<string, string | null>()
  for (const entry of await describeEntity(client, resourceType, name)) {
    values.set(entry.name, entry.value)
  }
  for (const [key, value] of Object.entries(change.added)) values.set(key, value)
  for (const key of change.deleted) values.delete(key)

  // Send all of it.
  const configs = [...values].map(([key, value]) => ({ name: key, value }))
  const node = await holder(client, resourceType, name)
  const { responses } = await client.send(node, AlterConfigs, 0, {
    resources: [{ resourceType, resourceName: name, configs }],
    validateOnly: false,
  })
  for (const one of responses) throwUnlessNone(one.errorCode, one.errorMessage)
}

/** The broker that answers for a resource: itself for a broker, any for a topic. */
async function holder(client: ClusterClient, resourceType: number, name: string) {
  const brokers = await client.brokers()
  if (resourceType === ConfigResourceType.BROKER && name !== '') {
    const node = brokers.find(({ nodeId }) => String(nodeId) === name)
    if (!node) throw new Error(`there is no broker ${name}`)
    return node
  }
  const [node] = brokers
  if (!node) throw new Error('the cluster names no broker')
  return node
}
