/**
 * # Selector
 *
 * Watches many connections and tells, poll by poll, what happened on them: which frames
 * came (at most one of each connection), which sends are done, who is gone.
 *
 *     register ─▶ [ channels ] ── remote close with staged frames ─▶ [ closing ]
 *                     │                                                 │
 *                     └──────────────▶ disconnected ◀───────────────────┘
 *
 * Invariants: every channel that was registered is reported in `disconnected` exactly
 * once, unless `close` was called for it; a muted channel yields no frame. A peer that
 * closes after it sent whole requests gets them handled (think of acks=0).
 *
 * @differs Kafka asks the operating system at each poll; here the platform calls back,
 *   what happens is noted, and `poll` waits until there is a note. Connections that are
 *   idle too long are found by one timer, not at each poll.
 * @kafka clients/src/main/java/org/apache/kafka/common/network/Selector.java#Selector
 * @module
 */
import { Condition } from '../base/async/Condition.ts'
import { IllegalStateException } from '../base/errors.ts'
import { logger } from '../base/logger.ts'
import type { Clock, Connection, TimerHandle } from '../base/platform/Platform.ts'
import { KafkaChannel } from './KafkaChannel.ts'

/** What a selector needs. */
export interface SelectorOptions {
  readonly clock: Clock
  /** Largest frame in bytes. */
  readonly maxReceiveSize: number
  /** Ms without a byte after which a connection is closed; negative for never. */
  readonly connectionsMaxIdleMs: number
}

/** A frame that came. */
export interface CompletedReceive {
  /** Id of its channel, which may be gone by now. */
  readonly source: string
  readonly remoteAddress: string
  /** Without its length. */
  readonly payload: Buffer
}

/** A connection that is over. */
export interface Disconnection {
  readonly id: string
  readonly remoteAddress: string
}

const log = logger('Selector')

/** Watches the connections of one processor. */
export class Selector {
  /** Frames that the last poll found. */
  completedReceives: readonly CompletedReceive[] = []
  /** Channels whose send the last poll found done. */
  completedSends: readonly string[] = []
  /** Channels that the last poll found gone. */
  disconnected: readonly Disconnection[] = []

  /** Channels that were registered, ever. */
  connectionCreations = 0
  /** Channels of those that are gone. */
  connectionCloses = 0

  readonly #options: SelectorOptions
  /** Open channels, the one that was idle longest first. */
  readonly #channels = new Map<string, KafkaChannel>()
  readonly #lastActive = new Map<string, number>()
  /** Channels whose peer is gone while frames of it wait. */
  readonly #closingChannels = new Map<string, KafkaChannel>()

  readonly #ready = new Set<KafkaChannel>()
  #sent: string[] = []
  #gone: Disconnection[] = []
  #woken = false
  readonly #events = new Condition()
  #idleTimer: TimerHandle | undefined

  constructor(options: SelectorOptions) {
    this.#options = options
  }

