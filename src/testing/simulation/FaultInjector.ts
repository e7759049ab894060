/**
 * # FaultInjector
 *
 * Does to a simulated cluster what a schedule says, and takes it back.
 *
 * The model of a machine that loses power: Kafka acknowledges what is in the page caches
 * of all in-sync replicas, not on their disks, so it may lose an acknowledged record when
 * every one of them loses its tail. The promise that is tested: *one tail at a time*. A
 * broker loses power only while each of its partitions has another member of the ISR, and
 * comes back when ZooKeeper has it in no ISR any more. Kafka 1.1 has no way to tell that
 * a member of the ISR came back with less than it had. With `always-flushed` there is no
 * such limit, since a broker acknowledges nothing that is not on its disk.
 *
 * @module
 */
import type { TopicPartition } from '../../base/TopicPartition.ts'
import { TopicPartitionMap } from '../../base/TopicPartitionMap.ts'
import type { SimulatedBroker } from './SimulatedBroker.ts'
import type { SimulatedCluster } from './SimulatedCluster.ts'
import type { Fault, Moment, Schedule } from './schedule.ts'

/** How long a machine without power waits to be out of every ISR before it starts, in ms. */
const LEAVES_ISR_LIMIT_MS = 60_000

/** How long a shutdown in order may take, in ms. */
const SHUTDOWN_LIMIT_MS = 30_000

/** How long a fault waits for its moment, in ms. */
const MOMENT_LIMIT_MS = 6000

/** How much longer a slow packet takes at least, in ms; at most four times that. */
const MIN_SLOW_MS = 200

/** Strikes one cluster. */
export class FaultInjector {
  readonly #cluster: SimulatedCluster
  readonly #schedule: Schedule
  /** Faults that struck. */
  struck = 0
  #isOver = false
  /** Partition → who came into its ISR last, as of the last moment waited for. */
  readonly #newcomers = new Map<string, number>()
  readonly #pending: Promise<void>[] = []

  constructor(cluster: SimulatedCluster, schedule: Schedule) {
    this.#cluster = cluster
    this.#schedule = schedule
  }

  /** Goes through the schedule. Resolves when all that was done has been taken back. */
  async run(): Promise<void> {
    const { clock } = this.#cluster.world
    for (const fault of this.#schedule.faults) {
      if (fault.when && !(await this.#comes(fault.when, fault))) continue
      await clock.sleep(fault.afterMs)
      this.#pending.push(this.#strike(fault))
    }
    await Promise.all(this.#pending)
    this.#isOver = true
  }

  /** Starts whatever is still down. */
  heal(): void {
    for (const broker of this.#cluster.brokers) {
      broker.resume()
      broker.start()
    }
  }

  /** Waits for a moment of the partition that a fault is about. */
  #comes(moment: Moment, { choice }: Fault): Promise<boolean> {
    const { clock } = this.#cluster.world
    const { key } = this.#partition(choice)
    return new Promise((resolve) => {
      const stop = this.#cluster.onMoment((seen, state) => {
        if (seen !== moment || (state && state.partition !== key)) return
        if (state) this.#newcomers.set(key, state.isr.at(-1) ?? -1)
        stop()
        clock.clearTimeout(timer)
        resolve(true)
      })
      const timer = clock.setTimeout(() => {
        stop()
        resolve(false)
      }, MOMENT_LIMIT_MS)
    })
  }

