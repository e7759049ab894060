/**
 * # ISR change propagation
 *
 * Leaders change ISRs in ZooKeeper by themselves; the controller learns of it from notes
 * that they leave under `/isr_change_notification`. Notes are batched: a restarting broker
 * changes thousands of ISRs within seconds.
 *
 *     recordIsrChange … recordIsrChange ── 5 s of silence, or 60 s in all ──▶ one note
 *
 * @kafka core/src/main/scala/kafka/server/ReplicaManager.scala#ReplicaManager.maybePropagateIsrChanges
 * @module
 */
import type { Clock } from '../base/platform/Platform.ts'
import type { TopicPartition } from '../base/TopicPartition.ts'
import { TopicPartitionSet } from '../base/TopicPartitionMap.ts'

/** Changes are told once none came for so long … */
const IsrChangePropagationBlackOut = 5000
/** … or once the last telling is so long ago, in ms. */
const IsrChangePropagationInterval = 60000

/** Collects ISR changes until it is time to tell them. */
export class IsrChangePropagation {
  readonly #clock: Clock
  readonly #isrChangeSet = new TopicPartitionSet()
  #lastIsrChangeMs: number
  #lastIsrPropagationMs: number

  /** Starts with nothing to tell. */
  constructor(clock: Clock) {
    this.#clock = clock
    this.#lastIsrChangeMs = clock.now()
    this.#lastIsrPropagationMs = clock.now()
  }

  /** Notes that a partition's ISR changed. */
  record(topicPartition: TopicPartition): void {
    this.#isrChangeSet.add(topicPartition)
    this.#lastIsrChangeMs = this.#clock.now()
  }

  /**
   * Tells what is noted, if it is time.
   *
   * @param propagate writes one note; when it fails, the changes wait for the next try.
   */
  async maybePropagate(
    propagate: (changes: readonly TopicPartition[]) => Promise<void>,
  ): Promise<void> {
    const now = this.#clock.now()
    const settled = this.#lastIsrChangeMs + IsrChangePropagationBlackOut < now
    const overdue = this.#lastIsrPropagationMs + IsrChangePropagationInterval < now
    if (this.#isrChangeSet.size === 0 || !(settled || overdue)) return

    // Take what is noted; what comes during the write goes with the next batch.
    const changes = [...this.#isrChangeSet]
    this.#isrChangeSet.clear()
    try {
      await propagate(changes)
      this.#lastIsrPropagationMs = now
    } catch (error) {
      for (const topicPartition of changes) this.#isrChangeSet.add(topicPartition)
      throw error
    }
  }
}
