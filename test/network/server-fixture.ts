/**
 * A socket server on the memory platform, a handler that a test drives by hand, and raw
 * clients that may send whatever they like.
 */
import { Deferred } from '../../src/base/async/Deferred.ts'
import { memoryPlatform } from '../../src/base/platform/memory/memory-platform.ts'
import type { Connection } from '../../src/base/platform/Platform.ts'
import { NetworkReceive } from '../../src/network/NetworkReceive.ts'
import {
  type Request,
  type RequestChannel,
  ShutdownRequest,
} from '../../src/network/RequestChannel.ts'
import {
  SocketServer,
  type SocketServerConfig,
} from '../../src/network/SocketServer.ts'
import {
  encodeRequest,
  encodeResponse,
  FrameParser,
} from '../../src/protocol/framing.ts'
import { Heartbeat } from '../../src/protocol/messages/Heartbeat.ts'

/** What the servers of these tests are configured with unless a test says otherwise. */
export const config: SocketServerConfig = {
  brokerId: 0,
  listeners: [
    { host: '', port: 0, listenerName: 'PLAINTEXT', securityProtocol: 'PLAINTEXT' },
  ],
  numNetworkThreads: 2,
  queuedMaxRequests: 10,
  socketRequestMaxBytes: 1_000_000,
  maxConnectionsPerIp: 1000,
  connectionsMaxIdleMs: 600_000,
}

/** Starts a server in a world of its own. */
export async function startServer(
  overrides: Partial<SocketServerConfig> = {},
  startupProcessors = true,
) {
  const platform = memoryPlatform()
  const server = new SocketServer({ ...config, ...overrides }, platform)
  await server.startup(startupProcessors)
  const port = server.boundPort('PLAINTEXT')
  const { requestChannel } = server
  const connect = async () => {
    const options = { host: 'localhost', port, timeoutMs: 1000 }
    return new RawClient(await platform.network.connect(options))
  }
  return {
    platform,
    clock: platform.virtualClock,
    server,
    requestChannel,
    port,
    connect,
  }
}

/** A frame with a Heartbeat whose generation is also its correlation id. */
export function heartbeat(id: number): Buffer {
  const body = { groupId: 'g', generationId: id, memberId: 'm' }
  return encodeRequest(Heartbeat, 1, id, 'test', body)
}

/** Answers a request with its generation as the throttle time. */
export function answer(channel: RequestChannel, request: Request): void {
  const { generationId } = request.body<{ generationId: number }>()
  const body = { throttleTimeMs: generationId, errorCode: 0 }
  const frame = encodeResponse(Heartbeat, 1, request.header.correlationId, body)
  channel.sendResponse({ kind: 'send', request, frame })
}

/** Takes the next request. */
export async function receive(channel: RequestChannel): Promise<Request> {
  const request = await channel.receiveRequest()
  if (request === ShutdownRequest) throw new Error('a shutdown came')
  return request as Request
}

/** Answers everything until the channel is shut down. @returns the ids, in order */
export function answerAll(channel: RequestChannel): number[] {
  const seen: number[] = []
  const loop = async () => {
    for (;;) {
      const request = await receive(channel)
      seen.push(request.header.correlationId)
      answer(channel, request)
    }
  }
  loop().catch(() => undefined)
  return seen
}

/** A client that sends bytes as it is told. */
export class RawClient {
  readonly connection: Connection
  readonly #parser = new FrameParser()
  /** Correlation ids of the responses, in order. */
  readonly responses: number[] = []
  readonly closed = new Deferred()

  constructor(connection: Connection) {
    this.connection = connection
    connection.onData((chunk) => {
      for (const frame of this.#parser.push(chunk)) {
        this.responses.push(new NetworkReceive(frame).correlationId)
      }
    })
    connection.onClose(() => this.closed.resolve())
  }

  send(...frames: Buffer[]): void {
    // What a test sends may never be taken; it looks at what comes of it instead.
    void this.connection.write(Buffer.concat(frames)).catch(() => undefined)
  }
}
