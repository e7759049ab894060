/**
 * # Playback
 *
 * A recording in the form that a page plays: a row of steps, each with the call it belongs
 * to; what changed, and which messages were under way, by step. What a reader would only
 * click past (network loops, look-ups, getters) is left out, and its children move up.
 *
 *     frames  ─▶ steps: enter · paragraph · paragraph · leave
 *     changes ─▶ the first step at which they are true
 *
 * Everything is numbers and short texts, so that a page loads quickly.
 *
 * @module
 */
import type { Frame, Json } from '../trace/Recorder.ts'
import type { Recording } from '../trace/record-run.ts'
import { findDeliveries, isBackground } from './deliveries.ts'
import { told } from './story.ts'
import { isWire } from './wires.ts'

/** What a step is, when it is not a paragraph. */
export const ENTER = -1
/** The call ends. */
export const LEAVE = -2

/** A call: `[function, parent, actor, values, result]`; the first three are positions. */
export type PlaybackFrame = readonly [
  fn: number,
  /** Position in `frames`; -1 for a root. */
  parent: number,
  actor: number,
  values: string,
  result: string,
]

/** A step: the frame it is in, and which paragraph of it, or `ENTER` or `LEAVE`. */
export type PlaybackStep = readonly [frame: number, what: number]

/** From this step on the thing of this name has this value; without one it is gone. */
export type PlaybackChange = readonly [step: number, name: string, value?: Json]

/** A message: the steps at which it leaves and comes, positions of two actors, a text. */
export type PlaybackMessage = readonly [
  sent: number,
  arrived: number,
  from: number,
  to: number,
  label: string,
  bytes?: number,
]

/** A recording to be stepped through. */
export interface Playback {
  readonly actors: readonly string[]
  /** Names of functions: `Class.method`, `new Class`. */
  readonly functions: readonly string[]
  /** File of each function, below `src/`; empty for the program of an example. */
  readonly files: readonly string[]
  /** First sentences of paragraphs. */
  readonly sentences: readonly string[]
  readonly frames: readonly PlaybackFrame[]
  readonly steps: readonly PlaybackStep[]
  readonly changes: readonly PlaybackChange[]
  readonly messages: readonly PlaybackMessage[]
}

/** Loops, queues, look-ups and value objects: true, and no part of the story. */
const QUIET = new RegExp(
  `^(new )?(${[
    'Processor|Acceptor|ConnectionQuotas|RequestChannel|Request|NetworkReceive|ApiKeys',
    'SessionTracker|PrepRequestProcessor|SyncRequestProcessor|OutstandingChanges',
    'ServerStats|FileTxn\\w*|FileSnap\\w*|WatchManager|Pool|VerifiableProperties',
    'CompressionType|LegacyRecord\\w*|ByteBuffer\\w*|DefaultRecord\\w*|SegmentFile',
    'RecordBatch|MemoryRecords\\w*|LocalLog|AssignedReplicas|ZNodeAccess|Refusal',
    '\\w*ZNode|JavaProperties|Metric\\w*|KafkaMetric\\w*|Sensor|DynamicConfig\\w*',
    'FrameParser|NetworkClient|ServerCnxn|FinalRequestProcessor|KafkaScheduler',
    'DataNode|ZkData|AbortError|SortedMap|ShutdownableThread|ConsumerConfig|\\w*Exception',
    'FileLogInputStream|FileChannelRecordBatch|LogOffsetMetadata|CheckpointFile|Waiters',
    'ZooKeeperClient|NodeZookeeperClientSession|InProcessSession|KeeperException',
    'InProcessConnection|PendingConnection|JuteLink|WatchedPaths',
  ].join('|')})(\\.|$)`,
)

/** Small methods of classes that else belong to the story. */
const SMALL =
  /^(ZooKeeperServer\.(submit|afterTxn|connectInProcess)|DataTree\.\w+|ControllerContext\.\w+)$|\.(toString|stateOf|leaderOf|snapshotOffsets|toBody|now|part|boundPort|path|isLive|validate\w*|check\w+IfClosed|maybeHandleIOException|canConvertToRelativeOffset|timeWaitedForRoll|getNode|getReplica|getPartition|endOffset|nonOffline\w+|containsPartition|getAliveBrokers|hasDelayed\w+)$/

/** These speak to somebody else, or change what somebody sees: kept in any case. */
const LOUD =
  /^(NetworkClient\.sendAndReceive|ZooKeeperClient\.processWatch|ZooKeeperServer\.processPacket|ZooKeeperServer\.closeSession|DataTree\.(processTxn|createNode|deleteNode|setData|killSession)|KafkaApis\.\w+)$/

