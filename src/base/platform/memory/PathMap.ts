/**
 * # PathMap
 *
 * A map by path that also knows what lies in a directory, so that listing one of ten
 * thousand does not look at all the others.
 *
 * @module
 */

/** Values by normalized path, with `/` between names. */
export class PathMap<V> extends Map<string, V> {
  /** By directory, with the slash at its end: the names in it, in order of arrival. */
  readonly #names = new Map<string, Set<string>>()

  override set(path: string, value: V): this {
    const [directory, name] = split(path)
    const names = this.#names.get(directory)
    if (names === undefined) this.#names.set(directory, new Set([name]))
    else names.add(name)
    return super.set(path, value)
  }

  override delete(path: string): boolean {
    const [directory, name] = split(path)
    const names = this.#names.get(directory)
    names?.delete(name)
    if (names?.size === 0) this.#names.delete(directory)
    return super.delete(path)
  }

  /** The names in a directory. @param directory with the slash at its end */
  namesIn(directory: string): readonly string[] {
    return [...(this.#names.get(directory) ?? [])]
  }

  /** All that lies in a directory and below. @param directory with the slash at its end */
  below(directory: string): [string, V][] {
    return this.namesIn(directory).flatMap((name) => {
      const path = `${directory}${name}`
      return [[path, this.get(path) as V], ...this.below(`${path}/`)]
    })
  }
}

/** The directory, with its slash, and the name in it. */
function split(path: string): [directory: string, name: string] {
  const at = path.lastIndexOf('/') + 1
  return [path.slice(0, at), path.slice(at)]
}
