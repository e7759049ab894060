import { describe, expect, it } from 'vitest'
import { ClosedChannelException, IOException } from '../../src/base/errors.ts'
import { BlockingChannel } from '../../src/network/BlockingChannel.ts'
import { NetworkClient } from '../../src/network/NetworkClient.ts'
import { encodeResponse } from '../../src/protocol/framing.ts'
import { Heartbeat } from '../../src/protocol/messages/Heartbeat.ts'
import { answer, answerAll, receive, startServer } from './server-fixture.ts'

const body = (generationId: number) => ({ groupId: 'g', generationId, memberId: 'm' })

async function withClient(requestTimeoutMs = 1000) {
  const world = await startServer()
  const { network, clock } = world.platform
  const where = { host: 'localhost', port: world.port }
  const client = new NetworkClient({
    ...where,
    clientId: 'c',
    requestTimeoutMs,
    network,
    clock,
  })
  const channel = new BlockingChannel({
    ...where,
    readTimeoutMs: requestTimeoutMs,
    clientId: 'c',
    network,
    clock,
  })
  return { ...world, client, channel }
}

describe('NetworkClient', () => {
  it('sendAndReceive() pipelines and gives each caller its answer', async () => {
    const { client, requestChannel, server, clock } = await withClient()
    answerAll(requestChannel)
    const answers = await Promise.all(
      [1, 2, 3].map((n) => client.sendAndReceive(Heartbeat, 1, body(n))),
    )
    expect(answers.map((a) => a.throttleTimeMs)).toEqual([1, 2, 3])
    expect(server.connectionCount).toBe(1)
    client.close()
    await server.shutdown()
    expect(clock.pendingTimers).toBe(0)
  })

  it('a request without an answer in time drops the connection', async () => {
    const { client, clock, server } = await withClient()
    const lost = [1, 2].map((n) => client.sendAndReceive(Heartbeat, 1, body(n)))
    const failures = Promise.allSettled(lost)
    await clock.advance(1000)
    const reasons = (await failures).map((r) => r.status === 'rejected' && r.reason)
    expect(reasons.every((reason) => reason instanceof IOException)).toBe(true)
    expect(client.isConnected).toBe(false)
    await server.shutdown()
  })

  it('a request whose connection ends before it leaves is told so', async () => {
    const { client, server, clock } = await withClient()
    await client.ready()
    const lost = client.sendAndReceive(Heartbeat, 1, body(1))
    client.disconnect()
    await expect(clock.runUntil(lost)).rejects.toThrow(IOException)
    expect(client.inFlightRequestCount).toBe(0)
    client.close()
    await server.shutdown()
    expect(clock.pendingTimers).toBe(0)
  })

  it('connects again after the connection was lost', async () => {
    const { client, requestChannel, server } = await withClient()
    const lost = client.sendAndReceive(Heartbeat, 1, body(1))
    const request = await receive(requestChannel)
    requestChannel.sendResponse({ kind: 'close', request })
    await expect(lost).rejects.toThrow(IOException)
    answerAll(requestChannel)
    const found = await client.sendAndReceive(Heartbeat, 1, body(2))
    expect(found.throttleTimeMs).toBe(2)
    client.close()
    await expect(client.ready()).rejects.toThrow(ClosedChannelException)
    await server.shutdown()
  })

  it('a response with a wrong id drops the connection and tells all', async () => {
    const { client, requestChannel, server } = await withClient()
    const results = Promise.allSettled(
      [1, 2].map((n) => client.sendAndReceive(Heartbeat, 1, body(n))),
    )
    const request = await receive(requestChannel)
    const reply = { throttleTimeMs: 0, errorCode: 0 }
    const frame = encodeResponse(Heartbeat, 1, 77, reply)
    requestChannel.sendResponse({ kind: 'send', request, frame })
    expect((await results).map((r) => r.status)).toEqual(['rejected', 'rejected'])
    await server.shutdown()
  })

  it('an answer counts that came before bytes that are none', async () => {
    const { client, requestChannel, server } = await withClient()
    const results = Promise.allSettled(
      [1, 2].map((n) => client.sendAndReceive(Heartbeat, 1, body(n))),
    )
    const request = await receive(requestChannel)
    const reply = { throttleTimeMs: 0, errorCode: 0 }
    const { correlationId } = request.header
    const good = encodeResponse(Heartbeat, 1, correlationId, reply)
    const frame = Buffer.concat([good, Buffer.from('ffffffff', 'hex')])
    requestChannel.sendResponse({ kind: 'send', request, frame })
    expect((await results).map((r) => r.status)).toEqual(['fulfilled', 'rejected'])
    await server.shutdown()
  })

  it('an aborted request stops waiting; its late answer is dropped', async () => {
    const { client, requestChannel, server } = await withClient()
    const abort = new AbortController()
    const aborted = client.sendAndReceive(Heartbeat, 1, body(1), abort.signal)
    const request = await receive(requestChannel)
    abort.abort()
    await expect(aborted).rejects.toThrow('aborted')
    answer(requestChannel, request)
    answerAll(requestChannel)
    const next = await client.sendAndReceive(Heartbeat, 1, body(2))
    expect(next.throttleTimeMs).toBe(2)
    client.close()
    await server.shutdown()
  })

  it('ready() rejects when nobody listens', async () => {
    const { client, server } = await withClient()
    await server.shutdown()
    await expect(client.ready()).rejects.toThrow(IOException)
  })
})

describe('BlockingChannel', () => {
  it('send() and receive() take turns', async () => {
    const { channel, requestChannel, server } = await withClient()
    await channel.connect()
    expect(channel.isConnected).toBe(true)
    answerAll(requestChannel)
    for (const n of [1, 2]) {
      const size = await channel.send(Heartbeat, 1, body(n), { correlationId: 40 + n })
      expect(size).toBeGreaterThan(20)
      const response = await channel.receive()
      expect(response.correlationId).toBe(40 + n)
      expect(response.decode(Heartbeat, 1).throttleTimeMs).toBe(n)
    }
    channel.disconnect()
    expect(channel.isConnected).toBe(false)
    await server.shutdown()
  })

  it('connect() swallows its failure; send() tells it', async () => {
    const { channel, server } = await withClient()
    await server.shutdown()
    await channel.connect()
    expect(channel.isConnected).toBe(false)
    await expect(channel.send(Heartbeat, 1, body(1))).rejects.toThrow(
      ClosedChannelException,
    )
    await expect(channel.receive()).rejects.toThrow(ClosedChannelException)
  })

  it('receive() rejects when the time runs out or the broker goes', async () => {
    const { channel, clock, server } = await withClient(500)
    await channel.connect()
    await channel.send(Heartbeat, 1, body(1))
    const late = expect(channel.receive()).rejects.toThrow('did not answer in 500 ms')
    await clock.advance(500)
    await late
    const gone = expect(channel.receive()).rejects.toThrow(IOException)
    await server.shutdown()
    await gone
    await expect(channel.receive()).rejects.toThrow(IOException)
    channel.disconnect()
    await channel.connect()
  })
})