  #partition(choice: number): TopicPartition {
    const { partitions } = this.#cluster
    return partitions[choice % partitions.length] as TopicPartition
  }

  async #strike(fault: Fault): Promise<void> {
    const victim = this.#victim(fault)
    if (this.#isOver || victim === undefined) return
    const { log, world } = this.#cluster
    this.struck++
    const { kind, lastsMs } = fault
    log.add(`fault ${kind} ${victim.host} (${fault.victim}) for ${lastsMs} ms`)
    switch (kind) {
      case 'kill':
        return this.#crash(victim, 'keep', lastsMs)
      case 'power':
        return this.#losePower(victim, fault)
      case 'pause':
        victim.pause()
        await world.clock.sleep(lastsMs)
        log.add(`resume ${victim.host}`)
        return victim.resume()
      case 'cut-brokers':
        return this.#cut(victim, this.#otherBrokers(victim), lastsMs)
      case 'cut-one': {
        const others = this.#otherBrokers(victim)
        return this.#cut(victim, [others[fault.choice % others.length]!], lastsMs)
      }
      case 'cut-zookeeper':
        return this.#cut(victim, ['zk'], lastsMs)
      case 'isolate':
        return this.#cut(victim, this.#everybodyElse(victim), lastsMs)
      case 'reset':
        for (const host of this.#everybodyElse(victim)) {
          world.fabric.reset(victim.host, host)
        }
        return
      case 'slow':
        return this.#slow(victim, fault)
      case 'expire':
        return this.#expire(victim)
      case 'move-controller':
        await this.#cluster.zkClient.deleteController()
        return
      case 'shutdown':
        return this.#shutDown(victim, lastsMs)
      case 'preferred-election':
        return this.#electPreferred()
      case 'reassign':
        return this.#reassign(fault)
    }
  }

  #victim({ victim, choice }: Fault): SimulatedBroker | undefined {
    const { brokers } = this.#cluster
    const partition = this.#partition(choice)
    const state = this.#cluster.stateOf(partition)
    const any = brokers[choice % brokers.length]
    if (victim === 'leader') return brokers[state?.leader ?? -1] ?? any
    if (victim === 'controller') return brokers[this.#cluster.controllerId()] ?? any
    if (victim === 'any' || state === undefined) return any
    const followers = this.#cluster
      .replicasOf(partition)
      .filter((id) => id !== state.leader)
    if (victim === 'elder') {
      const newcomer = this.#newcomers.get(partition.key)
      const elder = followers.find((id) => id !== newcomer && state.isr.includes(id))
      return brokers[elder ?? -1]
    }
    return brokers[followers[choice % followers.length] ?? -1] ?? any
  }

  #otherBrokers(victim: SimulatedBroker): string[] {
    return this.#cluster.brokers.map((b) => b.host).filter((h) => h !== victim.host)
  }

  #everybodyElse(victim: SimulatedBroker): string[] {
    return [...this.#otherBrokers(victim), 'zk', 'clients']
  }

  async #crash(
    victim: SimulatedBroker,
    tail: 'keep' | 'drop' | 'tear',
    lastsMs: number,
  ): Promise<void> {
    victim.crash(tail)
    await this.#cluster.world.clock.sleep(lastsMs)
    victim.start()
  }

  /** A shutdown in order takes its time; it is over when the process has ended. */
  async #shutDown(victim: SimulatedBroker, lastsMs: number): Promise<void> {
    const server = victim.isPaused ? undefined : victim.server
    victim.shutdown()
    await this.#cluster.world.clock.sleep(lastsMs)
    const hasEnded = () => server === undefined || victim.server !== server
    await this.#cluster.until(hasEnded, SHUTDOWN_LIMIT_MS)
    victim.start()
  }

  async #losePower(victim: SimulatedBroker, { choice, lastsMs }: Fault): Promise<void> {
    const tail = choice % 2 === 0 ? 'drop' : 'tear'
    if (this.#schedule.disk === 'always-flushed') {
      return this.#crash(victim, tail, lastsMs)
    }

    // Spare a broker that may hold the only copy of something.
    const { log, brokers } = this.#cluster
    const isAlone = this.#isrsWith(victim).some(({ isr }) => isr.length === 1)
    const isRunning = victim.server !== undefined && !victim.isPaused
    if (isAlone || !isRunning || brokers.some((b) => b !== victim && !b.server)) {
      log.add(`${victim.host} keeps its power: others may need what it has`)
      return
    }
    victim.crash(tail)
    victim.hasPower = false
    await this.#cluster.world.clock.sleep(lastsMs)
    await this.#cluster.until(
      () => this.#isrsWith(victim).length === 0,
      LEAVES_ISR_LIMIT_MS,
    )
    victim.hasPower = true
    victim.start()
  }

  #isrsWith(broker: SimulatedBroker) {
    return this.#cluster.partitions
      .map((partition) => this.#cluster.stateOf(partition))
      .filter((state) => state !== undefined)
      .filter(({ isr }) => isr.includes(broker.id))
  }

  async #cut(
    victim: SimulatedBroker,
    hosts: readonly string[],
    lastsMs: number,
  ): Promise<void> {
    const { fabric, clock } = this.#cluster.world
    for (const host of hosts) fabric.cut(victim.host, host)
    await clock.sleep(lastsMs)
    this.#cluster.log.add(`heal ${victim.host} - ${hosts.join(', ')}`)
    for (const host of hosts) fabric.heal(victim.host, host)
  }

  async #slow(victim: SimulatedBroker, { choice, lastsMs }: Fault): Promise<void> {
    const { slowness, world } = this.#cluster
    const links = this.#otherBrokers(victim).map((other) => `${victim.host} ${other}`)
    const slowMs = MIN_SLOW_MS + (choice % MIN_SLOW_MS) * 3
    for (const link of links) slowness.set(link, slowMs)
    await world.clock.sleep(lastsMs)
    for (const link of links) slowness.delete(link)
  }

  #expire(victim: SimulatedBroker): void {
    const { zooKeeper } = this.#cluster
    const owner = zooKeeper.ephemeralOwner(`/brokers/ids/${victim.id}`)
    if (owner !== 0n) zooKeeper.expireSession(owner)
  }

  async #electPreferred(): Promise<void> {
    const { zkClient, partitions, log } = this.#cluster
    try {
      await zkClient.createPreferredReplicaElection(new Set(partitions))
    } catch (error) {
      log.add(`no preferred election: ${(error as Error).message}`)
    }
  }

  /** Moves a partition on by one broker; with three brokers only their order changes. */
  async #reassign({ choice }: Fault): Promise<void> {
    const { zkClient, brokers, log } = this.#cluster
    const partition = this.#partition(choice)
    const replicas = this.#cluster.replicasOf(partition)
    const moved = replicas.map((id) => (id + 1) % brokers.length)
    const order = new TopicPartitionMap<readonly number[]>().set(partition, moved)
    try {
      log.add(`reassign ${partition.key} from ${replicas} to ${moved}`)
      await zkClient.createPartitionReassignment(order)
    } catch (error) {
      log.add(`no reassignment: ${(error as Error).message}`)
    }
  }
}
