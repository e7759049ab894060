/**
 * # ConfigCommand
 *
 * `annotated-kafka configs`: shows and changes what is set for topics, brokers, users and
 * client ids, with the flags of `kafka-configs.sh` and its output.
 *
 *     annotated-kafka configs --zookeeper localhost:2181 --alter \
 *       --entity-type clients --entity-name loader --add-config producer_byte_rate=1048576
 *
 * Names of users and client ids may hold any character; in a path they are written as in
 * a URL. An entity can be a pair, a client id of a user: `users/alice/clients/loader`.
 *
 * @kafka core/src/main/scala/kafka/admin/ConfigCommand.scala#ConfigCommand
 * @differs topics can be changed through the brokers, too; SCRAM credentials are refused,
 *   for there is no SASL here
 * @module
 */
import {
  IllegalArgumentException,
  InvalidConfigurationException,
} from '../../base/errors.ts'
import type { ClusterClient } from '../../clients/ClusterClient.ts'
import { LogConfig } from '../../log/LogConfig.ts'
import { AdminZkClient } from '../../zk/AdminZkClient.ts'
import { ConfigEntityName, ConfigType } from '../../zk/admin-znodes.ts'
import type { KafkaZkClient } from '../../zk/KafkaZkClient.ts'
import {
  alterEntity,
  ConfigResourceType,
  ConfigSource,
  describeEntity,
} from './broker-configs.ts'

/** The flags. */
export interface ConfigCommandOptions {
  readonly alter?: boolean
  readonly describe?: boolean
  /** topics, brokers, users or clients; users and clients may come together. */
  readonly entityType: readonly string[]
  /** Names in the order of the types; undefined where `--entity-default` stood. */
  readonly entityNames: readonly (string | undefined)[]
  /** `k1=v1,k2=[a,b]` */
  readonly addConfig?: string
  readonly deleteConfig?: readonly string[]
}

/** One of a type, or all of it when the name is absent. */
interface Entity {
  readonly type: string
  /** As in the path. */
  readonly name: string | undefined
}

/** Broker settings that 1.1.1 lets through without asking a broker. */
const brokerConfigsUpdatableUsingZooKeeper: readonly string[] = [
  'leader.replication.throttled.rate',
  'follower.replication.throttled.rate',
  'replica.alter.log.dirs.io.max.bytes.per.second',
]

/** Carries out one command. */
export class ConfigCommand {
  readonly #options: ConfigCommandOptions
  readonly #print: (line: string) => void

  /** @throws IllegalArgumentException when flags are missing or contradict */
  constructor(options: ConfigCommandOptions, print: (line: string) => void) {
    this.#options = options
    this.#print = print
    checkArgs(options)
  }

