/**
 * # Playground
 *
 * A cluster for a reader to play with: three brokers, ZooKeeper, a producer and a group of
 * consumers, the classes of the notes, in one world in memory. Time stands still until it
 * is told to move, and all chance comes from a seed, so the same actions are the same
 * history, in a test and in a browser's tab.
 *
 *     Playground.replay(seed, actions) ─▶ start ─▶ act ─ act ─ act ─▶ view
 *
 * Each partition of the topic `t` has three replicas; `min.insync.replicas` is 2.
 *
 * @differs nothing in Kafka corresponds to it
 * @module
 */
import { IllegalArgumentException } from '../../base/errors.ts'
import { StringEncoder } from '../../producer/Encoder.ts'
import { KeyedMessage } from '../../producer/KeyedMessage.ts'
import { Producer } from '../../producer/Producer.ts'
import { ProducerConfig } from '../../producer/ProducerConfig.ts'
import { HistoryCheck } from '../faults/history-check.ts'
import { EventLog } from '../simulation/event-log.ts'
import { BROKER_PORT } from '../simulation/SimulatedBroker.ts'
import { SimulatedCluster, TOPIC } from '../simulation/SimulatedCluster.ts'
import { type BrokerDeed, describeAction, type PlaygroundAction } from './actions.ts'
import { PlaygroundConsumer } from './PlaygroundConsumer.ts'
import { type PlaygroundView, viewOf } from './view.ts'

const BROKERS = 3
const PARTITIONS = 2

/** Consumers that can be in the group in one run. */
const MOST_CONSUMERS = 4

/** Longest usual way of a packet, in ms. */
const LATENCY_MS = 4

/** What a slow link adds to the way of a packet, in ms. */
const SLOW_MS = 400

/** How long a write to a log takes on a slow disk, in ms. */
const SLOW_DISK_MS = 400

/** A record on its way. */
export interface SentRecord {
  readonly value: string
  readonly partition: number
  readonly acks: 1 | -1
  fate: 'on its way' | 'acknowledged' | 'failed'
}

/** One run. */
export class Playground {
  readonly seed: number
  readonly actions: PlaygroundAction[] = []
  readonly cluster: SimulatedCluster
  readonly consumers: PlaygroundConsumer[] = []
  readonly sent: SentRecord[] = []
  readonly lines: string[] = []
  /** Links that are cut, as `0 1` and `0 zk`. */
  readonly cuts = new Set<string>()
  readonly #producers: ReadonlyMap<1 | -1, Producer<number, string | null>>

  /** @param seed - of all chance, a whole number from 0 */
  constructor(seed: number) {
    if (!Number.isSafeInteger(seed) || seed < 0) {
      throw new IllegalArgumentException(`"${seed}" is no seed`)
    }
    this.seed = seed
    this.cluster = new SimulatedCluster({
      ...{ seed, brokers: BROKERS, partitions: PARTITIONS, flushed: false },
      ...{ latencyMs: LATENCY_MS, replicaFetchBytes: 1_048_576 },
      check: new HistoryCheck(),
      log: (world) => new TellingLog(world.clock, this.lines),
    })
    this.#producers = new Map([
      [1, this.#producer(1)],
      [-1, this.#producer(-1)],
    ])
  }

  /**
   * Starts a run and does the actions, one after the other.
   *
   * @param onProgress - told after each action how many are done
   */
  static async replay(
    seed: number,
    actions: readonly PlaygroundAction[],
    onProgress: (done: number) => void = () => {},
  ): Promise<Playground> {
    const playground = new Playground(seed)
    await playground.start()
    for (const [i, action] of actions.entries()) {
      await playground.act(action)
      onProgress(i + 1)
    }
    return playground
  }

  /** Starts ZooKeeper and the brokers; the topic has its leaders afterwards. */
  async start(): Promise<void> {
    await this.cluster.world.virtualClock.runUntil(this.cluster.start())
    this.cluster.log.add('all brokers serve, every replica is in sync')
  }

  /**
   * Does one thing, and lets settle what it sets off at once.
   *
   * @throws IllegalArgumentException for a broker, partition or consumer that is not there
   */
  async act(action: PlaygroundAction): Promise<void> {
    const { virtualClock } = this.cluster.world
    if (action.do !== 'wait') this.cluster.log.add(`▸ ${describeAction(action)}`)
    switch (action.do) {
      case 'wait':
        await virtualClock.advance(action.ms)
        break
      case 'produce':
        this.#produce(action.partition, action.acks)
        break
      case 'cut':
      case 'heal':
        this.#link(action)
        break
      case 'join':
        this.#join()
        break
      case 'leave':
        this.#consumer(action.consumer).leave()
        break
      case 'kill-consumer':
        this.#consumer(action.consumer).kill()
        break
      default:
        this.#strike(action)
    }
    await virtualClock.settle()
    const last = this.actions.at(-1)
    if (action.do === 'wait' && last?.do === 'wait') {
      this.actions[this.actions.length - 1] = { do: 'wait', ms: last.ms + action.ms }
    } else this.actions.push(action)
  }

