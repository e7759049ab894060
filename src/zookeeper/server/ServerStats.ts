/**
 * # ServerStats
 *
 * What the four-letter words `srvr`, `stat` and `mntr` tell about the past.
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
