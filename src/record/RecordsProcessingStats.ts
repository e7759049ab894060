/**
 * # RecordsProcessingStats
 *
 * What it took to store or to serve records in another format or codec than they came in:
 * work that the client could have spared the broker.
 *
 * @kafka clients/src/main/java/org/apache/kafka/common/record/RecordsProcessingStats.java#RecordsProcessingStats
 * @differs the memory that it took for the moment is not counted: who holds what for how
 *   long is the affair of the garbage collector.
 * @module
 */

/** What rewriting records took. */
export interface RecordsProcessingStats {
  /** Records that were written anew. */
  readonly conversionCount: number
  /** Milliseconds that it took. */
  readonly conversionTimeMs: number
}
