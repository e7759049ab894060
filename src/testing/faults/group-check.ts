/**
 * # The check of a group
 *
 * Holds what a group of consumers got and committed, while its members came and went and
 * brokers died, against what a group is promised.
 *
 *     members ─ delivered ───────────────────┐
 *     log of the offsets ─ rebalanced, ──────┼─▶ GroupCheck ─▶ violations
 *                          committed, in order ┘
 *
 * - every record of the final log was delivered at least once;
 * - a committed offset is never past the end of the log;
 * - from commit to commit of one generation a partition's offset never goes back.
 *
 * @module
 */
import type { Placed } from './history-check.ts'

/** How many records are named; the rest is counted. */
const NAMED = 3

/** Collects facts about one group. */
export class GroupCheck {
  readonly #delivered = new Map<string, Map<number, string>>()
  readonly #committed = new Map<string, { offset: number; generation: number }>()
  readonly #highest = new Map<string, number>()
  readonly #violations: string[] = []
  #generation = -1
  #commits = 0
  #rebalances = 0

  /** Different records that members got. */
  get deliveredCount(): number {
    return [...this.#delivered.values()].reduce((sum, { size }) => sum + size, 0)
  }

  /** Commits in the log of the offsets, a partition each. */
  get commitCount(): number {
    return this.#commits
  }

  /** Generations that the log of the offsets names. */
  get rebalanceCount(): number {
    return this.#rebalances
  }

  /** A member got a record. */
  delivered({ partition, offset, value }: Placed): void {
    let values = this.#delivered.get(partition)
    if (values === undefined) {
      values = new Map()
      this.#delivered.set(partition, values)
    }
    const before = values.get(offset)
    values.set(offset, value)
    if (before !== undefined && before !== value)
      this.#violations.push(`group: ${partition}@${offset}: ${before}, then ${value}`)
  }

  /** The log of the offsets names a generation. */
  rebalanced(generation: number): void {
    if (generation <= this.#generation) return
    this.#generation = generation
    this.#rebalances++
  }

  /** The log of the offsets holds a commit, behind all that was told before. */
  committed(partition: string, offset: number): void {
    this.#commits++
    const last = this.#committed.get(partition)
    const generation = this.#generation
    if (last && last.generation === generation && offset < last.offset) {
      const fall = `${last.offset} to ${offset} in generation ${generation}`
      this.#violations.push(`group: the offset of ${partition} went from ${fall}`)
    }
    this.#committed.set(partition, { offset, generation })
    this.#highest.set(partition, Math.max(offset, this.#highest.get(partition) ?? 0))
  }

  /** Whether the group got all records of a partition below an offset. */
  hasAll(partition: string, end: number): boolean {
    const values = this.#delivered.get(partition)
    return end === 0 || (values !== undefined && values.size >= end)
  }

  /**
   * Judges one partition against its final log.
   *
   * @param records - all of them, from offset 0 on
   */
  atEnd(partition: string, records: readonly Placed[]): void {
    const values = this.#delivered.get(partition) ?? new Map<number, string>()
    const missing = records.filter(({ offset, value }) => values.get(offset) !== value)
    for (const { offset, value } of missing.slice(0, NAMED))
      this.#violations.push(`group: ${value} at ${partition}@${offset} never came`)
    if (missing.length > NAMED)
      this.#violations.push(`group: … and ${missing.length - NAMED} of ${partition}`)
    const committed = this.#highest.get(partition) ?? 0
    if (committed > records.length)
      this.#violations.push(
        `group: committed ${committed} of ${partition}, which ends at ${records.length}`,
      )
  }

  /** @returns what was found, a line each; empty when all is well */
  report(): readonly string[] {
    return this.#violations
  }
}
