/**
 * # The cluster at one moment
 *
 * Cuts out of a recording what the cluster looks like when a call, or a paragraph of it,
 * is reached, in as few bytes as a picture on a page of words needs.
 *
 * @module
 */
import { type ClusterState, clusterAt } from '../../../src/traces/cluster-state.ts'
import { ENTER, type Playback } from '../../../src/traces/playback.ts'
import { stepAddresses } from '../../../src/traces/step-address.ts'
import type { TraceOutput } from './trace-pages.ts'

/** A step of a recording, and the cluster at it. */
export interface ClusterMoment {
  readonly trace: string
  /** Address of the step. */
  readonly step: string
  readonly call: string
  readonly sentence: string | undefined
  /** Position of the step. */
  readonly at: number
  /** Who runs the call. */
  readonly actor: string
  readonly state: ClusterState
}

/**
 * Finds the first step of a call, or of a paragraph of it.
 *
 * @param beginning of the paragraph's first sentence; the call's beginning without one
 * @throws when the recording does not come there
 */
export function momentOf(
  { name, playback }: TraceOutput,
  call: string,
  beginning?: string,
): ClusterMoment {
  const { steps, frames, functions, sentences, actors } = playback
  const at = steps.findIndex(([frame, what]) => {
    if (functions[frames[frame]?.[0] ?? -1] !== call) return false
    if (beginning === undefined) return what === ENTER
    return what >= 0 && (sentences[what]?.startsWith(beginning) ?? false)
  })
  const [frame, what] = steps[at] ?? []
  if (frame === undefined || what === undefined) {
    const paragraph = beginning === undefined ? '' : ` / ${beginning}`
    throw new Error(`the recording ${name} does not come to ${call}${paragraph}`)
  }
  return {
    ...{ trace: name, call, at, step: stepAddresses(playback)[at] ?? '' },
    sentence: what < 0 ? undefined : sentences[what],
    actor: actors[frames[frame]?.[2] ?? 0] ?? '',
    state: small(playback, at),
  }
}

/** Leaves out what the picture only counts, but for its number. */
function small(playback: Playback, step: number): ClusterState {
  const state = clusterAt(playback, step)
  const { zooKeeper, brokers } = state
  const isDrawn = (path: string) => /^\/(controller|brokers\/ids\/\d+)$/.test(path)
  return {
    ...state,
    zooKeeper: {
      ...zooKeeper,
      nodes: zooKeeper.nodes.map(({ path, ephemeral }) => ({
        ...{ path: isDrawn(path) ? path : '', data: '', ephemeral, version: 0 },
      })),
    },
    brokers: brokers.map((broker) => ({
      ...broker,
      replicas: broker.replicas.map((replica) =>
        replica.partition.startsWith('__') ? { ...replica, batches: [] } : replica,
      ),
    })),
  }
}
