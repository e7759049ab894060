/**
 * # What a picture of a recording tells
 *
 * A recording holds everything; a diagram tells the story. Here stands which calls belong
 * to it, and how a request that one actor sends is found again where another handles it.
 *
 * @module
 */
import type { Frame } from '../trace/Recorder.ts'
import type { Recording } from '../trace/record-run.ts'
import type { Message } from '../trace/render-mermaid.ts'
import { findDeliveries, sends } from './deliveries.ts'
import type { ExampleTrace } from './ExampleTrace.ts'
import { ties } from './ties.ts'

/** Lines of the notes that are a look into a map: true, and too many for a picture. */
const SMALL = new Set(['Pool.get', 'Pool.put', 'BlockingChannel.send'])

/** Calls that are lines of the notes. */
export const told: ReadonlySet<string> = new Set(
  ties.flatMap((tie) => tie.sees.map((sight) => sight.frame)),
)

/** True for a call that is a line of the notes. */
export function isTold(frame: Frame): boolean {
  return told.has(frame.name) && !SMALL.has(frame.name)
}

/** Looks into a purgatory. Most find nobody who waits, or nobody who can go on. */
const LOOKS = new Set([
  'DelayedOperationPurgatory.checkAndComplete',
  'Watchers.tryCompleteWatched',
  'ReplicaManager.tryCompleteDelayedFetch',
])

/** Calls of each recording under which a delayed operation was completed. */
const completions = new WeakMap<Recording, ReadonlySet<number>>()

/** True for a look into a purgatory that lets somebody go. */
function completesSomething(recording: Recording, frame: Frame): boolean {
  let found = completions.get(recording)
  if (!found) {
    const above = new Set<number>()
    for (const each of recording.frames) {
      // Every request of a member completes its heartbeat: that is no news.
      if (each.name !== 'DelayedOperation.forceComplete') continue
      if (each.self === 'DelayedHeartbeat') continue
      for (let id = each.parent; id > 0; id = recording.frames[id - 1]!.parent) {
        above.add(id)
      }
    }
    found = above
    completions.set(recording, found)
  }
  return found.has(frame.id)
}

/** True for a call that the diagram of an example shows. */
export function isDrawn(
  recording: Recording,
  frame: Frame,
  { drawn = [], roots }: Pick<ExampleTrace, 'drawn' | 'roots'>,
): boolean {
  if (!isTold(frame) && !drawn.includes(frame.name)) return false
  if (LOOKS.has(frame.name) && !completesSomething(recording, frame)) return false
  return isUnder(recording, frame, roots)
}

/** True when a frame, or one it was begun under, is one of the named roots. */
export function isUnder(
  recording: Recording,
  frame: Frame,
  roots: readonly string[],
): boolean {
  let current: Frame | undefined = frame
  while (current) {
    if (roots.includes(current.name)) return true
    current = recording.frames[current.parent - 1]
  }
  return false
}

/**
 * Finds the requests that went from one actor to another: the next handling of the same
 * API by another actor after a send.
 */
export function findMessages(recording: Recording): Message[] {
  const messages: Message[] = []
  const taken = new Set<number>()
  for (const send of recording.frames) {
    if (!sends(send)) continue
    const api = send.args.api
    if (api === undefined) continue
    const handled = recording.frames.find(
      (frame) =>
        frame.id > send.id &&
        frame.name === 'KafkaApis.handle' &&
        frame.args.request === `${api} request` &&
        !taken.has(frame.id),
    )
    if (!handled) continue
    taken.add(handled.id)
    messages.push({
      ...{ seq: send.seq, from: send.actor, to: handled.actor },
      label: `${api} request`,
    })
  }
  return messages
}

/**
 * The messages that the diagram of an example shows: requests of Kafka's, and where the
 * example is about ZooKeeper, its requests and watches, too. Answers are left out.
 */
export function drawnMessages(
  recording: Recording,
  { drawsZooKeeper = false }: Pick<ExampleTrace, 'drawsZooKeeper'>,
): Message[] {
  const messages = findMessages(recording)
  if (!drawsZooKeeper) return messages
  for (const { sent: seq, from, to, label } of findDeliveries(recording)) {
    const isOfZooKeeper = from === 'zookeeper' || to === 'zookeeper'
    if (!isOfZooKeeper || label.startsWith('answer ')) continue
    messages.push({ seq, from, to, label })
  }
  return messages
}
