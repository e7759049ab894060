/**
 * # Paths
 *
 * Paths are strings joined with `/` on every platform (Windows takes them too), so that
 * a checkpoint written on one can be read on another.
 *
 * @module
 */

/** Joins parts with `/`, without doubling it and without empty parts. */
export function join(...parts: readonly string[]): string {
  const joined = parts.filter((part) => part !== '').join('/')
  return joined.replace(/\/{2,}/g, '/')
}

/** @returns the last part of a path */
export function basename(path: string): string {
  const trimmed = trimEnd(path)
  return trimmed.slice(trimmed.lastIndexOf('/') + 1)
}

/** @returns all but the last part; `.` when there is only one */
export function dirname(path: string): string {
  const trimmed = trimEnd(path)
  const slash = trimmed.lastIndexOf('/')
  if (slash < 0) return '.'
  return slash === 0 ? '/' : trimmed.slice(0, slash)
}

function trimEnd(path: string): string {
  return path.length > 1 ? path.replace(/\/+$/, '') : path
}
