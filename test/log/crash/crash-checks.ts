/**
 * What must hold of a directory that a broker was torn out of, after it was opened again.
 *
 * @module
 */
import { finish } from '../../../src/base/async/steps.ts'
import { KafkaStorageException } from '../../../src/base/errors.ts'
import type {
  MemoryStorage,
  StorageChange,
} from '../../../src/base/platform/memory/MemoryStorage.ts'
import { memoryPlatform } from '../../../src/base/platform/memory/memory-platform.ts'
import type { Log } from '../../../src/log/Log.ts'
import { loadProducersFromLog } from '../../../src/log/log-append.ts'
import { OffsetCheckpointFile } from '../../../src/log/OffsetCheckpointFile.ts'
import { ProducerStateManager } from '../../../src/log/ProducerStateManager.ts'
import { MemoryRecords } from '../../../src/record/MemoryRecords.ts'
import type { RecordBatch } from '../../../src/record/RecordBatch.ts'
import {
  type CrashPoint,
  closeLogs,
  highWatermarkFile,
  keys,
  type LogState,
  type Logs,
  openLogs,
  plain,
  tag,
} from './crash-scenario.ts'

/** A record as it was found. */
interface Found {
  readonly offset: number
  readonly line: string
  readonly key: string | null
  readonly timestamp: number
  readonly batch: RecordBatch
}

/**
 * Opens a disk at a point of time; the disk itself stays as it is.
 *
 * @param onChange told of every change that opening makes, and of the disk before it
 */
export async function openDisk(
  disk: MemoryStorage,
  now: number,
  onChange?: (change: StorageChange, before: MemoryStorage) => void,
): Promise<Logs> {
  const platform = memoryPlatform()
  await platform.virtualClock.advance(now - platform.clock.now())
  const copy = disk.fork(platform.clock)
  if (onChange) copy.beforeChange = (change) => onChange(change, copy)
  const logs = await openLogs(platform.withStorage(copy))
  copy.beforeChange = undefined
  return logs
}

/**
 * Opens what a crash left, checks it, goes on, stops properly, and checks again.
 *
 * @param disk as it is after the crash
 * @param isAllKept whether every write up to the crash is on it
 */
export async function checkAfterCrash(
  point: CrashPoint,
  disk: MemoryStorage,
  isAllKept: boolean,
): Promise<void> {
  // What was recovered.
  const logs = await openDisk(disk, point.now)
  for (const partition of [plain, keys]) {
    const log = logs.manager.getLog(partition)
    if (log === undefined) throw new Error(`${partition} is gone`)
    checkContent(log, point, isAllKept)
    checkAgreement(log, latestStart(point, log))
  }
  checkHighWatermark(logs.platform.storage as MemoryStorage)

  // What was recovered is not lost when the plug is pulled once more.
  const again = (logs.platform.storage as MemoryStorage).fork()
  again.crash('drop')
  const second = await openDisk(again, point.now)
  for (const partition of [plain, keys]) {
    const log = logs.manager.getLog(partition) as Log
    const lost = second.manager.getLog(partition)
    assert(
      lost !== undefined && lost.logEndOffset >= log.recoveryPoint,
      `${partition} said ${log.recoveryPoint} was on the disk, then ended at ` +
        `${lost?.logEndOffset}`,
    )
  }

  // It goes on, and a clean stop loses nothing.
  goOn(logs)
  const before = [plain, keys].map((tp) => summary(logs.manager.getLog(tp) as Log))
  await closeLogs(logs)
  const last = await openDisk(logs.platform.storage as MemoryStorage, point.now)
  const after = [plain, keys].map((tp) => summary(last.manager.getLog(tp) as Log))
  for (const [i, log] of after.entries()) {
    for (const [what, value] of Object.entries(log)) {
      assertSame(
        value,
        before[i]?.[what],
        `${what} of ${log.name} after a clean restart`,
      )
    }
  }
  for (const partition of [plain, keys]) {
    const log = last.manager.getLog(partition) as Log
    checkAgreement(log, latestStart(point, log))
  }
}

