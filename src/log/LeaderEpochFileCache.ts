/**
 * # LeaderEpochFileCache
 *
 * Remembers which leader wrote which stretch of the log: for every leader epoch, the offset
 * of its first record. A follower that comes back asks its leader "where did epoch 3 end?"
 * and cuts off what it has beyond, which is how two logs that went apart become one again.
 *
 *     offsets  0 ········ 41 │ 42 ···· 57 │ 58 ········ 90 (log end)
 *     epochs   0             │ 3          │ 4
 *     endOffsetFor(0) = 42   endOffsetFor(3) = 58   endOffsetFor(4) = 91
 *     endOffsetFor(1) = 42   endOffsetFor(9) = -1 (never heard of)
 *
 * A leader notes its epoch when it takes office, a follower with the first record of it: who
 * led and wrote nothing leaves a trace with itself only, and not on its disk.
 *
 * Invariants: epochs rise strictly, start offsets never fall; an epoch is on the disk before
 * the first record of it is in the log.
 *
 * @kafka core/src/main/scala/kafka/server/epoch/LeaderEpochFileCache.scala#LeaderEpochFileCache
 * @differs no lock: every method runs to its end before another may begin.
 * @module
 */
import { logger } from '../base/logger.ts'
import type { TopicPartition } from '../base/TopicPartition.ts'
import type { EpochEntry, LeaderEpochCheckpoint } from './LeaderEpochCheckpointFile.ts'
import type { LogOffsetMetadata } from './LogOffsetMetadata.ts'

/**
 * "No epoch": a log without batches of magic 2.
 *
 * @kafka clients/src/main/java/org/apache/kafka/common/requests/EpochEndOffset.java#UNDEFINED_EPOCH
 */
export const UNDEFINED_EPOCH = -1

/**
 * "No end offset": the epoch asked for is not known here.
 *
 * @kafka clients/src/main/java/org/apache/kafka/common/requests/EpochEndOffset.java#UNDEFINED_EPOCH_OFFSET
 */
export const UNDEFINED_EPOCH_OFFSET = -1

/**
 * The leader epochs of one log, in memory and in its checkpoint file.
 *
 * @kafka core/src/main/scala/kafka/server/epoch/LeaderEpochFileCache.scala#LeaderEpochFileCache
 */
export class LeaderEpochFileCache {
  readonly #topicPartition: TopicPartition
  readonly #leo: () => LogOffsetMetadata
  readonly #checkpoint: LeaderEpochCheckpoint
  readonly #log = logger('LeaderEpochFileCache')

  /** Oldest first. */
  #epochs: EpochEntry[]

  /** Whether the last epoch was announced and is not on the disk. */
  #isUnwritten = false

  /**
   * Reads the epochs that are on the disk.
   *
   * @param topicPartition for messages
   * @param leo gives the log end offset of now
   * @param checkpoint where the epochs are kept
   */
  constructor(
    topicPartition: TopicPartition,
    leo: () => LogOffsetMetadata,
    checkpoint: LeaderEpochCheckpoint,
  ) {
    this.#topicPartition = topicPartition
    this.#leo = leo
    this.#checkpoint = checkpoint
    this.#epochs = checkpoint.read()
  }

