/**
 * # FaultInjector
 *
 * Harms a cluster of processes: chooses kinds of faults, their victims, and how long they
 * last by a seeded chance, several at a time, and mends them all in the end. The schedule
 * comes from the seed; what the processes make of it depends on the machine.
 *
 * @module
 */
import type { Clock, Random } from '../../base/platform/Platform.ts'
import type { BrokerProcess } from './BrokerProcess.ts'
import { KafkaParties, type LinkProxy } from './LinkProxy.ts'
import type { ZooKeeperProcess } from './ZooKeeperProcess.ts'

/** What can be harmed. */
export interface World {
  readonly brokers: readonly BrokerProcess[]
  /** In front of each broker, by broker id. */
  readonly brokerProxies: readonly LinkProxy[]
  /** In front of ZooKeeper, one for each broker. */
  readonly zookeeperProxies: readonly LinkProxy[]
  readonly zookeeper: ZooKeeperProcess
  readonly clock: Clock
  readonly random: Random
  /** Timeout of the brokers' sessions with ZooKeeper, in ms. */
  readonly sessionTimeoutMs: number
  /** Told of each fault as it begins and ends. */
  readonly onEvent: (message: string) => void
}

/** The party that a broker is at its own proxy before ZooKeeper. */
export const ZOOKEEPER_PARTY = 'broker'

/** One kind of harm. */
export interface FaultKind {
  readonly name: string
  /** What no other fault may touch meanwhile, such as `broker 1`. */
  readonly claims: readonly string[]
  /** Shortest and longest duration, in ms. */
  readonly lastsMs: readonly [number, number]
  begin(): Promise<void> | void
  end(): Promise<void> | void
}

/** Longest pause between two faults, in ms. */
const MAX_PAUSE_MS = 1500

/** Faults at a time, at most: with more, nothing is acknowledged that could be lost. */
const MAX_AT_ONCE = 2

/** Pause between two tries to start a broker, in ms. */
const RESTART_PAUSE_MS = 500

/** Harms a world for a while. */
export class FaultInjector {
  readonly #world: World
  readonly #kinds: readonly ((broker: number) => FaultKind)[]
  readonly #claimed = new Set<string>()
  readonly #counts = new Map<string, number>()
  readonly #closing = new AbortController()
  #atOnce = 0