/** The records are those of one of the two states around the crash, cut at its end. */
function checkContent(log: Log, point: CrashPoint, isAllKept: boolean): void {
  const { topic } = log.topicPartition
  const before = point.act.before.get(topic) as LogState
  const after = point.act.after.get(topic) as LogState
  const found = records(log)
  const problems = [before, after].map((state) => compare(log, found, state))
  if (problems.every((problem) => problem !== undefined)) {
    throw new Error(
      `${topic} is neither as before (${problems.join(') nor as after (')})`,
    )
  }

  // An act that begins the log anew may have got as far as to have deleted all.
  const startsOver = after.logStartOffset > before.logEndOffset
  if (startsOver && found.length === 0) return

  // Nothing is missing at either end.
  const flushed = Math.min(point.flushed.get(topic) as number, after.recoveryPoint)
  const written = Math.min(before.logEndOffset, after.logEndOffset)
  const expectedEnd = startsOver ? 0 : isAllKept ? written : flushed
  assert(
    log.logEndOffset >= expectedEnd,
    `${topic} ends at ${log.logEndOffset}, but ${expectedEnd} was on the disk`,
  )
  const start = latestStart(point, log)
  assert(
    log.logStartOffset <= start,
    `${topic} begins at ${log.logStartOffset}, ${start} at the latest is right`,
  )
}

function compare(
  log: Log,
  found: readonly Found[],
  state: LogState,
): string | undefined {
  // What is there is what was written there.
  for (const { offset, line } of found) {
    if (offset < log.logStartOffset) continue
    if (line !== state.timeline[offset]) {
      return `offset ${offset} holds ${line}, not ${state.timeline[offset]}`
    }
  }

  // Without compaction every offset is there; with it, the last value of every key.
  if (!log.config.compact) return compareDense(log, found)
  return compareKeys(log, state, new Set(found.map(({ offset }) => offset)))
}

/**
 * The last value of each key that was written below the log end is there. Transactions on
 * this topic are all aborted; their values begin with a `t`.
 */
function compareKeys(
  log: Log,
  state: LogState,
  there: ReadonlySet<number>,
): string | undefined {
  const last = new Map<string, number>()
  for (const [offset, line] of state.timeline.entries()) {
    if (offset >= log.logEndOffset) break
    if (line === '!' || line.includes('=t')) continue
    last.set(line.slice(0, line.indexOf('=')), offset)
  }
  for (const [key, offset] of last) {
    if (!there.has(offset)) return `offset ${offset}, the last of ${key}, is gone`
  }
  return undefined
}

function compareDense(log: Log, found: readonly Found[]): string | undefined {
  let expected = log.logSegments[0]?.baseOffset ?? 0
  for (const { offset } of found) {
    if (offset !== expected) return `offset ${expected} is missing before ${offset}`
    expected += 1
  }
  if (expected !== log.logEndOffset) {
    return `the records end at ${expected}, the log at ${log.logEndOffset}`
  }
  return undefined
}

/** Everything beside the batches agrees with the batches. */
function checkAgreement(log: Log, forgottenBelow: number): void {
  const found = records(log)
  const name = log.topicPartition.topic
  assert(
    log.logStartOffset <= log.logEndOffset,
    `${name} begins at ${log.logStartOffset}, behind its end ${log.logEndOffset}`,
  )
  checkIndexes(log, found)
  checkProducers(log)
  checkEpochs(log, forgottenBelow)
  checkTransactions(log)
}

