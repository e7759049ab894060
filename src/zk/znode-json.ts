/**
 * # znode-json
 *
 * Reads the JSON that znodes hold. Readers look fields up by name and ignore those they do
 * not know, so an older broker can read what a newer one wrote. Whatever is missing or of
 * the wrong type ends in one error that names the path, the field and what was expected:
 * a malformed znode is found by an operator, who needs to know which one.
 *
 *     new ZNodeJson('/controller', data).int('brokerid')
 *
 * Left out: streaming and schemas. Payloads are small, and read a few times a second.
 *
 * @kafka core/src/main/scala/kafka/utils/Json.scala#Json
 * @module
 */

import { KafkaException } from '../base/errors.ts'

/** A JSON object as `JSON.parse` returns it. */
export type JsonFields = Readonly<Record<string, unknown>>

/**
 * Turns a value into the bytes of a znode: JSON without spaces, in UTF-8.
 *
 * @param value - what `JSON.stringify` accepts
 * @returns the bytes
 * @kafka core/src/main/scala/kafka/utils/Json.scala#Json.encodeAsBytes
 */
export function encodeJson(value: unknown): Buffer {
  return Buffer.from(JSON.stringify(value), 'utf8')
}

/**
 * Reports that a znode does not hold what its readers expect.
 *
 * @param path - the znode
 * @param problem - what is wrong with it
 * @param cause - the error that showed it
 */
export function malformed(
  path: string,
  problem: string,
  cause?: unknown,
): KafkaException {
  return new KafkaException(`malformed znode ${path}: ${problem}`, { cause })
}

/** The fields of one JSON object in a znode, read by name and checked for their type. */
export class ZNodeJson {
  readonly #path: string
  readonly #fields: JsonFields

  /**
   * Parses the payload of a znode.
   *
   * @param path - the znode, for error messages
   * @param data - its bytes
   * @throws KafkaException when they are not one JSON object
   */
  constructor(path: string, data: Buffer | string) {
    this.#path = path
    this.#fields = parseObject(path, data)
  }

  /** A required whole number. */
  int(field: string): number {
    const value = this.#fields[field]
    if (!Number.isSafeInteger(value)) throw this.#wrong(field, 'an integer')
    return value as number
  }

  /** A whole number written as a string, or as a number. */
  intText(field: string): number {
    const value = this.#fields[field]
    const number = typeof value === 'string' && value !== '' ? Number(value) : value
    if (!Number.isSafeInteger(number)) {
      throw this.#wrong(field, 'an integer in quotes')
    }
    return number as number
  }

  /** A required string. */
  string(field: string): string {
    const value = this.#fields[field]
    if (typeof value !== 'string') throw this.#wrong(field, 'a string')
    return value
  }

  /** A string, or `undefined` where the field is absent or null. */
  optionalString(field: string): string | undefined {
    const value = this.#fields[field]
    return value === undefined || value === null ? undefined : this.string(field)
  }

  /** A required list of strings. */
  strings(field: string): string[] {
    const value = this.#fields[field]
    if (!Array.isArray(value) || !value.every((x) => typeof x === 'string')) {
      throw this.#wrong(field, 'a list of strings')
    }
    return value as string[]
  }

  /** A required list of whole numbers. */
  ints(field: string): number[] {
    const value = this.#fields[field]
    if (!Array.isArray(value) || !value.every((x) => Number.isSafeInteger(x))) {
      throw this.#wrong(field, 'a list of integers')
    }
    return value as number[]
  }

  /** Whether the field is there at all. */
  has(field: string): boolean {
    return this.#fields[field] !== undefined
  }

  /** A required object, as name and value pairs. */
  entries(field: string): [string, unknown][] {
    const value = this.#fields[field]
    if (!isObject(value)) throw this.#wrong(field, 'an object')
    return Object.entries(value)
  }

  /** A required list of objects, each read like this one. */
  objects(field: string): ZNodeJson[] {
    const value = this.#fields[field]
    if (!Array.isArray(value)) throw this.#wrong(field, 'a list of objects')
    return value.map((x) => new ZNodeJson(this.#path, JSON.stringify(x)))
  }

  /** A required object whose values are strings, as a map. */
  stringMap(field: string): Map<string, string> {
    const map = new Map<string, string>()
    for (const [name, value] of this.entries(field)) {
      if (typeof value !== 'string') throw this.#wrong(field, 'an object of strings')
      map.set(name, value)
    }
    return map
  }

  #wrong(field: string, expected: string): KafkaException {
    const found = JSON.stringify(this.#fields[field]) ?? 'nothing'
    return malformed(this.#path, `field ${field} must be ${expected}, is ${found}`)
  }
}

function isObject(value: unknown): value is JsonFields {
  return typeof value === 'object' && value !== null && !Array.isArray(value)
}

function parseObject(path: string, data: Buffer | string): JsonFields {
  // Parse the text.
  let value: unknown
  try {
    value = JSON.parse(data.toString())
  } catch (e) {
    throw malformed(path, 'not JSON', e)
  }

  // Refuse lists and bare values.
  if (!isObject(value)) throw malformed(path, 'not a JSON object')
  return value
}
