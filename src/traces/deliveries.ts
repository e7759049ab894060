/**
 * # What went from one actor to another
 *
 * A recording holds calls, and no wires. What one actor sends is found again where another
 * handles it: the same kind of request, the first that was not taken yet. So each message
 * has a moment at which it left and one at which it came.
 *
 *     NetworkClient.sendAndReceive ──▶ KafkaApis.handle
 *     NetworkReceive.decode        ◀── KafkaApis.sendResponse
 *     …Session.getData             ──▶ ZooKeeperServer.processPacket
 *     ZooKeeperClient.processWatch ◀── WatchManager.triggerWatch
 *
 * @module
 */
import type { Frame } from '../trace/Recorder.ts'
import type { Recording } from '../trace/record-run.ts'
import { OpCode } from '../zookeeper/records.ts'

/** One message between two actors. */
export interface Delivery {
  /** Position in the recording at which it left. */
  readonly sent: number
  /** Position at which it came. */
  readonly arrived: number
  readonly from: string
  readonly to: string
  readonly label: string
  /** Bytes of a request, where the sender counts them. */
  readonly bytes?: number
}

/**
 * Whether a call puts a request on the wire. A send of a `BlockingChannel` that failed did
 * not; a request whose answer is awaited in the same call may have left all the same.
 */
export function sends({ name, error }: Frame): boolean {
  if (name === 'BlockingChannel.send') return error === undefined
  return name === 'NetworkClient.sendAndReceive'
}

const SESSION =
  /Session\.(exists|getData|getChildren|create|delete|setData|writeWhile)$/

/** What each call of a session is on the wire. */
const OPERATIONS: Readonly<Record<string, readonly number[]>> = {
  exists: [OpCode.exists],
  getData: [OpCode.getData],
  getChildren: [OpCode.getChildren, OpCode.getChildren2],
  create: [OpCode.create, OpCode.create2],
  delete: [OpCode.delete],
  setData: [OpCode.setData],
  writeWhile: [OpCode.multi],
}

/** Finds all messages of a recording, in the order in which they left. */
export function findDeliveries(recording: Recording): Delivery[] {
  const finder = new Finder(recording)
  const found = recording.frames.flatMap((frame) => {
    if (isBackground(recording, frame)) return []
    if (sends(frame)) return finder.request(frame)
    if (frame.name === 'WatchManager.triggerWatch') return finder.watch(frame)
    return SESSION.test(frame.name) ? finder.zooKeeper(frame) : []
  })
  return found.sort((a, b) => a.sent - b.sent)
}

/** Whether a call runs for nobody that is known: in a loop older than the recording. */
export function isBackground(recording: Recording, frame: Frame): boolean {
  if (frame.actor !== 'main') return false
  let root = frame
  for (;;) {
    const above = recording.frames[root.parent - 1]
    if (!above) return root.id !== 1
    root = above
  }
}

/** Looks for the other end of each message; no frame is the end of two. */
class Finder {
  readonly #byName = new Map<string, Frame[]>()
  readonly #taken = new Set<Frame>()

  constructor({ frames }: Recording) {
    for (const frame of frames) {
      const list = this.#byName.get(frame.name)
      if (list) list.push(frame)
      else this.#byName.set(frame.name, [frame])
    }
  }

  /** A request of Kafka's, and its answer. */
  request(send: Frame): Delivery[] {
    const { api } = send.args
    if (api === undefined) return []
    const handled = this.#take(
      'KafkaApis.handle',
      send.seq,
      ({ args }) => args.request === `${api} request`,
    )
    if (!handled) return []
    const bytes = Number(send.result)
    const asked: Delivery = {
      ...{ sent: send.seq, arrived: handled.seq, from: send.actor, to: handled.actor },
      label: `${api} request`,
      ...(bytes > 0 ? { bytes } : {}),
    }

    // The answer leaves where it is sent, which may be in another call.
    const answer = this.#take(
      'KafkaApis.sendResponse',
      handled.seq,
      ({ args, actor }) => args.api === api && actor === handled.actor,
    )
    if (!answer) return [asked]
    const decoded = this.#take(
      'NetworkReceive.decode',
      answer.seq,
      ({ args, actor }) => args.api === api && actor === send.actor,
    )
    if (!decoded) return [asked]
    const answered: Delivery = {
      ...{ sent: answer.seq, arrived: decoded.seq },
      ...{ from: handled.actor, to: send.actor, label: `${api} response` },
    }
    return [asked, answered]
  }

  /** A request of a session, and its answer. */
  zooKeeper(call: Frame): Delivery[] {
    const operation = SESSION.exec(call.name)?.[1] ?? ''
    const types = OPERATIONS[operation]?.map(String) ?? []
    const handled = this.#take('ZooKeeperServer.processPacket', call.seq, ({ args }) =>
      types.includes(args.type ?? ''),
    )
    if (!handled) return []
    const path = call.args.path?.replaceAll("'", '')
    const label = path ? `${operation} ${path}` : operation
    const asked: Delivery = {
      ...{ sent: call.seq, arrived: handled.seq, from: call.actor, to: handled.actor },
      label,
    }
    const { endSeq } = handled
    if (endSeq === undefined || call.endSeq === undefined || call.endSeq <= endSeq) {
      return [asked]
    }
    const answered: Delivery = {
      ...{ sent: endSeq, arrived: call.endSeq, from: handled.actor, to: call.actor },
      label: `answer to ${label}`,
    }
    return [asked, answered]
  }

  /** A watch that fired; most have nobody who waits. */
  watch(fired: Frame): Delivery[] {
    const { type, path } = fired.args
    const heard = this.#take(
      'ZooKeeperClient.processWatch',
      fired.seq,
      ({ args }) => args.type === type && args.path === path,
    )
    if (!heard) return []
    return [
      {
        ...{ sent: fired.seq, arrived: heard.seq, from: fired.actor, to: heard.actor },
        label: `${type?.replaceAll("'", '')} ${path?.replaceAll("'", '')}`,
      },
    ]
  }

  #take(name: string, after: number, fits: (frame: Frame) => boolean) {
    const found = this.#byName
      .get(name)
      ?.find((frame) => frame.seq > after && !this.#taken.has(frame) && fits(frame))
    if (found) this.#taken.add(found)
    return found
  }
}