  /** Ms until something happens by itself, at least 1. */
  get nextEventInMs(): number {
    return Math.max(1, Math.ceil(this.cluster.world.virtualClock.nextTimerInMs ?? 1))
  }

  /** What there is to see now. */
  view(): PlaygroundView {
    return viewOf(this)
  }

  #producer(acks: 1 | -1): Producer<number, string | null> {
    const { brokers, world } = this.cluster
    const config = new ProducerConfig({
      'metadata.broker.list': brokers.map((b) => `${b.host}:${BROKER_PORT}`).join(','),
      'client.id': 'producer',
      'request.required.acks': String(acks),
      'request.timeout.ms': '1500',
      'message.send.max.retries': '8',
      'retry.backoff.ms': '250',
    })
    const host = world.onHost('producer')
    return new Producer(config, host, {
      encoder: new StringEncoder(),
      keyEncoder: { toBytes: () => null },
      partitioner: { partition: (key) => Number(key) },
    })
  }

  #produce(partition: number, acks: 1 | -1): void {
    if (partition >= PARTITIONS) {
      throw new IllegalArgumentException(`there is no partition ${partition}`)
    }
    const value = `m${this.sent.length + 1}`
    const record: SentRecord = { value, partition, acks, fate: 'on its way' }
    this.sent.push(record)
    const message = new KeyedMessage<number, string | null>(
      TOPIC,
      value,
      null,
      partition,
    )

    // Floats on purpose: the view shows what became of it.
    this.#producers
      .get(acks)
      ?.send(message)
      .then(
        () => {
          record.fate = 'acknowledged'
          this.cluster.log.add(`${value} is acknowledged`)
        },
        (error) => {
          record.fate = 'failed'
          this.cluster.log.add(`${value} could not be delivered: ${error.message}`)
        },
      )
  }

  #join(): void {
    if (this.consumers.length >= MOST_CONSUMERS) {
      throw new IllegalArgumentException(
        `a run has at most ${MOST_CONSUMERS} consumers`,
      )
    }
    const { world, log } = this.cluster
    const name = `c${this.consumers.length + 1}`
    const consumer = new PlaygroundConsumer(name, world.onHost(name), log)
    this.consumers.push(consumer)

    // Floats on purpose: it catches what goes wrong in its life.
    void consumer.run(TOPIC)
  }

  #consumer(number: number): PlaygroundConsumer {
    const consumer = this.consumers[number - 1]
    if (!consumer) throw new IllegalArgumentException(`there is no consumer c${number}`)
    return consumer
  }

  #broker(id: number) {
    const broker = this.cluster.brokers[id]
    if (!broker) throw new IllegalArgumentException(`there is no broker ${id}`)
    return broker
  }

  #link(action: Extract<PlaygroundAction, { do: 'cut' | 'heal' }>): void {
    const { fabric } = this.cluster.world
    const one = this.#broker(action.broker).host
    const other = action.peer === 'zk' ? 'zk' : this.#broker(action.peer).host
    const name = [String(action.broker), String(action.peer)].sort().join(' ')
    if (action.do === 'cut') {
      fabric.cut(one, other)
      this.cuts.add(name)
    } else {
      fabric.heal(one, other)
      this.cuts.delete(name)
    }
  }

  #strike({ do: deed, broker: id }: { do: BrokerDeed; broker: number }): void {
    const broker = this.#broker(id)
    const deeds: Readonly<Record<BrokerDeed, () => void>> = {
      kill: () => broker.crash('keep'),
      power: () => broker.crash('drop'),
      start: () => broker.start(),
      shutdown: () => broker.shutdown(),
      freeze: () => broker.pause(),
      thaw: () => broker.resume(),
      expire: () => this.#expire(id),
      slow: () => this.#slow(broker.host, SLOW_MS),
      quick: () => this.#slow(broker.host, 0),
      'slow-disk': () => broker.slowDisk(SLOW_DISK_MS),
      'quick-disk': () => broker.slowDisk(0),
    }
    deeds[deed]()
  }

  /** Ends the session of a broker, as if ZooKeeper had not heard of it for too long. */
  #expire(id: number): void {
    const { zooKeeper } = this.cluster
    const owner = zooKeeper.ephemeralOwner(`/brokers/ids/${id}`)
    if (owner !== 0n) zooKeeper.expireSession(owner)
  }

  /** Makes packets between a broker and the others take longer. */
  #slow(host: string, byMs: number): void {
    const { brokers, slowness } = this.cluster
    for (const other of brokers) {
      if (other.host === host) continue
      for (const link of [`${host} ${other.host}`, `${other.host} ${host}`]) {
        slowness.set(link, byMs)
      }
    }
  }
}

/** A log whose lines can be read one by one. */
class TellingLog extends EventLog {
  readonly #lines: string[]

  constructor(clock: ConstructorParameters<typeof EventLog>[0], lines: string[]) {
    super(clock)
    this.#lines = lines
  }

  override note(text: string): void {
    super.note(text)
    this.#lines.push(text)
  }
}
