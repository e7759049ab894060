/**
 * # The state of a cluster, from what was seen of it
 *
 * `watches.ts` keeps named values while a cluster runs; here they become one plain object
 * that a picture can be drawn from. Nothing here knows whether the values come from a
 * recording or from a cluster that runs right now.
 *
 *     facts { name → value } ─▶ clusterOf ─▶ { zooKeeper, brokers, clients, messages }
 *
 * Who is in sync is what the leader thinks; without a leader, what ZooKeeper has on record.
 *
 * @module
 */
import type { Json } from '../trace/Recorder.ts'
import type { Playback, PlaybackMessage } from './playback.ts'

/** A node of ZooKeeper. */
export interface ZNodeView {
  readonly path: string
  readonly data: string
  /** True when it goes with the session that made it. */
  readonly ephemeral: boolean
  readonly version: number
}

/** A batch in a log. */
export interface BatchView {
  readonly baseOffset: number
  readonly lastOffset: number
  readonly sizeBytes: number
  /** Epoch of the leader that appended it; -1 where the format has none. */
  readonly epoch: number
}

/** One copy of a partition, on one broker. */
export interface ReplicaView {
  /** `topic-partition` */
  readonly partition: string
  readonly role: 'leader' | 'follower' | 'none'
  /** Who leads, as this broker knows; -1 for nobody. */
  readonly leader: number
  /** Epoch of the leader, as this broker knows; -1 before the first. */
  readonly epoch: number
  readonly inSync: boolean
  readonly logStartOffset: number
  readonly logEndOffset: number
  readonly highWatermark: number
  readonly batches: readonly BatchView[]
}

/** A request that waits in a purgatory. */
export interface WaitingView {
  readonly id: string
  /** `Fetch`, `Produce`, … */
  readonly kind: string
  /** Bytes that it still waits for, and how many it wants; for a fetch. */
  readonly missingBytes: number | undefined
  readonly minBytes: number | undefined
}

/** A broker. */
export interface BrokerView {
  readonly id: number
  /** What it says of itself: `Starting`, `RunningAsBroker`, …; empty when unknown. */
  readonly state: string
  /** Whether ZooKeeper has it on record. */
  readonly isRegistered: boolean
  readonly isController: boolean
  readonly replicas: readonly ReplicaView[]
  readonly waiting: readonly WaitingView[]
}

/** A message between two actors. */
export interface MessageView {
  readonly from: string
  readonly to: string
  readonly label: string
  readonly bytes: number | undefined
  /** How far it is: 0 has just left, 1 is there. */
  readonly progress: number
}

/** Everything that a picture of a cluster shows. */
export interface ClusterState {
  readonly zooKeeper: {
    /** Id of the controller by `/controller`; undefined when there is none. */
    readonly controller: number | undefined
    readonly nodes: readonly ZNodeView[]
  }
  readonly brokers: readonly BrokerView[]
  /** Programs that are neither broker nor ZooKeeper. */
  readonly clients: readonly string[]
  readonly messages: readonly MessageView[]
}

/** Named values, as `watches.ts` writes them. */
export type Facts = ReadonlyMap<string, Json>

/**
 * Puts named values together.
 *
 * @param actors everybody who takes part, as the recorder names them.
 * @param messages what is under way.
 */
export function clusterOf(
  facts: Facts,
  actors: readonly string[],
  messages: readonly MessageView[] = [],
): ClusterState {
  const nodes = nodesOf(facts)
  const controller = controllerOf(nodes)
  const ids = new Set<number>()
  for (const name of [...actors, ...facts.keys()]) {
    const id = /^(?:broker |(?:broker|partition|replica)\/)(\d+)/.exec(name)?.[1]
    if (id !== undefined) ids.add(Number(id))
  }
  const brokers = [...ids]
    .sort((a, b) => a - b)
    .map((id): BrokerView => {
      const state = facts.get(`broker/${id}`)
      return {
        id,
        state: typeof state === 'string' ? state : '',
        isRegistered: nodes.some(({ path }) => path === `/brokers/ids/${id}`),
        isController: controller === id,
        replicas: replicasOf(facts, id),
        // What waited in a broker is gone with it.
        waiting: state === 'NotRunning' ? [] : waitingOf(facts, id),
      }
    })
  const clients = actors.filter((actor) => !/^(broker \d+|zookeeper|main)$/.test(actor))
  if (messages.some(({ from, to }) => from === 'main' || to === 'main')) {
    clients.unshift('main')
  }
  return { zooKeeper: { controller, nodes }, brokers, clients, messages }
}

/** The values at a step of a recording. */
export function factsAt(playback: Playback, step: number): Facts {
  const facts = new Map<string, Json>()
  for (const [at, name, value] of playback.changes) {
    if (at > step) break
    if (value === undefined) facts.delete(name)
    else facts.set(name, value)
  }
  return facts
}

