/**
 * # BrokerProcess
 *
 * One broker as a process of its own, started by the command a user would type, and all
 * that can be done to a process from outside: end it, freeze it, take its disk away. It
 * ends by itself when this process does.
 *
 * @module
 */
import { type ChildProcess, execFileSync, spawn } from 'node:child_process'
import { closeSync, openSync, readdirSync, statSync } from 'node:fs'
import { join } from 'node:path'
import { fileURLToPath } from 'node:url'

const MAIN = fileURLToPath(new URL('./broker-child.js', import.meta.url))

/** How a process ended. */
export interface ProcessEnd {
  readonly code: number | null
  readonly signal: NodeJS.Signals | null
}

/** What a broker is started with. */
export interface BrokerProcessOptions {
  readonly id: number
  /** Holds its data and its log file. */
  readonly home: string
  /** The port it binds. */
  readonly port: number
  /** The port others are told. */
  readonly advertisedPort: number
  /** The port at which it finds ZooKeeper. */
  readonly zookeeperPort: number
  /** Settings, as in `server.properties`. */
  readonly config: Readonly<Record<string, string>>
}

/** One broker; the same one through many lives. */
export class BrokerProcess {
  readonly id: number
  readonly #options: BrokerProcessOptions
  #child: ChildProcess | undefined
  #ended: Promise<ProcessEnd> | undefined
  /** While it is frozen: lets it go on when this process is gone. */
  #thawer: ChildProcess | undefined
  /** True while somebody wants it to end. */
  #endExpected = false
  /** Told when it ended and nobody had asked for it. */
  onUnexpectedEnd: (end: ProcessEnd) => void = () => {}

  constructor(options: BrokerProcessOptions) {
    this.#options = options
    this.id = options.id
  }

  /** Where its partitions are. */
  get logDir(): string {
    return join(this.#options.home, `broker-${this.id}`, 'kafka-0')
  }

  /** What it wrote to standard error, over all its lives. */
  get logFile(): string {
    return join(this.#options.home, `broker-${this.id}.log`)
  }

  get isRunning(): boolean {
    return this.#child !== undefined
  }

  /**
   * Starts it.
   *
   * @returns whether it came to serve; false when it ended before that
   */
  async start(): Promise<boolean> {
    const { home, port, advertisedPort, zookeeperPort, config } = this.#options
    const settings = Object.entries({
      ...config,
      'broker.id': String(this.id),
      'advertised.listeners': `PLAINTEXT://127.0.0.1:${advertisedPort}`,
    })
    const stderr = openSync(this.logFile, 'a')
    const args = [MAIN, 'start', '--port', String(port)]
    args.push('--data-dir', join(home, `broker-${this.id}`))
    args.push('--zookeeper', `127.0.0.1:${zookeeperPort}`)
    for (const [key, value] of settings) args.push('--override', `${key}=${value}`)
    const child = spawn(process.execPath, args, {
      stdio: ['ignore', 'pipe', stderr, 'ipc'],
      env: { ANNOTATED_KAFKA_LOG: 'info', ...process.env },
    })
    closeSync(stderr)
    this.#child = child
    this.#endExpected = false

    // It serves from its first line on.
    const ready = new Promise<boolean>((resolve) => {
      child.stdout?.once('data', () => resolve(true))
      child.stdout?.resume()
    })
    let isReady = false
    const ended = new Promise<ProcessEnd>((resolve) => {
      child.once('exit', (code, signal) => {
        this.#child = undefined
        resolve({ code, signal })
        if (isReady && !this.#endExpected) this.onUnexpectedEnd({ code, signal })
      })
    })
    this.#ended = ended
    isReady = await Promise.race([ready, ended.then(() => false)])
    return isReady
  }

  /** Starts it again and again until it serves, or somebody wants it to end. */
  async startUntilReady(pause: () => Promise<void>): Promise<void> {
    while (!(await this.start())) {
      if (this.#endExpected) return
      await pause()
    }
  }

  /** Ends it without a warning. */
  async kill(): Promise<void> {
    this.#endExpected = true
    this.#child?.kill('SIGKILL')
    await this.#ended
  }

  /** Asks it to end in good order. @returns how it did; undefined when it does not run */
  async terminate(): Promise<ProcessEnd | undefined> {
    if (this.#child === undefined) return undefined
    this.#endExpected = true
    this.#child.kill('SIGTERM')
    return this.#ended
  }

  /**
   * Takes all time away from it. Who is frozen does not notice that this process ended, so
   * another one thaws it then, and it ends.
   */
  freeze(): void {
    const { pid } = this.#child ?? {}
    if (pid === undefined) return
    this.#thawer ??= spawn('sh', ['-c', `read line; kill -CONT ${pid}`], {
      stdio: ['pipe', 'ignore', 'ignore'],
    })
    this.#child?.kill('SIGSTOP')
  }

  /** Lets it go on where it stood. */
  thaw(): void {
    this.#child?.kill('SIGCONT')
    this.#thawer?.kill()
    this.#thawer = undefined
  }

  /**
   * Fills its disk: from now on no file of it may grow past the largest one of its logs
   * and a little more, so that a batch is cut in the middle, as on a disk that is full.
   * The kernel refuses the rest (`RLIMIT_FSIZE`), whatever the process does. Its next
   * life has room again.
   *
   * @param moreBytes - how much the largest file may still grow
   * @returns resolves when it ended because of that
   */
  fillDisk(moreBytes: number): Promise<ProcessEnd | undefined> {
    const { pid } = this.#child ?? {}
    if (pid === undefined || this.#ended === undefined)
      return Promise.resolve(undefined)
    this.#endExpected = true
    limitFileSize(pid, largestFile(this.logDir) + moreBytes)
    return this.#ended
  }
}

/** Whether this machine can refuse a process its disk. */
export function canFillDisks(): boolean {
  try {
    execFileSync('prlimit', ['--version'], { stdio: 'ignore' })
    return true
  } catch {
    return false
  }
}

function limitFileSize(pid: number, bytes: number): void {
  const limit = `--fsize=${bytes}:`
  try {
    execFileSync('prlimit', ['--pid', String(pid), limit], { stdio: 'ignore' })
  } catch {
    // The process ended meanwhile, which is what its disk was filled for.
  }
}

/** The size of the active segment that grew most. */
function largestFile(logDir: string): number {
  let largest = 0
  for (const partition of readdirSync(logDir, { withFileTypes: true })) {
    if (!partition.isDirectory()) continue
    const dir = join(logDir, partition.name)
    const active = readdirSync(dir)
      .filter((name) => name.endsWith('.log'))
      .sort()
      .at(-1)
    if (active === undefined) continue
    largest = Math.max(
      largest,
      statSync(join(dir, active), { throwIfNoEntry: false })?.size ?? 0,
    )
  }
  return largest
}
