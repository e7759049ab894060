/**
 * Programs of Apache Kafka and small ones of ours (`java/`), many in one Java machine.
 */
import { type ChildProcess, spawn, spawnSync } from 'node:child_process'
import { createHash } from 'node:crypto'
import { existsSync, mkdirSync, readdirSync, readFileSync, renameSync } from 'node:fs'
import { join } from 'node:path'
import { createInterface } from 'node:readline'
import { javaArguments, type Output } from './apache-kafka.ts'
import { cacheDir, jarDir } from './fetch-jars.ts'

interface Answer {
  readonly id: number
  readonly status?: number
  readonly stdout?: string
  readonly stderr?: string
  readonly value?: unknown
  readonly error?: string
}

/** A Java machine that runs what it is told, several things at a time. */
export class JavaHost implements AsyncDisposable {
  readonly #child: ChildProcess
  readonly #waiting = new Map<number, (answer: Answer) => void>()
  #nextId = 1
  #said = ''

  /** Compiles the programs, unless that was done, and starts the machine. */
  constructor() {
    const classPath = `${compiled()}:${jarDir}/*`
    this.#child = spawn('java', javaArguments('Host', [], classPath))
    this.#child.stderr?.on('data', (chunk) => (this.#said += String(chunk)))
    this.#child.once('exit', () => {
      for (const [id, answer] of this.#waiting) answer({ id, error: this.#said })
    })
    const lines = createInterface({
      input: this.#child.stdout as NodeJS.ReadableStream,
    })
    lines.on('line', (line) => {
      const answer = JSON.parse(line) as Answer
      this.#waiting.get(answer.id)?.(answer)
      this.#waiting.delete(answer.id)
    })
  }

  /** Warnings of what runs outside of any program. */
  get said(): string {
    return this.#said
  }

  /** Runs a program's `main` to its end. */
  async run(mainClass: string, ...args: readonly string[]): Promise<Output> {
    return this.runWith({}, mainClass, ...args)
  }

  /** Runs a program's `main` to its end, with something to read. */
  async runWith(
    { stdin = '' },
    mainClass: string,
    ...args: readonly string[]
  ): Promise<Output> {
    const answer = await this.#ask({ main: mainClass, args, stdin })
    if (answer.error !== undefined) throw new Error(answer.error)
    const { status = null, stdout = '', stderr = '' } = answer
    return { status, stdout, stderr }
  }

  /** Runs a program that must succeed. @returns what it printed */
  async print(mainClass: string, ...args: readonly string[]): Promise<string> {
    const output = await this.run(mainClass, ...args)
    if (output.status === 0) return output.stdout
    const { status, stdout, stderr } = output
    throw new Error(`${mainClass} ended with ${status}: ${stdout}\n${stderr}`)
  }

  /** Calls a method of ours. @returns what it returns @throws what it throws */
  async call<T>(method: string, argument: object): Promise<T> {
    const answer = await this.#ask({ call: method, with: argument })
    if (answer.error !== undefined) throw new Error(`${method}: ${answer.error}`)
    return answer.value as T
  }

  /** Ends the machine and all that runs in it. */
  async [Symbol.asyncDispose](): Promise<void> {
    if (this.#child.exitCode !== null) return
    const ended = new Promise((resolve) => this.#child.once('exit', resolve))
    this.#child.stdin?.end()
    await ended
  }

  #ask(request: object): Promise<Answer> {
    const id = this.#nextId++
    return new Promise((resolve) => {
      this.#waiting.set(id, resolve)
      this.#child.stdin?.write(`${JSON.stringify({ id, ...request })}\n`)
    })
  }
}

/** The directory of the classes; made anew when a source has changed. */
function compiled(): string {
  const dir = 'test/interop/java'
  const sources = readdirSync(dir).map((name) => join(dir, name))
  const hash = createHash('sha256')
  for (const source of sources) hash.update(readFileSync(source))
  const classes = join(cacheDir, `classes-${hash.digest('hex').slice(0, 12)}`)
  if (existsSync(classes)) return classes

  // Under another name first: half of the classes are none.
  const half = `${classes}.${process.pid}`
  mkdirSync(half, { recursive: true })
  const options = ['-nowarn', '-cp', `${jarDir}/*`, '-d', half]
  const javac = spawnSync('javac', [...options, ...sources], { encoding: 'utf8' })
  if (javac.status !== 0) throw new Error(`javac: ${javac.error ?? javac.stderr}`)
  renameSync(half, classes)
  return classes
}
