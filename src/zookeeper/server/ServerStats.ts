/**
 * # ServerStats
 *
 * What the four-letter words `srvr`, `stat`, `mntr` and `cons` tell about the past: of the
 * whole server, and of each connection.
 *
 * @kafka none: org/apache/zookeeper/server/ServerStats.java
 * @module
 */

/** Counters since the start, or since `srst`. */
export class ServerStats {
  #count = 0
  #totalMs = 0
  #minMs = 0
  #maxMs = 0
  packetsReceived = 0
  packetsSent = 0

  /** Notes how long a request took. */
  updateLatency(ms: number): void {
    const whole = Math.max(0, Math.floor(ms))
    this.#minMs = this.#count === 0 ? whole : Math.min(this.#minMs, whole)
    this.#maxMs = Math.max(this.#maxMs, whole)
    this.#totalMs += whole
    this.#count++
  }

  get minLatency(): number {
    return this.#minMs
  }

  get maxLatency(): number {
    return this.#maxMs
  }

  get avgLatency(): number {
    return this.#count === 0 ? 0 : Math.floor(this.#totalMs / this.#count)
  }

  /** Begins anew. */
  reset(): void {
    this.#count = 0
    this.#totalMs = 0
    this.#minMs = 0
    this.#maxMs = 0
    this.packetsReceived = 0
    this.packetsSent = 0
  }
}

/** What `cons` tells of a connection's last request; -1 and 0 before the first. */
export interface LastAnswer {
  /** The client's own number of it; pings and the like have none and leave it alone. */
  readonly cxid: number
  readonly zxid: bigint
  /** Four letters, `NA` when there are none. */
  readonly op: string
  /** When it was answered, in ms since 1970. */
  readonly timeMs: number
  /** How long that took, in ms. */
  readonly latencyMs: number
}

const NOT_YET: LastAnswer = { cxid: -1, zxid: -1n, op: 'NA', timeMs: 0, latencyMs: 0 }

/** Of one connection: how long its requests took, and which was the last. */
export class CnxnStats extends ServerStats {
  /** When the client connected, in ms since 1970. */
  readonly establishedMs: number
  #last: LastAnswer = NOT_YET

  constructor(establishedMs: number) {
    super()
    this.establishedMs = establishedMs
  }

  get last(): LastAnswer {
    return this.#last
  }

  /** Notes an answer. Its cxid counts only when it is no special one. */
  updateStatsForResponse(answer: LastAnswer): void {
    this.updateLatency(answer.latencyMs)
    const cxid = answer.cxid >= 0 ? answer.cxid : this.#last.cxid
    this.#last = { ...answer, cxid, latencyMs: Math.floor(answer.latencyMs) }
  }

  override reset(): void {
    super.reset()
    this.#last = NOT_YET
  }
}