/** The cluster at a step of a recording. */
export function clusterAt(playback: Playback, step: number): ClusterState {
  const { actors, messages } = playback
  const flying = messages.filter(([sent, arrived]) => sent <= step && step < arrived)
  const views = flying.map((message) => messageView(message, actors, step))
  const speaks = messages.some(([, , from, to]) => {
    return actors[from] === 'main' || actors[to] === 'main'
  })
  const state = clusterOf(factsAt(playback, step), actors, views)
  // Who speaks at any time has a place all the time.
  if (!speaks || state.clients.includes('main')) return state
  return { ...state, clients: ['main', ...state.clients] }
}

function messageView(
  [sent, arrived, from, to, label, bytes]: PlaybackMessage,
  actors: readonly string[],
  step: number,
): MessageView {
  const progress = (step - sent + 1) / (arrived - sent + 1)
  const ends = { from: actors[from] ?? '', to: actors[to] ?? '' }
  return { ...ends, label, bytes, progress }
}

function nodesOf(facts: Facts): ZNodeView[] {
  const nodes: ZNodeView[] = []
  for (const [name, value] of facts) {
    if (!name.startsWith('znode/')) continue
    const { data, ephemeral, version } = value as Record<string, Json>
    nodes.push({
      path: name.slice('znode/'.length),
      data: String(data),
      ephemeral: ephemeral === true,
      version: Number(version),
    })
  }
  return nodes.sort((a, b) => (a.path < b.path ? -1 : 1))
}

function controllerOf(nodes: readonly ZNodeView[]): number | undefined {
  const data = nodes.find(({ path }) => path === '/controller')?.data
  const id = data === undefined ? undefined : parse(data)?.brokerid
  return typeof id === 'number' ? id : undefined
}

function replicasOf(facts: Facts, broker: number): ReplicaView[] {
  const prefix = `replica/${broker}/`
  const views: ReplicaView[] = []
  for (const [name, value] of facts) {
    if (!name.startsWith(prefix)) continue
    const partition = name.slice(prefix.length)
    const copy = value as Record<string, Json>
    const known = facts.get(`partition/${broker}/${partition}`) as
      | Record<string, Json>
      | undefined
    const leader = Number(known?.leader ?? -1)
    views.push({
      partition,
      role: leader === broker ? 'leader' : leader < 0 ? 'none' : 'follower',
      leader,
      epoch: Number(known?.epoch ?? -1),
      inSync: inSyncReplicas(facts, partition).includes(broker),
      logStartOffset: Number(copy.start),
      logEndOffset: Number(copy.end),
      highWatermark: Number(copy.highWatermark),
      batches: (copy.batches as readonly (readonly number[])[]).map(
        ([baseOffset = 0, lastOffset = 0, sizeBytes = 0, epoch = -1]) => {
          return { baseOffset, lastOffset, sizeBytes, epoch }
        },
      ),
    })
  }
  return views.sort((a, b) => (a.partition < b.partition ? -1 : 1))
}

/** Who is in sync: by the leader of the newest epoch, else by ZooKeeper's record. */
function inSyncReplicas(facts: Facts, partition: string): readonly Json[] {
  let newest: Record<string, Json> | undefined
  for (const [name, value] of facts) {
    if (!name.startsWith('partition/')) continue
    const [, id, ...rest] = name.split('/')
    const view = value as Record<string, Json>
    if (rest.join('/') !== partition || String(view.leader) !== id) continue
    if (!newest || Number(view.epoch) > Number(newest.epoch)) newest = view
  }
  if (newest) return newest.isr as readonly Json[]
  const cut = partition.lastIndexOf('-')
  const [topic, number] = [partition.slice(0, cut), partition.slice(cut + 1)]
  const path = `znode//brokers/topics/${topic}/partitions/${number}/state`
  const node = facts.get(path) as Record<string, Json> | undefined
  const isr = node && parse(String(node.data))?.isr
  return Array.isArray(isr) ? isr : []
}

function waitingOf(facts: Facts, broker: number): WaitingView[] {
  const prefix = `waiting/${broker}/`
  return [...facts]
    .filter(([name]) => name.startsWith(prefix))
    .map(([name, value]) => {
      const { kind, missing, of } = value as Record<string, Json>
      return {
        id: name.slice(prefix.length),
        kind: String(kind),
        missingBytes: typeof missing === 'number' ? missing : undefined,
        minBytes: typeof of === 'number' ? of : undefined,
      }
    })
}

function parse(json: string): Record<string, Json> | undefined {
  try {
    const value: unknown = JSON.parse(json)
    return typeof value === 'object' ? (value as Record<string, Json>) : undefined
  } catch {
    return undefined
  }
}
