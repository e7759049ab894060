/**
 * # Where things stand in the picture of a cluster
 *
 * Turns a state into boxes, lanes and dots with coordinates. The picture itself only draws
 * them, so what a reader sees can be tested without a browser.
 *
 *     ┌────────────── ZooKeeper ──────────────┐
 *     └───────────────────────────────────────┘
 *     ┌ broker 0 ─┐  ┌ broker 1 ─┐  ┌ broker 2 ┐   a column each
 *     │ lane      │  │ lane      │  │ lane     │   a lane for each partition
 *     └───────────┘  └───────────┘  └──────────┘
 *        ( program )     ( consumer )
 *
 * @module
 */
import type {
  BrokerView,
  ClusterState,
  MessageView,
  ReplicaView,
  WaitingView,
} from '../../../../src/traces/cluster-state.ts'

/** A rectangle. */
export interface Box {
  readonly x: number
  readonly y: number
  readonly width: number
  readonly height: number
}

/** One batch in a lane. */
export interface BatchBox extends Box {
  /** Offsets, `3` or `3–5`. */
  readonly label: string
  readonly epoch: number
  /** Whether consumers see it: it lies below the high watermark. */
  readonly isCommitted: boolean
}

/** One copy of a partition. */
export interface LaneBox extends Box {
  readonly replica: ReplicaView
  readonly batches: readonly BatchBox[]
  /** Number of batches at the front that are not drawn. */
  readonly hidden: number
  /** Where the flags stand. */
  readonly logEndX: number
  readonly highWatermarkX: number
}

/** A broker with its lanes. */
export interface BrokerBox extends Box {
  readonly broker: BrokerView
  readonly lanes: readonly LaneBox[]
  readonly waiting: readonly (WaitingView & { readonly y: number })[]
  /** Partitions of Kafka's own topics, which have no lane. */
  readonly internal: number
}

/** A program. */
export interface ClientBox extends Box {
  readonly name: string
}

/** A message: its line, and where it is on it. */
export interface DotBox {
  readonly message: MessageView
  readonly path: string
  readonly x: number
  readonly y: number
  readonly labelX: number
  readonly labelY: number
  readonly anchor: 'start' | 'end'
}

/** The whole picture. */
export interface ClusterLayout {
  readonly width: number
  readonly height: number
  readonly zooKeeper: Box
  readonly brokers: readonly BrokerBox[]
  readonly clients: readonly ClientBox[]
  readonly dots: readonly DotBox[]
  /** Messages that are under way and not drawn. */
  readonly moreMessages: number
}

const GAP = 16
const ZOOKEEPER_HEIGHT = 62
const ROAD = 64
const HEADER = 40
const LANE = 92
const WAITING = 22
const BATCH_WIDTH = 34
const CLIENT_WIDTH = 150
const CLIENT_HEIGHT = 34
const MOST_MESSAGES = 5

/** Names of topics that are Kafka's own. */
const INTERNAL = /^__/

/** Lays a state out. @param minWidth of the picture, in units of its own. */
export function layoutCluster(state: ClusterState, minWidth = 640): ClusterLayout {
  const count = Math.max(1, state.brokers.length)
  const columns = Math.max(count, state.clients.length > 2 ? state.clients.length : 0)
  const width = Math.max(minWidth, columns * 210)
  const columnWidth = (width - GAP * (count - 1)) / count
  const zooKeeper = { x: 0, y: 0, width, height: ZOOKEEPER_HEIGHT }

  // Give all columns the height of the fullest.
  const shown = state.brokers.map(({ replicas }) =>
    replicas.filter(({ partition }) => !INTERNAL.test(partition)),
  )
  const heights = state.brokers.map(({ waiting, replicas }, i) => {
    const lanes = shown[i]?.length ?? 0
    const rest = replicas.length > lanes ? WAITING : 0
    return HEADER + lanes * LANE + rest + waiting.length * WAITING + 8
  })
  const height = Math.max(HEADER + LANE, ...heights)
  const top = ZOOKEEPER_HEIGHT + ROAD
  const brokers = state.brokers.map((broker, i) => {
    const box = { x: i * (columnWidth + GAP), y: top, width: columnWidth, height }
    return brokerBox(broker, shown[i] ?? [], box)
  })
  const clients = clientBoxes(state.clients, width, top + height + ROAD)
  const bottom = clients.length > 0 ? ROAD + CLIENT_HEIGHT : 0
  const { messages } = state
  const drawn = messages.slice(-MOST_MESSAGES)
  return {
    ...{ width, height: top + height + bottom + 4, zooKeeper, brokers, clients },
    dots: drawn.map((m, i) => dotBox(m, i, { zooKeeper, brokers, clients })),
    moreMessages: messages.length - drawn.length,
  }
}

