/**
 * # What can be done to a playground
 *
 * A run of the playground is a seed and a list of actions. Both stand in the address of
 * the page, so a run can be sent to somebody else, who sees the same history:
 *
 *     seed 7, p0.w500.k0.w2000
 *             │  │    │  └─ wait 2000 ms
 *             │  │    └──── kill broker 0
 *             │  └───────── wait 500 ms
 *             └──────────── produce one record to partition 0, acks=all
 *
 * @differs nothing in Kafka corresponds to it
 * @module
 */
import { IllegalArgumentException } from '../../base/errors.ts'

/** Most actions of one run. */
const MOST_ACTIONS = 2000

/** Longest wait of one action, in virtual ms. */
export const LONGEST_WAIT_MS = 60_000

/** Who can be cut off from a broker: another one, or ZooKeeper. */
export type Peer = number | 'zk'

/** One thing that is done. */
export type PlaygroundAction =
  /** Lets virtual time pass. */
  | { readonly do: 'wait'; readonly ms: number }
  /** Sends one record; `acks` as in `request.required.acks`. */
  | { readonly do: 'produce'; readonly partition: number; readonly acks: 1 | -1 }
  /** Strikes one broker, or brings it back. */
  | { readonly do: BrokerDeed; readonly broker: number }
  /** Breaks the link between a broker and somebody, or mends it. */
  | { readonly do: 'cut' | 'heal'; readonly broker: number; readonly peer: Peer }
  /** Starts one more consumer of the group. */
  | { readonly do: 'join' }
  /** Ends a consumer, in order or by a kill. */
  | { readonly do: 'leave' | 'kill-consumer'; readonly consumer: number }

/** What can happen to a broker. */
export type BrokerDeed =
  | 'kill'
  | 'power'
  | 'start'
  | 'shutdown'
  | 'freeze'
  | 'thaw'
  | 'expire'
  | 'slow'
  | 'quick'
  | 'slow-disk'
  | 'quick-disk'

const brokerDeeds: Readonly<Record<string, BrokerDeed>> = {
  k: 'kill',
  z: 'power',
  s: 'start',
  d: 'shutdown',
  f: 'freeze',
  t: 'thaw',
  e: 'expire',
  y: 'slow',
  u: 'quick',
  i: 'slow-disk',
  j: 'quick-disk',
}

/** Writes actions in the short form; waits that follow each other become one. */
export function formatActions(actions: readonly PlaygroundAction[]): string {
  const words: string[] = []
  let waited = 0
  const flush = () => {
    if (waited > 0) words.push(`w${waited}`)
    waited = 0
  }
  for (const action of actions) {
    if (action.do === 'wait') {
      if (waited + action.ms > LONGEST_WAIT_MS) flush()
      waited += action.ms
      continue
    }
    flush()
    words.push(wordFor(action))
  }
  flush()
  return words.join('.')
}

function wordFor(action: Exclude<PlaygroundAction, { do: 'wait' }>): string {
  switch (action.do) {
    case 'produce':
      return `${action.acks === 1 ? 'q' : 'p'}${action.partition}`
    case 'cut':
    case 'heal': {
      const peer = action.peer === 'zk' ? 'z' : action.peer
      return `${action.do === 'cut' ? 'c' : 'h'}${action.broker}${peer}`
    }
    case 'join':
      return 'a'
    case 'leave':
      return `b${action.consumer}`
    case 'kill-consumer':
      return `v${action.consumer}`
    default: {
      const letter = Object.keys(brokerDeeds).find((k) => brokerDeeds[k] === action.do)
      return `${letter}${action.broker}`
    }
  }
}

/**
 * Reads the short form.
 *
 * @throws IllegalArgumentException at the first word that means nothing, with that word
 */
export function parseActions(text: string): PlaygroundAction[] {
  const words = text.split('.').filter((word) => word !== '')
  if (words.length > MOST_ACTIONS) {
    throw new IllegalArgumentException(`a run has at most ${MOST_ACTIONS} actions`)
  }
  return words.map(actionOf)
}

function actionOf(word: string): PlaygroundAction {
  const [, letter = '', first = '', peer = ''] = /^([a-z])(\d*)(z?)$/.exec(word) ?? []
  const digits = first === '' ? Number.NaN : Number(first)
  const deed = brokerDeeds[letter]
  if (peer === '' && deed && first.length === 1) return { do: deed, broker: digits }
  if (letter === 'w' && peer === '' && digits > 0 && digits <= LONGEST_WAIT_MS) {
    return { do: 'wait', ms: digits }
  }
  if ((letter === 'p' || letter === 'q') && first.length === 1 && peer === '') {
    return { do: 'produce', partition: digits, acks: letter === 'q' ? 1 : -1 }
  }
  if (letter === 'c' || letter === 'h') {
    const broker = Number(first[0] ?? 'x')
    const other: Peer = peer === 'z' ? 'zk' : Number(first[1] ?? 'x')
    const length = peer === 'z' ? 1 : 2
    if (first.length === length && broker !== other) {
      return { do: letter === 'c' ? 'cut' : 'heal', broker, peer: other }
    }
  }
  if (letter === 'a' && first === '' && peer === '') return { do: 'join' }
  if ((letter === 'b' || letter === 'v') && peer === '' && digits > 0) {
    return { do: letter === 'b' ? 'leave' : 'kill-consumer', consumer: digits }
  }
  throw new IllegalArgumentException(`"${word}" is no action of the playground`)
}

/** Says what an action does, for a reader: the verb first. */
export function describeAction(action: PlaygroundAction): string {
  switch (action.do) {
    case 'wait':
      return `wait ${action.ms} ms`
    case 'produce': {
      const acks = action.acks === 1 ? '1' : 'all'
      return `produce to t-${action.partition}, acks=${acks}`
    }
    case 'cut':
    case 'heal': {
      const peer = action.peer === 'zk' ? 'ZooKeeper' : `broker ${action.peer}`
      return `${action.do} the link of broker ${action.broker} to ${peer}`
    }
    case 'join':
      return 'one more consumer joins'
    case 'leave':
      return `consumer c${action.consumer} leaves`
    case 'kill-consumer':
      return `kill consumer c${action.consumer}`
    default:
      return `${brokerWords[action.do]} ${action.broker}`
  }
}

const brokerWords: Readonly<Record<BrokerDeed, string>> = {
  kill: 'kill broker',
  power: 'cut the power of broker',
  start: 'start broker',
  shutdown: 'shut down broker',
  freeze: 'freeze broker',
  thaw: 'thaw broker',
  expire: 'expire the ZooKeeper session of broker',
  slow: 'slow the links of broker',
  quick: 'make the links quick again of broker',
  'slow-disk': 'slow the disk of broker',
  'quick-disk': 'make the disk quick again of broker',
}
