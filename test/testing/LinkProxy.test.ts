import net from 'node:net'
import { afterEach, beforeEach, describe, expect, it } from 'vitest'
import { encodeRequest } from '../../src/protocol/framing.ts'
import { Metadata } from '../../src/protocol/messages/Metadata.ts'
import { KafkaParties, LinkProxy } from '../../src/testing/chaos/LinkProxy.ts'

let server: net.Server
let proxy: LinkProxy
const sockets: net.Socket[] = []

/** A server that sends back what it gets. */
beforeEach(async () => {
  server = net.createServer((socket) => {
    socket.on('error', () => {})
    socket.pipe(socket)
  })
  await new Promise<void>((resolve) => {
    server.listen(0, '127.0.0.1', () => resolve())
  })
  const { port } = server.address() as net.AddressInfo
  const partyOf = (bytes: Buffer) => (bytes.length < 2 ? undefined : `p${bytes[0]}`)
  proxy = await LinkProxy.listen({ targetPort: () => port, partyOf })
})

afterEach(async () => {
  for (const socket of sockets.splice(0)) socket.destroy()
  await proxy.close()
  await new Promise((resolve) => server.close(resolve))
})

/** Connects as a party: its first two bytes say which. */
function connect(party: number) {
  const socket = net.connect(proxy.port, '127.0.0.1')
  sockets.push(socket)
  let length = 0
  const waiting: { bytes: number; resolve: () => void }[] = []
  socket.on('data', (chunk) => {
    length += chunk.length
    for (const { bytes, resolve } of waiting) if (length >= bytes) resolve()
  })
  const closed = new Promise<void>((resolve) => {
    socket.on('error', () => {})
    socket.once('close', () => resolve())
  })
  socket.write(Buffer.from([party, 0]))
  const echoed = (bytes: number) =>
    new Promise<void>((resolve) => {
      waiting.push({ bytes, resolve })
      if (length >= bytes) resolve()
    })
  return { socket, closed, echoed, received: () => length }
}

describe('LinkProxy', () => {
  it('cut() ends the connections of one party, and lets no new one pass', async () => {
    const [one, two] = [connect(1), connect(2)]
    await Promise.all([one.echoed(2), two.echoed(2)])
    proxy.cut('p1')
    await one.closed
    await connect(1).closed
    two.socket.write('still here')
    await two.echoed(12)
    proxy.heal('p1')
    await connect(1).echoed(2)
  })

  it('stall() lets nothing pass and closes nothing; heal() lets it pass, in order', async () => {
    const [one, two] = [connect(1), connect(2)]
    await Promise.all([one.echoed(2), two.echoed(2)])
    proxy.stall('p1')
    one.socket.write('a')
    one.socket.write('b')

    // The other party's later bytes have come back: these would have, too.
    two.socket.write('xyz')
    await two.echoed(5)
    expect(one.received()).toBe(2)
    proxy.heal('p1')
    await one.echoed(4)
    expect(one.socket.destroyed).toBe(false)
  })

  it('takes the other end along when a server ends', async () => {
    const one = connect(1)
    await one.echoed(2)
    one.socket.end()
    await one.closed
  })
})

describe('KafkaParties.of()', () => {
  const first = (clientId: string | null) =>
    encodeRequest(Metadata, 5, 7, clientId, {
      topics: null,
      allowAutoTopicCreation: false,
    })

  it('tells brokers by their client ids from all others', () => {
    expect(KafkaParties.of(first('broker-2-fetcher-0'))).toBe('broker 2')
    expect(KafkaParties.of(first('1'))).toBe('broker 1')
    expect(KafkaParties.of(first('producer-1'))).toBe('client')
    expect(KafkaParties.of(first(null))).toBe('client')
  })

  it('waits until the client id is there', () => {
    const frame = first('broker-2-fetcher-0')
    for (let end = 0; end < 14 + 18; end++) {
      expect(KafkaParties.of(frame.subarray(0, end))).toBeUndefined()
    }
  })
})
