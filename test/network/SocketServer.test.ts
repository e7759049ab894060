import { afterEach, describe, expect, it } from 'vitest'
import { type LogLine, setLogLevel, setLogSink } from '../../src/base/logger.ts'
import { ShutdownRequest } from '../../src/network/RequestChannel.ts'
import { SocketServer } from '../../src/network/SocketServer.ts'
import { encodeRequest, encodeResponse } from '../../src/protocol/framing.ts'
import { ApiVersions } from '../../src/protocol/messages/ApiVersions.ts'
import { Produce } from '../../src/protocol/messages/Produce.ts'
import {
  answer,
  answerAll,
  config,
  heartbeat,
  receive,
  startServer,
} from './server-fixture.ts'

afterEach(() => {
  setLogSink(undefined)
  setLogLevel('silent')
})

function int16s(...values: number[]): Buffer {
  const buffer = Buffer.alloc(values.length * 2)
  values.forEach((value, i) => {
    buffer.writeInt16BE(value, i * 2)
  })
  return buffer
}

function frame(payload: Buffer, announced = payload.length): Buffer {
  const length = Buffer.alloc(4)
  length.writeInt32BE(announced | 0)
  return Buffer.concat([length, payload])
}

/** api key, version, correlation id 7, client id null */
function headerOnly(key: number, version: number): Buffer {
  return frame(int16s(key, version, 0, 7, -1))
}

