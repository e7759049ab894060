/**
 * # HostError
 *
 * What the operating system would say, such as `ENOENT` or `ECONNREFUSED`. Node's own
 * errors have the same `code`, so a caller need not know on which platform it runs.
 *
 * @module
 */

/** A failure with the code of the system call. */
export class HostError extends Error {
  /** `ENOENT`, `ENOSPC`, `ETIMEDOUT` … */
  readonly code: string

  /** @param what - the operation and what it was applied to */
  constructor(code: string, what: string) {
    super(`${code}: ${what}`)
    this.name = 'HostError'
    this.code = code
  }
}

/** @returns the code of an error of the host, `undefined` when it has none */
export function hostErrorCode(error: unknown): string | undefined {
  const code = (error as { code?: unknown } | null | undefined)?.code
  return typeof code === 'string' ? code : undefined
}
