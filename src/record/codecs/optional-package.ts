/**
 * # Optional packages
 *
 * Snappy and LZ4 come from native packages that need not be installed. They are looked
 * up when the first batch of that codec arrives, once, and synchronously, because a
 * batch is checked and appended without an await.
 *
 * @module
 */

import { createRequire } from 'node:module'
import { KafkaException } from '../../base/errors.ts'

const require = createRequire(import.meta.url)

/**
 * Wraps a package in a function that loads it on its first call.
 *
 * @param codec - name of the codec, for the message
 * @param packageName - what to install
 * @returns the function; it throws KafkaException, with the name of the package, each
 *   time that the package is not there
 */
export function optionalPackage<T>(codec: string, packageName: string): () => T {
  let loaded: T | undefined
  return () => {
    if (loaded !== undefined) return loaded
    try {
      loaded = require(packageName) as T
      return loaded
    } catch (cause) {
      throw new KafkaException(
        `${codec} batches need the package '${packageName}', which cannot be loaded`,
        { cause },
      )
    }
  }
}
