/**
 * # Names of files in a data directory
 *
 * `log.<zxid>` and `snapshot.<zxid>`, with the number in hex without leading zeros, all
 * in the directory `version-2`.
 *
 * @kafka none: org/apache/zookeeper/server/persistence/Util.java
 * @module
 */
import type { Storage } from '../../../base/platform/Platform.ts'

/** The directory below the data directory; named after the format's version. */
export const VERSION_DIRECTORY = 'version-2'

/** What a file holds. */
export type FileKind = 'log' | 'snapshot'

/** A file and the number in its name. */
export interface NumberedFile {
  readonly name: string
  readonly zxid: bigint
}

/** @returns the name of a file */
export function fileName(kind: FileKind, zxid: bigint): string {
  return `${kind}.${BigInt.asUintN(64, zxid).toString(16)}`
}

/** @returns the files of a kind, in ascending order of their numbers */
export function filesOf(
  storage: Storage,
  directory: string,
  kind: FileKind,
): NumberedFile[] {
  const files = storage.readdir(directory).flatMap((name) => {
    const [, hex] = new RegExp(`^${kind}\\.([0-9a-f]{1,16})$`).exec(name) ?? []
    return hex === undefined ? [] : [{ name, zxid: BigInt(`0x${hex}`) }]
  })
  return files.sort((a, b) => (a.zxid < b.zxid ? -1 : 1))
}
