/**
 * # ZkNodeChangeNotificationListener
 *
 * A notice board: who changes something hangs up a numbered note, and every broker reads
 * the notes it has not read yet.
 *
 *     /config/changes/config_change_0000000007  ─▶  every broker: processNotification
 *
 * Notes are not taken down when they are read, since others must read them, too; a reader
 * takes down those that are older than a quarter of an hour.
 *
 * Invariants: notes are read in their order, one at a time; one whose reading fails is read
 * again at the next look, before those behind it, so that no change is missed.
 *
 * Kafka's thread with its queue is a loop here, on a queue of wake-up calls.
 *
 * @kafka core/src/main/scala/kafka/common/ZkNodeChangeNotificationListener.scala#ZkNodeChangeNotificationListener
 * @module
 */
import { AsyncQueue } from '../base/async/AsyncQueue.ts'
import { ShutdownableThread } from '../base/async/ShutdownableThread.ts'
import { logger } from '../base/logger.ts'
import type { Clock } from '../base/platform/Platform.ts'
import type { KafkaZkClient } from './KafkaZkClient.ts'

const log = logger('ZkNodeChangeNotificationListener')

/** How long a note hangs at least, in ms. */
const CHANGE_EXPIRATION_MS = 15 * 60 * 1000

/** Where notes hang, and who reads them. */
export interface NotificationListenerOptions {
  /** The board, such as `/config/changes`. */
  readonly seqNodeRoot: string
  /** What the name of a note begins with, such as `config_change_`. */
  readonly seqNodePrefix: string
  /** Reads a note. After it throws, the note is read again at the next look. */
  readonly processNotification: (path: string, note: Buffer) => Promise<void>
  readonly clock: Clock
}

/** Reads the notes on one board. */
export class ZkNodeChangeNotificationListener {
  readonly #zkClient: KafkaZkClient
  readonly #options: NotificationListenerOptions
  readonly #wakeUps = new AsyncQueue<'look'>()
  readonly #thread: ChangeEventProcessThread
  #lastExecutedChange = -1

  constructor(zkClient: KafkaZkClient, options: NotificationListenerOptions) {
    this.#zkClient = zkClient
    this.#options = options
    const name = `${options.seqNodeRoot}-event-process-thread`
    this.#thread = new ChangeEventProcessThread(name, this.#wakeUps, () =>
      this.processNotifications(),
    )
  }

  /** Reads what hangs there, and begins to watch. */
  async init(): Promise<void> {
    const { seqNodeRoot } = this.#options
    const look = () => {
      this.#wakeUps.offer('look')
    }
    this.#zkClient.registerStateChangeHandler({
      name: seqNodeRoot,
      afterInitializingSession: look,
    })
    this.#zkClient.registerZNodeChildChangeHandler({
      path: seqNodeRoot,
      handleChildChange: look,
    })
    await this.processNotifications()
    this.#thread.start()
  }

  /** Ends the watching. */
  async close(): Promise<void> {
    const { seqNodeRoot } = this.#options
    this.#zkClient.unregisterStateChangeHandler(seqNodeRoot)
    this.#zkClient.unregisterZNodeChildChangeHandler(seqNodeRoot)
    await this.#thread.shutdown()
  }

  /** Reads the notes that are new, oldest first. Never rejects. */
  async processNotifications(): Promise<void> {
    const { seqNodeRoot } = this.#options
    try {
      const notes = (await this.#zkClient.getChildren(seqNodeRoot)).sort()
      for (const note of notes) {
        const changeId = this.#changeNumber(note)
        if (changeId > this.#lastExecutedChange) {
          await this.processNotification(note)
          this.#lastExecutedChange = changeId
        }
      }
      await this.purgeObsoleteNotifications(notes)
    } catch (error) {
      log.error(`reading the notes under ${seqNodeRoot} failed`, error)
    }
  }

  /** Reads one note; one that is gone meanwhile is left out. */
  async processNotification(note: string): Promise<void> {
    const path = `${this.#options.seqNodeRoot}/${note}`
    const found = await this.#zkClient.getDataAndVersion(path)
    if (found?.data) await this.#options.processNotification(path, found.data)
    else log.warn(`the note ${path} is gone, or blank`)
  }

  /** Takes old notes down. */
  async purgeObsoleteNotifications(notes: readonly string[]): Promise<void> {
    const now = this.#options.clock.now()
    for (const note of notes) {
      const path = `${this.#options.seqNodeRoot}/${note}`
      const found = await this.#zkClient.getDataAndVersion(path)
      if (!found?.data || now - found.stat.ctime <= CHANGE_EXPIRATION_MS) continue
      await this.#zkClient.deletePath(path)
    }
  }

  #changeNumber(note: string): number {
    return Number(note.slice(this.#options.seqNodePrefix.length))
  }
}

/** Looks at the board whenever it is told to. */
class ChangeEventProcessThread extends ShutdownableThread {
  readonly #wakeUps: AsyncQueue<'look'>
  readonly #look: () => Promise<void>

  constructor(name: string, wakeUps: AsyncQueue<'look'>, look: () => Promise<void>) {
    super(name)
    this.#wakeUps = wakeUps
    this.#look = look
  }

  override async doWork(): Promise<void> {
    await this.#wakeUps.take(this.signal)
    await this.#look()
  }
}
