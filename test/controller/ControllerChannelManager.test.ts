import { describe, expect, it } from 'vitest'
import { ByteReader } from '../../src/base/bytes/ByteReader.ts'
import { memoryPlatform } from '../../src/base/platform/memory/memory-platform.ts'
import { ControllerChannelManager } from '../../src/controller/ControllerChannelManager.ts'
import { NetworkClient } from '../../src/network/NetworkClient.ts'
import { encodeResponse, FrameParser } from '../../src/protocol/framing.ts'
import { StopReplica } from '../../src/protocol/messages/StopReplica.ts'
import { RequestHeader } from '../../src/protocol/RequestHeader.ts'
import { Broker } from '../../src/zk/Broker.ts'
import { EndPoint } from '../../src/zk/EndPoint.ts'
import { settle } from './fixture.ts'

const request = {
  controllerId: 1,
  controllerEpoch: 1,
  deletePartitions: false,
  ungroupedPartitions: [{ topicName: 't', partition: 0 }],
}

/** A manager on a network in memory, and a broker there that drops its first link. */
async function start(dropFirst: boolean) {
  const platform = memoryPlatform({ seed: 1 })
  const seen: string[] = []
  let connections = 0
  const listener = await platform.network.listen({
    host: 'localhost',
    port: 9092,
    onConnection(connection) {
      const drop = dropFirst && connections === 0
      const parser = new FrameParser(1 << 20)
      const number = ++connections
      connection.onClose(() => seen.push(`close ${number}`))
      connection.onData((chunk) => {
        for (const frame of parser.push(chunk)) {
          const reader = new ByteReader(frame)
          const header = RequestHeader.parse(reader)
          const body = StopReplica.request.decode(header.apiVersion, reader)
          const topics = body.ungroupedPartitions.map((p) => p.topicName)
          seen.push(`${number}: ${header.clientId} ${topics}`)
          if (drop) connection.destroy()
          else {
            const response = { errorCode: 0, partitionErrors: [] }
            const bytes = encodeResponse(StopReplica, 0, header.correlationId, response)
            connection.write(bytes).catch(() => {})
          }
        }
      })
    },
  })
  const manager = new ControllerChannelManager(
    { brokerId: 1, interBrokerListenerName: 'PLAINTEXT' },
    ({ host, port }) =>
      new NetworkClient({
        host,
        port,
        clientId: '1',
        requestTimeoutMs: 30_000,
        network: platform.network,
        clock: platform.clock,
      }),
    platform.clock,
  )
  const endPoint = new EndPoint('localhost', 9092, 'PLAINTEXT', 'PLAINTEXT')
  const broker = new Broker(2, [endPoint])
  return { platform, seen, listener, manager, broker }
}

describe('ControllerChannelManager', () => {
  it('sendRequest() sends over a real link and hands over the answer', async () => {
    const { seen, listener, manager, broker } = await start(false)
    manager.startup([broker])
    const codes: number[] = []
    for (let i = 0; i < 2; i++) {
      manager.sendRequest(2, StopReplica, 0, request, (r) => codes.push(r.errorCode))
    }
    await settle()
    expect(seen).toEqual(['1: 1 t', '1: 1 t'])
    expect(codes).toEqual([0, 0])
    await manager.shutdown()
    await listener.close()
  })

  it('a request is sent again over a new link when the old one broke', async () => {
    const { platform, seen, listener, manager, broker } = await start(true)
    manager.addBroker(broker)
    const codes: number[] = []
    manager.sendRequest(2, StopReplica, 0, request, (r) => codes.push(r.errorCode))
    await settle()
    expect(codes).toEqual([])
    await platform.virtualClock.advance(100)
    await settle()
    expect(seen.filter((s) => !s.startsWith('close'))).toEqual(['1: 1 t', '2: 1 t'])
    expect(codes).toEqual([0])
    await manager.shutdown()
    await listener.close()
  })

  it('requests for a broker without a line are dropped', async () => {
    const { seen, listener, manager, broker } = await start(false)
    manager.sendRequest(2, StopReplica, 0, request)
    manager.addBroker(broker)
    await settle()
    expect(seen).toEqual([])
    await manager.removeBroker(2)
    expect(manager.queueSize(2)).toBe(0)
    await listener.close()
  })

  it('shutdown() ends while the broker cannot be reached', async () => {
    const { listener, manager, broker } = await start(false)
    await listener.close()
    manager.addBroker(broker)
    manager.sendRequest(2, StopReplica, 0, request)
    await settle()
    await manager.shutdown()
  })
})