  /** Watches a connection under an id, and begins to read. */
  register(id: string, connection: Connection): void {
    if (this.#channels.has(id) || this.#closingChannels.has(id)) {
      throw new IllegalStateException(`the connection id ${id} is taken`)
    }
    const channel = new KafkaChannel(id, connection, this.#options.maxReceiveSize)
    this.connectionCreations += 1
    this.#channels.set(id, channel)
    this.#lastActive.set(id, this.#options.clock.monotonic())
    connection.onData((chunk) => this.#attemptRead(channel, chunk))
    connection.onClose((error) => this.#remoteClose(channel, error))
    this.#armIdleTimer()
    if (connection.closed) this.#remoteClose(channel)
    else connection.resume()
  }

  /** @returns an open channel, or one whose peer is gone while frames of it wait */
  openOrClosingChannel(id: string): KafkaChannel | undefined {
    return this.#channels.get(id) ?? this.#closingChannels.get(id)
  }

  /** @returns all channels, open or closing */
  channels(): KafkaChannel[] {
    return [...this.#channels.values(), ...this.#closingChannels.values()]
  }

  /** Sends a whole frame; a later poll tells when it is done. */
  send(id: string, frame: Buffer): void {
    const channel = this.openOrClosingChannel(id)
    if (channel === undefined) return
    if (channel.sending) {
      throw new IllegalStateException(`a response is on its way on ${id}`)
    }
    channel.sending = true
    channel.connection.write(frame).then(
      () => {
        channel.sending = false
        this.#touch(channel)
        this.#sent.push(id)
        this.wakeup()
      },
      (error) => this.#fail(channel, 'sending', error),
    )
  }

  /** Ends the wait of `poll`, now or the next time. */
  wakeup(): void {
    this.#woken = true
    this.#events.signal()
  }

  /** Waits until something happened, and says what. */
  async poll(): Promise<void> {
    if (!this.#woken && this.#ready.size === 0) await this.#events.wait()
    this.#woken = false

    // Take one frame of each channel that may hand one out.
    const receives: CompletedReceive[] = []
    for (const channel of this.#ready) {
      if (channel.isReady) {
        const payload = channel.takeStagedReceive()
        const { remoteAddress } = channel.connection
        receives.push({ source: channel.id, remoteAddress, payload })
      }
      if (!channel.isReady) this.#ready.delete(channel)
    }
    this.completedReceives = receives

    // Hand over what was noted since the last poll.
    this.completedSends = this.#sent
    this.disconnected = this.#gone
    this.#sent = []
    this.#gone = []
  }

  /** Lets a channel yield nothing until `unmute`. */
  mute(id: string): void {
    const channel = this.openOrClosingChannel(id)
    channel?.mute()
    if (channel !== undefined) this.#ready.delete(channel)
  }

  /** Lets a channel yield frames again. */
  unmute(id: string): void {
    const channel = this.openOrClosingChannel(id)
    if (channel === undefined) return
    channel.unmute()
    if (channel.isReady) this.#ready.add(channel)
    this.#maybeFinishClosing(channel)
  }

  /** Drops a connection; no poll tells of it. */
  close(id: string): void {
    const channel = this.openOrClosingChannel(id)
    if (channel !== undefined) this.#remove(channel)
  }

  /** Drops all connections. */
  closeAll(): void {
    for (const channel of this.channels()) this.#remove(channel)
    this.#options.clock.clearTimeout(this.#idleTimer)
  }

  #attemptRead(channel: KafkaChannel, chunk: Buffer): void {
    if (!this.#channels.has(channel.id)) return
    try {
      channel.read(chunk)
    } catch (error) {
      // Hang up, and handle what came whole before the bytes that are no frame.
      log.warn(`reading on ${channel.id} failed, the connection is closed`, error)
      channel.connection.destroy()
      this.#markReady(channel)
      this.#remoteClose(channel)
      return
    }
    this.#touch(channel)
    this.#markReady(channel)
  }

  #markReady(channel: KafkaChannel): void {
    if (!channel.isReady) return
    this.#ready.add(channel)
    this.#events.signal()
  }

  #remoteClose(channel: KafkaChannel, error?: Error): void {
    if (this.#channels.get(channel.id) !== channel) return
    const why = channel.midFrame ? 'in the middle of a frame' : (error?.message ?? '')
    log.debug(`${channel.id} was closed by the peer ${why}`)

    // Keep a channel whose last requests are whole until they are handled.
    if (channel.hasStagedReceives) {
      this.#channels.delete(channel.id)
      this.#lastActive.delete(channel.id)
      this.#closingChannels.set(channel.id, channel)
      return
    }
    this.#disconnect(channel)
  }

  #fail(channel: KafkaChannel, doing: string, error: unknown): void {
    if (this.openOrClosingChannel(channel.id) !== channel) return
    log.info(`${doing} on ${channel.id} failed, the connection is closed`, error)
    this.#disconnect(channel)
  }

  /** Lets a closing channel go when its last frame was handled. */
  #maybeFinishClosing(channel: KafkaChannel): void {
    if (this.#closingChannels.get(channel.id) !== channel) return
    if (!channel.hasStagedReceives && !channel.isMute) this.#disconnect(channel)
  }

  #disconnect(channel: KafkaChannel): void {
    const { remoteAddress } = channel.connection
    this.#remove(channel)
    this.#gone.push({ id: channel.id, remoteAddress })
    this.wakeup()
  }

  #remove(channel: KafkaChannel): void {
    this.connectionCloses += 1
    this.#channels.delete(channel.id)
    this.#lastActive.delete(channel.id)
    this.#closingChannels.delete(channel.id)
    this.#ready.delete(channel)
    channel.connection.destroy()
  }

  /** Notes that a channel is in use, which moves it behind all others. */
  #touch(channel: KafkaChannel): void {
    if (!this.#lastActive.delete(channel.id)) return
    this.#lastActive.set(channel.id, this.#options.clock.monotonic())
  }

  /** Sets the timer for the channel that is idle longest, unless it is set. */
  #armIdleTimer(): void {
    const { clock, connectionsMaxIdleMs } = this.#options
    if (connectionsMaxIdleMs < 0 || this.#idleTimer !== undefined) return
    for (const since of this.#lastActive.values()) {
      const left = since + connectionsMaxIdleMs - clock.monotonic()
      this.#idleTimer = clock.setTimeout(
        () => {
          this.#idleTimer = undefined
          this.#closeIdle()
        },
        Math.max(1, left),
      )
      return
    }
  }

  #closeIdle(): void {
    const { clock, connectionsMaxIdleMs } = this.#options
    const now = clock.monotonic()
    for (const [id, since] of this.#lastActive) {
      if (since + connectionsMaxIdleMs > now) break
      log.debug(`${id} was idle for ${Math.floor(now - since)} ms and is closed`)
      this.#disconnect(this.#channels.get(id)!)
    }
    this.#armIdleTimer()
  }
}
