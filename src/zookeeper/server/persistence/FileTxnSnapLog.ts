/**
 * # FileTxnSnapLog
 *
 * What a server remembers: the newest snapshot, and the log of what came after it.
 *
 *     start:   newest sound snapshot ─▶ replay the log behind its number
 *     running: append, commit … ─▶ every so often: roll the log, write a snapshot, purge
 *
 * Invariant: at any moment a snapshot and the logs behind it give the whole state.
 *
 * @kafka none: org/apache/zookeeper/server/persistence/FileTxnSnapLog.java
 * @differs A snapshot is written in one stretch, with nothing changing meanwhile, so
 *   replaying never meets changes that it has already. Old files are purged by default,
 *   as with `autopurge.snapRetainCount=3`. None is written at start.
 * @module
 */
import { SchemaException } from '../../../base/exceptions.ts'
import { logger } from '../../../base/logger.ts'
import type { Platform, TimerHandle } from '../../../base/platform/Platform.ts'
import { join } from '../../../base/platform/path.ts'
import { OpCode } from '../../records.ts'
import { DataTree } from '../DataTree.ts'
import type { Request } from '../Request.ts'
import type { TxnLog } from '../SyncRequestProcessor.ts'
import type { Txn, TxnHeader } from '../txn.ts'
import { deserializeSnapshot, serializeSnapshot } from './FileSnap.ts'
import { FileTxnLog } from './FileTxnLog.ts'
import { fileName, filesOf, VERSION_DIRECTORY } from './file-names.ts'

const log = logger('FileTxnSnapLog')

/** Snapshots kept by a purge, unless told otherwise. */
const SNAP_RETAIN_COUNT = 3

/** Where the files are, and how they are kept. */
export interface FileTxnSnapLogOptions {
  readonly dataDir: string
  readonly dataLogDir?: string
  readonly fsync?: boolean
  readonly preAllocSizeBytes?: number
  readonly fsyncWarningThresholdMs?: number
  readonly autopurge?: {
    readonly snapRetainCount: number
    readonly purgeIntervalMs: number
  }
}

/** The state as it was found. */
export interface Restored {
  readonly tree: DataTree
  /** Timeouts in ms by session. */
  readonly sessions: Map<bigint, number>
}

/** The files of one data directory. */
export class FileTxnSnapLog implements TxnLog {
  readonly #platform: Platform
  readonly #options: FileTxnSnapLogOptions
  readonly #directory: string
  readonly #logDirectory: string
  readonly #txnLog: FileTxnLog
  readonly #releases: (() => void)[] = []
  #purgeTimer: TimerHandle | undefined

  /** @throws when another live process, or server, uses one of the directories */
  constructor(platform: Platform, options: FileTxnSnapLogOptions) {
    this.#platform = platform
    this.#options = options
    const { dataDir, dataLogDir = dataDir } = options
    this.#directory = join(dataDir, VERSION_DIRECTORY)
    this.#logDirectory = join(dataLogDir, VERSION_DIRECTORY)

    // Have the directories to ourselves.
    const { storage } = platform
    for (const directory of new Set([dataDir, dataLogDir])) {
      storage.mkdir(join(directory, VERSION_DIRECTORY))
      try {
        this.#releases.push(storage.lock(join(directory, '.lock')))
      } catch (error) {
        this.#release()
        throw error
      }
    }
    this.#txnLog = new FileTxnLog(platform, this.#logDirectory, options)
  }

  /** Flushes of the log that took longer than they should. */
  get fsyncThresholdExceedCount(): number {
    return this.#txnLog.fsyncThresholdExceedCount
  }

  /** Reads the state back. @throws IOException when transactions are missing */
  restore(): Restored {
    const { tree, sessions } = this.#newestSnapshot()
    this.#txnLog.replay(tree.lastProcessedZxid, (header, txn) => {
      followSessions(sessions, header, txn)
      tree.processTxn(header, txn)
    })
    return { tree, sessions }
  }

  append(request: Request): void {
    this.#txnLog.append(request.hdr!, request.txn!)
  }

  commit(): Promise<void> {
    return this.#txnLog.commit()
  }

  /** Writes the whole state, begins a new log file, and drops files nobody needs. */
  save(tree: DataTree, sessions: ReadonlyMap<bigint, number>): void {
    const name = fileName('snapshot', tree.lastProcessedZxid)
    const path = join(this.#directory, name)
    this.#platform.storage.writeFileAtomic(path, serializeSnapshot(tree, sessions))
    this.#txnLog.rollLog()
    if (!this.#options.autopurge) this.purge(SNAP_RETAIN_COUNT)
  }

  /** Closes the files and frees the directory. */
  close(): void {
    this.#platform.clock.clearTimeout(this.#purgeTimer)
    this.#txnLog.rollLog()
    this.#release()
  }

  #release(): void {
    for (const release of this.#releases.splice(0)) release()
  }

  /** Removes old files now, and from time to time, if `autopurge` says so. */
  startPurging(): void {
    const { snapRetainCount = 0, purgeIntervalMs = 0 } = this.#options.autopurge ?? {}
    if (purgeIntervalMs === 0) return
    try {
      this.purge(snapRetainCount)
    } catch (error) {
      // Old files harm nobody; the next time is another chance.
      log.error('old files could not be removed', error)
    }
    this.#purgeTimer = this.#platform.clock.setTimeout(
      () => this.startPurging(),
      purgeIntervalMs,
    )
  }

  #newestSnapshot(): Restored {
    const { storage } = this.#platform
    const files = filesOf(storage, this.#directory, 'snapshot').reverse()
    for (const { name, zxid } of files) {
      const tree = new DataTree()
      const sessions = new Map<bigint, number>()
      try {
        const bytes = storage.readFile(join(this.#directory, name))
        deserializeSnapshot(bytes, tree, sessions)
        tree.setupQuota()
        tree.lastProcessedZxid = zxid
        return { tree, sessions }
      } catch (error) {
        // Fall back on an older one; the log behind it is kept as long as it is.
        if (!(error instanceof SchemaException)) throw error
        log.warn(`${name} cannot be used`, error)
      }
    }
    return { tree: new DataTree(), sessions: new Map() }
  }

  /** Removes snapshots but the newest ones, and logs that only those others need. */
  purge(snapRetainCount: number): void {
    const { storage } = this.#platform
    const snapshots = filesOf(storage, this.#directory, 'snapshot')
    const oldest = snapshots.at(-snapRetainCount)
    if (!oldest || snapshots.length <= snapRetainCount) return

    // Keep the log file in which the oldest snapshot lies, too.
    const logs = filesOf(storage, this.#logDirectory, 'log')
    const needed = logs.findLastIndex(({ zxid }) => zxid <= oldest.zxid + 1n)
    for (const { name } of snapshots.slice(0, -snapRetainCount)) {
      storage.unlink(join(this.#directory, name))
    }
    for (const { name } of logs.slice(0, Math.max(0, needed))) {
      storage.unlink(join(this.#logDirectory, name))
    }
  }
}

/** Keeps a table of sessions in step with a transaction. */
export function followSessions(
  sessions: Map<bigint, number>,
  header: TxnHeader,
  txn: Txn,
): void {
  if (txn.type === OpCode.createSession) sessions.set(header.clientId, txn.timeOut)
  else if (txn.type === OpCode.closeSession) sessions.delete(header.clientId)
}
