/**
 * # ClusterObserver
 *
 * Watches the state of partitions and of the controller's office in ZooKeeper during a
 * chaos run, over a link that is not harmed: epochs, elections, and whether all is whole
 * again.
 *
 * @module
 */
import { Condition } from '../../base/async/Condition.ts'
import type { Clock } from '../../base/platform/Platform.ts'
import { TopicPartition } from '../../base/TopicPartition.ts'
import { ControllerEpochZNode } from '../../zk/cluster-znodes.ts'
import type { LeaderAndIsr } from '../../zk/LeaderAndIsr.ts'
import { TopicPartitionStateZNode } from '../../zk/topic-znodes.ts'
import { connectWithNodeZookeeperClient } from '../../zookeeper/node-zookeeper-client-session.ts'
import { ZooKeeperClient } from '../../zookeeper/ZooKeeperClient.ts'
import type { HistoryCheck } from '../faults/history-check.ts'

/** What an observer looks at. */
export interface ClusterObserverOptions {
  readonly zookeeperPort: number
  readonly topic: string
  readonly partitions: number
  readonly history: HistoryCheck
  readonly clock: Clock
}

/** Long, so that what is seen is the cluster's trouble and not its own. */
const SESSION_TIMEOUT_MS = 10_000

/** Watches one topic. */
export class ClusterObserver {
  readonly #options: ClusterObserverOptions
  readonly #client: ZooKeeperClient
  readonly #states = new Map<number, LeaderAndIsr>()
  readonly #changed = new Condition()
  #leaderElections = 0
  #controllerElections = 0
  #controllerEpoch = 0
  #closed = false

  /** Begins to watch a topic that exists. */
  static async open(options: ClusterObserverOptions): Promise<ClusterObserver> {
    const client = new ZooKeeperClient({
      connect: connectWithNodeZookeeperClient,
      connectString: `127.0.0.1:${options.zookeeperPort}`,
      sessionTimeoutMs: SESSION_TIMEOUT_MS,
      connectionTimeoutMs: SESSION_TIMEOUT_MS,
      maxInFlightRequests: 10,
      clock: options.clock,
    })
    await client.start()
    const observer = new ClusterObserver(options, client)
    observer.#watch()
    await observer.look()
    observer.#leaderElections = 0
    observer.#controllerElections = 0
    return observer
  }

  private constructor(options: ClusterObserverOptions, client: ZooKeeperClient) {
    this.#options = options
    this.#client = client
  }

  /** How often a partition got another leader, or the same one anew. */
  get leaderElections(): number {
    return this.#leaderElections
  }

  /** How often a controller took office. */
  get controllerElections(): number {
    return this.#controllerElections
  }

  /** The partitions as they were last seen. */
  get states(): ReadonlyMap<number, LeaderAndIsr> {
    return this.#states
  }

  /** Reads everything, and so sets the watches. */
  async look(): Promise<void> {
    const { partitions } = this.#options
    const all = Array.from({ length: partitions }, (_, at) => this.#readState(at))
    await Promise.all([...all, this.#readControllerEpoch()])
  }

  /**
   * Waits until every partition has a leader and all its replicas in sync.
   *
   * @returns whether that came about in time
   */
  async allWhole(replicas: number, timeoutMs: number): Promise<boolean> {
    const { clock, partitions } = this.#options
    const deadline = clock.monotonic() + timeoutMs
    const whole = () =>
      Array.from({ length: partitions }, (_, at) => this.#states.get(at)).every(
        (state) => state && state.leader >= 0 && state.isr.length === replicas,
      )
    await this.look()
    while (!whole()) {
      const left = deadline - clock.monotonic()
      if (left <= 0) return false
      await this.#changed.waitFor(left, clock)
    }
    return true
  }

  async close(): Promise<void> {
    this.#closed = true
    await this.#client.close()
  }

  #watch(): void {
    const { partitions } = this.#options
    for (let at = 0; at < partitions; at++) {
      const handleDataChange = () => this.#start(() => this.#readState(at))
      this.#client.registerZNodeChangeHandler({
        path: this.#path(at),
        handleDataChange,
      })
    }
    const path = ControllerEpochZNode.path()
    const handleDataChange = () => this.#start(() => this.#readControllerEpoch())
    this.#client.registerZNodeChangeHandler({ path, handleDataChange })

    // Watches of a session that is gone are gone, too.
    const afterInitializingSession = () => this.look()
    this.#client.registerStateChangeHandler({ name: 'look', afterInitializingSession })
  }

  /** Reads in the background; a read that fails is repeated by the next look. */
  #start(read: () => Promise<void>): void {
    read().catch((error: unknown) => {
      if (!this.#closed) process.stderr.write(`the observer failed: ${error}\n`)
    })
  }

  async #readState(partition: number): Promise<void> {
    const { topic, history } = this.#options
    const { data, stat } = await this.#client.getData(this.#path(partition))
    const { leaderAndIsr, controllerEpoch } = TopicPartitionStateZNode.decode(
      new TopicPartition(topic, partition),
      data ?? Buffer.alloc(0),
      stat.version,
    )
    const { leader, leaderEpoch, isr, zkVersion } = leaderAndIsr
    const name = `${topic}-${partition}`
    const seen = { partition: name, leader, leaderEpoch, controllerEpoch, isr }
    history.partitionState({ ...seen, zkVersion })

    // Keep the newest; answers may overtake each other over a reconnect.
    const before = this.#states.get(partition)
    if (before !== undefined && before.zkVersion >= zkVersion) return
    if (before !== undefined && leader >= 0 && leaderEpoch > before.leaderEpoch)
      this.#leaderElections++
    this.#states.set(partition, leaderAndIsr)
    this.#changed.signalAll()
  }

  async #readControllerEpoch(): Promise<void> {
    const { data } = await this.#client.getData(ControllerEpochZNode.path())
    const epoch = ControllerEpochZNode.decode(data ?? Buffer.alloc(0))
    this.#options.history.controllerEpochSeen(epoch)
    this.#controllerElections += Math.max(0, epoch - this.#controllerEpoch)
    this.#controllerEpoch = Math.max(epoch, this.#controllerEpoch)
  }

  #path(partition: number): string {
    return TopicPartitionStateZNode.path(
      new TopicPartition(this.#options.topic, partition),
    )
  }
}
