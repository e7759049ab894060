/**
 * # ApiVersion
 *
 * The releases of Kafka that changed a protocol or a format, in order. Two settings are
 * such versions: `inter.broker.protocol.version` (what brokers say to each other) and
 * `message.format.version` (how a topic's batches lie on disk).
 *
 *     0.8 … 0.9   batches of magic 0
 *     0.10.x      magic 1: a timestamp in every message
 *     0.11 … 1.1  magic 2: producers, epochs, headers
 *
 * @kafka core/src/main/scala/kafka/api/ApiVersion.scala#ApiVersion
 * @differs one table in place of one object a version.
 * @module
 */
import { IllegalArgumentException } from '../base/errors.ts'

/**
 * Every name that a setting may use, oldest first, with the magic of its batches. A name
 * that stands for another (`0.10.0` is `0.10.0-IV1`) follows it and shares its id.
 */
const versionNames: readonly (readonly [name: string, id: number, magic: 0 | 1 | 2])[] =
  [
    ['0.8.0', 0, 0],
    ['0.8.1', 1, 0],
    ['0.8.2', 2, 0],
    ['0.9.0', 3, 0],
    ['0.10.0-IV0', 4, 1],
    ['0.10.0-IV1', 5, 1],
    ['0.10.0', 5, 1],
    ['0.10.1-IV0', 6, 1],
    ['0.10.1-IV1', 7, 1],
    ['0.10.1-IV2', 8, 1],
    ['0.10.1', 8, 1],
    ['0.10.2-IV0', 9, 1],
    ['0.10.2', 9, 1],
    ['0.11.0-IV0', 10, 2],
    ['0.11.0-IV1', 11, 2],
    ['0.11.0-IV2', 12, 2],
    ['0.11.0', 12, 2],
    ['1.0-IV0', 13, 2],
    ['1.0', 13, 2],
    ['1.1-IV0', 14, 2],
    ['1.1', 14, 2],
  ]

/**
 * One version, comparable by its `id`.
 *
 * @kafka core/src/main/scala/kafka/api/ApiVersion.scala#ApiVersion
 */
export class ApiVersion {
  /** The full name, such as `0.10.0-IV1`. */
  readonly version: string

  /** Place in the order of versions: 0 is 0.8.0, 14 is 1.1-IV0. */
  readonly id: number

  /** Magic of the batches that a topic of this format holds: 0, 1 or 2. */
  readonly messageFormatVersion: 0 | 1 | 2

  private constructor(version: string, id: number, magic: 0 | 1 | 2) {
    this.version = version
    this.id = id
    this.messageFormatVersion = magic
  }

  /**
   * Finds a version by name. Only the first segments count, three for `0.x.y` and two
   * later: `0.10.2.1` and `1.1.1` are understood.
   *
   * @param name as written in a configuration
   * @throws IllegalArgumentException for a name that 1.1 does not know
   */
  static forName(name: string): ApiVersion {
    // Drop the bug-fix number.
    const segments = name.startsWith('0.') ? 3 : 2
    const key = name.split('.').slice(0, segments).join('.')

    // Name the version by the entry that introduced its id.
    const found = versionNames.find(([candidate]) => candidate === key)
    if (found === undefined) {
      throw new IllegalArgumentException(`version \`${name}\` is not a valid version`)
    }
    const [, id, magic] = found
    const first = versionNames.find(([, otherId]) => otherId === id)
    return new ApiVersion(first?.[0] ?? key, id, magic)
  }

  /** The version that this broker speaks: 1.1-IV0. */
  static get latestVersion(): ApiVersion {
    return ApiVersion.forName('1.1')
  }

  /** Says whether this version is the same as `other` or newer. */
  isAtLeast(other: ApiVersion | string): boolean {
    const otherVersion = typeof other === 'string' ? ApiVersion.forName(other) : other
    return this.id >= otherVersion.id
  }

  /** The full name. */
  toString(): string {
    return this.version
  }
}
