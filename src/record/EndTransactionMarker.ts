/**
 * # EndTransactionMarker
 *
 * The control record that ends a transaction on one partition. Its value keeps the
 * epoch of the coordinator, so that a deposed one cannot end what its successor began.
 *
 *     value: [version i16 = 0 | coordinatorEpoch i32]
 *
 * @kafka clients/src/main/java/org/apache/kafka/common/record/EndTransactionMarker.java#EndTransactionMarker
 * @module
 */

import { InvalidRecordException } from '../base/errors.ts'
import { ControlRecordType } from './ControlRecordType.ts'
import type { KafkaRecord } from './KafkaRecord.ts'

const CURRENT_END_TXN_MARKER_VERSION = 0
const VALUE_BYTES = 6

/** Commit or abort, and who says so. */
export class EndTransactionMarker {
  /** How the transaction ended. */
  readonly controlType: 'ABORT' | 'COMMIT'
  /** Epoch of the transaction coordinator; int32. */
  readonly coordinatorEpoch: number

  /**
   * @param controlType - how the transaction ended
   * @param coordinatorEpoch - epoch of the transaction coordinator
   */
  constructor(controlType: 'ABORT' | 'COMMIT', coordinatorEpoch: number) {
    this.controlType = controlType
    this.coordinatorEpoch = coordinatorEpoch
  }

  /** Writes the value of the control record. */
  serializeValue(): Buffer {
    const value = Buffer.alloc(VALUE_BYTES)
    value.writeInt16BE(CURRENT_END_TXN_MARKER_VERSION, 0)
    value.writeInt32BE(this.coordinatorEpoch, 2)
    return value
  }

  /**
   * Reads a marker.
   *
   * @param record - the record of a control batch
   * @throws InvalidRecordException when it is none
   */
  static deserialize(record: KafkaRecord): EndTransactionMarker {
    const type = ControlRecordType.parse(record.key)
    if (type === 'UNKNOWN') {
      throw new InvalidRecordException('a control record that ends no transaction')
    }
    if (record.value === null || record.value.length < VALUE_BYTES) {
      throw new InvalidRecordException('the value of an end marker is too short')
    }
    const version = record.value.readInt16BE(0)
    if (version < CURRENT_END_TXN_MARKER_VERSION) {
      throw new InvalidRecordException(`an end marker of version ${version}`)
    }
    return new EndTransactionMarker(type, record.value.readInt32BE(2))
  }
}
