/**
 * # The living picture of the home page
 *
 * The moments of a recorded run at which the cluster looks different, or a message goes
 * through it, cut down to what a small picture shows. Nothing of it is drawn by hand.
 *
 * @module
 */
import {
  type ClusterState,
  clusterAt,
  type MessageView,
} from '../../../src/traces/cluster-state.ts'
import type { Playback } from '../../../src/traces/playback.ts'
import { stepAddresses } from '../../../src/traces/step-address.ts'

/** One moment of the picture. */
export interface Moment {
  /** The step of the recording, counted from 0. */
  readonly step: number
  /** Its address, for a link. */
  readonly address: string
  /** What happens, in a few words. */
  readonly text: string
  readonly state: ClusterState
}

/** Messages that tell the story of replication; the rest is housekeeping. */
const TOLD = /^(Produce|Fetch|LeaderAndIsr) /

/**
 * Picks the moments: a step at which something in the picture moved.
 *
 * @param playback of a run with several brokers.
 */
export function livingMoments(playback: Playback): Moment[] {
  const { steps, messages, actors, changes } = playback
  const moments: Moment[] = []
  const addresses = stepAddresses(playback)
  let last = ''
  const told = messages.filter(([, , , , label]) => TOLD.test(label))
  const interesting = new Set([
    ...changes.map(([step]) => step),
    ...told.flatMap((message) => message.slice(0, 2) as number[]),
  ])
  for (let step = 0; step < steps.length; step++) {
    if (!interesting.has(step)) continue
    const state = small(clusterAt(playback, step))

    // Keep it only if the reader sees a difference.
    const { messages: flying, ...rest } = state
    const seen = JSON.stringify([
      rest,
      flying.map(({ from, to, label }) => [from, to, label]),
    ])
    if (seen === last) continue
    last = seen
    const [, , from = 0, to = 0, label] = told.find(([sent]) => sent === step) ?? []
    const ends = `${name(actors[from])} → ${name(actors[to])}`
    const text = label ? `${label}: ${ends}` : changeText(moments.at(-1)?.state, state)
    const said = text || (moments.at(-1)?.text ?? '')
    moments.push({ step, address: addresses[step] ?? '', text: said, state })
  }
  return moments
}

/** Only what is drawn: few znodes, no topics of Kafka's own. */
function small(state: ClusterState): ClusterState {
  const { zooKeeper, brokers, messages } = state
  const nodes = zooKeeper.nodes.filter(({ path }) =>
    /^\/(controller|brokers\/ids\/\d+)$/.test(path),
  )
  return {
    ...state,
    zooKeeper: { ...zooKeeper, nodes: nodes.map((node) => ({ ...node, data: '' })) },
    brokers: brokers.map((broker) => ({
      ...broker,
      replicas: broker.replicas.filter(({ partition }) => !partition.startsWith('__')),
    })),
    messages: messages
      .filter(({ label, from, to }) => TOLD.test(label) && from !== to)
      .map(
        (message): MessageView => ({ ...message, progress: half(message.progress) }),
      ),
  }
}

/** On the way, or nearly there: enough for a picture that stands still between. */
function half(progress: number): number {
  return progress > 0.5 ? 0.85 : 0.4
}

/** Says what became of copies and brokers between two moments. */
function changeText(before: ClusterState | undefined, after: ClusterState): string {
  if (!before) return ''
  for (const broker of after.brokers) {
    const was = before.brokers.find(({ id }) => id === broker.id)
    if (was && was.state !== broker.state && broker.state === 'NotRunning') {
      return `broker ${broker.id} is gone`
    }
    for (const copy of broker.replicas) {
      const old = was?.replicas.find(({ partition }) => partition === copy.partition)
      if (!old) continue
      if (old.role !== copy.role && copy.role === 'leader') {
        return `broker ${broker.id} leads, in epoch ${copy.epoch}`
      }
      if (old.logEndOffset !== copy.logEndOffset) {
        return `broker ${broker.id}: log end ${copy.logEndOffset}`
      }
      if (old.highWatermark !== copy.highWatermark) {
        return `broker ${broker.id}: high watermark ${copy.highWatermark}`
      }
    }
    if (was && broker.waiting.length !== was.waiting.length) {
      const more = broker.waiting.length > was.waiting.length
      return `broker ${broker.id}: ${more ? 'a request waits' : 'a request is answered'}`
    }
  }
  return ''
}

function name(actor = ''): string {
  return actor === 'main' ? 'program' : actor
}