  /**
   * Does what the flags say through the znodes.
   *
   * @kafka core/src/main/scala/kafka/admin/ConfigCommand.scala#processCommandWithZk
   */
  async processCommandWithZk(zkClient: KafkaZkClient): Promise<void> {
    const admin = new AdminZkClient(zkClient, {
      nextInt: () => 0,
      validateTopicConfig: (configs) => LogConfig.validate(configs),
    })
    const entities = parseEntities(this.#options)
    if (this.#options.alter) await this.#alterInZk(admin, entities)
    else await this.#describeInZk(admin, zkClient, entities)
  }

  /**
   * Does what the flags say through the brokers.
   *
   * @kafka core/src/main/scala/kafka/admin/ConfigCommand.scala#processBrokerConfig
   */
  async processBrokerConfig(client: ClusterClient): Promise<void> {
    // A broker answers for itself, for all brokers, and for topics.
    const [type] = this.#options.entityType
    const isTopic = type === ConfigType.Topic
    if (!isTopic && type !== ConfigType.Broker) {
      throw new IllegalArgumentException(`--entity-type ${type} needs --zookeeper`)
    }
    if (this.#options.entityNames.length !== 1) {
      throw new IllegalArgumentException(
        'give one --entity-name, or --entity-default, with --bootstrap-server',
      )
    }
    const name = this.#options.entityNames[0] ?? ''
    const resource = isTopic ? ConfigResourceType.TOPIC : ConfigResourceType.BROKER
    if (this.#options.alter) {
      const change = this.#change()
      const before = await describeEntity(client, resource, name)
      refuseUnset(change.deleted, new Set(before.map((entry) => entry.name)))
      await alterEntity(client, resource, name, change)
      this.#print(
        name === ''
          ? 'Completed updating default config for brokers in the cluster.'
          : `Completed updating config for ${isTopic ? 'topic' : 'broker'}: ${name}.`,
      )
      return
    }

    // Print each setting with where else it is set.
    this.#print(
      name === ''
        ? 'Default config for brokers in the cluster are:'
        : `Configs for ${isTopic ? 'topic' : 'broker'} ${name} are:`,
    )
    for (const entry of await describeEntity(client, resource, name)) {
      const synonyms = entry.synonyms.map(
        ({ source, name, value }) => `${sourceName(source)}:${name}=${value}`,
      )
      this.#print(
        `  ${entry.name}=${entry.value} sensitive=${entry.isSensitive} ` +
          `synonyms={${synonyms.join(', ')}}`,
      )
    }
  }

  async #alterInZk(admin: AdminZkClient, entities: readonly Entity[]): Promise<void> {
    // Refuse what 1.1.1 leaves to a broker, which can check it.
    const { added, deleted } = this.#change()
    const [root] = entities as [Entity]
    if (root.type === ConfigType.Broker) {
      const others = Object.keys(added).filter(
        (name) => !brokerConfigsUpdatableUsingZooKeeper.includes(name),
      )
      if (others.length > 0) {
        throw new IllegalArgumentException(
          `--bootstrap-server is needed to change ${others.join(', ')}`,
        )
      }
    }

    // Put the change over what is set, and write all of it.
    const name = fullSanitizedName(entities)
    const configs = await admin.fetchEntityConfig(root.type, name)
    refuseUnset(deleted, new Set(Object.keys(configs)))
    const after = { ...configs, ...added }
    for (const key of deleted) delete after[key]
    if (root.type === ConfigType.Topic) await admin.changeTopicConfig(name, after)
    else if (root.type === ConfigType.Broker) {
      const broker = name === ConfigEntityName.Default ? undefined : [Number(name)]
      await admin.changeBrokerConfig(broker, after)
    } else await admin.changeConfigs(root.type as 'users' | 'clients', name, after)
    this.#print(`Completed Updating config for entity: ${describeNames(entities)}.`)
  }

  async #describeInZk(
    admin: AdminZkClient,
    zkClient: KafkaZkClient,
    entities: readonly Entity[],
  ): Promise<void> {
    const [root, child] = entities as [Entity, Entity?]
    const allUsers = root.type === ConfigType.User && !root.name && !child
    for (const found of await allEntities(zkClient, root, child)) {
      const configs = await admin.fetchEntityConfig(root.type, fullSanitizedName(found))
      const texts = Object.entries(configs).map(([name, value]) => `${name}=${value}`)

      // A user may have a node only because of a client id below it.
      if (texts.length === 0 && allUsers) continue
      this.#print(`Configs for ${describeNames(found)} are ${texts.join(',')}`)
    }
  }

  #change() {
    const added = parseConfigsToBeAdded(this.#options.addConfig ?? '')
    const deleted = (this.#options.deleteConfig ?? []).map((name) => name.trim())
    return { added, deleted }
  }
}

/**
 * Reads `k1=v1,k2=[a,b]`.
 *
 * @throws IllegalArgumentException for a part without `=`
 * @kafka core/src/main/scala/kafka/admin/ConfigCommand.scala#parseConfigsToBeAdded
 */
export function parseConfigsToBeAdded(text: string): Record<string, string> {
  const configs: Record<string, string> = {}
  if (text.trim() === '') return configs
  for (const pair of text.match(/(?:\[[^\]]*\]|[^,[])+/g) ?? []) {
    const at = pair.indexOf('=')
    if (at <= 0) {
      throw new IllegalArgumentException(`--add-config ${pair}: expected key=value`)
    }
    configs[pair.slice(0, at).trim()] = pair
      .slice(at + 1)
      .replace(/[[\]]/g, '')
      .trim()
  }
  return configs
}

