/**
 * # SimulatedBroker
 *
 * A machine that runs a broker: it starts it, starts it again when it gave up, and can be
 * struck by everything that strikes machines.
 *
 *     down ─ start ─▶ up ─ pause ─▶ paused ─ resume ─▶ up
 *      ▲               ├─ crash ─▶ down         a killed process, or power that failed
 *      └───────────────┴─ shutdown              controlled
 *
 * Invariant: of one machine at most one process runs; each start is a process of its own.
 *
 * @module
 */
import type { MemoryPlatform } from '../../base/platform/memory/memory-platform.ts'
import { KafkaConfig } from '../../server/KafkaConfig.ts'
import { KafkaServer } from '../../server/KafkaServer.ts'
import { connectOverNetwork } from '../../zookeeper/network-connect.ts'
import type { EventLog } from './event-log.ts'

/** Port of every broker, on a host of its own. */
export const BROKER_PORT = 9092

/** How long a machine waits before it starts a broker again that gave up, in ms. */
const RESTART_PAUSE_MS = 300

/** One machine and its broker. */
export class SimulatedBroker {
  readonly id: number
  readonly machine: MemoryPlatform
  readonly #config: Readonly<Record<string, string>>
  readonly #log: EventLog
  #process: MemoryPlatform | undefined
  #server: KafkaServer | undefined
  #isServing = false
  /** Whether it is to run: after a failed start it is started again. */
  #isWanted = false
  /** While the machine has no power nobody can start it. */
  hasPower = true
  /** Whether `slowDisk` made its disk slow. */
  hasSlowDisk = false
  /** Processes that were started here. */
  starts = 0

  /** @param machine - its host and disk */
  constructor(
    id: number,
    machine: MemoryPlatform,
    config: Readonly<Record<string, string>>,
    log: EventLog,
  ) {
    this.id = id
    this.machine = machine
    this.#config = config
    this.#log = log
  }

  get host(): string {
    return this.machine.hostName
  }

  /** The broker, when it has started. */
  get server(): KafkaServer | undefined {
    return this.#isServing ? this.#server : undefined
  }

  /** Whether a process runs, or is stopped for a while. */
  get isUp(): boolean {
    return this.#process !== undefined
  }

  get isPaused(): boolean {
    return this.#process?.process.isPaused === true
  }

  /** Begins to start the broker; it serves a little later. */
  start(): void {
    this.#isWanted = true
    if (this.#process !== undefined || !this.hasPower) return
    const process = this.machine.startProcess()
    this.#process = process
    this.starts++
    const config = new KafkaConfig({
      'broker.id': String(this.id),
      listeners: `PLAINTEXT://${this.host}:${BROKER_PORT}`,
      'log.dirs': '/kafka',
      ...this.#config,
    })
    const zooKeeperConnect = connectOverNetwork(process)
    const server = new KafkaServer(config, { platform: process, zooKeeperConnect })
    this.#server = server
    this.#log.add(`start ${this.host}`)

    // Floats on purpose: #run ends when the broker does, and catches what it throws.
    void this.#run(process, server)
  }

  async #run(process: MemoryPlatform, server: KafkaServer): Promise<void> {
    try {
      await server.startup()
      this.#log.add(`${this.host} serves`)
      this.#isServing = true
      await server.awaitShutdown()
    } catch (error) {
      this.#log.add(`${this.host} did not start: ${(error as Error).message}`)
    }

    // The process ends here; the machine starts another, unless it was told to stop.
    this.#endProcess(process)
    this.#log.add(`${this.host} ended`)
    await this.machine.clock.sleep(RESTART_PAUSE_MS)
    if (this.#isWanted) this.start()
  }

  /**
   * Kills the process.
   *
   * @param tail - what becomes of bytes that were not flushed: kept when only the process
   *   dies, dropped or torn when the machine loses power
   */
  crash(tail: 'keep' | 'drop' | 'tear'): void {
    this.#isWanted = false
    if (this.#process === undefined) return
    this.#endProcess(this.#process)
    this.machine.storage.crash(tail)
  }

  /** Shuts the broker down in order; it does not come back by itself. */
  shutdown(): void {
    this.#isWanted = false
    const server = this.server
    if (server === undefined || this.isPaused) return

    // Floats on purpose: #run waits for the end.
    server.shutdown().catch(() => undefined)
  }

  /** Stops the process where it stands. */
  pause(): void {
    this.#process?.process.pause()
  }

  /** Lets a stopped process go on. */
  resume(): void {
    this.#process?.process.resume()
  }

  /**
   * Makes each write to a log take a while, for which the broker stands still.
   *
   * @param ms - how long; 0 makes the disk quick again
   */
  slowDisk(ms: number): void {
    const { storage, clock } = this.machine
    this.hasSlowDisk = ms > 0
    if (ms === 0) {
      storage.beforeChange = undefined
      return
    }
    storage.beforeChange = ({ operation, path }) => {
      if (operation === 'write' && path.endsWith('.log')) {
        this.#process?.process.block(ms, clock)
      }
    }
  }

  #endProcess(process: MemoryPlatform): void {
    if (this.#process !== process) return
    this.machine.fabric.kill(process.process)
    this.#process = undefined
    this.#server = undefined
    this.#isServing = false
  }
}
