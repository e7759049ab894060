/**
 * # Every export says what it is
 *
 * A page of the source has a heading for each symbol, and under it what its doc comment
 * says. An export without one would be a heading over nothing, so the weave refuses it.
 *
 * @module
 */
import type { SourceIndex } from './source-index.ts'

/** Exports without a doc comment; of overloads one must have it. Empty when all is well. */
export function undocumentedExports(index: SourceIndex): string[] {
  return index.files.flatMap(({ file, symbols }) => {
    const documented = new Set(
      symbols.filter(({ doc }) => doc !== '').map(({ id }) => id),
    )
    return symbols
      .filter(({ id, isExported }) => isExported && !documented.has(id))
      .map(({ id, from }) => `src/${file}:${from}: ${id} is exported without a comment`)
  })
}
