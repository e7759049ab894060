/**
 * # SeededRandom
 *
 * Chance that can be repeated: the same seed gives the same numbers. The generator is
 * sfc32 (three words of state and a counter), good enough for tests, not for secrets.
 *
 * @module
 */
import type { Random } from '../Platform.ts'

/** A repeatable sequence. */
export class SeededRandom implements Random {
  /** What to print beside a failure, so that it can be repeated. */
  readonly seed: number
  #a = 0
  #b = 0
  #c: number
  #counter = 1

  constructor(seed: number) {
    this.seed = seed
    this.#c = seed | 0

    // Let the seed reach every word before the first number is given out.
    for (let i = 0; i < 12; i++) this.#nextUint32()
  }

  next(): number {
    return this.#nextUint32() / 0x100000000
  }

  nextInt(bound: number): number {
    return Math.floor(this.next() * bound)
  }

  bytes(n: number): Buffer {
    const bytes = Buffer.alloc(n)
    for (let i = 0; i < n; i++) bytes[i] = this.#nextUint32() & 0xff
    return bytes
  }

  uuid(): string {
    const bytes = this.bytes(16)
    bytes[6] = (bytes[6]! & 0x0f) | 0x40
    bytes[8] = (bytes[8]! & 0x3f) | 0x80
    const hex = bytes.toString('hex')
    return hex.replace(/^(.{8})(.{4})(.{4})(.{4})(.{12})$/, '$1-$2-$3-$4-$5')
  }

  #nextUint32(): number {
    const sum = (this.#a + this.#b + this.#counter) | 0
    this.#counter = (this.#counter + 1) | 0
    this.#a = this.#b ^ (this.#b >>> 9)
    this.#b = (this.#c + (this.#c << 3)) | 0
    this.#c = (((this.#c << 21) | (this.#c >>> 11)) + sum) | 0
    return sum >>> 0
  }
}