function checkIndexes(log: Log, found: readonly Found[]): void {
  // By offset, against a walk over all batches.
  for (const segment of log.logSegments) {
    const next = log.segments.higher(segment.baseOffset)?.baseOffset
    const end = next ?? log.logEndOffset
    for (let offset = segment.baseOffset; offset < end; offset++) {
      const byIndex = segment.translateOffset(offset)
      const byWalk = segment.log.searchForOffsetWithSize(offset, 0)
      assertSame(byIndex, byWalk, `lookup of ${offset} in ${segment}`)
    }
    assert(
      segment.timeIndex.lastEntry.timestamp <= segment.largestTimestamp,
      `the time index of ${segment} knows a later time than the segment`,
    )
  }

  // By time, against the first record that is young enough.
  const visible = found.filter(({ offset }) => offset >= log.logStartOffset)
  for (const { timestamp } of visible) {
    const byIndex = log.fetchOffsetsByTimestamp(timestamp)
    const byWalk = visible.find((record) => record.timestamp >= timestamp)
    assertSame(byIndex?.offset, byWalk?.offset, `lookup of time ${timestamp} in ${log}`)
  }
}

/** The producer state is what a replay of the batches gives. */
function checkProducers(log: Log): void {
  const replay = new ProducerStateManager({
    topicPartition: log.topicPartition,
    storage: memoryPlatform().storage,
    logDir: '/replay',
    maxProducerIdExpirationMs: Number.MAX_SAFE_INTEGER,
  })
  for (const segment of log.logSegments) {
    for (const batch of segment.log.batches()) {
      if (batch.isControlBatch && replay.lastEntry(batch.producerId) === undefined)
        continue
      finish(loadProducersFromLog(replay, [batch]))
    }
  }
  const isRetained = (lastDataOffset: number) => lastDataOffset >= log.logStartOffset
  const describe = (manager: ProducerStateManager) =>
    [...manager.activeProducers.values()]
      .filter((entry) => isRetained(entry.lastDataOffset))
      .map((entry) => {
        const first = entry.currentTxnFirstOffset ?? -1
        const open = log.config.compact ? '' : `, open from ${first}`
        return `${entry.producerId}: ${entry.lastSeq} at ${entry.lastDataOffset}${open}`
      })
      .sort()
  assertSame(
    describe(log.producerStateManager),
    describe(replay),
    `producers of ${log}`,
  )
  assertSame(log.producerStateManager.mapEndOffset, log.logEndOffset, 'their end')
}

/** The highest offset at which the log can have begun before the crash. */
function latestStart(point: CrashPoint, { topicPartition: { topic } }: Log): number {
  const states = [point.act.before.get(topic), point.act.after.get(topic)]
  return Math.max(...states.map((state) => state?.logStartOffset ?? 0))
}

/**
 * Every batch is of the epoch that the cache has for its offset. The log start moves back
 * to the last checkpoint in a crash; the epochs of what was deleted do not come back.
 */
function checkEpochs(log: Log, forgottenBelow: number): void {
  const epochs = log.leaderEpochCache.epochEntries()
  const text = epochs.map((e) => `${e.epoch} from ${e.startOffset}`).join(', ')
  const latest = epochs.at(-1)
  assert(
    latest === undefined ||
      latest.startOffset < log.logEndOffset ||
      (latest.startOffset === log.logStartOffset &&
        log.logStartOffset === log.logEndOffset),
    `${log} ends at ${log.logEndOffset}, but has epochs ${text}`,
  )
  for (const segment of log.logSegments) {
    for (const batch of segment.log.batches()) {
      if (batch.lastOffset < log.logStartOffset) continue
      if (batch.baseOffset < forgottenBelow) continue
      const known = epochs.filter((e) => e.startOffset <= batch.lastOffset).at(-1)
      assertSame(
        known?.epoch,
        batch.partitionLeaderEpoch,
        `epoch of offset ${batch.lastOffset} in ${log} with ${text}`,
      )
    }
  }
}

