/**
 * # ConsumerThreadId
 *
 * Names one stream of one consumer: `<consumer>-<number>`. Partitions are owned by streams,
 * so this is the text in an owner node of ZooKeeper.
 *
 * @kafka core/src/main/scala/kafka/consumer/TopicCount.scala#ConsumerThreadId
 * @module
 */

/** One stream of one consumer. */
export class ConsumerThreadId {
  /** The consumer's id in its group. */
  readonly consumer: string
  /** 0 up to the number of streams. */
  readonly threadId: number

  constructor(consumer: string, threadId: number) {
    this.consumer = consumer
    this.threadId = threadId
  }

  toString(): string {
    return `${this.consumer}-${this.threadId}`
  }
}

/**
 * Sorts thread ids as texts. So `…-10` comes before `…-2`, in every member alike, which is
 * all that matters.
 */
export function sortThreadIds(ids: Iterable<ConsumerThreadId>): ConsumerThreadId[] {
  const compare = (a: string, b: string) => (a < b ? -1 : a > b ? 1 : 0)
  return [...ids].sort((a, b) => compare(a.toString(), b.toString()))
}
