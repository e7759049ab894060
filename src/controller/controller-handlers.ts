/**
 * # controller-handlers
 *
 * What the controller watches, a class for each kind of node. A handler does one thing: it
 * puts an event. Whatever has to be read is read when the event is processed, so a handler
 * never waits and never fails.
 *
 *     /brokers/ids                      children  BrokerChange
 *     /brokers/ids/<id>                 data      BrokerModifications
 *     /brokers/topics                   children  TopicChange
 *     /brokers/topics/<t>               data      PartitionModifications
 *     /brokers/topics/<t>/…/state       data      PartitionReassignmentIsrChange
 *     /admin/delete_topics              children  TopicDeletion
 *     /admin/reassign_partitions        created   PartitionReassignment
 *     /admin/preferred_replica_election created   PreferredReplicaLeaderElection
 *     /isr_change_notification          children  IsrChangeNotification
 *     /log_dir_event_notification       children  LogDirEventNotification
 *     /controller                       any       ControllerChange, Reelect
 *
 * @kafka core/src/main/scala/kafka/controller/KafkaController.scala
 * @module
 */

import type { TopicPartition } from '../base/TopicPartition.ts'
import {
  DeleteTopicsZNode,
  PreferredReplicaElectionZNode,
  ReassignPartitionsZNode,
} from '../zk/admin-znodes.ts'
import { BrokerIdsZNode, BrokerIdZNode, ControllerZNode } from '../zk/cluster-znodes.ts'
import {
  IsrChangeNotificationZNode,
  LogDirEventNotificationZNode,
  TopicPartitionStateZNode,
  TopicsZNode,
  TopicZNode,
} from '../zk/topic-znodes.ts'
import type {
  ZNodeChangeHandler,
  ZNodeChildChangeHandler,
} from '../zookeeper/ZooKeeperClient.ts'
import type { ControllerEvent } from './ControllerEventManager.ts'
import {
  BrokerChange,
  BrokerModifications,
  ControllerChange,
  IsrChangeNotification,
  LogDirEventNotification,
  PartitionModifications,
  PartitionReassignment,
  PartitionReassignmentIsrChange,
  PreferredReplicaLeaderElection,
  Reelect,
  TopicChange,
  TopicDeletion,
} from './controller-events.ts'
import type { KafkaController } from './KafkaController.ts'

/** Base of all handlers: knows the controller whose queue it fills. */
abstract class Handler {
  protected readonly controller: KafkaController

  constructor(controller: KafkaController) {
    this.controller = controller
  }

  protected put(event: ControllerEvent): void {
    this.controller.eventManager.put(event)
  }
}

// ── Who is controller: watched by every broker ──────────────────────────────────────────

/**
 * Told of every change of `/controller`, in office or not.
 *
 * @kafka core/src/main/scala/kafka/controller/KafkaController.scala#ControllerChangeHandler
 */
export class ControllerChangeHandler extends Handler implements ZNodeChangeHandler {
  readonly path = ControllerZNode.path()

  /** Somebody took the office. */
  handleCreation(): void {
    this.put(new ControllerChange(this.controller))
  }

  /** The office is free: try to take it. */
  handleDeletion(): void {
    this.put(new Reelect(this.controller))
  }

  /** The office was written anew. */
  handleDataChange(): void {
    this.put(new ControllerChange(this.controller))
  }
}

// ── Lists of children ───────────────────────────────────────────────────────────────────

/**
 * A broker registered, or its session ended.
 *
 * @kafka core/src/main/scala/kafka/controller/KafkaController.scala#BrokerChangeHandler
 */
export class BrokerChangeHandler extends Handler implements ZNodeChildChangeHandler {
  readonly path = BrokerIdsZNode.path()

  /** Puts an event; who came and who went is read when its turn comes. */
  handleChildChange(): void {
    this.put(new BrokerChange(this.controller))
  }
}

/**
 * A topic was created, or its deletion is over.
 *
 * @kafka core/src/main/scala/kafka/controller/KafkaController.scala#TopicChangeHandler
 */
export class TopicChangeHandler extends Handler implements ZNodeChildChangeHandler {
  readonly path = TopicsZNode.path()

  /** Puts an event; which topics are new is read when its turn comes. */
  handleChildChange(): void {
    this.put(new TopicChange(this.controller))
  }
}

/**
 * Somebody wants a topic deleted.
 *
 * @kafka core/src/main/scala/kafka/controller/KafkaController.scala#TopicDeletionHandler
 */
