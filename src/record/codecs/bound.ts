/**
 * # The bound on decompression
 *
 * A few kilobytes can unpack to gigabytes. Every codec of this folder is told how many
 * bytes it may give, refuses with {@link tooLarge} before it allocates more, and
 * reports bytes that do not unpack at all with {@link corrupt}.
 *
 * @module
 */

import { InvalidRecordException } from '../../base/errors.ts'

/**
 * Bytes that one batch may unpack to unless the caller says otherwise: 128 MiB.
 *
 * @differs Kafka streams and sets no limit; here a batch is unpacked in one piece.
 */
export const DEFAULT_MAX_DECOMPRESSED_BYTES = 128 * 1024 * 1024

/**
 * Makes the exception for a batch that unpacks to more than the caller allows.
 *
 * @param codec - name of the codec
 * @param maxBytes - the limit that it breaks
 */
export function tooLarge(codec: string, maxBytes: number): InvalidRecordException {
  return new InvalidRecordException(
    `${codec} data decompresses to more than the ${maxBytes} bytes allowed`,
  )
}

/**
 * Makes the exception for bytes that the codec cannot read.
 *
 * @param codec - name of the codec
 * @param reason - what is wrong with them
 * @param cause - the codec's own error
 */
export function corrupt(
  codec: string,
  reason: string,
  cause?: unknown,
): InvalidRecordException {
  return new InvalidRecordException(`corrupt ${codec} data: ${reason}`, { cause })
}
