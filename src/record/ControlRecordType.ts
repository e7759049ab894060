/**
 * # ControlRecordType
 *
 * What the only record of a control batch marks: the end of a transaction.
 *
 *     key: [version i16 = 0 | type i16: 0 abort, 1 commit]
 *
 * Later versions may add bytes; readers look at the first four only.
 *
 * @kafka clients/src/main/java/org/apache/kafka/common/record/ControlRecordType.java#ControlRecordType
 * @module
 */

import { InvalidRecordException } from '../base/errors.ts'

/** What a marker says; UNKNOWN is a type that came after 1.1. */
export type ControlRecordType = 'ABORT' | 'COMMIT' | 'UNKNOWN'

const CURRENT_CONTROL_RECORD_KEY_VERSION = 0
const KEY_BYTES = 4

/** Reads and writes the key of a control record. */
export const ControlRecordType = {
  /**
   * Writes the key of a marker.
   *
   * @param type - what the marker says
   */
  recordKey(type: 'ABORT' | 'COMMIT'): Buffer {
    const key = Buffer.alloc(KEY_BYTES)
    key.writeInt16BE(CURRENT_CONTROL_RECORD_KEY_VERSION, 0)
    key.writeInt16BE(type === 'COMMIT' ? 1 : 0, 2)
    return key
  },

  /**
   * Reads the key of a marker.
   *
   * @param key - of a record in a control batch
   * @throws InvalidRecordException when null, too short or of a negative version
   */
  parse(key: Buffer | null): ControlRecordType {
    if (key === null || key.length < KEY_BYTES) {
      throw new InvalidRecordException('the key of a control record is too short')
    }
    const version = key.readInt16BE(0)
    if (version < 0) {
      throw new InvalidRecordException(`a control record of key version ${version}`)
    }
    const type = key.readInt16BE(2)
    return type === 0 ? 'ABORT' : type === 1 ? 'COMMIT' : 'UNKNOWN'
  },
}