/** @kafka core/src/main/scala/kafka/admin/ConfigCommand.scala#checkArgs */
function checkArgs(options: ConfigCommandOptions): void {
  const { alter, describe, entityType, entityNames } = options
  const refuse = (text: string) => new IllegalArgumentException(text)
  if (Boolean(alter) === Boolean(describe)) {
    throw refuse('give exactly one of --describe and --alter')
  }
  const known: readonly string[] = ConfigType.all
  for (const type of entityType) {
    if (!known.includes(type)) {
      throw refuse(`--entity-type ${type}, expected one of ${known.join(', ')}`)
    }
  }
  if (entityType.length === 0) throw refuse('--entity-type is needed')
  const pair = entityType.includes('users') && entityType.includes('clients')
  if (entityType.length > 1 && !(pair && entityType.length === 2)) {
    throw refuse('only users and clients may come together as --entity-type')
  }
  const changes = options.addConfig || options.deleteConfig?.length
  if (alter && !changes) throw refuse('--alter needs --add-config or --delete-config')
  if (describe && changes) throw refuse('--describe changes nothing')
  if (alter && entityNames.length !== entityType.length) {
    throw refuse(
      '--alter needs --entity-name or --entity-default for each --entity-type',
    )
  }
  if (entityType[0] === 'topics' && entityNames.includes(undefined)) {
    throw refuse('--entity-default is for clients, users and brokers')
  }
}

/** @kafka core/src/main/scala/kafka/admin/ConfigCommand.scala#parseEntity */
function parseEntities({ entityType, entityNames }: ConfigCommandOptions): Entity[] {
  const entities = entityType.map((type, i): Entity => {
    if (i >= entityNames.length) return { type, name: undefined }
    const name = entityNames[i]
    const quoted = type === ConfigType.User || type === ConfigType.Client
    if (name === undefined) return { type, name: ConfigEntityName.Default }
    return { type, name: quoted ? sanitize(name) : name }
  })

  // A pair stands under its user.
  return entities[0]?.type === ConfigType.Client ? entities.reverse() : entities
}

/** The entities that a description means, each with its names filled in. */
async function allEntities(
  zkClient: KafkaZkClient,
  root: Entity,
  child: Entity | undefined,
): Promise<Entity[][]> {
  // Go through all of a type when no name is given.
  if (root.name === undefined) {
    const names = await zkClient.getAllEntitiesWithConfig(root.type)
    const found: Entity[][] = []
    for (const name of names.sort()) {
      const below = child && { type: child.type, name: child.name }
      found.push(...(await allEntities(zkClient, { type: root.type, name }, below)))
    }
    return found
  }
  if (!child) return [[root]]
  if (child.name !== undefined) return [[root, child]]
  const folder = `${root.type}/${root.name}/${child.type}`
  const names = await zkClient.getAllEntitiesWithConfig(folder)
  return names.sort().map((name) => [root, { type: child.type, name }])
}

/** The path below the folder of the first type. */
function fullSanitizedName([root, child]: readonly Entity[]): string {
  return `${root?.name ?? ''}${child ? `/${child.type}/${child.name}` : ''}`
}

/** How an entity is called in the output. */
function describeNames(entities: readonly Entity[]): string {
  const kinds: Record<string, string> = {
    users: 'user-principal',
    clients: 'client-id',
    topics: 'topic',
  }
  const one = ({ type, name }: Entity) => {
    const kind = kinds[type] ?? type
    if (name === undefined) return type
    if (name === ConfigEntityName.Default) return `default ${kind}`
    const quoted = type === ConfigType.User || type === ConfigType.Client
    return `${kind} '${quoted ? decodeURIComponent(name) : name}'`
  }
  return entities.map(one).join(', ')
}

/**
 * Writes a name so that it fits in a path.
 *
 * @kafka clients/src/main/java/org/apache/kafka/common/utils/Sanitizer.java#sanitize
 */
function sanitize(name: string): string {
  return encodeURIComponent(name).replace(
    /[!'()*]/g,
    (character) => `%${character.charCodeAt(0).toString(16).toUpperCase()}`,
  )
}

function refuseUnset(deleted: readonly string[], set: ReadonlySet<string>): void {
  const unset = deleted.filter((name) => !set.has(name))
  if (unset.length > 0) {
    throw new InvalidConfigurationException(`not set here: ${unset.join(', ')}`)
  }
}

function sourceName(source: number): string {
  const found = Object.entries(ConfigSource).find(([, number]) => number === source)
  return found?.[0] ?? 'UNKNOWN'
}
