/**
 * The command `annotated-kafka`, as a user runs it: a process of its own, from `dist`.
 */
import { type ChildProcess, execFile, spawn } from 'node:child_process'
import { mkdtempSync, rmSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { nodePlatform } from '../../src/base/platform/node/node-platform.ts'
import { NetworkClient } from '../../src/network/NetworkClient.ts'

const MAIN = 'dist/cli/main.js'

/** How a process ended. */
export interface Exit {
  readonly code: number | null
  readonly signal: NodeJS.Signals | null
}

/** How a process ended, and what it said. */
export interface Finished extends Exit {
  readonly stdout: string
  readonly stderr: string
}

/** A directory that is removed at the end of its block. */
export class TemporaryDirectory implements Disposable {
  readonly path: string

  constructor() {
    this.path = mkdtempSync(join(tmpdir(), 'annotated-kafka-system-'))
  }

  [Symbol.dispose](): void {
    rmSync(this.path, { recursive: true, force: true })
  }
}

/** Runs the command to its end. */
export function runCommand(...args: readonly string[]): Promise<Finished> {
  return runNode(MAIN, ...args)
}

/** Runs node to its end. */
export function runNode(...args: readonly string[]): Promise<Finished> {
  return new Promise((resolve) => {
    const options = { env: env(), maxBuffer: 2 ** 26 }
    const child = execFile(process.execPath, args, options, (_, out, err) => {
      const { exitCode: code, signalCode: signal } = child
      resolve({ code, signal, stdout: out, stderr: err })
    })
  })
}

/** What `start` is told. */
export interface StartedOptions {
  readonly dataDir: string
  /** The port; a free one when absent. */
  readonly port?: number
  readonly args?: readonly string[]
}

/** `annotated-kafka start`, from its line `ready …` until it is ended. */
export class StartedCommand implements AsyncDisposable {
  readonly bootstrapServers: string
  readonly zookeeperConnect: string
  readonly port: number
  readonly #child: ChildProcess
  readonly #exited: Promise<Exit>
  readonly #said: () => string

  /** Starts it. @throws with what it said, when it ends before it is ready. */
  static async start(options: StartedOptions): Promise<StartedCommand> {
    const { dataDir, port = 0, args = [] } = options
    const all = [MAIN, 'start', '--port', `${port}`, '--data-dir', dataDir, ...args]
    const child = spawn(process.execPath, all, {
      env: env(),
      stdio: ['ignore', 'pipe', 'pipe'],
    })
    const exited = new Promise<Exit>((resolve) => {
      child.once('exit', (code, signal) => resolve({ code, signal }))
    })
    let stderr = ''
    child.stderr.on('data', (chunk) => {
      stderr += chunk
    })

    // Wait for the line, or for the end.
    let stdout = ''
    const ready = new Promise<RegExpExecArray>((resolve) => {
      child.stdout.on('data', (chunk) => {
        stdout += chunk
        const found = READY.exec(stdout)
        if (found) resolve(found)
      })
    })
    const line = await Promise.race([ready, exited])
    if (!('index' in line)) throw new Error(`start ended: ${stdout}\n${stderr}`)
    return new StartedCommand(child, exited, line, () => stderr)
  }

  private constructor(
    child: ChildProcess,
    exited: Promise<Exit>,
    [, bootstrapServers = '', zookeeperConnect = '']: readonly string[],
    said: () => string,
  ) {
    this.#child = child
    this.#exited = exited
    this.bootstrapServers = bootstrapServers
    this.zookeeperConnect = zookeeperConnect
    this.port = Number(bootstrapServers.split(',')[0]?.split(':')[1])
    this.#said = said
  }

  /** What it wrote to standard error so far. */
  get stderr(): string {
    return this.#said()
  }

  /** Whether the process lives. */
  get isRunning(): boolean {
    return this.#child.exitCode === null && this.#child.signalCode === null
  }

  /** Sends a signal that does not end it: SIGSTOP, SIGCONT. */
  signal(signal: NodeJS.Signals): void {
    this.#child.kill(signal)
  }

  /** How the process ended, once it did. */
  get ended(): Promise<Exit> {
    return this.#exited
  }

  /** Sends a signal. @returns how the process ended */
  end(signal: NodeJS.Signals): Promise<Exit> {
    this.#child.kill(signal)
    return this.#exited
  }

  /** A line to its first broker; its owner closes it. */
  client(requestTimeoutMs = 20_000): NetworkClient {
    const { network, clock } = nodePlatform()
    return new NetworkClient({
      ...{ host: '127.0.0.1', port: this.port, clientId: 'system-test' },
      ...{ requestTimeoutMs, network, clock },
    })
  }

  async [Symbol.asyncDispose](): Promise<void> {
    if (this.isRunning) await this.end('SIGKILL')
  }
}

const READY = /^ready bootstrap\.servers=(\S+) zookeeper\.connect=(\S+).*\n/m

/** What goes wrong in the process is told, unlike in tests that run within this one. */
function env(): NodeJS.ProcessEnv {
  return { ...process.env, ANNOTATED_KAFKA_LOG: 'error' }
}
