/**
 * # PartitionsAndLeaderEpochs
 *
 * A set of partitions of `__transaction_state`, each with the epoch of the leader that it
 * is about: a partition may leave in one epoch while it comes back in the next.
 *
 * @kafka core/src/main/scala/kafka/coordinator/transaction/TransactionStateManager.scala#TransactionPartitionAndLeaderEpoch
 * @module
 */

/** Partitions in epochs. */
export class PartitionsAndLeaderEpochs {
  readonly #epochs = new Map<number, Set<number>>()

  /** Takes a partition in. */
  add(partitionId: number, leaderEpoch: number): void {
    const epochs = this.#epochs.get(partitionId) ?? new Set()
    this.#epochs.set(partitionId, epochs.add(leaderEpoch))
  }

  /** Whether the partition is in, in that epoch. */
  has(partitionId: number, leaderEpoch: number): boolean {
    return this.#epochs.get(partitionId)?.has(leaderEpoch) ?? false
  }

  /** Whether the partition is in, in any epoch. */
  hasPartition(partitionId: number): boolean {
    return this.#epochs.has(partitionId)
  }

  /** Takes a partition out, in that epoch. */
  delete(partitionId: number, leaderEpoch: number): void {
    const epochs = this.#epochs.get(partitionId)
    epochs?.delete(leaderEpoch)
    if (epochs?.size === 0) this.#epochs.delete(partitionId)
  }

  /** Takes a partition out, in all epochs. */
  deletePartition(partitionId: number): void {
    this.#epochs.delete(partitionId)
  }

  /** Takes everything out. */
  clear(): void {
    this.#epochs.clear()
  }
}