export class TopicDeletionHandler extends Handler implements ZNodeChildChangeHandler {
  readonly path = DeleteTopicsZNode.path()

  /** Puts an event; which topics have to go is read when its turn comes. */
  handleChildChange(): void {
    this.put(new TopicDeletion(this.controller))
  }
}

/**
 * A broker lost one of its log directories.
 *
 * @kafka core/src/main/scala/kafka/controller/KafkaController.scala#LogDirEventNotificationHandler
 */
export class LogDirEventNotificationHandler
  extends Handler
  implements ZNodeChildChangeHandler
{
  readonly path = LogDirEventNotificationZNode.path()

  /** Puts an event; which brokers they were is read when its turn comes. */
  handleChildChange(): void {
    this.put(new LogDirEventNotification(this.controller))
  }
}

/**
 * A leader wrote another ISR.
 *
 * @kafka core/src/main/scala/kafka/controller/KafkaController.scala#IsrChangeNotificationHandler
 */
export class IsrChangeNotificationHandler
  extends Handler
  implements ZNodeChildChangeHandler
{
  readonly path = IsrChangeNotificationZNode.path()

  /** Puts an event; which partitions they are is read when its turn comes. */
  handleChildChange(): void {
    this.put(new IsrChangeNotification(this.controller))
  }
}

// ── Orders of tools ─────────────────────────────────────────────────────────────────────

/**
 * A tool wants preferred leaders elected.
 *
 * @kafka core/src/main/scala/kafka/controller/KafkaController.scala#PreferredReplicaElectionHandler
 */
export class PreferredReplicaElectionHandler
  extends Handler
  implements ZNodeChangeHandler
{
  readonly path = PreferredReplicaElectionZNode.path()

  /** Puts an event; the order is read when its turn comes. */
  handleCreation(): void {
    this.put(new PreferredReplicaLeaderElection(this.controller))
  }
}

/**
 * A tool wants partitions moved.
 *
 * @kafka core/src/main/scala/kafka/controller/KafkaController.scala#PartitionReassignmentHandler
 */
export class PartitionReassignmentHandler
  extends Handler
  implements ZNodeChangeHandler
{
  readonly path = ReassignPartitionsZNode.path()

  /**
   * Puts an event; the order is read when its turn comes. That the node goes away needs no
   * handler: the controller deletes it itself, and looks again then.
   */
  handleCreation(): void {
    this.put(new PartitionReassignment(this.controller))
  }
}

// ── One node each ───────────────────────────────────────────────────────────────────────

/**
 * A broker has other end points.
 *
 * @kafka core/src/main/scala/kafka/controller/KafkaController.scala#BrokerModificationsHandler
 */
export class BrokerModificationsHandler extends Handler implements ZNodeChangeHandler {
  readonly path: string
  readonly #brokerId: number

  constructor(controller: KafkaController, brokerId: number) {
    super(controller)
    this.path = BrokerIdZNode.path(brokerId)
    this.#brokerId = brokerId
  }

  /** Puts an event; the end points are read when its turn comes. */
  handleDataChange(): void {
    this.put(new BrokerModifications(this.controller, this.#brokerId))
  }
}

/**
 * A topic has more partitions.
 *
 * @kafka core/src/main/scala/kafka/controller/KafkaController.scala#PartitionModificationsHandler
 */
export class PartitionModificationsHandler
  extends Handler
  implements ZNodeChangeHandler
{
  readonly path: string
  readonly #topic: string

  constructor(controller: KafkaController, topic: string) {
    super(controller)
    this.path = TopicZNode.path(topic)
    this.#topic = topic
  }

  /** Puts an event; the assignment is read when its turn comes. */
  handleDataChange(): void {
    this.put(new PartitionModifications(this.controller, this.#topic))
  }
}

/**
 * A partition that is being moved has another leader or ISR: the new replicas may have
 * caught up.
 *
 * @kafka core/src/main/scala/kafka/controller/KafkaController.scala#PartitionReassignmentIsrChangeHandler
 */
export class PartitionReassignmentIsrChangeHandler
  extends Handler
  implements ZNodeChangeHandler
{
  readonly path: string
  readonly #partition: TopicPartition

  constructor(controller: KafkaController, partition: TopicPartition) {
    super(controller)
    this.path = TopicPartitionStateZNode.path(partition)
    this.#partition = partition
  }

  /** Puts an event; the ISR is read when its turn comes. */
  handleDataChange(): void {
    this.put(new PartitionReassignmentIsrChange(this.controller, this.#partition))
  }
}
