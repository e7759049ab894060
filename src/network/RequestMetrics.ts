/**
 * # RequestMetrics
 *
 * Where the time of requests goes, by kind of request. Fetches are also told apart by who
 * asks, as a follower waits on purpose.
 *
 *     start ─▶ dequeued ─▶ local ─▶ remote ─▶ response ready ─▶ dequeued ─▶ sent
 *        queue       local     remote   throttle          queue        send
 *
 * @kafka core/src/main/scala/kafka/network/RequestChannel.scala#RequestMetrics
 * @module
 */
import { Distribution, SIZE_BOUNDS } from '../base/metrics/Distribution.ts'
import { ApiKeys } from '../protocol/ApiKeys.ts'
import type { Request } from './RequestChannel.ts'

/** One kind of requests. */
export class RequestMetrics {
  readonly RequestQueueTimeMs = new Distribution()
  readonly LocalTimeMs = new Distribution()
  readonly RemoteTimeMs = new Distribution()
  readonly ThrottleTimeMs = new Distribution()
  readonly ResponseQueueTimeMs = new Distribution()
  readonly ResponseSendTimeMs = new Distribution()
  readonly TotalTimeMs = new Distribution()
  readonly RequestBytes = new Distribution(SIZE_BOUNDS)
  /** Of requests whose records were written anew in another format or codec. */
  readonly MessageConversionsTimeMs = new Distribution()
  /** How often answers said what: code → times. 0, that all is well, is counted, too. */
  readonly errors = new Map<number, number>()

  /** Takes in the times of a request that is over. */
  update(request: Request): void {
    // A station that was left out took no time.
    const dequeued = later(request.startTimeMs, request.requestDequeueTimeMs)
    const local = later(dequeued, request.apiLocalCompleteTimeMs)
    const remote = later(local, request.apiRemoteCompleteTimeMs)
    const ready = later(remote, request.responseCompleteTimeMs)
    const taken = later(ready, request.responseDequeueTimeMs)
    const end = later(taken, request.endTimeMs)
    this.RequestQueueTimeMs.update(dequeued - request.startTimeMs)
    this.LocalTimeMs.update(local - dequeued)
    this.RemoteTimeMs.update(remote - local)
    this.ThrottleTimeMs.update(ready - remote)
    this.ResponseQueueTimeMs.update(taken - ready)
    this.ResponseSendTimeMs.update(end - taken)
    this.TotalTimeMs.update(end - request.startTimeMs)
    this.RequestBytes.update(request.sizeInBytes)
    if (request.messageConversionsTimeMs < 0) return
    this.MessageConversionsTimeMs.update(request.messageConversionsTimeMs)
  }
}

/** A time of a later station, which may be missing. */
function later(before: number, time: number): number {
  return time < before ? before : time
}

/** All kinds of requests of a broker, by name: of the API, `FetchConsumer`, `FetchFollower`. */
export class AllRequestMetrics {
  readonly #byName = new Map<string, RequestMetrics>()

  /** The kinds that there were. */
  entries(): IterableIterator<[string, RequestMetrics]> {
    return this.#byName.entries()
  }

  /** Takes in a request that is over. */
  update(request: Request): void {
    this.#of(request.api.name).update(request)
    if (request.header.apiKey !== ApiKeys.FETCH.key) return
    const isFollower = request.body<{ readonly replicaId: number }>().replicaId >= 0
    this.#of(isFollower ? 'FetchFollower' : 'FetchConsumer').update(request)
  }

  /**
   * Takes in what an answer says.
   *
   * @param name - of the API
   * @kafka core/src/main/scala/kafka/network/RequestChannel.scala#RequestChannel.updateErrorMetrics
   */
  updateErrorMetrics(name: string, errorCodes: Iterable<number>): void {
    const { errors } = this.#of(name)
    for (const code of errorCodes) errors.set(code, (errors.get(code) ?? 0) + 1)
  }

  #of(name: string): RequestMetrics {
    let metrics = this.#byName.get(name)
    if (metrics === undefined) {
      metrics = new RequestMetrics()
      this.#byName.set(name, metrics)
    }
    return metrics
  }
}
