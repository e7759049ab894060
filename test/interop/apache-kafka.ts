/** Programs of Apache Kafka 1.1.1, run as processes of their own. */
import { type ChildProcess, spawn } from 'node:child_process'
import { mkdirSync, writeFileSync } from 'node:fs'
import { createServer } from 'node:net'
import { join } from 'node:path'
import { text } from 'node:stream/consumers'
import { cacheDir, jarDir } from './fetch-jars.ts'

/** What a program printed. */
export interface Output {
  readonly status: number | null
  readonly stdout: string
  readonly stderr: string
}

/** The command line of a program: memory, where its warnings go, its classes. */
export function javaArguments(
  mainClass: string,
  args: readonly string[],
  classPath = `${jarDir}/*`,
): string[] {
  // Warnings of the logging itself would stand between what is compared.
  mkdirSync(cacheDir, { recursive: true })
  const log4j = join(cacheDir, 'log4j.properties')
  writeFileSync(
    log4j,
    'log4j.rootLogger=WARN, err\n' +
      'log4j.appender.err=org.apache.log4j.ConsoleAppender\n' +
      'log4j.appender.err.target=System.err\n' +
      'log4j.appender.err.layout=org.apache.log4j.PatternLayout\n' +
      'log4j.appender.err.layout.ConversionPattern=%p %m (%c)%n\n',
  )
  return [
    ...['-Xmx512m', '-XX:TieredStopAtLevel=1', '-Dfile.encoding=UTF-8'],
    ...[`-Dlog4j.configuration=file:${log4j}`, '-cp', classPath],
    ...[mainClass, ...args],
  ]
}

/** Runs a program to its end; this process goes on meanwhile. */
export async function runKafka(mainClass: string, ...args: string[]): Promise<Output> {
  const child = spawn('java', javaArguments(mainClass, args), { timeout: 100_000 })
  const stdout = text(child.stdout)
  const stderr = text(child.stderr)
  const status = new Promise<number | null>((ended) => child.once('close', ended))
  return { status: await status, stdout: await stdout, stderr: await stderr }
}

/** A port that nobody has, at the moment. */
export async function freePort(): Promise<number> {
  const server = createServer()
  await new Promise<void>((listening) => server.listen(0, '127.0.0.1', listening))
  const { port } = server.address() as { port: number }
  await new Promise((closed) => server.close(closed))
  return port
}

/** A broker of Apache Kafka. */
export class ApacheBroker {
  readonly port: number
  readonly #process: ChildProcess
  readonly #ended: Promise<void>
  #printed = ''

  private constructor(child: ChildProcess, port: number) {
    this.#process = child
    this.port = port
    child.stdout?.on('data', (chunk) => (this.#printed += String(chunk)))
    child.stderr?.on('data', (chunk) => (this.#printed += String(chunk)))
    this.#ended = new Promise((ended) => child.once('exit', () => ended()))
  }

  /**
   * Starts a broker; resolves when it has registered in ZooKeeper and takes connections.
   *
   * @param isRegistered asks ZooKeeper for the broker
   */
  static async start(options: {
    readonly dir: string
    readonly logDir: string
    readonly zookeeperConnect: string
    readonly isRegistered: () => Promise<boolean>
    readonly config?: Readonly<Record<string, string>>
    /** The port; a free one when absent. */
    readonly port?: number
  }): Promise<ApacheBroker> {
    const port = options.port ?? (await freePort())
    const properties = {
      'broker.id': '0',
      listeners: `PLAINTEXT://127.0.0.1:${port}`,
      'log.dirs': options.logDir,
      'zookeeper.connect': options.zookeeperConnect,
      'offsets.topic.num.partitions': '1',
      'offsets.topic.replication.factor': '1',
      'group.initial.rebalance.delay.ms': '0',
      ...options.config,
    }
    mkdirSync(options.dir, { recursive: true })
    const file = join(options.dir, 'server.properties')
    const lines = Object.entries(properties).map(([key, value]) => `${key}=${value}`)
    writeFileSync(file, `${lines.join('\n')}\n`)
    const child = spawn('java', javaArguments('kafka.Kafka', [file]))
    const broker = new ApacheBroker(child, port)
    await broker.#untilRegistered(options.isRegistered)
    return broker
  }

  /** What it printed: warnings and errors. */
  get printed(): string {
    return this.#printed
  }

  /** Whether the process lives. */
  get isRunning(): boolean {
    return this.#process.exitCode === null && this.#process.signalCode === null
  }

  /** Sends a signal that does not end it: SIGSTOP, SIGCONT. */
  signal(signal: NodeJS.Signals): void {
    this.#process.kill(signal)
  }

  /** Stops it as an operator does, or pulls its plug. */
  async stop(signal: 'SIGTERM' | 'SIGKILL' = 'SIGTERM'): Promise<void> {
    if (this.isRunning) this.#process.kill(signal)
    await this.#ended
  }

  async #untilRegistered(isRegistered: () => Promise<boolean>): Promise<void> {
    const end = Date.now() + 60_000
    while (!(await isRegistered())) {
      if (!this.isRunning || Date.now() > end) {
        this.#process.kill('SIGKILL')
        throw new Error(`the broker does not start:\n${this.#printed}`)
      }
      await new Promise((waited) => setTimeout(waited, 200))
    }
  }
}
