/**
 * # admin-znodes
 *
 * Orders to the controller, left by tools and request handlers, and the dynamic
 * configuration with the notes that tell brokers to read it again.
 *
 *     /admin/delete_topics/<topic>      /admin/reassign_partitions
 *     /admin/preferred_replica_election /config/<type>/<name>
 *     /config/changes/config_change_<n>
 *
 * @kafka core/src/main/scala/kafka/zk/ZkData.scala
 * @module
 */

import { TopicPartition } from '../base/TopicPartition.ts'
import { TopicPartitionMap } from '../base/TopicPartitionMap.ts'
import { partitionObjects, readPartitions } from './topic-znodes.ts'
import { parentZNode, type ZNodeObject } from './znode.ts'
import { encodeJson, malformed, ZNodeJson } from './znode-json.ts'

/** The parent of orders to delete a topic. */
export const DeleteTopicsZNode = {
  ...parentZNode('/admin/delete_topics', 'the controller'),
} satisfies ZNodeObject

/**
 * An order to delete one topic.
 *
 * @kafka core/src/main/scala/kafka/zk/ZkData.scala#DeleteTopicsTopicZNode
 */
export const DeleteTopicsTopicZNode = {
  pattern: '/admin/delete_topics/<topic>',
  kind: 'persistent',
  payload: 'null',
  writer: 'DeleteTopics, or a tool; if it exists the topic is marked already',
  watchers: 'the controller, through the parent',
  deleted: 'when the topic is gone; at once if it is unknown or deletion is disabled',

  path(topic: string): string {
    return `/admin/delete_topics/${topic}`
  },
} satisfies ZNodeObject

/**
 * An order to move partitions to other brokers.
 *
 * @kafka core/src/main/scala/kafka/zk/ZkData.scala#ReassignPartitionsZNode
 */
export const ReassignPartitionsZNode = {
  pattern: '/admin/reassign_partitions',
  kind: 'persistent',
  payload: '{"version":1,"partitions":[{"topic":"t","partition":0,"replicas":[2,3]}]}',
  writer: 'a tool; the controller keeps in it what is left to do',
  watchers: 'the controller: acts when it is created',
  deleted: 'by the controller when nothing is left',

  path(): string {
    return '/admin/reassign_partitions'
  },

  encode(reassignment: TopicPartitionMap<readonly number[]>): Buffer {
    const partitions = Array.from(reassignment, ([{ topic, partition }, replicas]) => ({
      topic,
      partition,
      replicas,
    }))
    return encodeJson({ version: 1, partitions })
  },

  decode(data: Buffer): TopicPartitionMap<number[]> {
    const map = new TopicPartitionMap<number[]>()
    const json = new ZNodeJson('/admin/reassign_partitions', data)
    for (const p of json.objects('partitions')) {
      const tp = new TopicPartition(p.string('topic'), p.int('partition'))
      map.set(tp, p.ints('replicas'))
    }
    return map
  },
} satisfies ZNodeObject

/**
 * An order to give partitions back to their preferred leaders.
 *
 * @kafka core/src/main/scala/kafka/zk/ZkData.scala#PreferredReplicaElectionZNode
 */
export const PreferredReplicaElectionZNode = {
  pattern: '/admin/preferred_replica_election',
  kind: 'persistent',
  payload: '{"version":1,"partitions":[{"topic":"t","partition":0}]}',
  writer: 'a tool; the automatic rebalance of the controller does without it',
  watchers: 'the controller: acts when it is created',
  deleted: 'by the controller after the elections',

  path(): string {
    return '/admin/preferred_replica_election'
  },

  encode(partitions: Iterable<TopicPartition>): Buffer {
    return encodeJson({ version: 1, partitions: partitionObjects(partitions) })
  },

  decode(data: Buffer): TopicPartition[] {
    return readPartitions(new ZNodeJson('/admin/preferred_replica_election', data))
  },
} satisfies ZNodeObject

/**
 * What can be configured while brokers run; each is a folder below `/config`.
 *
 * @kafka core/src/main/scala/kafka/server/DynamicConfigManager.scala#ConfigType
 */
export const ConfigType = {
  Topic: 'topics',
  Client: 'clients',
  User: 'users',
  Broker: 'brokers',
  all: ['topics', 'clients', 'users', 'brokers'],
} as const

/**
 * The name of the entity that stands for all that have no configuration of their own.
 *
 * @kafka core/src/main/scala/kafka/server/DynamicConfigManager.scala#ConfigEntityName
 */
export const ConfigEntityName = { Default: '<default>' } as const

/** The parent of one type of entities. */
export const ConfigEntityTypeZNode = {
  pattern: '/config/<type>',
  kind: 'persistent',
  payload: 'null',
  writer: 'every broker at its start, if missing',
  watchers: 'none',
  deleted: 'never',

  path(entityType: string): string {
    return `/config/${entityType}`
  },
} satisfies ZNodeObject

/**
 * The configuration of one entity: only what differs from the defaults.
 *
 * @kafka core/src/main/scala/kafka/zk/ZkData.scala#ConfigEntityZNode
 */
export const ConfigEntityZNode = {
  pattern: '/config/<type>/<entity>',
  kind: 'persistent',
  payload: '{"version":1,"config":{"retention.ms":"60000"}}',
  writer: 'who changes a configuration; a topic has one from its creation',
  watchers: 'none: a note below /config/changes tells brokers to read it',
  deleted: 'with its topic; others stay, even when empty',

  path(entityType: string, entityName: string): string {
    return `/config/${entityType}/${entityName}`
  },

  /** All values are strings, whatever they mean. */
  encode(config: Readonly<Record<string, string>>): Buffer {
    return encodeJson({ version: 1, config })
  },

  /** A node without data, or without `config`, is an empty configuration. */
  decode(path: string, data: Buffer | null): Record<string, string> {
    if (data === null) return {}
    const json = new ZNodeJson(path, data)
    return json.has('config') ? Object.fromEntries(json.stringMap('config')) : {}
  },
} satisfies ZNodeObject

/** The parent of the notes about changed configurations. */
export const ConfigEntityChangeNotificationZNode = {
  ...parentZNode('/config/changes', 'every broker'),
} satisfies ZNodeObject

/**
 * A note: the configuration of this entity changed, read it again.
 *
 * @kafka core/src/main/scala/kafka/zk/ZkData.scala#ConfigEntityChangeNotificationSequenceZNode
 */
export const ConfigEntityChangeNotificationSequenceZNode = {
  pattern: '/config/changes/config_change_<n>',
  kind: 'persistent sequential',
  payload: '{"version":2,"entity_path":"topics/t"}',
  writer: 'who changes a configuration, after the configuration itself',
  watchers: 'every broker, through the parent',
  deleted: 'by any broker when it is more than 15 minutes old',
  SequenceNumberPrefix: 'config_change_',

  createPath(): string {
    return '/config/changes/config_change_'
  },

  encode(sanitizedEntityPath: string): Buffer {
    return encodeJson({ version: 2, entity_path: sanitizedEntityPath })
  },

  /** The path of the entity, such as `topics/t`; the first layout is understood too. */
  decode(path: string, data: Buffer): string {
    const json = new ZNodeJson(path, data)
    const version = json.int('version')
    if (version === 1) {
      const type = json.string('entity_type')
      const isKnown = type === ConfigType.Topic || type === ConfigType.Client
      if (!isKnown) throw malformed(path, `version 1 does not know ${type}`)
      return `${type}/${json.string('entity_name')}`
    }
    if (version === 2) return json.string('entity_path')
    throw malformed(path, `version ${version} is not supported`)
  },
} satisfies ZNodeObject