  /** @param diskFaults - whether disks can be filled on this machine */
  constructor(world: World, diskFaults: boolean) {
    this.#world = world
    this.#kinds = [
      (broker) => this.#kill(broker),
      (broker) => this.#terminate(broker),
      (broker) => this.#freeze(broker),
      (broker) => this.#harmPeers(broker, 'cut'),
      (broker) => this.#harmPeers(broker, 'stall'),
      (broker) => this.#delayPeers(broker),
      (broker) => this.#isolate(broker),
      (broker) => this.#harmClients(broker),
      (broker) => this.#harmZooKeeperLink(broker, 'cut'),
      (broker) => this.#harmZooKeeperLink(broker, 'stall'),
      (broker) => this.#expireSession(broker),
      () => this.#restartZooKeeper(),
      ...(diskFaults ? [(broker: number) => this.#fillDisk(broker)] : []),
    ]
  }

  /** How often each kind was done. */
  get counts(): ReadonlyMap<string, number> {
    return this.#counts
  }

  /** Does harm for a time. Resolves when all of it is mended. */
  async run(durationMs: number): Promise<void> {
    const { clock, random, brokers } = this.#world
    const deadline = clock.monotonic() + durationMs
    const running: Promise<void>[] = []

    // Go through all kinds in a shuffled order, again and again.
    let bag: ((broker: number) => FaultKind)[] = []
    while (clock.monotonic() < deadline) {
      if (bag.length === 0) bag = shuffled(this.#kinds, random)
      const kind = bag.pop()?.(random.nextInt(brokers.length))
      const [shortest, longest] = kind?.lastsMs ?? [0, 0]
      const lastsMs = shortest + random.nextInt(longest - shortest + 1)
      const pauseMs = random.nextInt(MAX_PAUSE_MS)
      const free = kind?.claims.every((claim) => !this.#claimed.has(claim))
      if (kind && free && this.#atOnce < MAX_AT_ONCE) {
        const left = Math.max(0, deadline - clock.monotonic())
        running.push(this.#do(kind, Math.min(lastsMs, left)))
      }
      await clock.sleep(pauseMs)
    }
    await Promise.all(running)
  }

  /** Stops trying to start brokers that do not come up. */
  close(): void {
    this.#closing.abort()
  }

  async #do(kind: FaultKind, lastsMs: number): Promise<void> {
    const { clock, onEvent } = this.#world
    const what = `${kind.name} (${kind.claims.join(', ')})`
    for (const claim of kind.claims) this.#claimed.add(claim)
    this.#atOnce++
    this.#counts.set(kind.name, (this.#counts.get(kind.name) ?? 0) + 1)
    onEvent(`${what} for ${lastsMs.toFixed()} ms`)
    await kind.begin()
    await clock.sleep(lastsMs)
    await kind.end()
    onEvent(`${what} is over`)
    this.#atOnce--
    for (const claim of kind.claims) this.#claimed.delete(claim)
  }

  // ── Processes ─────────────────────────────────────────────────────────────────────────

  #kill(id: number): FaultKind {
    const broker = this.#broker(id)
    return {
      ...{ name: 'kill -9', claims: [processOf(id)], lastsMs: [0, 3000] },
      begin: () => broker.kill(),
      end: () => this.#startAgain(broker),
    }
  }

  #terminate(id: number): FaultKind {
    const broker = this.#broker(id)
    return {
      ...{ name: 'stop', claims: [processOf(id)], lastsMs: [0, 1000] },
      begin: async () => {
        // Give up on good order when the broker cannot have it under other faults.
        const patience = new AbortController()
        const late = this.#world.clock.sleep(
          this.#world.sessionTimeoutMs * 2,
          patience.signal,
        )
        await Promise.race([broker.terminate(), late.catch(() => undefined)])
        patience.abort()
        await broker.kill()
      },
      end: () => this.#startAgain(broker),
    }
  }