/** What is at work within ZooKeeper: the story where nobody else is. */
const STATIONS =
  /^(PrepRequestProcessor\.(pRequest2Txn|create|delete|closeSession)|SyncRequestProcessor\.\w+|FileTxnLog\.(append|commit)|FinalRequestProcessor\.(processRequest|getChildren|answerRead)|WatchManager\.(addWatch|triggerWatch)|SessionTracker\.(expireDue|setSessionClosing|removeSession)|DataTree\.(processTxn|createNode|deleteNode|killSession))$/

/** Whether a call is a part of the story that a reader steps through. */
export function isPlayed(recording: Recording, frame: Frame): boolean {
  if (isBackground(recording, frame)) return false
  if (LOUD.test(frame.name)) return true
  if (recording.name === 'zookeeper' && STATIONS.test(frame.name)) return true
  if (told.has(frame.name) && frame.name !== 'Pool.get') return true
  if (frame.name === 'Pool.get') {
    const parent = recording.frames[frame.parent - 1]
    return parent !== undefined && told.has(parent.name)
  }
  return !QUIET.test(frame.name) && !SMALL.test(frame.name)
}

/** Makes the playback of a recording. */
export function toPlayback(recording: Recording): Playback {
  const actors = new Names()
  const functions = new Names()
  const files: string[] = []
  const sentences = new Names()
  const kept = new Map<number, number>()
  const frames: PlaybackFrame[] = []
  type Step = { readonly seq: number; readonly frame: number; readonly what: number }
  const steps: Step[] = []

  // Keep the calls of the story; a child of one that is left out moves up.
  for (const frame of recording.frames) {
    const parent = kept.get(frame.parent) ?? -1
    if (!isPlayed(recording, frame)) {
      kept.set(frame.id, parent)
      continue
    }
    const at = frames.length
    kept.set(frame.id, at)
    const { file = '' } = frame
    const fn = functions.at(frame.name, file)
    files[fn] = file
    frames.push([
      ...[fn, parent, actors.at(frame.actor)],
      ...[valuesOf(frame), resultOf(frame)],
    ] as unknown as PlaybackFrame)
    steps.push({ seq: frame.seq, frame: at, what: ENTER })
    for (const { seq, sentence } of frame.paragraphs) {
      steps.push({ seq, frame: at, what: sentences.at(sentence) })
    }
    if (frame.endSeq !== undefined) {
      steps.push({ seq: frame.endSeq, frame: at, what: LEAVE })
    }
  }
  steps.sort((a, b) => a.seq - b.seq)

  // Say of changes and messages at which step they are seen.
  // What was there before anything ran is there at the first step.
  const begin = steps[1]?.seq ?? 0
  const stepAt = (seq: number) => (seq < begin ? 0 : firstAt(steps, seq))
  const seen = recording.changes.filter((change) => !isWire(change))
  const changes = seen.map(({ seq, name, value }): PlaybackChange => {
    return value === undefined ? [stepAt(seq), name] : [stepAt(seq), name, value]
  })
  const messages = findDeliveries(recording).flatMap((message): PlaybackMessage[] => {
    const { sent, arrived, from, to, label, bytes } = message
    if (from === 'main' && to === 'main') return []
    const ends = [stepAt(sent), stepAt(arrived)] as const
    const row = [...ends, actors.at(from), actors.at(to), label] as const
    return [bytes === undefined ? row : [...row, bytes]]
  })
  return {
    actors: actors.all,
    functions: functions.all,
    files,
    sentences: sentences.all,
    frames,
    steps: steps.map(({ frame, what }) => [frame, what]),
    changes,
    messages,
  }
}

/** The first step that is not before a position; the last one when none is. */
function firstAt(steps: readonly { readonly seq: number }[], seq: number): number {
  let low = 0
  let high = Math.max(0, steps.length - 1)
  while (low < high) {
    const middle = (low + high) >> 1
    if ((steps[middle]?.seq ?? 0) < seq) low = middle + 1
    else high = middle
  }
  return low
}

function valuesOf({ args, self }: Frame): string {
  const values = Object.entries(args)
    .filter(([, value]) => value !== 'Object')
    .map(([name, value]) => `${name}: ${value}`)
  if (self !== undefined) values.unshift(`this: ${self}`)
  const text = values.join(', ')
  return text.length > 160 ? `${text.slice(0, 159)}…` : text
}

function resultOf({ result, error, endSeq }: Frame): string {
  if (endSeq === undefined) return ''
  if (error !== undefined) return `✗ ${error}`.slice(0, 160)
  return result === undefined || result === 'Object' ? '' : `→ ${result}`.slice(0, 120)
}

/** Texts, each kept once. */
class Names {
  readonly all: string[] = []
  readonly #at = new Map<string, number>()

  /** Position of a text; it is added when it is new, or of another `kind`. */
  at(text: string, kind = ''): number {
    const known = this.#at.get(`${kind} ${text}`)
    if (known !== undefined) return known
    this.#at.set(`${kind} ${text}`, this.all.length)
    return this.all.push(text) - 1
  }
}
