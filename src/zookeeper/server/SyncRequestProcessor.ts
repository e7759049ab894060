/**
 * # SyncRequestProcessor
 *
 * Makes transactions durable before anybody hears of them. Writing to the log is cheap,
 * waiting for the disk is not: all requests that come while the disk is at work wait for
 * the next time it is, together.
 *
 *     r1 ─┐                                  r2, r3, r4 ─┐
 *         └▶ append, fsync ·················▶ pass r1 on  └▶ one fsync ▶ pass all on
 *
 * Invariants: requests are passed on in order, reads included, and a transaction never
 * before its bytes are on the disk. When the disk fails nothing is passed on any more.
 *
 * @kafka none: org/apache/zookeeper/server/SyncRequestProcessor.java
 * @differs no thread and no queue of a fixed size: the batch is what arrived meanwhile
 * @module
 */
import type { Request, RequestProcessor } from './Request.ts'

/** Where transactions are kept; see `persistence/FileTxnSnapLog.ts`. */
export interface TxnLog {
  /** Takes a transaction; it is durable after the next `commit`. */
  append(request: Request): void
  /** Waits until all that was appended is durable. */
  commit(): Promise<void>
}

/** The second of three stations. */
export class SyncRequestProcessor implements RequestProcessor {
  readonly #log: TxnLog | undefined
  readonly #next: RequestProcessor
  readonly #onFailure: (error: unknown) => void
  #toFlush: Request[] = []
  #flushing: Promise<void> | undefined
  #stopped = false

  /**
   * @param log - undefined for a server that keeps nothing
   * @param onFailure - told when the disk failed, once
   */
  constructor(
    log: TxnLog | undefined,
    next: RequestProcessor,
    onFailure: (error: unknown) => void,
  ) {
    this.#log = log
    this.#next = next
    this.#onFailure = onFailure
  }

  /** Passes a request on: at once when nothing is before it that has to be written. */
  processRequest(request: Request): void {
    if (this.#stopped) return
    const isWrite = request.hdr !== undefined && this.#log !== undefined
    if (!isWrite && this.#flushing === undefined) {
      this.#next.processRequest(request)
      return
    }

    // Stand in line; the first one opens the gate when the disk has its bytes.
    try {
      if (isWrite) this.#log!.append(request)
    } catch (error) {
      this.#fail(error)
      return
    }
    this.#toFlush.push(request)
    this.#flushing ??= this.flush()
  }

  /** Writes batch after batch, until nobody waits. Never rejects. */
  async flush(): Promise<void> {
    // Let all requests of the packet that brought the first one join it.
    await Promise.resolve()
    try {
      while (this.#toFlush.length > 0 && !this.#stopped) {
        const batch = this.#toFlush
        this.#toFlush = []
        await this.#log!.commit()
        for (const request of batch) this.#next.processRequest(request)
      }
    } catch (error) {
      this.#fail(error)
    }
    this.#flushing = undefined
  }

  /** Waits for what was accepted; nothing is accepted afterwards. */
  async shutdown(): Promise<void> {
    await this.#flushing
    this.#stopped = true
  }

  #fail(error: unknown): void {
    if (this.#stopped) return
    this.#stopped = true
    this.#toFlush = []
    this.#onFailure(error)
  }
}
