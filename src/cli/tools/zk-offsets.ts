/**
 * # Offsets in ZooKeeper, out and in
 *
 * Writes the offsets of old consumers to a file and reads them back: one line each,
 *
 *     /consumers/billing/offsets/orders/0:1841
 *
 * @kafka core/src/main/scala/kafka/tools/ExportZkOffsets.scala#ExportZkOffsets
 * @kafka core/src/main/scala/kafka/tools/ImportZkOffsets.scala#ImportZkOffsets
 * @module
 */
import { IllegalArgumentException, IllegalStateException } from '../../base/errors.ts'
import { ZKGroupDirs, type ZkUtils } from '../../zk/ZkUtils.ts'

/**
 * Collects the offsets of some groups.
 *
 * @param groups - which; none: all
 * @returns the lines, sorted
 * @throws IllegalStateException (rejects) when a group is not there
 */
export async function exportZkOffsets(
  zkUtils: ZkUtils,
  groups: readonly string[],
): Promise<string[]> {
  const children = async (path: string) =>
    (await zkUtils.getChildrenParentMayNotExist(path)) ?? []
  const lines: string[] = []
  for (const group of groups.length > 0 ? groups : await children('/consumers')) {
    if (!(await zkUtils.pathExists(new ZKGroupDirs(group).consumerGroupDir))) {
      throw new IllegalStateException(`there is no group ${group} in ZooKeeper`)
    }
    const home = new ZKGroupDirs(group).consumerGroupOffsetsDir
    for (const topic of await children(home)) {
      for (const partition of await children(`${home}/${topic}`)) {
        const path = `${home}/${topic}/${partition}`
        const offset = await zkUtils.readDataMaybeNull(path)
        if (offset !== undefined) lines.push(`${path}:${offset}`)
      }
    }
  }
  return lines.sort()
}

/**
 * Writes offsets; those that are there are overwritten.
 *
 * @param text - lines as {@link exportZkOffsets} makes them
 * @returns how many were written
 * @throws IllegalArgumentException (rejects) for another line, before anything is written
 * @differs Kafka writes any path that stands in the file; here it must be an offset's
 */
export async function importZkOffsets(zkUtils: ZkUtils, text: string): Promise<number> {
  const offsets = text
    .split('\n')
    .map((line) => line.trim())
    .filter((line) => line !== '')
    .map((line) => {
      const match = /^(\/consumers\/[^/]+\/offsets\/[^/]+\/\d+):(\d+)$/.exec(line)
      if (match?.[1] && match[2]) return { path: match[1], offset: match[2] }
      throw new IllegalArgumentException(
        `${line}: expected /consumers/[group]/offsets/[topic]/[partition]:[offset]`,
      )
    })
  for (const { path, offset } of offsets) {
    await zkUtils.updatePersistentPath(path, offset)
  }
  return offsets.length
}