function brokerBox(
  broker: BrokerView,
  shown: readonly ReplicaView[],
  box: Box,
): BrokerBox {
  const lanes = shown.map((replica, i) => {
    const y = box.y + HEADER + i * LANE
    return laneBox(replica, {
      x: box.x + 10,
      y,
      width: box.width - 20,
      height: LANE - 8,
    })
  })
  const internal = broker.replicas.length - shown.length
  const from = box.y + HEADER + lanes.length * LANE + (internal > 0 ? WAITING : 0)
  const waiting = broker.waiting.map((each, i) => ({ ...each, y: from + i * WAITING }))
  return { ...box, broker, lanes, waiting, internal }
}

function laneBox(replica: ReplicaView, box: Box): LaneBox {
  // Draw as many batches as fit, the newest; the flags need some room behind them.
  const most = Math.max(1, Math.floor((box.width - 46) / BATCH_WIDTH))
  const { batches, highWatermark, logEndOffset } = replica
  const kept = batches.slice(-most)
  const hidden = batches.length - kept.length
  const start = box.x + (hidden > 0 ? 18 : 0)
  const boxes = kept.map(({ baseOffset, lastOffset, epoch }, i): BatchBox => {
    return {
      ...{
        x: start + i * BATCH_WIDTH,
        y: box.y + 34,
        width: BATCH_WIDTH - 3,
        height: 24,
      },
      label:
        baseOffset === lastOffset ? `${baseOffset}` : `${baseOffset}–${lastOffset}`,
      epoch,
      isCommitted: lastOffset < highWatermark,
    }
  })

  // A flag stands behind the last batch that lies below its offset.
  const behind = (offset: number) =>
    start +
    kept.filter(({ lastOffset }) => lastOffset < offset).length * BATCH_WIDTH -
    2
  return {
    ...{ ...box, replica, batches: boxes, hidden },
    logEndX: behind(logEndOffset),
    highWatermarkX: behind(highWatermark),
  }
}

function clientBoxes(names: readonly string[], width: number, y: number): ClientBox[] {
  const step = width / Math.max(1, names.length)
  const own = Math.min(CLIENT_WIDTH, step - GAP)
  return names.map((name, i) => ({
    ...{ x: i * step + (step - own) / 2, y, width: own, height: CLIENT_HEIGHT, name },
  }))
}

type Actors = Pick<ClusterLayout, 'zooKeeper' | 'brokers' | 'clients'>

function dotBox(message: MessageView, i: number, actors: Actors): DotBox {
  const from = portOf(message.from, message.to, actors)
  const to = portOf(message.to, message.from, actors)
  const shift = (i - 1) * 14
  const a = { x: from.x + shift, y: from.y }
  const b = { x: to.x + shift, y: to.y }

  // Between two of a row the line bends, so that it passes over what stands between.
  const flat = Math.abs(a.y - b.y) < 4
  const bend = flat ? -34 - i * 10 : 0
  const middle = {
    x: (a.x + b.x) / 2 + (a.x === b.x ? 40 : 0),
    y: (a.y + b.y) / 2 + bend,
  }
  const t = message.progress
  const at = (p: 'x' | 'y') =>
    (1 - t) ** 2 * a[p] + 2 * (1 - t) * t * middle[p] + t ** 2 * b[p]
  const x = at('x')
  const y = at('y')
  const { zooKeeper } = actors
  const anchor = x > zooKeeper.width * 0.55 ? 'end' : 'start'
  return {
    message,
    path: `M${r(a.x)} ${r(a.y)} Q${r(middle.x)} ${r(middle.y)} ${r(b.x)} ${r(b.y)}`,
    ...{ x: r(x), y: r(y), anchor },
    labelX: r(x + (anchor === 'end' ? -9 : 9)),
    labelY: r(y + 4),
  }
}

