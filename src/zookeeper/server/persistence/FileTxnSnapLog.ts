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
import type { Platform } from '../../../base/platform/Platform.ts'
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

/** Snapshots kept by a purge. */
const SNAP_RETAIN_COUNT = 3

/** The state as it was found. */
export interface Restored {
  readonly tree: DataTree
  /** Timeouts in ms by session. */
  readonly sessions: Map<bigint, number>
}

/** The files of one data directory. */
export class FileTxnSnapLog implements TxnLog {
  readonly #platform: Platform
  readonly #directory: string
  readonly #txnLog: FileTxnLog
  readonly #release: () => void

  /** @throws when another live process, or server, uses the directory */
  constructor(platform: Platform, dataDir: string, fsync: boolean) {
    this.#platform = platform
    this.#directory = join(dataDir, VERSION_DIRECTORY)
    platform.storage.mkdir(this.#directory)
    this.#release = platform.storage.lock(join(dataDir, '.lock'))
    this.#txnLog = new FileTxnLog(platform.storage, this.#directory, fsync)
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
    this.#purge()
  }

  /** Closes the files and frees the directory. */
  close(): void {
    this.#txnLog.rollLog()
    this.#release()
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

  #purge(): void {
    const { storage } = this.#platform
    const snapshots = filesOf(storage, this.#directory, 'snapshot')
    const oldest = snapshots.at(-SNAP_RETAIN_COUNT)
    if (!oldest || snapshots.length <= SNAP_RETAIN_COUNT) return

    // Keep the log file in which the oldest snapshot lies, too.
    const logs = filesOf(storage, this.#directory, 'log')
    const needed = logs.findLastIndex(({ zxid }) => zxid <= oldest.zxid + 1n)
    const old = [
      ...snapshots.slice(0, -SNAP_RETAIN_COUNT),
      ...logs.slice(0, Math.max(0, needed)),
    ]
    for (const { name } of old) storage.unlink(join(this.#directory, name))
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
