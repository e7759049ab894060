/** kcat, as {@link tryFeatures} asks for it; it brings no administration. */
import {
  type ChildProcessWithoutNullStreams,
  spawn,
  spawnSync,
} from 'node:child_process'
import { once } from 'node:events'
import { createInterface } from 'node:readline'
import { text } from 'node:stream/consumers'
import type { FeatureClient, Isolation, MemberEvents } from './features.ts'

/** Settings of librdkafka that keep a test short, and none that change what it does. */
const CONSUMER = ['heartbeat.interval.ms=100', 'fetch.wait.max.ms=50']
const flags = (settings: readonly string[]) => settings.flatMap((each) => ['-X', each])

/** The version of kcat that is installed, and of librdkafka in it. */
export function kcatVersion(): string {
  const { stdout, stderr } = spawnSync('kcat', ['-V'], { encoding: 'utf8' })
  const said = `${stdout}${stderr}`
  const [, version] = /^Version ([\d.]+)/m.exec(said) ?? []
  const [, library] = /librdkafka ([\d.]+)/.exec(said) ?? []
  return `${version}, librdkafka ${library}`
}

/** kcat, started anew for each thing that it does. */
export class KcatClient implements FeatureClient {
  readonly name = 'kcat'
  readonly #servers: string

  constructor(servers: string) {
    this.#servers = servers
  }

  produce(topic: string, values: string[], codec: string) {
    return this.#send(topic, values, ['-z', codec])
  }

  produceIdempotent(topic: string, values: string[]) {
    return this.#send(topic, values, flags(['enable.idempotence=true']))
  }

  async transact(topic: string, all: readonly { values: string[]; commit: boolean }[]) {
    for (const { values, commit } of all) {
      const transaction = flags([`transactional.id=${topic}`])
      if (commit) await this.#send(topic, values, transaction)
      else await this.#sendAndAbort(topic, values, transaction)
    }
  }

  async readAll(
    reading: { topic: string; group: string; isolation?: Isolation },
    count: number,
  ): Promise<string[]> {
    const { topic, group, isolation = 'read_committed' } = reading
    const settings = [...CONSUMER, `isolation.level=${isolation}`]
    const child = this.#start([
      ...['-G', group, ...flags([...settings, 'auto.offset.reset=earliest'])],
      ...['-c', `${count}`, topic],
    ])
    return lines(await ended(child))
  }

  async join(topic: string, group: string, { took, shareIs }: MemberEvents) {
    const settings = [...CONSUMER, 'auto.offset.reset=earliest']
    const child = this.#start(['-G', group, ...flags(settings), '-u', topic])
    createInterface({ input: child.stdout }).on('line', took)
    createInterface({ input: child.stderr }).on('line', (line) => {
      const [, assigned] = /^% Group .* rebalanced .*assigned: (.*)$/.exec(line) ?? []
      if (assigned !== undefined) shareIs(assigned.split(', ').length)
    })
    const leave = async () => {
      child.kill('SIGTERM')
      await once(child, 'close')
    }
    return { leave }
  }

  /** Reads partition 0 to its end, in no group. */
  async readToEnd(topic: string): Promise<string[]> {
    const place = ['-C', '-t', topic, '-p', '0', '-o', 'beginning', '-e', '-q']
    return lines(await ended(this.#start(place)))
  }

  #start(args: readonly string[]): ChildProcessWithoutNullStreams {
    return spawn('kcat', ['-b', this.#servers, ...args])
  }

  async #send(topic: string, values: string[], more: readonly string[]) {
    const child = this.#start(['-P', '-t', topic, ...more])
    child.stdin.end(values.map((value) => `${value}\n`).join(''))
    await ended(child)
  }

  /**
   * Interrupts a transaction when its values are there. kcat ends at once; the transaction
   * is aborted when the next one with its id begins.
   */
  async #sendAndAbort(topic: string, values: string[], more: readonly string[]) {
    const child = this.#start(['-P', '-t', topic, ...more, ...flags(['debug=msg'])])
    const closed = once(child, 'close')

    // It reads by the block: a line without an end has it take those before.
    child.stdin.write(values.map((value) => `${value}\n`).join(''))
    child.stdin.write('x'.repeat(100_000))
    let said = ''
    await new Promise<void>((delivered) => {
      child.stderr.on('data', (chunk) => {
        said += chunk
        if (/MessageSet with \d+ message\(s\) .* delivered/.test(said)) delivered()
      })
    })
    child.kill('SIGINT')
    child.stdin.end()
    await closed
  }
}

const lines = (said: string) => said.split('\n').slice(0, -1)

/** What a process prints until it ends. @throws with its errors unless it ends well */
async function ended(child: ChildProcessWithoutNullStreams): Promise<string> {
  const status = new Promise((resolve) => child.once('close', resolve))
  const [out, err] = await Promise.all([text(child.stdout), text(child.stderr)])
  if ((await status) === 0) return out
  throw new Error(`kcat ${child.spawnargs.join(' ')}: ${await status}\n${err}`)
}
