/**
 * # BrokerMetadataCheckpoint
 *
 * `meta.properties` in each log directory: whose logs these are. A broker that finds
 * another id there than its own refuses to start.
 *
 *     #
 *     version=0
 *     broker.id=1
 *
 * @kafka core/src/main/scala/kafka/server/BrokerMetadataCheckpoint.scala#BrokerMetadataCheckpoint
 * @differs the comment that Java adds with the date of writing is left out.
 * @module
 */
import { IOException } from '../base/errors.ts'
import { logger } from '../base/logger.ts'
import type { Storage } from '../base/platform/Platform.ts'

/**
 * Who a log directory belongs to.
 *
 * @kafka core/src/main/scala/kafka/server/BrokerMetadataCheckpoint.scala#BrokerMetadata
 */
export interface BrokerMetadata {
  /** The broker's id, 0 or more. */
  readonly brokerId: number
}

/**
 * Reads and replaces one `meta.properties`.
 *
 * @kafka core/src/main/scala/kafka/server/BrokerMetadataCheckpoint.scala#BrokerMetadataCheckpoint
 */
export class BrokerMetadataCheckpoint {
  readonly #storage: Storage
  readonly #path: string
  readonly #log = logger('BrokerMetadataCheckpoint')

  /**
   * @param storage the disk
   * @param path absolute path of `meta.properties`
   */
  constructor(storage: Storage, path: string) {
    this.#storage = storage
    this.#path = path
  }

  /**
   * Replaces the file; when it returns, the content is on the disk.
   *
   * @throws the storage's error when the disk fails
   */
  write(metadata: BrokerMetadata): void {
    const lines = ['#', 'version=0', `broker.id=${metadata.brokerId}`, '']
    this.#storage.writeFileAtomic(this.#path, lines.join('\n'))
  }

  /**
   * Reads the file.
   *
   * @returns `undefined` when the directory has none yet
   * @throws IOException when the version is unknown or the id is missing or malformed
   */
  read(): BrokerMetadata | undefined {
    // Clear away what a crash while writing may have left.
    const temporary = `${this.#path}.tmp`
    if (this.#storage.exists(temporary)) this.#storage.unlink(temporary)

    // A directory that no broker has used has no such file.
    if (!this.#storage.exists(this.#path)) {
      this.#log.info(`no meta.properties file under dir ${this.#path}`)
      return undefined
    }

    // Read the two settings; anything else in the file is left alone.
    const text = this.#storage.readFile(this.#path).toString('utf8')
    const properties = parseProperties(text)
    const version = this.#wholeNumber(properties, 'version')
    if (version !== 0) {
      throw new IOException(`unrecognized version of ${this.#path}: ${version}`)
    }
    return { brokerId: this.#wholeNumber(properties, 'broker.id') }
  }

  #wholeNumber(properties: ReadonlyMap<string, string>, key: string): number {
    const value = properties.get(key)?.trim() ?? ''
    if (!/^\d{1,10}$/.test(value) || Number(value) > 0x7fffffff) {
      throw new IOException(
        `${this.#path}: ${key} is '${value}', expected a whole number of 0 or more`,
      )
    }
    return Number(value)
  }
}

/** Reads `key=value` and `key: value` lines; `#` and `!` begin comments. */
function parseProperties(text: string): ReadonlyMap<string, string> {
  const properties = new Map<string, string>()
  for (const line of text.split(/\r?\n/)) {
    const match = /^\s*([^#!\s=:][^\s=:]*)\s*[=:\s]\s*(.*)$/.exec(line)
    if (match?.[1] !== undefined) properties.set(match[1], match[2] ?? '')
  }
  return properties
}
