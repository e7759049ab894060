/**
 * What a broker does with bytes that no client should send: the connection gets what Kafka
 * gives, the next one is served, the process lives.
 */
import net from 'node:net'
import { afterAll, afterEach, beforeAll, describe, expect, it } from 'vitest'
import {
  batchOf,
  createTopic,
  fetchTexts,
  produce,
  produceBytes,
} from '../server/clients.ts'
import { StartedCommand, TemporaryDirectory } from './running-command.ts'

const CORRUPT_MESSAGE = 2
const UNSUPPORTED_VERSION = 35

let home: TemporaryDirectory
let broker: StartedCommand

beforeAll(async () => {
  home = new TemporaryDirectory()
  broker = await StartedCommand.start({ dataDir: home.path })
  const client = broker.client()
  await createTopic(client, 't')
  client.close()
})

afterAll(async () => {
  await broker?.[Symbol.asyncDispose]()
  home?.[Symbol.dispose]()
})

/** Whatever happened, the next client is served. */
afterEach(async () => {
  const client = broker.client()
  const { errorCode, baseOffset } = await produce(client, 't', ['still here'])
  expect(errorCode).toBe(0)
  expect(await fetchTexts(client, 't', baseOffset)).toEqual(['still here'])
  client.close()
  expect(broker.isRunning).toBe(true)
})

/** A request as it stands in the protocol, with its length in front. */
function request(apiKey: number, apiVersion: number, body: Buffer): Buffer {
  const header = Buffer.alloc(18)
  header.writeInt32BE(14 + body.length, 0)
  header.writeInt16BE(apiKey, 4)
  header.writeInt16BE(apiVersion, 6)
  header.writeInt32BE(77, 8)
  header.writeInt16BE(4, 12)
  header.write('peer', 14)
  return Buffer.concat([header, body])
}

/** Sends bytes. @returns what comes back until the broker hangs up */
function untilClosed(bytes: Buffer): Promise<Buffer> {
  return new Promise((resolve) => {
    const socket = net.connect(broker.port, '127.0.0.1', () => socket.write(bytes))
    const received: Buffer[] = []
    socket.on('data', (chunk) => received.push(chunk))
    socket.on('error', () => undefined)
    socket.on('close', () => resolve(Buffer.concat(received)))
  })
}

/** Sends bytes. @returns the first frame that comes back, without its length */
function firstFrame(bytes: Buffer): Promise<Buffer> {
  return new Promise((resolve, reject) => {
    const socket = net.connect(broker.port, '127.0.0.1', () => socket.write(bytes))
    let received = Buffer.alloc(0)
    socket.on('data', (chunk) => {
      received = Buffer.concat([received, chunk])
      if (received.length < 4 || received.length < 4 + received.readInt32BE()) return
      socket.destroy()
      resolve(received.subarray(4))
    })
    socket.on('close', () => reject(new Error('closed without an answer')))
  })
}

describe('a broker hangs up on', () => {
  const length = (value: number) => {
    const bytes = Buffer.alloc(4)
    bytes.writeInt32BE(value)
    return bytes
  }
  const twoBatches = Buffer.concat([batchOf(['a']), batchOf(['b'])])
  const cases: Readonly<Record<string, Buffer>> = {
    'a browser': Buffer.from('GET / HTTP/1.1\r\nHost: localhost\r\n\r\n'),
    'zeros that go on and on': Buffer.alloc(100_000),
    'bytes at random': Buffer.from('8fb1c6d2e0973a5544aa10ff', 'hex'),
    'a frame of 2 GB announced': length(0x7fffffff),
    'a frame of a negative size': length(-5),
    'an empty frame': length(0),
    'a frame too short for a header': Buffer.concat([length(3), Buffer.alloc(3)]),
    'a request whose body is cut': request(3, 1, Buffer.from([0, 0, 0, 9, 0, 1])),
    'an array longer than the request': request(3, 1, length(0x7fffffff)),
    'an unknown API key': request(999, 0, Buffer.alloc(0)),
    'a negative API key': request(-1, 0, Buffer.alloc(0)),
    'a version too high': request(3, 99, Buffer.alloc(4)),
    'a negative version': request(3, -1, Buffer.alloc(4)),
    'Produce v3 with two batches': request(0, 3, produceBody(twoBatches)),
    'Produce v3 with format 1': request(0, 3, produceBody(batchOf(['a'], 1))),
    'Produce v3 with half a batch': request(
      ...([0, 3, produceBody(batchOf(['abc']).subarray(0, 40))] as const),
    ),
  }
  for (const [name, bytes] of Object.entries(cases)) {
    it(name, async () => {
      expect(await untilClosed(bytes)).toEqual(Buffer.alloc(0))
    })
  }
})

describe('a broker goes on after', () => {
  it('a peer that leaves in the middle of a request', async () => {
    const whole = request(3, 1, Buffer.from([0, 0, 0, 0]))
    await new Promise<void>((resolve) => {
      const socket = net.connect(broker.port, '127.0.0.1', () => {
        socket.write(whole.subarray(0, 10), () => socket.destroy())
      })
      socket.on('close', () => resolve())
    })
  })

  it('a peer that asks and does not stay for the answer', async () => {
    for (let peer = 0; peer < 20; peer++) {
      await new Promise<void>((resolve) => {
        const socket = net.connect(broker.port, '127.0.0.1', () => {
          socket.write(request(3, 1, Buffer.from([255, 255, 255, 255])), () => {
            socket.resetAndDestroy()
          })
        })
        socket.on('close', () => resolve())
      })
    }
  })

  it('ApiVersions of a version to come, answered with error 35 in the layout of v0', async () => {
    const frame = await firstFrame(request(18, 99, Buffer.alloc(0)))
    expect(frame.readInt32BE(0)).toBe(77)
    expect(frame.readInt16BE(4)).toBe(UNSUPPORTED_VERSION)
    expect(frame.readInt32BE(6)).toBe(0)
    expect(frame).toHaveLength(10)
  })

  for (const version of [0, 2, 5]) {
    it(`a batch with a wrong checksum in Produce v${version}`, async () => {
      const client = broker.client()
      const records = Buffer.from(batchOf(['a text'], version < 3 ? 1 : 2))
      records.writeUInt8(records.readUInt8(records.length - 1) ^ 1, records.length - 1)
      const answer = await produceBytes(client, 't', records, { version })
      expect(answer.errorCode).toBe(CORRUPT_MESSAGE)

      // Told as an error: the connection stays.
      expect((await produce(client, 't', ['next'])).errorCode).toBe(0)
      client.close()
    })
  }
})

/** The body of Produce v3, acks 1, for partition 0 of topic `t`. */
function produceBody(records: Buffer): Buffer {
  const front = Buffer.from(
    ['ffff', '0001', '00001388', '00000001', '000174', '00000001', '00000000'].join(''),
    'hex',
  )
  const size = Buffer.alloc(4)
  size.writeInt32BE(records.length)
  return Buffer.concat([front, size, records])
}
