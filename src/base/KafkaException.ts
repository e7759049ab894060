/**
 * # KafkaException
 *
 * The root of all exceptions, and the value that stands for one on the wire. Both live
 * below the table in `errors.ts`, which ties each code to a class.
 *
 * @kafka clients/src/main/java/org/apache/kafka/common/KafkaException.java#KafkaException
 * @module
 */

/** One row of the error table: what a response carries, as a value. */
export interface WireError {
  /** Kafka's name, such as `NOT_LEADER_FOR_PARTITION`. */
  readonly name: string

  /** The int16 on the wire; 0 is success, -1 unknown. */
  readonly code: number

  /** Whether the same request may succeed later, or elsewhere. */
  readonly retriable: boolean

  /** What went wrong, in lower case without a full stop. */
  readonly message: string

  /** Makes the exception of this error; a plain {@link KafkaException} for NONE. */
  exception(message?: string): KafkaException
}

/** What every exception of this project can be given. */
export interface KafkaExceptionOptions {
  /** What led to it; kept as `Error.cause`. */
  readonly cause?: unknown
}

/** Any class of exceptions below {@link KafkaException}, itself included. */
export type KafkaExceptionClass = new (
  message?: string,
  options?: KafkaExceptionOptions,
) => KafkaException

/** Rows by the class that stands for them; filled once by the table in `errors.ts`. */
const rows = new Map<unknown, WireError>()

/**
 * Ties an exception class to its row of the error table.
 *
 * @param exceptionClass - the class, which from then on answers `row` as its error
 * @param row - its code, flag and message
 */
export function tie(exceptionClass: KafkaExceptionClass, row: WireError): void {
  rows.set(exceptionClass, row)
}

/**
 * Finds the row of a class, or of its nearest ancestor that has one.
 *
 * @param exceptionClass - constructor to start from
 * @returns `undefined` when no ancestor has a code, and for the bare KafkaException
 */
export function rowOf(exceptionClass: unknown): WireError | undefined {
  for (let c = exceptionClass; typeof c === 'function'; c = Object.getPrototypeOf(c)) {
    const row = rows.get(c)
    if (row !== undefined) return row
  }
  return undefined
}

/**
 * An exception that a caller in this process meets. Its message, when none is given, is
 * the one the table has for its code.
 *
 * @kafka clients/src/main/java/org/apache/kafka/common/KafkaException.java#KafkaException
 */
export class KafkaException extends Error {
  constructor(message?: string, options?: KafkaExceptionOptions) {
    super(message ?? rowOf(new.target)?.message ?? new.target.name, options)
    this.name = new.target.name
  }

  /** The wire error a broker answers when this exception ends a request. */
  get error(): WireError {
    return rowOf(this.constructor) ?? unknownServerError
  }
}

/** What an exception without a code answers. */
export const unknownServerError: WireError = {
  name: 'UNKNOWN_SERVER_ERROR',
  code: -1,
  retriable: false,
  message: 'the broker failed in a way that no error code describes',
  exception: (text) => new KafkaException(text ?? unknownServerError.message),
}
