/**
 * # ConnectionQuotas
 *
 * Counts the open connections of each address and refuses those above its limit, so that
 * one host cannot use up the broker's sockets.
 *
 * Invariant: every address that was counted up by `inc`, also when that threw, is counted
 * down by exactly one `dec`.
 *
 * @kafka core/src/main/scala/kafka/network/SocketServer.scala#ConnectionQuotas
 * @module
 */
import { IllegalArgumentException, KafkaException } from '../base/errors.ts'

/**
 * An address has as many connections as it may have.
 *
 * @kafka core/src/main/scala/kafka/network/SocketServer.scala#TooManyConnectionsException
 */
export class TooManyConnectionsException extends KafkaException {
  /** Address of the peer. */
  readonly ip: string
  /** How many it may have. */
  readonly count: number

  constructor(ip: string, count: number) {
    super(`too many connections from ${ip}, ${count} are allowed`)
    this.ip = ip
    this.count = count
  }
}

/** Connections by address. */
export class ConnectionQuotas {
  readonly #defaultMax: number
  readonly #maxPerIpOverrides: ReadonlyMap<string, number>
  readonly #counts = new Map<string, number>()

  /**
   * @param defaultMax - connections for each address
   * @param overrides - other limits, by address
   */
  constructor(defaultMax: number, overrides: ReadonlyMap<string, number> = new Map()) {
    this.#defaultMax = defaultMax
    this.#maxPerIpOverrides = overrides
  }

  /**
   * Counts a connection, then looks whether that was one too many.
   *
   * @throws TooManyConnectionsException when it was; close the connection, and `dec`
   */
  inc(address: string): void {
    const count = this.get(address) + 1
    this.#counts.set(address, count)
    const max = this.#maxPerIpOverrides.get(address) ?? this.#defaultMax
    if (count > max) throw new TooManyConnectionsException(address, max)
  }

  /** Takes a connection off. @throws IllegalArgumentException when none was counted */
  dec(address: string): void {
    const count = this.get(address)
    if (count === 0) {
      throw new IllegalArgumentException(`no connection was counted for ${address}`)
    }
    if (count === 1) this.#counts.delete(address)
    else this.#counts.set(address, count - 1)
  }

  /** @returns the open connections of an address */
  get(address: string): number {
    return this.#counts.get(address) ?? 0
  }
}
