/**
 * # Complaints about time indexes
 *
 * Collected while `dump-log` goes through the files, and told at the end.
 *
 * @kafka core/src/main/scala/kafka/tools/DumpLogSegments.scala#TimeIndexDumpErrors
 * @module
 */

/** What was wrong with the time indexes of a run. */
export interface TimeIndexDumpErrors {
  /** Notes an entry whose timestamp is not that of its batch. */
  recordMismatchTimeIndex(file: string, index: number, log: number): void
  /** Notes an entry that is not younger than the one before. */
  recordOutOfOrderIndexTimestamp(file: string, index: number, previous: number): void
  /** Notes an entry whose offset ends no batch. */
  recordShallowOffsetNotFound(file: string, index: number, log: number): void
  /** Tells all, in Kafka's words. */
  printErrors(print: (line: string) => void): void
}

/** Begins without complaints. */
export function timeIndexComplaints(): TimeIndexDumpErrors {
  const mismatches = new Map<string, string[]>()
  const outOfOrder = new Map<string, string[]>()
  const notFound = new Map<string, string[]>()
  const note = (to: Map<string, string[]>, file: string, line: string) => {
    const lines = to.get(file) ?? []
    lines.push(line)
    to.set(file, lines)
  }
  return {
    recordMismatchTimeIndex(file, index, log) {
      note(mismatches, file, `  Index timestamp: ${index}, log timestamp: ${log}`)
    },
    recordOutOfOrderIndexTimestamp(file, index, previous) {
      const line = `  Index timestamp: ${index}, Previously indexed timestamp: ${previous}`
      note(outOfOrder, file, line)
    },
    recordShallowOffsetNotFound(file, index, log) {
      note(notFound, file, `Indexed offset: ${index}, found log offset: ${log}`)
    },
    printErrors(print) {
      for (const [file, lines] of mismatches) {
        for (const line of [`Found timestamp mismatch in :${file}`, ...lines])
          print(line)
      }
      for (const [file, lines] of outOfOrder) {
        print(`Found out of order timestamp in :${file}`)
        for (const line of lines) print(line)
      }
      for (const lines of notFound.values()) {
        print('The following indexed offsets are not found in the log.')
        for (const line of lines) print(line)
      }
    },
  }
}
