/**
 * # RequestChannel
 *
 * The counter between network and request handlers. Processors put requests on it,
 * handlers take them off; each answer goes back to the processor that owns the
 * connection.
 *
 *     Processor 0 ─┐                               ┌─▶ KafkaRequestHandler
 *     Processor 1 ─┴─▶ requestQueue (queueSize) ───┴─▶ KafkaRequestHandler
 *          ▲                                               │
 *          └──────────── responseQueue ◀── sendResponse ◀──┘
 *
 * A full queue holds the processor back, and with it all its connections: the kernel's
 * buffers fill, and the clients wait. That is how a slow broker protects itself.
 *
 * Invariant: a request is answered at most once, in one of three ways: with bytes, with
 * nothing (acks=0), or by closing its connection.
 *
 * @kafka core/src/main/scala/kafka/network/RequestChannel.scala#RequestChannel
 * @module
 */
import { AsyncQueue } from '../base/async/AsyncQueue.ts'
import type { ByteReader } from '../base/bytes/ByteReader.ts'
import { InvalidRequestException } from '../base/errors.ts'
import type { Clock } from '../base/platform/Platform.ts'
import { Sanitizer } from '../base/Sanitizer.ts'
import type { AnyApi } from '../protocol/Api.ts'
import { ApiKeys } from '../protocol/ApiKeys.ts'
import type { RequestHeader } from '../protocol/RequestHeader.ts'
import { AllRequestMetrics } from './RequestMetrics.ts'

/** What a connection was before it told who it is. */
export const ANONYMOUS = 'User:ANONYMOUS'

/**
 * Where a request came from, and what its header says.
 *
 * @kafka clients/src/main/java/org/apache/kafka/common/requests/RequestContext.java#RequestContext
 */
export interface RequestContext {
  readonly header: RequestHeader
  /** Names the connection in this broker, and no later one. */
  readonly connectionId: string
  readonly clientAddress: string
  readonly listenerName: string
  readonly securityProtocol: string
  /** Who sent it, such as `User:ANONYMOUS`. */
  readonly principal: string
}

/** What a request is made from. */
export interface RequestOptions {
  /** Id of the processor that owns the connection. */
  readonly processor: number
  readonly context: RequestContext
  /** The frame, standing behind the header. */
  readonly reader: ByteReader
  readonly startTimeMs: number
}

/**
 * A request with its body read, and the times of its way through the broker (in ms of the
 * monotonic clock; -1 for a station it has not reached).
 *
 * @kafka core/src/main/scala/kafka/network/RequestChannel.scala#Request
 */
export class Request {
  readonly kind = 'request'
  readonly processor: number
  readonly context: RequestContext
  readonly api: AnyApi
  /** Bytes of the frame without its length. */
  readonly sizeInBytes: number
  /** When it was read off the connection. */
  readonly startTimeMs: number
  /** When a handler took it. Set by `receiveRequest`. */
  requestDequeueTimeMs = -1
  /** When the handler was done with it. Set by `KafkaApis.handle`. */
  apiLocalCompleteTimeMs = -1
  /** When what it waited for had come, or -1. Set before its answer is held back. */
  apiRemoteCompleteTimeMs = -1
  /** When its response was ready. Set by `sendResponse`. */
  responseCompleteTimeMs = -1
  /** When the processor took up the response. Set by `Processor.processNewResponses`. */
  responseDequeueTimeMs = -1
  /** When the response had left. */
  endTimeMs = -1
  /** Time that went into writing records anew, in ms; -1 if none were. */
  messageConversionsTimeMs = -1
  /** Time that its processor spent on it, in ms. */
  networkThreadTimeMs = 0
  /** Told `networkThreadTimeMs` when it is over. Set by who measures its client. */
  recordNetworkThreadTimeCallback: ((timeMs: number) => void) | undefined
  readonly #body: unknown

  /**
   * Reads the body.
   *
   * @throws InvalidRequestException when the key or version is unknown or the bytes are no
   *   such request; the connection is to be closed
   */
  constructor({ processor, context, reader, startTimeMs }: RequestOptions) {
    this.processor = processor
    this.context = context
    this.startTimeMs = startTimeMs
    this.sizeInBytes = reader.end
    const { apiKey, apiVersion } = context.header
    const api = ApiKeys.forId(apiKey)
    if (api === undefined)
      throw new InvalidRequestException(`unknown api key ${apiKey}`)
    this.api = api

    // Leave a version of ApiVersions that is unknown to the handler: how else could a
    // newer client learn which ones are known here?
    const supported = apiVersion >= api.minVersion && apiVersion <= api.maxVersion
    if (!supported && api === ApiKeys.API_VERSIONS) return

    // Refuse any other version, and bytes that do not decode.
    const what = `${api.name} version ${apiVersion}`
    if (!supported) throw new InvalidRequestException(`${what} is not supported`)
    try {
      this.#body = api.request.decode(apiVersion, reader)
    } catch (cause) {
      throw new InvalidRequestException(`${what} does not decode`, { cause })
    }
  }

