/**
 * # Ids in base64
 *
 * The id of a cluster: sixteen random bytes, written with letters that an address may hold.
 *
 * @kafka core/src/main/scala/kafka/utils/CoreUtils.scala#CoreUtils.generateUuidAsBase64
 * @module
 */
import type { Random } from './platform/Platform.ts'

/**
 * Sixteen random bytes in the base64 of addresses, without padding. The alphabet is put in
 * by hand, since the `Buffer` of a browser's tab does not know that one.
 *
 * @returns 22 letters
 * @kafka core/src/main/scala/kafka/utils/CoreUtils.scala#CoreUtils.generateUuidAsBase64
 */
export function generateUuidAsBase64(random: Random): string {
  const text = random.bytes(16).toString('base64')
  return text.replaceAll('+', '-').replaceAll('/', '_').replaceAll('=', '')
}
