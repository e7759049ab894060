/**
 * # ControllerEventManager
 *
 * The controller is one loop over one queue. Watches, answers of brokers, timers and
 * request handlers only put events in; the loop takes them out, one at a time. So nothing
 * in the controller needs a lock, and what an event sees does not change under it.
 *
 *     watch ────┐
 *     answer ───┼─▶ put ─▶ [ Startup, BrokerChange, TopicChange … ] ─▶ process
 *     timer ────┘
 *
 * How long each kind of work took is counted as it ends.
 *
 * Invariants: one event is processed at a time, to its end, though it waits for ZooKeeper
 * meanwhile; an event that fails is logged and lost, and the next one runs. After `close`
 * every event is dropped.
 *
 * @kafka core/src/main/scala/kafka/controller/ControllerEventManager.scala#ControllerEventManager
 * @differs Kafka computes gauges of the cluster after every event, for other threads to
 *   read; here they are computed when somebody asks.
 * @module
 */

import { AsyncQueue } from '../base/async/AsyncQueue.ts'
import { ShutdownableThread } from '../base/async/ShutdownableThread.ts'
import { ControllerMovedException } from '../base/errors.ts'
import { logger } from '../base/logger.ts'
import { Distribution } from '../base/metrics/Distribution.ts'
import type { Clock } from '../base/platform/Platform.ts'

/**
 * What the controller is busy with, and the number that a metric shows for it.
 *
 * @kafka core/src/main/scala/kafka/controller/ControllerState.scala#ControllerState
 * @differs `ControllerShutdown` is absent: the end of a controller is no event here.
 */
export const ControllerStates = {
  Idle: 0,
  ControllerChange: 1,
  BrokerChange: 2,
  TopicChange: 3,
  TopicDeletion: 4,
  PartitionReassignment: 5,
  AutoLeaderBalance: 6,
  ManualLeaderBalance: 7,
  ControlledShutdown: 8,
  IsrChange: 9,
  LeaderAndIsrResponseReceived: 10,
  LogDirChange: 11,
} as const

/** A state by its name, which a metric of times counts. */
export type ControllerState = keyof typeof ControllerStates

/**
 * One thing that happened, and what to do about it.
 *
 * @kafka core/src/main/scala/kafka/controller/KafkaController.scala#ControllerEvent
 */
export interface ControllerEvent {
  /** What the controller is busy with while it processes this. */
  readonly state: ControllerState

  /** Does it. What it throws is logged; the event is not tried again. */
  process(): Promise<void>

  /** Called instead of `process` when the event is dropped. */
  dropped?(): void
}

/** The queue of events and the loop that empties it. */
export class ControllerEventManager {
  /** How long the events of each state took, in ms; of those that there were. */
  readonly rateAndTimeMetrics = new Map<ControllerState, Distribution>()

  readonly #queue = new AsyncQueue<ControllerEvent>()
  readonly #thread: ControllerEventThread
  #state: ControllerState = 'Idle'
  #closed = false

  /**
   * Prepares the loop.
   *
   * @param controllerId - for its name
   * @param clock - by which events are timed
   */
  constructor(controllerId: number, clock: Clock) {
    let startMs = clock.monotonic()
    this.#thread = new ControllerEventThread(
      `controller-event-thread-${controllerId}`,
      this.#queue,
      (state) => {
        // The end of one piece of work, or the beginning of the next.
        const now = clock.monotonic()
        if (state === 'Idle') this.#timesOf(this.#state).update(now - startMs)
        startMs = now
        this.#state = state
      },
    )
  }

  #timesOf(state: ControllerState): Distribution {
    let times = this.rateAndTimeMetrics.get(state)
    if (times === undefined) {
      times = new Distribution()
      this.rateAndTimeMetrics.set(state, times)
    }
    return times
  }

  /** What the controller is busy with now. */
  get state(): ControllerState {
    return this.#state
  }

  /** Starts the loop. */
  start(): void {
    this.#thread.start()
  }

  /** Drops all events and ends the loop after the one that is being processed. */
  async close(): Promise<void> {
    this.#closed = true
    this.#clear()
    await this.#thread.shutdown()
  }

  /** Adds an event at the end of the queue. */
  put(event: ControllerEvent): void {
    if (this.#closed) event.dropped?.()
    else this.#queue.offer(event)
  }

  /** Drops all events that wait and adds this one: the others mean nothing any more. */
  clearAndPut(event: ControllerEvent): void {
    this.#clear()
    this.put(event)
  }

  #clear(): void {
    for (const event of this.#queue.clear()) event.dropped?.()
  }
}

/**
 * The loop of the controller.
 *
 * @kafka core/src/main/scala/kafka/controller/ControllerEventManager.scala#ControllerEventManager.ControllerEventThread
 */
export class ControllerEventThread extends ShutdownableThread {
  readonly #queue: AsyncQueue<ControllerEvent>
  readonly #setState: (state: ControllerState) => void
  readonly #log = logger('ControllerEventThread')

  constructor(
    name: string,
    queue: AsyncQueue<ControllerEvent>,
    setState: (state: ControllerState) => void,
  ) {
    super(name)
    this.#queue = queue
    this.#setState = setState
  }

  override async doWork(): Promise<void> {
    // Wait for the next event and process it.
    const event = await this.#queue.take(this.signal)
    this.#setState(event.state)
    try {
      await event.process()
    } catch (e) {
      // Another controller is in office: the watch on it brings the event to resign.
      if (e instanceof ControllerMovedException)
        this.#log.info(`${event.constructor.name} given up: ${e.message}`)
      else this.#log.error(`event ${event.constructor.name} failed`, e)
    }
    this.#setState('Idle')
  }
}
