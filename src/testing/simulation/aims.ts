/**
 * # What schedules aim at
 *
 * Some promises break only when two things happen within one round trip, in one order.
 * Faults that fall as they may meet such a moment once in thousands of histories. An aim
 * knows the moment: each is a short story of faults with chance in its times, and waits
 * for what it needs to see in ZooKeeper before it strikes.
 *
 *     newcomer         out of the ISR ─▶ let in again ─▶ at once all the others die
 *     fresh-follower   a leader is elected ─▶ it dies before anybody has fetched from it
 *     stale-state      the controller changes while the ISR shrinks and grows
 *     old-controller   the old one's word is slow ─▶ another takes over and changes things
 *
 * Invariant: an aim says nothing that a cluster must not stand; the right product passes
 * every aimed schedule.
 *
 * @module
 */
import type { Random } from '../../base/platform/Platform.ts'
import type { Fault, FaultKind } from './schedule.ts'

/** Draws one telling of a story. */
type Aim = (random: Random) => readonly Fault[]

/** The next fault of a story; `choice` ties all of them to one partition. */
type Step = Omit<Fault, 'choice'>

/** The stories, by name. */
export const aims = {
  /**
   * A follower that is let into the ISR must have everything that may be committed: from
   * then on it may be the only one who has it.
   */
  newcomer: (random: Random) =>
    story(random, (pick, upTo) => [
      {
        kind: pick(['cut-brokers', 'pause', 'kill']),
        victim: 'follower',
        afterMs: upTo(400),
        lastsMs: 1300 + upTo(1500),
      },
      { when: 'isr-grows', ...deadly('leader', upTo(pick([1, 4, 30])), upTo(1500)) },
      { ...deadly('elder', upTo(4), upTo(1500)) },
    ]),

  /**
   * Who changes leaders must not throw away what the new leader has, before it has asked
   * it: the next leader may be chosen before it got it back.
   */
  'fresh-follower': (random: Random) =>
    story(random, (pick, upTo) => [
      {
        kind: pick(['kill', 'expire', 'preferred-election', 'shutdown', 'kill']),
        victim: 'leader',
        afterMs: upTo(600),
        lastsMs: 1500 + upTo(1500),
      },
      {
        when: 'leader-elected',
        kind: pick(['cut-brokers', 'slow']),
        victim: 'leader',
        afterMs: upTo(4),
        lastsMs: 300 + upTo(1200),
      },
      { ...deadly('leader', 10 + upTo(pick([20, 200])), upTo(1500)) },
    ]),

  /**
   * Who leads changes the ISR while a new controller reads it: what the controller then
   * says is older than what the leader knows, and has the same leader epoch.
   */
  'stale-state': (random: Random) =>
    story(random, (_, upTo) => [
      {
        kind: 'cut-brokers',
        victim: 'leader',
        afterMs: upTo(400),
        lastsMs: 1300 + upTo(700),
      },
      {
        when: 'isr-shrinks',
        kind: 'move-controller',
        victim: 'controller',
        afterMs: upTo(500),
        lastsMs: 0,
      },
      {
        when: 'controller-elected',
        kind: 'slow',
        victim: 'controller',
        afterMs: 0,
        lastsMs: 3000,
      },
    ]),

  /**
   * A controller's word is under way when another is elected and changes things: it
   * arrives after the word of the other.
   */
  'old-controller': (random: Random) =>
    story(random, (pick, upTo) => [
      { kind: 'slow', victim: 'controller', afterMs: upTo(400), lastsMs: 3000 },
      {
        kind: pick(['expire', 'preferred-election']),
        victim: 'leader',
        afterMs: upTo(50),
        lastsMs: 0,
      },
      {
        kind: 'move-controller',
        victim: 'controller',
        afterMs: upTo(1200),
        lastsMs: 0,
      },
      {
        kind: pick(['expire', 'preferred-election', 'expire']),
        victim: 'leader',
        afterMs: upTo(200),
        lastsMs: 0,
      },
    ]),
} satisfies Readonly<Record<string, Aim>>

/** Names an aim. */
export type AimName = keyof typeof aims

/** All of them, in the order in which a seed draws. */
export const aimNames = Object.keys(aims) as AimName[]

/** Tells a story of one partition, and lets the cluster come to rest a little. */
function story(
  random: Random,
  tell: (
    pick: <T>(from: readonly T[]) => T,
    upTo: (bound: number) => number,
  ) => readonly Step[],
): Fault[] {
  const choice = random.nextInt(1 << 16)
  const pick = <T>(from: readonly T[]): T => from[random.nextInt(from.length)] as T
  const steps = tell(pick, (bound) => random.nextInt(bound))
  const rest: Step = { kind: 'reset', victim: 'any', afterMs: 2500, lastsMs: 0 }
  return [...steps, rest].map((step) => ({ ...step, choice }))
}

/** A process dies, and is not back before ZooKeeper has noticed. */
function deadly(victim: Fault['victim'], afterMs: number, moreMs: number): Step {
  const kind: FaultKind = 'kill'
  return { kind, victim, afterMs, lastsMs: 1500 + moreMs }
}
