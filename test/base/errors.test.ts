import { describe, expect, it } from 'vitest'
import {
  ControllerMovedException,
  Errors,
  InvalidRecordException,
  KafkaException,
  KafkaStorageException,
  NotLeaderForPartitionException,
  SchemaException,
  UnknownProducerIdException,
} from '../../src/base/errors.ts'

const rows = Object.values(Errors).filter((row) => typeof row === 'object')

describe('Errors', () => {
  it('holds the 73 codes of 1.1.1, each found by its number', () => {
    expect(rows.map((row) => row.code)).toEqual([...Array(73).keys()].map((n) => n - 1))
    for (const row of rows) expect(Errors.forCode(row.code)).toBe(row)
  })

  it('forCode() answers UNKNOWN_SERVER_ERROR for a code that 1.1.1 does not know', () => {
    expect(Errors.forCode(79)).toBe(Errors.UNKNOWN_SERVER_ERROR)
  })

  it('calls exactly these errors retriable', () => {
    const retriable = rows.filter((row) => row.retriable).map((row) => row.code)
    expect(retriable).toEqual([2, 3, 5, 6, 7, 13, 14, 15, 16, 19, 20, 41, 56, 70, 71])
  })

  it('exception() makes an exception that finds its way back to the row', () => {
    for (const row of rows.filter((r) => r.code !== 0)) {
      expect(row.exception().error).toBe(row)
      expect(row.exception().message).toBe(row.message)
      expect(row.exception('why').message).toBe('why')
    }
  })

  it('forException() walks up to the nearest ancestor that has a code', () => {
    expect(Errors.forException(new InvalidRecordException())).toBe(
      Errors.CORRUPT_MESSAGE,
    )
    expect(Errors.forException(new UnknownProducerIdException())).toBe(
      Errors.UNKNOWN_PRODUCER_ID,
    )
    for (const e of [new SchemaException(), new KafkaException(), new Error(), 'text'])
      expect(Errors.forException(e)).toBe(Errors.UNKNOWN_SERVER_ERROR)
  })

  it('names each exception after its class and keeps the cause', () => {
    const cause = new Error('disk')
    const e = new KafkaStorageException('append failed', { cause })
    expect([e.name, e.message, e.cause]).toEqual([
      'KafkaStorageException',
      'append failed',
      cause,
    ])
    expect(new NotLeaderForPartitionException().name).toBe(
      'NotLeaderForPartitionException',
    )
    expect(new ControllerMovedException().error.name).toBe('STALE_CONTROLLER_EPOCH')
  })
})