describe('SocketServer', () => {
  it('answers pipelined requests in order, one at a time', async () => {
    const { connect, requestChannel, clock, server } = await startServer()
    const client = await connect()
    client.send(heartbeat(1), heartbeat(2), heartbeat(3))
    await clock.settle()

    const first = await receive(requestChannel)
    await clock.settle()
    expect(requestChannel.requestQueueSize).toBe(0)
    answer(requestChannel, first)
    answer(requestChannel, await receive(requestChannel))
    answer(requestChannel, await receive(requestChannel))
    await clock.settle()
    expect(client.responses).toEqual([1, 2, 3])
    await server.shutdown()
  })

  it('muting holds a client back, and no other one', async () => {
    const { connect, requestChannel, clock, server } = await startServer({
      numNetworkThreads: 1,
    })
    const busy = await connect()
    busy.send(heartbeat(1))
    const request = await receive(requestChannel)

    // The client goes on sending; beyond a chunk nothing is read.
    let handedOver = 0
    const flood = (async () => {
      for (let i = 2; i < 20; i++) {
        const big = heartbeat(i)
        await busy.connection.write(Buffer.concat(Array(1000).fill(big)))
        handedOver++
      }
    })().catch(() => undefined)
    await clock.settle()
    expect(handedOver).toBeLessThan(6)
    expect(requestChannel.requestQueueSize).toBe(0)

    const other = await connect()
    other.send(heartbeat(100))
    answer(requestChannel, await receive(requestChannel))
    await clock.settle()
    expect(other.responses).toEqual([100])

    // Answering lets it go on, where it stopped.
    const seen = answerAll(requestChannel)
    answer(requestChannel, request)
    await flood
    await clock.settle()
    expect(seen.slice(0, 2)).toEqual([2, 2])
    expect(busy.responses).toHaveLength(18_001)
    await server.shutdown()
  })

  it('a full request queue holds the processors back until handlers catch up', async () => {
    const { connect, requestChannel, clock, server } = await startServer({
      queuedMaxRequests: 2,
    })
    const clients = await Promise.all(Array.from({ length: 6 }, connect))
    clients.forEach((client, i) => {
      client.send(heartbeat(i))
    })
    await clock.settle()
    expect(requestChannel.requestQueueSize).toBe(2)
    answerAll(requestChannel)
    await clock.settle()
    expect(clients.map((client) => client.responses)).toEqual(
      clients.map((_, i) => [i]),
    )
    await server.shutdown()
  })

  it('a noop response sends nothing and lets the next request come', async () => {
    const { connect, requestChannel, clock, server } = await startServer()
    const client = await connect()
    client.send(heartbeat(1), heartbeat(2))
    const request = await receive(requestChannel)
    requestChannel.sendResponse({ kind: 'noop', request })
    answer(requestChannel, await receive(requestChannel))
    await clock.settle()
    expect(client.responses).toEqual([2])
    await server.shutdown()
  })

  it('a close response closes the connection', async () => {
    const { connect, requestChannel, server } = await startServer()
    const client = await connect()
    client.send(heartbeat(1))
    const request = await receive(requestChannel)
    requestChannel.sendResponse({ kind: 'close', request })
    await client.closed.promise
    expect(server.connectionCount).toBe(0)
    await server.shutdown()
  })

  const bad: [string, Buffer][] = [
    ['a 2 GB frame is announced', frame(Buffer.from('x'), 0x7fffffff)],
    ['a negative length is announced', frame(Buffer.from('x'), -5)],
    ['one byte more than allowed is announced', frame(Buffer.from('x'), 1_000_001)],
    ['bytes are no Kafka at all', Buffer.from('GET / HTTP/1.1\r\nHost: kafka\r\n\r\n')],
    ['a frame is empty', frame(Buffer.alloc(0))],
    ['a header is cut', frame(int16s(12, 1, 0))],
    ['an api key is unknown', headerOnly(99, 0)],
    ['an api key is negative', headerOnly(-1, 0)],
    ['a version is too high', headerOnly(12, 2)],
    ['a version is negative', headerOnly(12, -1)],
    ['a body is cut', frame(heartbeat(1).subarray(4, -1))],
    ['an array claims more than there is', frame(int16s(3, 0, 0, 7, -1, 0x7fff, -1))],
  ]
  it.each(bad)(
    'closes only that connection, with a reason, when %s',
    async (_, bytes) => {
      const lines: LogLine[] = []
      setLogLevel('warn')
      setLogSink((line) => lines.push(line))
      const { connect, requestChannel, clock, server } = await startServer({
        numNetworkThreads: 1,
      })
      answerAll(requestChannel)
      const bystander = await connect()
      const client = await connect()
      client.send(bytes)
      await client.closed.promise
      expect(lines).toHaveLength(1)
      expect(lines[0]!.cause).toBeInstanceOf(Error)

      const next = await connect()
      next.send(heartbeat(5))
      bystander.send(heartbeat(6))
      await clock.settle()
      expect([next.responses, bystander.responses]).toEqual([[5], [6]])
      expect(server.connectionCount).toBe(2)
      await server.shutdown()
    },
  )

  it('forgets a client that leaves in the middle of a frame', async () => {
    const { connect, requestChannel, clock, server } = await startServer()
    answerAll(requestChannel)
    const client = await connect()
    client.send(heartbeat(1).subarray(0, 9))
    client.connection.end()
    await client.closed.promise
    const next = await connect()
    next.send(heartbeat(5))
    await clock.settle()
    expect(next.responses).toEqual([5])
    expect(server.connectionCount).toBe(1)
    await server.shutdown()
  })

  it('handles what a client sent whole before it left', async () => {
    const { connect, requestChannel, clock, server } = await startServer()
    const client = await connect()
    client.send(heartbeat(1), heartbeat(2), heartbeat(3))
    client.connection.destroy()
    await clock.settle()
    const seen = []
    for (let i = 0; i < 3; i++) {
      const request = await receive(requestChannel)
      seen.push(request.header.correlationId)
      requestChannel.sendResponse({ kind: 'noop', request })
    }
    await clock.settle()
    expect(seen).toEqual([1, 2, 3])
    expect(server.connectionCount).toBe(0)
    await server.shutdown()
  })

  it('handles what came whole before a length that is none', async () => {
    const { connect, requestChannel, clock, server } = await startServer()
    const client = await connect()
    client.send(heartbeat(1), heartbeat(2), Buffer.from('ffffffff', 'hex'))
    await clock.settle()
    const seen = []
    for (let i = 0; i < 2; i++) {
      const request = await receive(requestChannel)
      seen.push(request.header.correlationId)
      requestChannel.sendResponse({ kind: 'noop', request })
      await clock.settle()
    }
    expect(seen).toEqual([1, 2])
    await client.closed.promise
    expect(server.connectionCount).toBe(0)
    await server.shutdown()
  })

  it('drops the response to a client that left', async () => {
    const { connect, requestChannel, clock, server } = await startServer()
    const client = await connect()
    client.send(heartbeat(1))
    const request = await receive(requestChannel)
    client.connection.destroy()
    await clock.settle()
    answer(requestChannel, request)
    await clock.settle()
    expect(server.connectionCount).toBe(0)
    await server.shutdown()
  })

  it('passes an unknown version of ApiVersions on, without a body', async () => {
    const { connect, requestChannel, clock, server } = await startServer()
    const client = await connect()
    client.send(headerOnly(18, 3))
    const request = await receive(requestChannel)
    expect(request.api).toBe(ApiVersions)
    expect(request.header.apiVersion).toBe(3)
    expect(request.body()).toBeUndefined()
    const body = { errorCode: 35, apiKeys: [] }
    const reply = encodeResponse(ApiVersions, 0, 7, body)
    requestChannel.sendResponse({ kind: 'send', request, frame: reply })
    await clock.settle()
    expect(client.responses).toEqual([7])
    await server.shutdown()
  })

  it('hands records on as a view of the chunk that held the whole frame', async () => {
    const { connect, requestChannel, server } = await startServer()
    const client = await connect()
    const records = Buffer.alloc(900_000, 7)
    const topicData = [{ name: 't', partitionData: [{ index: 0, records }] }]
    const request = { transactionalId: null, acks: 1, timeoutMs: 1, topicData }
    client.send(encodeRequest(Produce, 3, 1, 'p', request), heartbeat(2))
    const produce = await receive(requestChannel)
    const body = produce.body<{ topicData: typeof topicData }>()
    const view = body.topicData[0]!.partitionData[0]!.records
    expect(view.equals(records)).toBe(true)
    expect(view.buffer.byteLength).toBeGreaterThan(900_000)
    await server.shutdown()
  })

  it('refuses connections beyond max.connections.per.ip until one is closed', async () => {
    const { connect, requestChannel, clock, server } = await startServer({
      maxConnectionsPerIp: 2,
    })
    answerAll(requestChannel)
    const [first] = await Promise.all([connect(), connect()])
    const refused = await connect()
    await refused.closed.promise
    first!.connection.end()
    await clock.settle()
    const next = await connect()
    next.send(heartbeat(1))
    await clock.settle()
    expect(next.responses).toEqual([1])
    await server.shutdown()
  })

  it('closes connections that are idle, the others live on', async () => {
    const { connect, requestChannel, clock, server } = await startServer({
      connectionsMaxIdleMs: 1000,
    })
    answerAll(requestChannel)
    const [idle, active] = [await connect(), await connect()]
    await clock.advance(600)
    active.send(heartbeat(1))
    await clock.advance(600)
    await idle.closed.promise
    expect(active.connection.closed).toBe(false)
    expect(server.connectionCount).toBe(1)
    await clock.advance(600)
    expect(active.connection.closed).toBe(true)
    await server.shutdown()
    expect(clock.pendingTimers).toBe(0)
  })

  it('startup(false) accepts, but reads nothing before startProcessors()', async () => {
    const { connect, requestChannel, clock, server } = await startServer({}, false)
    answerAll(requestChannel)
    const client = await connect()
    client.send(heartbeat(1))
    await clock.settle()
    expect(client.responses).toEqual([])
    server.startProcessors()
    await clock.settle()
    expect(client.responses).toEqual([1])
    await server.shutdown()
  })

  it('a processor that never started closes what it was given at shutdown', async () => {
    const { connect, clock, server } = await startServer({}, false)
    const client = await connect()
    await clock.settle()
    await server.shutdown()
    await client.closed.promise
  })

  it('startup() says which address cannot be bound, and keeps none', async () => {
    const { platform, port, server } = await startServer()
    const listener = config.listeners[0]!
    const listeners = [
      { ...listener, listenerName: 'FREE', port: 1234 },
      { ...listener, listenerName: 'TAKEN', port },
    ]
    const second = new SocketServer({ ...config, listeners }, platform)
    await expect(second.startup()).rejects.toThrow(`cannot bind *:${port}`)
    await second.shutdown()
    const third = new SocketServer(
      { ...config, listeners: listeners.slice(0, 1) },
      platform,
    )
    await third.startup()
    expect(third.boundPort('FREE')).toBe(1234)
    expect(() => third.boundPort('TAKEN')).toThrow('no listener TAKEN')
    await Promise.all([third.shutdown(), server.shutdown()])
  })

  it('shutdown() frees the port, closes clients and lets handlers go', async () => {
    const { connect, requestChannel, platform, server, port } = await startServer()
    const client = await connect()
    const waiting = requestChannel.receiveRequest()
    await server.shutdown()
    await client.closed.promise
    await expect(waiting).rejects.toThrow('aborted')
    const listener = { ...config.listeners[0]!, port }
    const again = new SocketServer({ ...config, listeners: [listener] }, platform)
    await again.startup()
    await again.shutdown()
  })

  it('shutdown() ends while a processor waits for room in the queue', async () => {
    const { connect, clock, server } = await startServer({ queuedMaxRequests: 1 })
    const clients = await Promise.all([connect(), connect(), connect()])
    for (const client of clients) client.send(heartbeat(1))
    await clock.settle()
    await server.shutdown()
    await Promise.all(clients.map((client) => client.closed.promise))
  })
})