  get header(): RequestHeader {
    return this.context.header
  }

  /**
   * Who sent it, without the type, safe as a part of a path.
   *
   * @kafka core/src/main/scala/kafka/network/RequestChannel.scala#Session
   */
  get sanitizedUser(): string {
    const { principal } = this.context
    return Sanitizer.sanitize(principal.slice(principal.indexOf(':') + 1))
  }

  /** @returns the decoded body; `undefined` for ApiVersions of an unknown version */
  body<T>(): T {
    return this.#body as T
  }
}

/**
 * Tells a handler to end. One is sent for each handler.
 *
 * @kafka core/src/main/scala/kafka/network/RequestChannel.scala#ShutdownRequest
 */
export const ShutdownRequest = { kind: 'shutdown' } as const

/** What a handler takes off the queue. */
export type BaseRequest = Request | typeof ShutdownRequest

/**
 * The end of a request: bytes to send (with their length in front), nothing, or the end
 * of its connection.
 *
 * @kafka core/src/main/scala/kafka/network/RequestChannel.scala#Response
 */
export type Response =
  | { readonly kind: 'send'; readonly request: Request; readonly frame: Buffer }
  | { readonly kind: 'noop'; readonly request: Request }
  | { readonly kind: 'close'; readonly request: Request }

/** What the channel needs of a processor. */
export interface ResponseTaker {
  readonly id: number
  /** Responses that it has not taken up. */
  readonly responseQueueSize: number
  /** Queues a response and wakes the processor. */
  enqueueResponse(response: Response): void
}

/** The channel of one broker, shared by all its listeners. */
export class RequestChannel {
  readonly #clock: Clock
  readonly #requestQueue: AsyncQueue<BaseRequest>
  readonly #processors = new Map<number, ResponseTaker>()
  readonly #closing = new AbortController()

  /** Where the time of requests went. */
  readonly metrics = new AllRequestMetrics()

  /** Told of every request that is over; the server counts and measures with it. */
  onRequestCompleted: ((request: Request) => void) | undefined

  /** @param queueSize - requests that wait before processors do, `queued.max.requests` */
  constructor(queueSize: number, clock: Clock) {
    this.#clock = clock
    this.#requestQueue = new AsyncQueue(queueSize)
  }

  /** Requests that no handler has taken. */
  get requestQueueSize(): number {
    return this.#requestQueue.size
  }

  /** Responses that wait, by id of the processor that they wait for. */
  *responseQueueSizes(): IterableIterator<[number, number]> {
    for (const { id, responseQueueSize } of this.#processors.values()) {
      yield [id, responseQueueSize]
    }
  }

  addProcessor(processor: ResponseTaker): void {
    this.#processors.set(processor.id, processor)
  }

  removeProcessor(processorId: number): void {
    this.#processors.delete(processorId)
  }

  /**
   * Queues a request, once there is room.
   *
   * @throws AbortError (rejects) when `signal` fires first, or the channel is shut down
   */
  async sendRequest(request: Request, signal?: AbortSignal): Promise<void> {
    await this.#requestQueue.put(request, signal ?? this.#closing.signal)
  }

  /**
   * Takes the oldest request, and waits for one as long as it takes.
   *
   * @throws AbortError (rejects) when the channel is shut down meanwhile
   */
  receiveRequest(): Promise<BaseRequest>
  /**
   * Takes the oldest request.
   *
   * @param timeoutMs - how long to wait at most
   * @returns `undefined` when none came in time
   * @throws AbortError (rejects) when the channel is shut down meanwhile
   */
  receiveRequest(timeoutMs: number): Promise<BaseRequest | undefined>
  async receiveRequest(timeoutMs?: number): Promise<BaseRequest | undefined> {
    const { signal } = this.#closing
    const request =
      timeoutMs === undefined
        ? await this.#requestQueue.take(signal)
        : await this.#requestQueue.poll(timeoutMs, this.#clock, signal)
    if (request?.kind === 'request') {
      request.requestDequeueTimeMs = this.#clock.monotonic()
    }
    return request
  }

  /** Hands a response to the processor that owns the connection, if it is still there. */
  sendResponse(response: Response): void {
    response.request.responseCompleteTimeMs = this.#clock.monotonic()
    this.#processors.get(response.request.processor)?.enqueueResponse(response)
  }

  /** Queues what ends one handler; it comes behind all requests that wait. */
  async sendShutdownRequest(): Promise<void> {
    await this.#requestQueue.put(ShutdownRequest, this.#closing.signal)
  }

  /** Notes that a request is over. */
  updateRequestMetrics(request: Request): void {
    request.endTimeMs = this.#clock.monotonic()
    request.recordNetworkThreadTimeCallback?.(request.networkThreadTimeMs)
    this.metrics.update(request)
    this.onRequestCompleted?.(request)
  }

  /** Drops all requests that no handler has taken. */
  clear(): void {
    this.#requestQueue.clear()
  }

  /** Drops all requests and lets nobody wait any longer. */
  shutdown(): void {
    this.clear()
    this.#closing.abort()
  }
}
