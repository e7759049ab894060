/**
 * # SimulatedCluster
 *
 * A whole cluster in one world in memory: ZooKeeper, brokers and clients on hosts of their
 * own, a network that takes its time, a clock that jumps from event to event, and chance
 * from one seed. Nothing in it looks outside, so a seed is a history.
 *
 *     zk ──┬── b0 ── b1 ── b2 ── (b3)      every line: latency, cut, reset
 *          └── p0 p1 … c0 …                every broker: pause, crash, restart
 *
 * Invariant: every change of a partition's state in ZooKeeper is told to the check.
 *
 * @module
 */
import {
  type MemoryPlatform,
  memoryPlatform,
} from '../../base/platform/memory/memory-platform.ts'
import { TopicPartition } from '../../base/TopicPartition.ts'
import { AdminZkClient } from '../../zk/AdminZkClient.ts'
import { KafkaZkClient } from '../../zk/KafkaZkClient.ts'
import { TopicPartitionStateZNode, TopicZNode } from '../../zk/topic-znodes.ts'
import { connectOverNetwork } from '../../zookeeper/network-connect.ts'
import { OpCode } from '../../zookeeper/records.ts'
import type { Txn } from '../../zookeeper/server/txn.ts'
import { ZooKeeperServer } from '../../zookeeper/server/ZooKeeperServer.ts'
import { ZooKeeperClient } from '../../zookeeper/ZooKeeperClient.ts'
import type { HistoryCheck, PartitionStateSeen } from '../faults/history-check.ts'
import type { EventLog } from './event-log.ts'
import { SimulatedBroker } from './SimulatedBroker.ts'
import type { Moment } from './schedule.ts'

/** The topic of every simulated run. */
export const TOPIC = 't'

const ZOOKEEPER = 'zk:2181'
const STATE_PATH = /^\/brokers\/topics\/t\/partitions\/(\d+)\/state$/

/** Settings of the simulated brokers: short waits, so that a run is short. */
const brokerConfig: Readonly<Record<string, string>> = {
  'zookeeper.connect': ZOOKEEPER,
  'zookeeper.session.timeout.ms': '1200',
  'zookeeper.connection.timeout.ms': '3000',
  'replica.lag.time.max.ms': '1000',
  'replica.fetch.wait.max.ms': '250',
  'replica.fetch.backoff.ms': '50',
  'replica.socket.timeout.ms': '1000',
  'controller.socket.timeout.ms': '1000',
  'replica.high.watermark.checkpoint.interval.ms': '700',
  'controlled.shutdown.max.retries': '2',
  'controlled.shutdown.retry.backoff.ms': '200',
  'num.network.threads': '1',
  'num.io.threads': '2',
  'log.cleaner.enable': 'false',
  'log.index.size.max.bytes': '4096',
  'min.insync.replicas': '2',
  'unclean.leader.election.enable': 'false',
  'auto.create.topics.enable': 'false',
  'auto.leader.rebalance.enable': 'false',
}

/** What a cluster begins with. */
export interface SimulatedClusterOptions {
  readonly seed: number
  readonly brokers: number
  readonly partitions: number
  /** Whether every append reaches the disk before it is acknowledged. */
  readonly flushed: boolean
  /** Longest usual way of a packet, in ms. */
  readonly latencyMs: number
  /** `replica.fetch.max.bytes`. */
  readonly replicaFetchBytes: number
  readonly check: HistoryCheck
  readonly log: (platform: MemoryPlatform) => EventLog
}

/** Told of a moment as ZooKeeper sees it, with the state of the partition it is about. */
export type MomentListener = (moment: Moment, state?: PartitionStateSeen) => void

/** How often the brokers are asked what they know, in virtual ms. */
const WATCH_INTERVAL_MS = 40

/** The cluster, and everything that can be done to it. */
export class SimulatedCluster {
  readonly world: MemoryPlatform
  readonly log: EventLog
  readonly zooKeeper: ZooKeeperServer
  readonly brokers: readonly SimulatedBroker[]
  readonly partitions: readonly TopicPartition[]
  readonly zkClient: KafkaZkClient
  /** How much longer packets take, in ms, by `from to`. */
  readonly slowness = new Map<string, number>()
  readonly #momentListeners = new Set<MomentListener>()
  readonly #states = new Map<string, PartitionStateSeen>()
  readonly #session: ZooKeeperClient
  readonly #check: HistoryCheck

