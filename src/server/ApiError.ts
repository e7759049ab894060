/**
 * # ApiError
 *
 * A wire error with a sentence about this very case: what the admin APIs answer for each
 * topic or resource.
 *
 * @kafka clients/src/main/java/org/apache/kafka/common/requests/ApiError.java#ApiError
 * @module
 */
import { Errors, type WireError } from '../base/errors.ts'

/** An error, and what it was about. */
export class ApiError {
  /** Success. */
  static readonly NONE = new ApiError(Errors.NONE)

  readonly error: WireError
  /** Null when there is nothing to add to what the error always means. */
  readonly message: string | null

  constructor(error: WireError, message: string | null = null) {
    this.error = error
    this.message = message
  }

  /** Turns what was thrown into what is answered. */
  static fromThrowable(thrown: unknown): ApiError {
    const error = Errors.forException(thrown)
    const message = thrown instanceof Error ? thrown.message : String(thrown)
    return new ApiError(error, message === error.message ? null : message)
  }

  /** The two fields of a response. */
  get fields(): { readonly errorCode: number; readonly errorMessage: string | null } {
    return { errorCode: this.error.code, errorMessage: this.message }
  }

  get isSuccess(): boolean {
    return this.error === Errors.NONE
  }
}