/** Where the lines of an actor begin, on the side of the other. */
function portOf(actor: string, other: string, actors: Actors) {
  const { zooKeeper, brokers, clients } = actors
  if (actor === 'zookeeper') {
    const toward = boxOf(other, actors)
    const x = toward ? toward.x + toward.width / 2 : zooKeeper.width / 2
    return { x, y: zooKeeper.y + zooKeeper.height }
  }
  const client = clients.find(({ name }) => name === actor)
  if (client) {
    const up = other === 'zookeeper' || boxOf(other, actors) !== undefined
    return { x: client.x + client.width / 2, y: client.y + (up ? 0 : client.height) }
  }
  const broker = boxOf(actor, actors) ?? brokers[0]
  if (!broker) return { x: zooKeeper.width / 2, y: zooKeeper.height }
  const down = clients.some(({ name }) => name === other)
  return { x: broker.x + broker.width / 2, y: broker.y + (down ? broker.height : 0) }
}

function boxOf(actor: string, { brokers, clients }: Actors): Box | undefined {
  const client = clients.find(({ name }) => name === actor)
  return client ?? brokers.find(({ broker }) => `broker ${broker.id}` === actor)
}

function r(value: number): number {
  return Math.round(value * 10) / 10
}

/** The picture in words, for those who do not see it. */
export function describeCluster({
  zooKeeper,
  brokers,
  messages,
}: ClusterState): string {
  const lines: string[] = []
  if (zooKeeper.nodes.length > 0) {
    const who = zooKeeper.controller
    const controller =
      who === undefined ? 'no controller' : `controller is broker ${who}`
    lines.push(`ZooKeeper has ${zooKeeper.nodes.length} znodes, ${controller}.`)
  }
  for (const { id, state, replicas, waiting } of brokers) {
    const copies = replicas
      .filter(({ partition }) => !INTERNAL.test(partition))
      .map(
        (each) =>
          `${each.partition} ${each.role}, epoch ${each.epoch}, ` +
          `log end ${each.logEndOffset}, high watermark ${each.highWatermark}, ` +
          `${each.inSync ? 'in sync' : 'not in sync'}`,
      )
    const waits = waiting.map(({ kind, missingBytes }) =>
      missingBytes === undefined
        ? `a ${kind} waits`
        : `a ${kind} waits for ${missingBytes} bytes`,
    )
    const parts = [...copies, ...waits]
    lines.push(`Broker ${id} ${stateText(state)}: ${parts.join('; ') || 'nothing'}.`)
  }
  for (const { from, to, label } of messages) {
    lines.push(`${label} is under way from ${from} to ${to}.`)
  }
  return lines.join(' ')
}

/** What a broker says of itself, in words. */
export function stateText(state: string): string {
  switch (state) {
    case 'RunningAsBroker':
      return 'runs'
    case 'NotRunning':
      return 'does not run'
    case 'PendingControlledShutdown':
      return 'hands over its partitions'
    case 'BrokerShuttingDown':
      return 'shuts down'
    case '':
      return ''
    default:
      return state.replace(/([a-z])([A-Z])/g, '$1 $2').toLowerCase()
  }
}

/** How an actor is called on the page. */
export function actorText(actor: string): string {
  if (actor === 'main') return 'program'
  return actor === 'zookeeper' ? 'ZooKeeper' : actor
}
