/**
 * # ZkData
 *
 * Every znode Kafka 1.1.1 uses, in one table. Each entry is the very object that makes the
 * node's path, writes and reads its payload, so what the table says is what runs; the page
 * about znodes is printed from it.
 *
 * All nodes below are made by Kafka itself, none by hand. Persistent parents exist from
 * the first start of a broker on; they are made again at every start if someone removed
 * them.
 *
 * @kafka core/src/main/scala/kafka/zk/ZkData.scala#ZkData
 * @module
 */

import { type Acl, OPEN_ACL_UNSAFE } from '../zookeeper/client.ts'
import {
  ConfigEntityChangeNotificationSequenceZNode,
  ConfigEntityChangeNotificationZNode,
  ConfigEntityTypeZNode,
  ConfigEntityZNode,
  ConfigType,
  DeleteTopicsTopicZNode,
  DeleteTopicsZNode,
  PreferredReplicaElectionZNode,
  ReassignPartitionsZNode,
} from './admin-znodes.ts'
import {
  BrokerIdsZNode,
  BrokerIdZNode,
  BrokerSequenceIdZNode,
  ClusterIdZNode,
  ClusterZNode,
  ControllerEpochZNode,
  ControllerZNode,
  ProducerIdBlockZNode,
} from './cluster-znodes.ts'
import {
  ConsumerIdsZNode,
  ConsumerIdZNode,
  ConsumerOffset,
  ConsumerOwnerZNode,
  ConsumerPathZNode,
} from './consumer-znodes.ts'
import {
  AclChangeNotificationSequenceZNode,
  AclZNode,
  DelegationTokenChangeNotificationSequenceZNode,
  DelegationTokenInfoZNode,
  ResourceTypeZNode,
  ResourceZNode,
} from './security-znodes.ts'
import {
  IsrChangeNotificationSequenceZNode,
  IsrChangeNotificationZNode,
  LogDirEventNotificationSequenceZNode,
  LogDirEventNotificationZNode,
  TopicPartitionStateZNode,
  TopicPartitionsZNode,
  TopicPartitionZNode,
  TopicsZNode,
  TopicZNode,
} from './topic-znodes.ts'
import type { ZNode } from './znode.ts'

/** All znodes by the name of the object that knows them, from the cluster inwards. */
export const zNodes: Readonly<Record<string, ZNode>> = {
  ClusterZNode,
  ClusterIdZNode,
  ControllerZNode,
  ControllerEpochZNode,
  BrokerIdsZNode,
  BrokerIdZNode,
  BrokerSequenceIdZNode,
  ProducerIdBlockZNode,
  TopicsZNode,
  TopicZNode,
  TopicPartitionsZNode,
  TopicPartitionZNode,
  TopicPartitionStateZNode,
  IsrChangeNotificationZNode,
  IsrChangeNotificationSequenceZNode,
  LogDirEventNotificationZNode,
  LogDirEventNotificationSequenceZNode,
  DeleteTopicsZNode,
  DeleteTopicsTopicZNode,
  ReassignPartitionsZNode,
  PreferredReplicaElectionZNode,
  ConfigEntityTypeZNode,
  ConfigEntityZNode,
  ConfigEntityChangeNotificationZNode,
  ConfigEntityChangeNotificationSequenceZNode,
  ConsumerPathZNode,
  ConsumerIdsZNode,
  ConsumerIdZNode,
  ConsumerOwnerZNode,
  ConsumerOffset,
  AclZNode,
  ResourceTypeZNode,
  ResourceZNode,
  AclChangeNotificationSequenceZNode,
  DelegationTokenInfoZNode,
  DelegationTokenChangeNotificationSequenceZNode,
}

/** What the whole table rests on: paths made at start, and who may read and write. */
export const ZkData = {
  /**
   * The parents that every broker makes when it starts, in this order.
   *
   * @kafka core/src/main/scala/kafka/zk/ZkData.scala#ZkData.PersistentZkPaths
   */
  PersistentZkPaths: [
    ConsumerPathZNode.path(),
    BrokerIdsZNode.path(),
    TopicsZNode.path(),
    ConfigEntityChangeNotificationZNode.path(),
    DeleteTopicsZNode.path(),
    BrokerSequenceIdZNode.path(),
    IsrChangeNotificationZNode.path(),
    ProducerIdBlockZNode.path(),
    LogDirEventNotificationZNode.path(),
    ConfigEntityTypeZNode.path(ConfigType.Topic),
    ConfigEntityTypeZNode.path(ConfigType.Client),
    ConfigEntityTypeZNode.path(ConfigType.User),
    ConfigEntityTypeZNode.path(ConfigType.Broker),
  ] as readonly string[],

  /**
   * The roots below which everything belongs to Kafka.
   *
   * @kafka core/src/main/scala/kafka/zk/ZkData.scala#ZkData.SecureRootPaths
   */
  SecureRootPaths: [
    '/admin',
    '/brokers',
    '/cluster',
    '/config',
    '/controller',
    '/controller_epoch',
    '/isr_change_notification',
    '/kafka-acl',
    '/kafka-acl-changes',
    '/latest_producer_id_block',
    '/log_dir_event_notification',
    '/delegation_token',
  ] as readonly string[],

  /** Below these not even reading is open to all. */
  SensitiveRootPaths: [
    ConfigEntityTypeZNode.path(ConfigType.User),
    ConfigEntityTypeZNode.path(ConfigType.Broker),
    '/delegation_token/tokens',
  ] as readonly string[],

  /** Whether the node may hold secrets. */
  sensitivePath(path: string): boolean {
    return ZkData.SensitiveRootPaths.some((root) => path.startsWith(root))
  },

  /**
   * Chooses the access list of a new node.
   *
   * @param isSecure - `zookeeper.set.acl`
   * @param path - the node
   * @returns everything for everyone; or everything for who is logged in, and reading for
   *   all others unless the node may hold secrets
   * @kafka core/src/main/scala/kafka/zk/ZkData.scala#ZkData.defaultAcls
   */
  defaultAcls(isSecure: boolean, path: string): Acl[] {
    // Leave everything open unless asked otherwise.
    if (!isSecure) return OPEN_ACL_UNSAFE

    // Reserve writing for the user of this session.
    const acls: Acl[] = [{ perms: 31, scheme: 'auth', id: '' }]
    if (!ZkData.sensitivePath(path))
      acls.push({ perms: 1, scheme: 'world', id: 'anyone' })
    return acls
  },
}
