/**
 * Reads flags of the form `name=value` that may be given more than once.
 *
 * @module
 */

/** @returns values by name; the last one of a name counts */
export function keyValues(texts: readonly string[]): Record<string, string> {
  return Object.fromEntries(
    texts.map((text) => {
      const at = text.indexOf('=')
      return [text.slice(0, at), text.slice(at + 1)]
    }),
  )
}
