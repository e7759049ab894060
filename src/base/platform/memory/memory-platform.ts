/**
 * # The memory platform
 *
 * A world for one or more brokers without leaving the process: a network between named
 * hosts, a disk for each, a clock that a test moves (or the host's), chance from a seed.
 * Runs in a browser, too.
 *
 * @module
 */
import { HostClock } from '../node/host-clock.ts'
import { nextMacrotask } from '../node/macrotask.ts'
import type { Clock, Platform } from '../Platform.ts'
import { type MemoryHost, MemoryNetwork } from './MemoryNetwork.ts'
import { MemoryProcess, ProcessClock } from './MemoryProcess.ts'
import { MemoryStorage } from './MemoryStorage.ts'
import { SeededRandom } from './SeededRandom.ts'
import { VirtualClock } from './VirtualClock.ts'

/** What a world in memory begins with. */
export interface MemoryPlatformOptions {
  /** Seed of all chance; 1 when left out. */
  readonly seed?: number
  /** Whose time it is; `virtual` when left out. */
  readonly clock?: 'real' | 'virtual'
  /** Name of the first host; `localhost` when left out. */
  readonly hostName?: string
}

/** A platform whose parts a test can reach behind. */
export interface MemoryPlatform extends Platform {
  /** The clock to move. @throws when this world runs on real time */
  readonly virtualClock: VirtualClock
  readonly network: MemoryHost
  readonly storage: MemoryStorage
  readonly random: SeededRandom
  /** The network itself, with its faults. */
  readonly fabric: MemoryNetwork

  /** @returns another host in the same world, with a disk of its own */
  onHost(hostName: string): MemoryPlatform

  /** The process that uses this platform: to stop and to kill. */
  readonly process: MemoryProcess

  /**
   * @returns this host for a process of its own: same name, network, time and disk, but
   *   timers and connections that stop and die with it
   */
  startProcess(): MemoryPlatform

  /** @returns this host after a crash: same name, network, time and disk */
  withStorage(storage: MemoryStorage): MemoryPlatform
}

/** Makes a world in memory and its first host. */
export function memoryPlatform(options: MemoryPlatformOptions = {}): MemoryPlatform {
  const { seed = 1, clock: kind = 'virtual', hostName = 'localhost' } = options
  const clock = kind === 'virtual' ? new VirtualClock() : new HostClock()

  // A virtual run settles within one turn; a real one gives turns to others.
  const hop = kind === 'virtual' ? () => Promise.resolve() : nextMacrotask
  const fabric = new MemoryNetwork(clock, hop)
  const random = new SeededRandom(seed)
  return hostIn({ clock, fabric, random }, hostName, new MemoryStorage(clock, random))
}

interface World {
  readonly clock: Clock
  readonly fabric: MemoryNetwork
  readonly random: SeededRandom
}

function hostIn(
  world: World,
  hostName: string,
  storage: MemoryStorage,
  process = new MemoryProcess(),
  clock = world.clock,
): MemoryPlatform {
  const { fabric, random } = world
  return {
    clock,
    get virtualClock() {
      if (world.clock instanceof VirtualClock) return world.clock
      throw new Error('this world runs on real time')
    },
    network: fabric.host(hostName, process, clock),
    storage,
    random,
    fabric,
    hostName,
    process,
    startProcess: () => {
      const started = new MemoryProcess()
      const itsClock = new ProcessClock(world.clock, started)
      return hostIn(world, hostName, storage, started, itsClock)
    },
    onHost: (name) => hostIn(world, name, new MemoryStorage(world.clock, random)),
    withStorage: (disk) => hostIn(world, hostName, disk),
  }
}