/** Readers of committed data are told of every aborted batch. */
function checkTransactions(log: Log): void {
  const from = log.logStartOffset
  const told = log.collectAbortedTransactions(from, log.logEndOffset)
  const open = new Map<bigint, number>()
  for (const segment of log.logSegments) {
    for (const batch of segment.log.batches()) {
      const { producerId, lastOffset } = batch
      if (!batch.isTransactional || lastOffset < from) continue
      if (!batch.isControlBatch) {
        if (!open.has(producerId)) open.set(producerId, batch.baseOffset)
        continue
      }
      const first = open.get(producerId)
      open.delete(producerId)
      const [marker] = batch
      const isAbort = marker?.key?.readInt16BE(2) === 0
      if (!isAbort || first === undefined) continue
      const isTold = told.some(
        (txn) =>
          txn.producerId === producerId &&
          txn.firstOffset <= first &&
          txn.lastOffset === lastOffset,
      )
      assert(isTold, `${log}: nobody is told of the abort at ${lastOffset}`)
    }
  }
}

function checkHighWatermark(storage: MemoryStorage): void {
  try {
    new OffsetCheckpointFile(storage, highWatermarkFile).read()
  } catch (error) {
    if (!(error instanceof KafkaStorageException)) throw error
    throw new Error('the high watermarks are torn', { cause: error })
  }
}

/** Appends to both logs as their leader. */
function goOn(logs: Logs): void {
  const now = logs.platform.clock.now()
  for (const partition of [plain, keys]) {
    const log = logs.manager.getLog(partition) as Log
    const key = partition === keys ? Buffer.from('k0') : null
    const record = { key, value: Buffer.from('after.'), timestamp: now }
    const end = log.logEndOffset
    log.appendAsLeader(MemoryRecords.withRecords({}, record), 90)

    // A producer that was there goes on with its next sequence, and is told of a copy.
    const [known] = log.activeProducersWithLastSequence
    const [producerId, lastSeq] = known ?? [9n, -1]
    const options = { producerId, producerEpoch: 0, baseSequence: lastSeq + 1 }
    const isOpen = log.producerStateManager.lastEntry(producerId)?.currentTxnFirstOffset
    const isTransactional = isOpen !== undefined
    const batch = () =>
      MemoryRecords.withRecords({ ...options, isTransactional }, record)
    const { firstOffset } = log.appendAsLeader(batch(), 90)
    const second = log.appendAsLeader(batch(), 90)
    assertSame(
      [firstOffset, second.firstOffset],
      [end + 1, end + 1],
      `append to ${log}`,
    )
    log.roll()
  }
}

function records(log: Log): Found[] {
  const found: Found[] = []
  let previous = -1
  for (const segment of log.logSegments) {
    for (const batch of segment.log.batches()) {
      batch.ensureValid()
      assert(
        batch.baseOffset >= segment.baseOffset,
        `${segment} holds an earlier batch`,
      )
      for (const { offset, key, value, timestamp } of batch) {
        assert(offset > previous, `offset ${offset} follows ${previous} in ${log}`)
        previous = offset
        const name = key?.toString() ?? ''
        const line = batch.isControlBatch ? '!' : `${name}=${tag(value)}`
        found.push({ offset, line, key: name, timestamp, batch })
      }
    }
  }
  return found
}

/** All of a log that a clean restart must keep. */
function summary(log: Log): Record<string, unknown> {
  return {
    name: log.name,
    content: records(log).map(({ offset, line }) => `${offset}:${line}`),
    start: log.logStartOffset,
    end: log.logEndOffset,
    epochs: log.leaderEpochCache.epochEntries(),
    producers: [...log.activeProducersWithLastSequence].map(String).sort(),
    undecided: log.producerStateManager.firstUndecidedOffset,
  }
}

function assert(condition: boolean, message: string): asserts condition {
  if (!condition) throw new Error(message)
}

function assertSame(actual: unknown, expected: unknown, what: string): void {
  const [a, b] = [actual, expected].map((value) => JSON.stringify(value) ?? 'nothing')
  assert(a === b, `${what}: ${a} instead of ${b}`)
}
