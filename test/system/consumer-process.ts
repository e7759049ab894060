/** An old consumer in a process of its own, as the tests of the system see it. */
import { type ChildProcess, spawn } from 'node:child_process'

/** The shortest that the embedded ZooKeeper grants: two of its ticks. */
export const SESSION_TIMEOUT_MS = 4000

/** What a process holds, after its garbage was collected. */
export interface Figures {
  readonly heapUsed: number
  /** Sockets, timers and the like that keep it alive, by kind. */
  readonly resources: Readonly<Record<string, number>>
}

/** A consumer's process, and what it said. */
export class ConsumerProcess {
  /** Partitions that it owns, ascending. */
  owned: readonly number[] = []
  /** `partition offset text`, in the order of arrival. */
  readonly received: string[] = []
  commits = 0
  /** How often it was told what it owns. */
  rebalances = 0
  #figures: Figures | undefined
  readonly #child: ChildProcess
  readonly #exited: Promise<number | null>
  #rest = ''
  #stderr = ''
  #waiting: (() => void)[] = []

  constructor(
    zookeeperConnect: string,
    topic: string,
    groupId: string,
    settings: Readonly<Record<string, string>>,
  ) {
    const all = {
      ...{ 'group.id': groupId, 'zookeeper.connect': zookeeperConnect },
      'zookeeper.session.timeout.ms': `${SESSION_TIMEOUT_MS}`,
      'auto.offset.reset': 'smallest',
      ...{ 'rebalance.backoff.ms': '200', 'rebalance.max.retries': '50' },
      ...settings,
    }
    const args = Object.entries(all).map(([key, value]) => `${key}=${value}`)
    this.#child = spawn(
      process.execPath,
      ['--expose-gc', 'test/system/consumer-process.mjs', topic, ...args],
      { stdio: 'pipe', env: { ...process.env, ANNOTATED_KAFKA_LOG: 'warn' } },
    )
    this.#child.stdout?.on('data', (chunk) => this.#hear(chunk))
    this.#child.stderr?.on('data', (chunk) => {
      this.#stderr += chunk
    })
    this.#exited = new Promise((resolve) => {
      this.#child.once('close', (code) => {
        resolve(code)
        this.#wake()
      })
    })
  }

  /** Waits until a condition on what it said holds. @throws when it ends before */
  async until(when: () => boolean): Promise<void> {
    while (!when()) {
      if (this.#child.exitCode !== null) throw new Error(`it ended:\n${this.#stderr}`)
      await new Promise<void>((resolve) => this.#waiting.push(resolve))
    }
  }

  async commit(): Promise<void> {
    const due = this.commits + 1
    this.#child.stdin?.write('commit\n')
    await this.until(() => this.commits === due)
  }

  /** Has it collect its garbage and count what it holds. */
  async measure(): Promise<Figures> {
    this.#figures = undefined
    this.#child.stdin?.write('measure\n')
    await this.until(() => this.#figures !== undefined)
    return this.#figures ?? { heapUsed: Number.NaN, resources: {} }
  }

  /** Sends a signal that does not end it: SIGSTOP, SIGCONT. */
  signal(signal: NodeJS.Signals): void {
    this.#child.kill(signal)
  }

  /** Lets it leave the group. @returns its exit code */
  leave(): Promise<number | null> {
    this.#child.stdin?.end()
    return this.#exited
  }

  async kill(): Promise<void> {
    this.#child.kill('SIGKILL')
    await this.#exited
  }

  #hear(chunk: Buffer): void {
    const lines = (this.#rest + chunk).split('\n')
    this.#rest = lines.pop() ?? ''
    for (const line of lines) {
      const [word, rest = ''] = line.split(/ (.*)/)
      if (word === 'got') this.received.push(rest)
      if (word === 'committed') this.commits++
      if (word === 'measured') this.#figures = JSON.parse(rest)
      if (word === 'owns') {
        this.rebalances++
        this.owned = rest === '' ? [] : rest.split(',').map(Number)
      }
    }
    this.#wake()
  }

  #wake(): void {
    for (const wake of this.#waiting.splice(0)) wake()
  }
}
