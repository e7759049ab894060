/**
 * # ControllerHandlers
 *
 * Which watches a controller holds, and when: one on every broker, the rest only in office.
 * The handlers themselves stand in {@link ControllerChangeHandler} and its neighbours.
 *
 * Two ways to begin listening. `registerChildHandlers` and the handlers of topics and moved
 * partitions only note whom to tell: the watch is set by the next read of that node, which
 * follows anyway. `registerNodeHandlers` and those of brokers ask ZooKeeper whether the node
 * exists, which sets the watch even where nothing is yet.
 *
 * @kafka core/src/main/scala/kafka/controller/KafkaController.scala
 * @differs in Kafka these are fields and methods of KafkaController
 * @module
 */

import type { TopicPartition } from '../base/TopicPartition.ts'
import type {
  ZNodeChangeHandler,
  ZNodeChildChangeHandler,
} from '../zookeeper/ZooKeeperClient.ts'
import {
  BrokerChangeHandler,
  BrokerModificationsHandler,
  ControllerChangeHandler,
  IsrChangeNotificationHandler,
  LogDirEventNotificationHandler,
  PartitionModificationsHandler,
  PartitionReassignmentHandler,
  PartitionReassignmentIsrChangeHandler,
  PreferredReplicaElectionHandler,
  TopicChangeHandler,
  TopicDeletionHandler,
} from './controller-handlers.ts'
import type { KafkaController } from './KafkaController.ts'

/** The watches of one controller. */
export class ControllerHandlers {
  readonly #controller: KafkaController
  readonly #childHandlers: readonly ZNodeChildChangeHandler[]
  readonly #brokerModificationsHandlers = new Map<number, ZNodeChangeHandler>()
  readonly #partitionModificationsHandlers = new Map<string, ZNodeChangeHandler>()
  readonly #reassignIsrChangeHandlers = new Set<ZNodeChangeHandler>()

  /** The one watch that every broker holds. */
  readonly controllerChangeHandler: ControllerChangeHandler

  readonly preferredReplicaElectionHandler: PreferredReplicaElectionHandler
  readonly partitionReassignmentHandler: PartitionReassignmentHandler

  constructor(controller: KafkaController) {
    this.#controller = controller
    this.controllerChangeHandler = new ControllerChangeHandler(controller)
    this.preferredReplicaElectionHandler = new PreferredReplicaElectionHandler(
      controller,
    )
    this.partitionReassignmentHandler = new PartitionReassignmentHandler(controller)
    this.#childHandlers = [
      new BrokerChangeHandler(controller),
      new TopicChangeHandler(controller),
      new TopicDeletionHandler(controller),
      new LogDirEventNotificationHandler(controller),
      new IsrChangeNotificationHandler(controller),
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
    for (const handler of this.#nodeHandlers()) {
      await zkClient.registerZNodeChangeHandlerAndCheckExistence(handler)
    }
  }

  /**
   * Listens to brokers for changed end points, and sets the watches.
   *
   * @kafka core/src/main/scala/kafka/controller/KafkaController.scala#KafkaController.registerBrokerModificationsHandler
   */
  async registerBrokerModificationsHandler(brokerIds: Iterable<number>): Promise<void> {
    const controller = this.#controller
    for (const id of brokerIds) {
      const handler = new BrokerModificationsHandler(controller, id)
      this.#brokerModificationsHandlers.set(id, handler)
      await controller.zkClient.registerZNodeChangeHandlerAndCheckExistence(handler)
    }
  }

  /**
   * Stops listening to these brokers.
   *
   * @kafka core/src/main/scala/kafka/controller/KafkaController.scala#KafkaController.unregisterBrokerModificationsHandler
   */
  unregisterBrokerModificationsHandler(brokerIds: Iterable<number>): void {
    for (const id of brokerIds) {
      this.#unregister(this.#brokerModificationsHandlers.get(id))
      this.#brokerModificationsHandlers.delete(id)
    }
  }

  /**
   * Listens to topics for added partitions; the watch is set when each is read next.
   *
   * @kafka core/src/main/scala/kafka/controller/KafkaController.scala#KafkaController.registerPartitionModificationsHandlers
   */
  registerPartitionModificationsHandlers(topics: Iterable<string>): void {
    for (const topic of topics) {
      const handler = new PartitionModificationsHandler(this.#controller, topic)
      this.#partitionModificationsHandlers.set(topic, handler)
      this.#controller.zkClient.registerZNodeChangeHandler(handler)
    }
  }

  /**
   * Stops listening to these topics.
   *
   * @kafka core/src/main/scala/kafka/controller/KafkaController.scala#KafkaController.unregisterPartitionModificationsHandlers
   */
  unregisterPartitionModificationsHandlers(topics: Iterable<string>): void {
    for (const topic of topics) {
      this.#unregister(this.#partitionModificationsHandlers.get(topic))
      this.#partitionModificationsHandlers.delete(topic)
    }
  }

  /**
   * Listens to the state of a partition that is being moved.
   *
   * @returns the handler, by which it is taken back.
   * @kafka core/src/main/scala/kafka/controller/KafkaController.scala#ReassignedPartitionsContext.registerReassignIsrChangeHandler
   */
  registerReassignIsrChangeHandler(partition: TopicPartition): ZNodeChangeHandler {
    const handler = new PartitionReassignmentIsrChangeHandler(
      this.#controller,
      partition,
    )
    this.#reassignIsrChangeHandlers.add(handler)
    this.#controller.zkClient.registerZNodeChangeHandler(handler)
    return handler
  }

  /**
   * Stops listening to a partition whose move is over.
   *
   * @kafka core/src/main/scala/kafka/controller/KafkaController.scala#ReassignedPartitionsContext.unregisterReassignIsrChangeHandler
   */
  unregisterReassignIsrChangeHandler(handler: ZNodeChangeHandler): void {
    this.#reassignIsrChangeHandlers.delete(handler)
    this.#unregister(handler)
  }

  /**
   * Stops listening to all partitions that are being moved.
   *
   * @kafka core/src/main/scala/kafka/controller/KafkaController.scala#KafkaController.unregisterPartitionReassignmentIsrChangeHandlers
   */
  unregisterPartitionReassignmentIsrChangeHandlers(): void {
    for (const handler of [...this.#reassignIsrChangeHandlers]) {
      this.unregisterReassignIsrChangeHandler(handler)
    }
  }

  /** Stops listening, except to `/controller`. */
  unregisterAll(): void {
    // Let go of the lists and the orders.
    const { zkClient } = this.#controller
    for (const { path } of this.#childHandlers) {
      zkClient.unregisterZNodeChildChangeHandler(path)
    }
    for (const handler of this.#nodeHandlers()) this.#unregister(handler)

    // Let go of single nodes.
    this.unregisterPartitionReassignmentIsrChangeHandlers()
    const topics = [...this.#partitionModificationsHandlers.keys()]
    this.unregisterPartitionModificationsHandlers(topics)
    this.unregisterBrokerModificationsHandler([
      ...this.#brokerModificationsHandlers.keys(),
    ])
  }

  #nodeHandlers(): ZNodeChangeHandler[] {
    return [this.preferredReplicaElectionHandler, this.partitionReassignmentHandler]
  }

  #unregister(handler: ZNodeChangeHandler | undefined): void {
    if (handler) this.#controller.zkClient.unregisterZNodeChangeHandler(handler.path)
  }
}
