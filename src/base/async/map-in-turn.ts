/**
 * # mapInTurn
 *
 * Does the same for many things, a few at a time. Ten thousand promises begun at once live
 * until the last of them is kept, and the garbage collector carries them all along; here
 * only as many live as are at work.
 *
 * @module
 */

/**
 * Calls `fn` for each item in their order, for at most `width` of them at a time.
 *
 * @param width - at least 1
 * @returns what each call gave, in the order of the items
 * @throws (rejects) what the first call that failed threw; no further one is begun
 */
export async function mapInTurn<T, R>(
  items: readonly T[],
  width: number,
  fn: (item: T) => Promise<R>,
): Promise<R[]> {
  // Each worker takes the next item until none is left.
  const results = new Array<R>(items.length)
  let next = 0
  const work = async (): Promise<void> => {
    while (next < items.length) {
      const at = next++
      try {
        results[at] = await fn(items[at] as T)
      } catch (error) {
        next = items.length
        throw error
      }
    }
  }
  await Promise.all(Array.from({ length: Math.min(width, items.length) }, work))
  return results
}