  constructor(options: SimulatedClusterOptions) {
    const { seed, latencyMs, check } = options
    this.world = memoryPlatform({ seed, clock: 'virtual', hostName: 'zk' })
    this.log = options.log(this.world)
    this.#check = check
    const { random, fabric, clock } = this.world

    // Most packets are quick; some take long enough to meet others in a wrong order.
    fabric.latency = (from, to) => {
      const slowMs = this.slowness.get(`${from} ${to}`) ?? 0
      return random.nextInt(50) === 0
        ? slowMs + latencyMs + random.nextInt(latencyMs * 20)
        : slowMs + 1 + random.nextInt(latencyMs)
    }

    this.zooKeeper = new ZooKeeperServer({
      platform: this.world,
      host: 'zk',
      port: 2181,
      tickTimeMs: 200,
      onTxn: (txn) => {
        for (const path of changedPaths(txn)) this.#observe(path)
      },
    })
    const config = {
      ...brokerConfig,
      'replica.fetch.max.bytes': String(options.replicaFetchBytes),
      ...(options.flushed ? { 'log.flush.interval.messages': '1' } : {}),
    }
    this.brokers = Array.from(
      { length: options.brokers },
      (_, id) => new SimulatedBroker(id, this.world.onHost(`b${id}`), config, this.log),
    )
    this.partitions = Array.from(
      { length: options.partitions },
      (_, partition) => new TopicPartition(TOPIC, partition),
    )

    // An operator's session, from a host that is never cut off.
    const operator = this.world.onHost('op')
    this.#session = new ZooKeeperClient({
      connect: connectOverNetwork(operator),
      connectString: ZOOKEEPER,
      sessionTimeoutMs: 4000,
      connectionTimeoutMs: 4000,
      maxInFlightRequests: 10,
      clock,
    })
    this.zkClient = new KafkaZkClient(this.#session, false, operator)
  }

  /** Starts ZooKeeper and the brokers, and makes the topic: three replicas a partition. */
  async start(): Promise<void> {
    const { random } = this.world
    await this.zooKeeper.startup()
    await this.#session.start()
    await this.zkClient.createTopLevelPaths()
    for (const broker of this.brokers) broker.start()
    await this.until(() => this.brokers.every((b) => b.server !== undefined), 30_000)
    const admin = new AdminZkClient(this.zkClient, {
      nextInt: (bound) => random.nextInt(bound),
    })
    const assignment = new Map(
      this.partitions.map(({ partition }) => [
        partition,
        [0, 1, 2].map((i) => (partition + i) % this.brokers.length),
      ]),
    )
    await admin.createOrUpdateTopicPartitionAssignmentPathInZK(TOPIC, assignment)
    await this.until(() => this.isWhole(), 30_000)
  }

  /**
   * Lets time pass until something is so.
   *
   * @returns whether it came true within `limitMs` of virtual time
   */
  async until(condition: () => boolean, limitMs: number): Promise<boolean> {
    const { clock } = this.world
    const deadline = clock.monotonic() + limitMs
    while (!condition()) {
      if (clock.monotonic() >= deadline) return false
      await clock.sleep(50)
    }
    return true
  }

  /** The state of a partition as ZooKeeper has it; undefined before there is one. */
  stateOf(topicPartition: TopicPartition): PartitionStateSeen | undefined {
    const node = this.zooKeeper.peek(TopicPartitionStateZNode.path(topicPartition))
    if (!node?.data) return undefined
    const { version } = node.stat
    const decoded = TopicPartitionStateZNode.decode(topicPartition, node.data, version)
    if (decoded === undefined) return undefined
    const { leaderAndIsr, controllerEpoch } = decoded
    const { leader, leaderEpoch, isr } = leaderAndIsr
    const partition = topicPartition.key
    return { partition, leader, leaderEpoch, controllerEpoch, isr, zkVersion: version }
  }

  /** Who holds a partition, as ZooKeeper has it. */
  replicasOf({ topic, partition }: TopicPartition): readonly number[] {
    const data = this.zooKeeper.peek(TopicZNode.path(topic))?.data
    if (!data) return []
    return (
      TopicZNode.decode(topic, data).get(new TopicPartition(topic, partition)) ?? []
    )
  }

  /** The broker that is controller, as ZooKeeper has it; -1 for none. */
  controllerId(): number {
    const data = this.zooKeeper.peek('/controller')?.data
    return data ? (JSON.parse(String(data)) as { brokerid: number }).brokerid : -1
  }

  /** Whether all serve, and every partition has a leader that leads and a full ISR. */
  isWhole(): boolean {
    return this.partitions.every((topicPartition) => {
      const state = this.stateOf(topicPartition)
      if (state === undefined || state.leader < 0) return false
      const replicas = this.replicasOf(topicPartition)
      if (!replicas.every((id) => state.isr.includes(id))) return false
      const partition =
        this.brokers[state.leader]?.server?.replicaManager.nonOfflinePartition(
          topicPartition,
        )
      return (
        partition?.leaderReplicaIfLocal !== undefined &&
        partition.inSyncReplicas.size === replicas.length
      )
    })
  }

  /** Tells of moments from now on. @returns what ends that */
  onMoment(listener: MomentListener): () => void {
    this.#momentListeners.add(listener)
    return () => {
      this.#momentListeners.delete(listener)
    }
  }

  /** Tells the check again and again which epochs the brokers know. @returns the end */
  watchBrokers(): () => void {
    const { clock } = this.world
    const watch = () => {
      for (const broker of this.brokers) this.#watchBroker(broker)
      timer = clock.setTimeout(watch, WATCH_INTERVAL_MS)
    }
    let timer = clock.setTimeout(watch, WATCH_INTERVAL_MS)
    return () => clock.clearTimeout(timer)
  }

  #watchBroker({ server, host, starts }: SimulatedBroker): void {
    if (server === undefined) return
    const broker = `${host}#${starts}`
    for (const { topic, partition, key } of this.partitions) {
      const info = server.metadataCache.getPartitionInfo(topic, partition)
      if (info === undefined) continue
      this.#check.tells({ broker, partition: key, leaderEpoch: info.leaderEpoch })
    }
  }

  /** Ends all processes at once. */
  end(): void {
    for (const broker of this.brokers) broker.crash('keep')
  }

  #tell(moment: Moment, state?: PartitionStateSeen): void {
    for (const listener of [...this.#momentListeners]) listener(moment, state)
  }

  /** Notes what changed in ZooKeeper. */
  #observe(path: string): void {
    const { log } = this
    const partition = STATE_PATH.exec(path)?.[1]
    if (partition !== undefined) {
      const state = this.stateOf(new TopicPartition(TOPIC, Number(partition)))
      if (state === undefined) return
      this.#check.partitionState(state)
      const before = this.#states.get(state.partition)
      this.#states.set(state.partition, state)
      const { leader, leaderEpoch, isr, controllerEpoch } = state
      const who = `leader ${leader}, epoch ${leaderEpoch}, ISR ${isr}`
      log.add(`${state.partition}: ${who} (controller epoch ${controllerEpoch})`)
      const moment = before && momentBetween(before, state)
      if (moment !== undefined) this.#tell(moment, state)
    } else if (path === '/controller_epoch') {
      const epoch = Number(this.zooKeeper.peek(path)?.data)
      this.#check.controllerEpochSeen(epoch)
      log.add(`controller epoch ${epoch}`)
    } else if (path === '/controller') {
      log.add(`controller ${this.controllerId()}`)
      if (this.controllerId() >= 0) this.#tell('controller-elected')
    } else if (/^\/brokers\/ids\/\d+$/.test(path)) {
      const is = this.zooKeeper.peek(path) ? 'registered' : 'no longer registered'
      log.add(`b${path.slice('/brokers/ids/'.length)} is ${is}`)
    }
  }
}

/** The nodes that a transaction changed; a controller's writes are of several parts. */
function changedPaths(txn: Txn): string[] {
  if (txn.type === OpCode.multi) return txn.txns.flatMap(changedPaths)
  return 'path' in txn && txn.type !== OpCode.check ? [txn.path] : []
}

function momentBetween(
  before: PartitionStateSeen,
  after: PartitionStateSeen,
): Moment | undefined {
  if (after.leaderEpoch > before.leaderEpoch) {
    return after.leader < 0 ? undefined : 'leader-elected'
  }
  if (after.isr.some((id) => !before.isr.includes(id))) return 'isr-grows'
  return after.isr.length < before.isr.length ? 'isr-shrinks' : undefined
}