  /** Shorter than the session or longer than it. */
  #freeze(id: number): FaultKind {
    const broker = this.#broker(id)
    const longest = this.#world.sessionTimeoutMs * 2
    return {
      ...{ name: 'freeze', claims: [processOf(id)], lastsMs: [200, longest] },
      begin: () => broker.freeze(),
      end: () => broker.thaw(),
    }
  }

  #fillDisk(id: number): FaultKind {
    const broker = this.#broker(id)
    const moreBytes = this.#world.random.nextInt(20_000)
    let ended: Promise<unknown> = Promise.resolve()
    return {
      ...{ name: 'disk full', claims: [processOf(id)], lastsMs: [1000, 3000] },
      begin: () => {
        ended = broker.fillDisk(moreBytes)
      },
      end: async () => {
        // A broker that could not write ends by itself; one that did not try is ended.
        const { clock, sessionTimeoutMs } = this.#world
        await Promise.race([ended, clock.sleep(sessionTimeoutMs)])
        await broker.kill()
        await this.#startAgain(broker)
      },
    }
  }

  /** A killed broker's registration outlives it: until it expires no other is let in. */
  async #startAgain(broker: BrokerProcess): Promise<void> {
    const { clock } = this.#world
    const pause = () => clock.sleep(RESTART_PAUSE_MS, this.#closing.signal)
    await broker.startUntilReady(pause).catch(() => undefined)
  }

  // ── Links ─────────────────────────────────────────────────────────────────────────────

  /** Harms the link between a broker and the next one, in both directions. */
  #harmPeers(id: number, how: 'cut' | 'stall'): FaultKind {
    const links = this.#linksBetween(id, (id + 1) % this.#world.brokers.length)
    return {
      name: `${how} broker-broker`,
      ...{ claims: [`link of broker ${id}`], lastsMs: [200, 4000] },
      begin: () => {
        for (const { proxy, party } of links) proxy[how](party)
      },
      end: () => {
        for (const { proxy, party } of links) proxy.heal(party)
      },
    }
  }

  #delayPeers(id: number): FaultKind {
    const links = this.#linksBetween(id, (id + 1) % this.#world.brokers.length)
    const delayMs = 10 + this.#world.random.nextInt(200)
    return {
      name: 'delay broker-broker',
      ...{ claims: [`link of broker ${id}`], lastsMs: [500, 4000] },
      begin: () => {
        for (const { proxy, party } of links) proxy.delay(party, delayMs)
      },
      end: () => {
        for (const { proxy, party } of links) proxy.heal(party)
      },
    }
  }

  /** Cuts a broker off from all others; ZooKeeper and clients still see it. */
  #isolate(id: number): FaultKind {
    const others = this.#world.brokers.map((broker) => broker.id)
    const links = others
      .filter((other) => other !== id)
      .flatMap((other) => this.#linksBetween(id, other))
    return {
      name: 'isolate broker',
      claims: others.map((other) => `link of broker ${other}`),
      lastsMs: [500, 5000],
      begin: () => {
        for (const { proxy, party } of links) proxy.stall(party)
      },
      end: () => {
        for (const { proxy, party } of links) proxy.heal(party)
      },
    }
  }

  #harmClients(id: number): FaultKind {
    const proxy = this.#world.brokerProxies[id] as LinkProxy
    const how = this.#world.random.nextInt(2) === 0 ? 'cut' : 'stall'
    return {
      name: `${how} client-broker`,
      ...{ claims: [`clients of broker ${id}`], lastsMs: [200, 3000] },
      begin: () => proxy[how](KafkaParties.client),
      end: () => proxy.heal(KafkaParties.client),
    }
  }

  /** Short ones cost a connection, long ones the session. */
  #harmZooKeeperLink(id: number, how: 'cut' | 'stall'): FaultKind {
    const proxy = this.#world.zookeeperProxies[id] as LinkProxy
    const longest = this.#world.sessionTimeoutMs * 2
    return {
      name: `${how} broker-ZooKeeper`,
      ...{ claims: [`ZooKeeper of broker ${id}`], lastsMs: [200, longest] },
      begin: () => proxy[how](ZOOKEEPER_PARTY),
      end: () => proxy.heal(ZOOKEEPER_PARTY),
    }
  }

  #linksBetween(a: number, b: number) {
    const { brokerProxies } = this.#world
    return [
      { proxy: brokerProxies[a] as LinkProxy, party: KafkaParties.broker(b) },
      { proxy: brokerProxies[b] as LinkProxy, party: KafkaParties.broker(a) },
    ]
  }

  // ── ZooKeeper ─────────────────────────────────────────────────────────────────────────

  #expireSession(id: number): FaultKind {
    return {
      name: 'expire session',
      ...{ claims: [`session of broker ${id}`, 'ZooKeeper'], lastsMs: [0, 0] },
      begin: () => this.#world.zookeeper.expireOwner(`/brokers/ids/${id}`),
      end: () => {},
    }
  }

  #restartZooKeeper(): FaultKind {
    const { zookeeper } = this.#world
    return {
      ...{ name: 'restart ZooKeeper', claims: ['ZooKeeper'], lastsMs: [0, 4000] },
      begin: () => zookeeper.kill(),
      end: () => zookeeper.start(),
    }
  }

  #broker(id: number): BrokerProcess {
    return this.#world.brokers[id] as BrokerProcess
  }
}

function processOf(id: number): string {
  return `broker ${id}`
}

function shuffled<T>(all: readonly T[], random: Random): T[] {
  const left = [...all]
  const result: T[] = []
  while (left.length > 0) result.push(...left.splice(random.nextInt(left.length), 1))
  return result
}
