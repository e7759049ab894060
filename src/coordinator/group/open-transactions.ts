/**
 * # Open transactions
 *
 * Which groups a producer has committed for in a transaction that is still open: its
 * marker, when it comes, names the producer only.
 *
 * @kafka core/src/main/scala/kafka/coordinator/group/GroupMetadataManager.scala#GroupMetadataManager
 * @module
 */

/** Producer id → groups that wait for its marker. */
export class OpenTransactions {
  readonly #openGroupsForProducer = new Map<bigint, Set<string>>()

  /** Notes that a producer commits for a group. */
  addProducerGroup(producerId: bigint, groupId: string): void {
    const groups = this.#openGroupsForProducer.get(producerId) ?? new Set()
    this.#openGroupsForProducer.set(producerId, groups.add(groupId))
  }

  /** Forgets it. */
  removeProducerGroup(producerId: bigint, groupId: string): void {
    const groups = this.#openGroupsForProducer.get(producerId)
    groups?.delete(groupId)
    if (groups?.size === 0) this.#openGroupsForProducer.delete(producerId)
  }

  /** Forgets a group that is coordinated elsewhere. */
  removeGroupFromAllProducers(groupId: string): void {
    for (const producerId of [...this.#openGroupsForProducer.keys()]) {
      this.removeProducerGroup(producerId, groupId)
    }
  }

  /** The groups that wait for a producer's marker. */
  groupsOf(producerId: bigint): string[] {
    return [...(this.#openGroupsForProducer.get(producerId) ?? [])]
  }
}
