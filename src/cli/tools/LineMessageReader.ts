/**
 * # LineMessageReader
 *
 * Makes a record of each line that the console producer reads: the line is the value, or,
 * with `parse.key`, what stands before a separator is the key.
 *
 * @kafka core/src/main/scala/kafka/tools/ConsoleProducer.scala#LineMessageReader
 * @module
 */
import { KafkaException } from '../../base/errors.ts'
import { logger } from '../../base/logger.ts'

const log = logger('LineMessageReader')

/** A record to be sent. */
export interface ConsoleMessage {
  readonly key: Buffer | null
  readonly value: Buffer
}

/** Reads records from lines. */
export class LineMessageReader {
  readonly #parseKey: boolean
  readonly #keySeparator: string
  readonly #ignoreError: boolean
  #lineNumber = 0

  /**
   * @param properties - `parse.key`, `key.separator`, `ignore.error`
   */
  constructor(properties: Readonly<Record<string, string>>) {
    for (const name of Object.keys(properties)) {
      if (!['parse.key', 'key.separator', 'ignore.error'].includes(name)) {
        log.warn(`${name} is not used, only parse.key, key.separator and ignore.error`)
      }
    }
    const flag = (name: string) => properties[name]?.trim().toLowerCase() === 'true'
    this.#parseKey = flag('parse.key')
    this.#keySeparator = properties['key.separator'] ?? '\t'
    this.#ignoreError = flag('ignore.error')
  }

  /**
   * Makes a record of a line.
   *
   * @param line - without its end
   * @throws KafkaException when a key is expected and there is none
   * @kafka core/src/main/scala/kafka/tools/ConsoleProducer.scala#readMessage
   */
  readMessage(line: string): ConsoleMessage {
    this.#lineNumber++
    const at = this.#parseKey ? line.indexOf(this.#keySeparator) : -1
    if (at >= 0) {
      const value = Buffer.from(line.slice(at + this.#keySeparator.length))
      return { key: Buffer.from(line.slice(0, at)), value }
    }
    if (this.#parseKey && !this.#ignoreError) {
      throw new KafkaException(`line ${this.#lineNumber} has no key: ${line}`)
    }
    return { key: null, value: Buffer.from(line) }
  }
}
