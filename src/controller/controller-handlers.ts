/**
 * # controller-handlers
 *
 * What the controller watches. A handler does one thing: it puts an event. Whatever has to
 * be read is read when the event is processed, so a handler never waits and never fails.
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
 * @differs Kafka has a class for each handler; here each is an entry of one class
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

/** The watches of one controller. */
export class ControllerHandlers {
  readonly #controller: KafkaController
  readonly #childHandlers: readonly ZNodeChildChangeHandler[]
  readonly #nodeHandlers: readonly ZNodeChangeHandler[]
  readonly #watchedPaths = new Set<string>()

  /** Told of every change of `/controller`, in office or not. */
  readonly controllerChangeHandler: ZNodeChangeHandler

  readonly preferredReplicaElectionHandler: ZNodeChangeHandler
  readonly partitionReassignmentHandler: ZNodeChangeHandler

  constructor(controller: KafkaController) {
    // Prepare what every broker watches.
    this.#controller = controller
    const put = (event: ControllerEvent) => controller.eventManager.put(event)
    this.controllerChangeHandler = {
      path: ControllerZNode.path(),
      handleCreation: () => put(new ControllerChange(controller)),
      handleDeletion: () => put(new Reelect(controller)),
      handleDataChange: () => put(new ControllerChange(controller)),
    }

    // Prepare what only the controller in office watches.
    this.preferredReplicaElectionHandler = {
      path: PreferredReplicaElectionZNode.path(),
      handleCreation: () => put(new PreferredReplicaLeaderElection(controller)),
    }
    this.partitionReassignmentHandler = {
      path: ReassignPartitionsZNode.path(),
      handleCreation: () => put(new PartitionReassignment(controller)),
    }
    const children = (path: string, event: () => ControllerEvent) => ({
      path,
      handleChildChange: () => put(event()),
    })
    this.#nodeHandlers = [
      this.preferredReplicaElectionHandler,
      this.partitionReassignmentHandler,
    ]
    this.#childHandlers = [
      children(BrokerIdsZNode.path(), () => new BrokerChange(controller)),
      children(TopicsZNode.path(), () => new TopicChange(controller)),
      children(DeleteTopicsZNode.path(), () => new TopicDeletion(controller)),
      children(
        LogDirEventNotificationZNode.path(),
        () => new LogDirEventNotification(controller),
      ),
      children(
        IsrChangeNotificationZNode.path(),
        () => new IsrChangeNotification(controller),
      ),
    ]
  }

  /** Listens to the five lists; the watch is set when each is read next. */
  registerChildHandlers(): void {
    for (const handler of this.#childHandlers) {
      this.#controller.zkClient.registerZNodeChildChangeHandler(handler)
    }
  }

  /** Listens to the two orders of tools, and sets the watch. */
  async registerNodeHandlers(): Promise<void> {
    const { zkClient } = this.#controller
    for (const handler of this.#nodeHandlers) {
      await zkClient.registerZNodeChangeHandlerAndCheckExistence(handler)
    }
  }

  /** Listens to brokers for changed end points, and sets the watches. */
  async registerBrokerModificationsHandler(brokerIds: Iterable<number>): Promise<void> {
    const controller = this.#controller
    for (const id of brokerIds) {
      const path = BrokerIdZNode.path(id)
      this.#watchedPaths.add(path)
      await controller.zkClient.registerZNodeChangeHandlerAndCheckExistence({
        path,
        handleDataChange: () =>
          controller.eventManager.put(new BrokerModifications(controller, id)),
      })
    }
  }

  unregisterBrokerModificationsHandler(brokerIds: Iterable<number>): void {
    for (const id of brokerIds) this.#unwatch(BrokerIdZNode.path(id))
  }

  /** Listens to topics for added partitions; the watch is set when each is read next. */
  registerPartitionModificationsHandlers(topics: Iterable<string>): void {
    const controller = this.#controller
    for (const topic of topics) {
      this.#watch({
        path: TopicZNode.path(topic),
        handleDataChange: () =>
          controller.eventManager.put(new PartitionModifications(controller, topic)),
      })
    }
  }

  unregisterPartitionModificationsHandlers(topics: Iterable<string>): void {
    for (const topic of topics) this.#unwatch(TopicZNode.path(topic))
  }

  /** Listens to the state of a partition that is being moved. */
  registerReassignIsrChangeHandler(partition: TopicPartition): string {
    const controller = this.#controller
    const path = TopicPartitionStateZNode.path(partition)
    this.#watch({
      path,
      handleDataChange: () =>
        controller.eventManager.put(
          new PartitionReassignmentIsrChange(controller, partition),
        ),
    })
    return path
  }

  unregisterReassignIsrChangeHandler(path: string): void {
    this.#unwatch(path)
  }

  /** Stops listening, except to `/controller`. */
  unregisterAll(): void {
    const { zkClient } = this.#controller
    for (const { path } of this.#childHandlers) {
      zkClient.unregisterZNodeChildChangeHandler(path)
    }
    for (const { path } of this.#nodeHandlers)
      zkClient.unregisterZNodeChangeHandler(path)
    for (const path of [...this.#watchedPaths]) this.#unwatch(path)
  }

  #watch(handler: ZNodeChangeHandler): void {
    this.#watchedPaths.add(handler.path)
    this.#controller.zkClient.registerZNodeChangeHandler(handler)
  }

  #unwatch(path: string): void {
    this.#watchedPaths.delete(path)
    this.#controller.zkClient.unregisterZNodeChangeHandler(path)
  }
}
