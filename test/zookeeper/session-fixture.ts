/**
 * Sessions under observation: what they were told is kept, and can be awaited.
 */
import type {
  AuthInfo,
  WatchEvent,
  ZooKeeperConnect,
  ZooKeeperSession,
  ZooKeeperState,
} from '../../src/zookeeper/client.ts'

/** Long enough for a machine that stops for a second now and then. */
export const SESSION_TIMEOUT_MS = 10_000

/** Who connects, where to, and what can be done to the link. */
export interface World {
  readonly connect: ZooKeeperConnect
  readonly connectString: string
  /** Cuts all links; sessions may come back over new ones. */
  dropLinks(): void
  /** Ends a session as if its client had been silent; absent where that cannot be done. */
  readonly expire?: (sessionId: bigint) => void
  /** Stops the server and starts it again over the same files. */
  readonly restart?: () => Promise<void>
  close(): Promise<void>
}

/** A session and its memory. */
export class Observed {
  session!: ZooKeeperSession
  readonly events: WatchEvent[] = []
  readonly states: ZooKeeperState[] = []
  #waiting: { readonly when: () => boolean; readonly wake: () => void }[] = []

  static async open(
    world: World,
    {
      chroot = '',
      ...options
    }: { chroot?: string; authInfo?: AuthInfo[]; sessionTimeoutMs?: number } = {},
  ): Promise<Observed> {
    const observed = new Observed()
    observed.session = await world.connect({
      connectString: world.connectString + chroot,
      sessionTimeoutMs: SESSION_TIMEOUT_MS,
      connectionTimeoutMs: 20_000,
      onWatch: (event) => observed.#note(() => observed.events.push(event)),
      onState: (state) => observed.#note(() => observed.states.push(state)),
      ...options,
    })
    return observed
  }

  /** Waits until a condition on what was told holds. */
  until(when: () => boolean): Promise<void> {
    if (when()) return Promise.resolve()
    return new Promise((wake) => this.#waiting.push({ when, wake }))
  }

  /** Waits for `n` events in all. @returns them as `type path` */
  async eventsUpTo(n: number): Promise<string[]> {
    await this.until(() => this.events.length >= n)
    return this.told
  }

  /** Waits until a link that stands now was lost, and another one stands. */
  relinked(): Promise<void> {
    const before = this.states.length
    return this.until(
      () => this.states.length >= before + 2 && this.session.state === 'connected',
    )
  }

  get told(): string[] {
    return this.events.map(({ type, path }) => `${type} ${path}`)
  }

  #note(change: () => void): void {
    change()
    const waiting = this.#waiting
    this.#waiting = []
    for (const each of waiting) {
      if (each.when()) each.wake()
      else this.#waiting.push(each)
    }
  }
}
