/**
 * # Deleting groups
 *
 * A group without members can be deleted on request, with all that it has committed.
 *
 * @kafka core/src/main/scala/kafka/coordinator/group/GroupCoordinator.scala#GroupCoordinator.handleDeleteGroups
 * @module
 */
import { Errors, type WireError } from '../../base/errors.ts'
import type { GroupMetadata } from './GroupMetadata.ts'
import type { GroupMetadataManager } from './GroupMetadataManager.ts'

/**
 * Deletes those groups that can be deleted.
 *
 * @param validateGroup why a group is not answered for here at all.
 * @returns one error a group.
 */
export function deleteGroups(
  groupManager: GroupMetadataManager,
  groupIds: Iterable<string>,
  validateGroup: (groupId: string) => WireError | undefined,
): Map<string, WireError> {
  const errors = new Map<string, WireError>()
  const eligible: GroupMetadata[] = []
  for (const groupId of groupIds) {
    const group = groupManager.getGroup(groupId)
    const error = validateGroup(groupId) ?? refusal(groupManager, groupId, group)
    errors.set(groupId, error ?? Errors.NONE)
    if (error || !group) continue
    group.transitionTo('Dead')
    eligible.push(group)
  }

  // Bury them with all their offsets, however young.
  groupManager.cleanupGroupMetadata(eligible, (group) =>
    group.offsets.removeOffsets([...group.offsets.allOffsets.keys()]),
  )
  return errors
}

function refusal(
  groupManager: GroupMetadataManager,
  groupId: string,
  group: GroupMetadata | undefined,
): WireError | undefined {
  if (group && !group.is('Dead')) {
    return group.is('Empty') ? undefined : Errors.NON_EMPTY_GROUP
  }
  const isOurs = groupManager.groupNotExists(groupId)
  return isOurs ? Errors.GROUP_ID_NOT_FOUND : Errors.NOT_COORDINATOR
}