  /**
   * Notes that an epoch began, if it is new; an epoch that is known or older changes
   * nothing. Called with every batch, so the common case must be cheap.
   *
   * @param epoch the epoch stamped on a batch by its leader
   * @param offset base offset of that batch
   */
  assign(epoch: number, offset: number): void {
    // Nothing to do while the leader stays the same, but for its first record.
    const latestEpoch = this.latestEpoch()
    const latestOffset = this.#epochs.at(-1)?.startOffset ?? -1
    if (epoch === latestEpoch && offset >= latestOffset) {
      if (this.#isUnwritten) this.#flush()
      return
    }

    // Add the epoch, and write it down before any record of it.
    if (epoch >= 0 && epoch > latestEpoch && offset >= latestOffset) {
      this.#log.info(
        `${this.#topicPartition}: leader epoch ${epoch} begins at offset ${offset}, ` +
          `after epoch ${latestEpoch} from offset ${latestOffset}`,
      )
      this.#epochs.push({ epoch, startOffset: offset })
      this.#flush()
      return
    }

    // Records out of order are odd, but no reason to refuse them.
    this.#log.warn(
      `${this.#topicPartition}: epoch ${epoch} at offset ${offset} comes after epoch ` +
        `${latestEpoch} from offset ${latestOffset}; not noted`,
    )
  }

  /**
   * Notes the epoch of a leader that takes office here, in memory: followers may ask about
   * it at once. It is written down with its first record. Until then a crash costs nothing:
   * the log tells the same without it.
   *
   * @param epoch of the new leader
   * @param offset the log end
   * @differs 1.1.1 learns the epoch from its first record, in memory, too. To write it down
   *   here would wait for the disk once for every partition of a new topic.
   */
  announce(epoch: number, offset: number): void {
    const latestOffset = this.#epochs.at(-1)?.startOffset ?? -1
    if (epoch <= this.latestEpoch() || offset < latestOffset) return
    this.#epochs.push({ epoch, startOffset: offset })
    this.#isUnwritten = true
  }

  /** The newest epoch; -1 when there is none. */
  latestEpoch(): number {
    return this.#epochs.at(-1)?.epoch ?? UNDEFINED_EPOCH
  }

  /**
   * Finds where an epoch ended: the start of the next one, or the log end for the newest.
   *
   * @param requestedEpoch an epoch that some follower has seen
   * @returns an offset (exclusive), or -1 when the epoch is older than all we know, or
   *   newer, or itself -1
   */
  endOffsetFor(requestedEpoch: number): number {
    // A follower without epochs gets no answer.
    if (requestedEpoch === UNDEFINED_EPOCH) return UNDEFINED_EPOCH_OFFSET

    // The newest epoch has not ended: it reaches to the log end.
    if (requestedEpoch === this.latestEpoch()) return this.#leo().messageOffset

    // Any other ends where the first higher one begins.
    const first = this.#epochs[0]
    const next = this.#epochs.find((entry) => entry.epoch > requestedEpoch)
    if (next === undefined || first === undefined) return UNDEFINED_EPOCH_OFFSET
    if (requestedEpoch < first.epoch) return UNDEFINED_EPOCH_OFFSET
    return next.startOffset
  }

  /**
   * Forgets the epochs that began at or above an offset; for truncation.
   *
   * @param offset the new log end
   */
  clearAndFlushLatest(offset: number): void {
    const latestOffset = this.#epochs.at(-1)?.startOffset ?? -1
    if (offset < 0 || offset > latestOffset) return
    this.#epochs = this.#epochs.filter((entry) => entry.startOffset < offset)
    this.#flush()
  }

  /**
   * Forgets the epochs whose records have all been deleted. The epoch that the offset lies
   * in stays, and from then on begins at the offset.
   *
   * @param offset the new log start
   */
  clearAndFlushEarliest(offset: number): void {
    // Find the epochs that began below the offset.
    const earlier = this.#epochs.filter((entry) => entry.startOffset < offset)
    const last = earlier.at(-1)
    if (offset < 0 || last === undefined) return

    // Move the last of them up, unless a later epoch begins right there.
    const remaining = this.#epochs.slice(earlier.length)
    const first = remaining[0]
    if (first === undefined || offset < first.startOffset) {
      remaining.unshift({ epoch: last.epoch, startOffset: offset })
    }
    this.#epochs = remaining
    this.#flush()
  }

  /** Forgets everything, on the disk too; for a log that starts over. */
  clearAndFlush(): void {
    this.#epochs = []
    this.#flush()
  }

  /** Forgets everything in memory; for a log whose directory is being deleted. */
  clear(): void {
    this.#epochs = []
    this.#isUnwritten = false
  }

  /** All epochs, oldest first. */
  epochEntries(): readonly EpochEntry[] {
    return this.#epochs
  }

  #flush(): void {
    this.#checkpoint.write(this.#epochs)
    this.#isUnwritten = false
  }
}
