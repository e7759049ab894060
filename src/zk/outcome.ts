/**
 * # What became of a write
 *
 * Writes to ZooKeeper go out side by side, and one that fails must not hide the others: an
 * error becomes a value.
 *
 * @module
 */

/** Whatever was thrown, as an error. */
export function toError(e: unknown): Error {
  return e instanceof Error ? e : new Error(String(e))
}

/** Waits for some work. @returns `undefined` when it was done, else what went wrong */
export async function outcome(work: Promise<unknown>): Promise<Error | undefined> {
  try {
    await work
    return undefined
  } catch (e) {
    return toError(e)
  }
}
