/**
 * A Fetch that asks for more than there is waits at the broker, and is answered by the
 * produce that makes it enough; not by its time limit, which no test would live to see.
 */
import { spawn } from 'node:child_process'
import { afterAll, beforeAll, describe, expect, it } from 'vitest'
import {
  batchOf,
  createTopic,
  fetchBytes,
  produce,
  textsOf,
} from '../server/clients.ts'
import { hasKcat } from './kcat.ts'
import { StartedCommand, TemporaryDirectory } from './running-command.ts'

const FOREVER_MS = 600_000

let home: TemporaryDirectory
let broker: StartedCommand

beforeAll(async () => {
  home = new TemporaryDirectory()
  broker = await StartedCommand.start({ dataDir: home.path })
})

afterAll(async () => {
  await broker?.[Symbol.asyncDispose]()
  home?.[Symbol.dispose]()
})

describe('a fetch that waits', () => {
  it('is answered when there are enough bytes, and not before', async () => {
    const producer = broker.client()
    const consumer = broker.client(FOREVER_MS)
    await createTopic(producer, 'waited')
    await consumer.ready()
    const size = batchOf(['one']).length
    let answered = false
    const fetched = fetchBytes(consumer, 'waited', 0, {
      ...{ maxWaitMs: FOREVER_MS, minBytes: 3 * size },
    }).finally(() => {
      answered = true
    })

    // Two are too few; the answer to each produce comes after its waiters were tried.
    await produce(producer, 'waited', ['one'])
    await produce(producer, 'waited', ['two'])
    expect(answered).toBe(false)
    await produce(producer, 'waited', ['six'])
    expect(textsOf((await fetched).records as Buffer)).toEqual(['one', 'two', 'six'])
    producer.close()
    consumer.close()
  })

  it.skipIf(!hasKcat)('brings each line at once to a kcat that listens', async () => {
    const producer = broker.client()
    await createTopic(producer, 'listened')
    const flags = ['-C', '-b', broker.bootstrapServers, '-t', 'listened', '-u', '-q']
    const waits = ['-X', 'fetch.wait.max.ms=300000', '-X', 'socket.timeout.ms=300000']
    const kcat = spawn('kcat', [...flags, ...waits, '-o', 'beginning'])
    let said = ''
    let heard = () => {}
    kcat.stdout.on('data', (chunk) => {
      said += chunk
      heard()
    })
    for (const line of ['first', 'second', 'third']) {
      await produce(producer, 'listened', [line])
      while (!said.endsWith(`${line}\n`)) {
        await new Promise<void>((resolve) => {
          heard = resolve
        })
      }
    }
    expect(said).toBe('first\nsecond\nthird\n')
    producer.close()
    kcat.kill()
    await new Promise((resolve) => kcat.once('close', resolve))
  })
})