describe('RequestChannel', () => {
  it('sendShutdownRequest() comes behind the requests that wait', async () => {
    const { connect, requestChannel, clock, server } = await startServer()
    const client = await connect()
    client.send(heartbeat(1))
    await clock.settle()
    await requestChannel.sendShutdownRequest()
    expect((await requestChannel.receiveRequest()).kind).toBe('request')
    expect(await requestChannel.receiveRequest()).toBe(ShutdownRequest)
    const none = requestChannel.receiveRequest(300)
    await clock.advance(300)
    expect(await none).toBeUndefined()
    await server.shutdown()
  })

  it('tells of every request that is over, with its times', async () => {
    const { connect, requestChannel, clock, server } = await startServer()
    const times: number[][] = []
    requestChannel.onRequestCompleted = (r) => {
      times.push([r.startTimeMs, r.requestDequeueTimeMs, r.responseCompleteTimeMs])
      expect(r.endTimeMs).toBeGreaterThanOrEqual(r.responseDequeueTimeMs)
    }
    const client = await connect()
    client.send(heartbeat(1))
    await clock.advance(5)
    const request = await receive(requestChannel)
    await clock.advance(7)
    answer(requestChannel, request)
    await clock.settle()
    expect(times).toEqual([[0, 5, 12]])
    await server.shutdown()
  })
})
