/**
 * # bench rebalance
 *
 * A group is at rest; one more member comes. How long until everybody, the newcomer
 * included, has an assignment of the new generation? Beside it the same connections ask two
 * plain questions each, which is what a rebalance would cost if nobody waited for anybody.
 *
 * Members join again as soon as one of them has heard of it from its heartbeat; real ones
 * ask only every few seconds, which is then added.
 *
 * And: a thousand groups commit an offset at the same moment.
 *
 * @module
 */
import { Errors } from '../../base/errors.ts'
import { nodePlatform } from '../../base/platform/node/node-platform.ts'
import { NetworkClient } from '../../network/NetworkClient.ts'
import {
  serializeAssignment,
  serializeSubscription,
} from '../../protocol/ConsumerProtocol.ts'
import { ApiVersions } from '../../protocol/messages/ApiVersions.ts'
import { FindCoordinator } from '../../protocol/messages/FindCoordinator.ts'
import { Heartbeat } from '../../protocol/messages/Heartbeat.ts'
import { JoinGroup } from '../../protocol/messages/JoinGroup.ts'
import { LeaveGroup } from '../../protocol/messages/LeaveGroup.ts'
import { OffsetCommit } from '../../protocol/messages/OffsetCommit.ts'
import { SyncGroup } from '../../protocol/messages/SyncGroup.ts'
import { inTemporaryDirectory, portOf, startBroker } from './processes.ts'
import { fixed, percentile, table } from './windows.ts'

const SIZES = [10, 100, 1000]
const ROUNDS = 7
const GROUPS = 1000

/** Runs the benchmark and prints its tables. */
export function rebalance(): Promise<string> {
  return inTemporaryDirectory(async (dir) => {
    const broker = await startBroker(dir, [
      // The first members of a group come together.
      'group.initial.rebalance.delay.ms=1000',
    ])
    try {
      const port = portOf(broker.line)
      await coordinatorIsThere(port)
      const rows: string[][] = []
      for (const size of SIZES) rows.push(await measureGroup(port, size))
      const head = ['members', 'rebalance, ms', 'two questions each, ms', 'ratio']
      return [table([head, ...rows]), await measureCommits(port)].join('\n\n')
    } finally {
      await broker.stop()
    }
  })
}

/** Medians for one size of group. */
async function measureGroup(port: number, size: number): Promise<string[]> {
  const group = `group-of-${size}`
  const members = Array.from({ length: size }, () => new Member(port, group))
  try {
    await rejoin(members.slice(0, -1))
    const newcomer = members.at(-1) as Member
    const took: number[] = []
    const bare: number[] = []
    for (let round = 0; round < ROUNDS; round++) {
      // The newcomer comes, and everybody joins and syncs.
      newcomer.forget()
      let begin = performance.now()
      const joining = newcomer.join()
      while (!(await members[0]?.mustRejoin())) {}
      await Promise.all([joining, ...members.slice(0, -1).map((one) => one.join())])
      await Promise.all(members.map((one) => one.sync()))
      took.push(performance.now() - begin)
      begin = performance.now()
      for (let i = 0; i < 2; i++) await Promise.all(members.map((one) => one.ask()))
      bare.push(performance.now() - begin)
      await newcomer.leave()
      await rejoin(members.slice(0, -1))
    }
    const [median, limit] = [percentile(took, 0.5), percentile(bare, 0.5)]
    return [String(size), fixed(median), fixed(limit), fixed(median / limit, 2)]
  } finally {
    for (const member of members) member.close()
  }
}

/** How long until offsets of many groups are stored. */
async function measureCommits(port: number): Promise<string> {
  const clients = Array.from({ length: GROUPS }, () => clientOf(port))
  try {
    const commit = (client: NetworkClient, i: number) =>
      client.sendAndReceive(OffsetCommit, 3, {
        ...{ groupId: `lone-${i}`, generationId: -1, memberId: '' },
        topics: [
          {
            name: 'bench',
            partitions: [{ partition: 0, committedOffset: i, committedMetadata: '' }],
          },
        ],
      })
    await Promise.all(clients.map((client) => client.ready()))
    const took: number[] = []
    const bare: number[] = []
    for (let round = 0; round < ROUNDS; round++) {
      let begin = performance.now()
      await Promise.all(clients.map(commit))
      took.push(performance.now() - begin)
      begin = performance.now()
      await Promise.all(
        clients.map((client) => client.sendAndReceive(ApiVersions, 0, {})),
      )
      bare.push(performance.now() - begin)
    }
    const [median, limit] = [percentile(took, 0.5), percentile(bare, 0.5)]
    return table([
      [
        'groups that commit at once',
        'all stored, ms',
        'one question each, ms',
        'ratio',
      ],
      [String(GROUPS), fixed(median), fixed(limit), fixed(median / limit, 2)],
    ])
  } finally {
    for (const client of clients) client.close()
  }
}

/** Lets all join, then all sync; ends when everybody has an assignment. */
async function rejoin(members: readonly Member[]): Promise<void> {
  await Promise.all(members.map((member) => member.join()))
  await Promise.all(members.map((member) => member.sync()))
}

/** A member that joins and syncs when it is told to. */
class Member {
  readonly #client: NetworkClient
  readonly #group: string
  #memberId = ''
  #generationId = -1
  #others: readonly string[] = []

  constructor(port: number, group: string) {
    this.#client = clientOf(port)
    this.#group = group
  }

  /** Becomes a newcomer. */
  forget(): void {
    this.#memberId = ''
  }

  async join(): Promise<void> {
    const answer = await this.#client.sendAndReceive(JoinGroup, 2, {
      ...{ groupId: this.#group, memberId: this.#memberId, protocolType: 'consumer' },
      ...{ sessionTimeoutMs: 30_000, rebalanceTimeoutMs: 30_000 },
      protocols: [{ name: 'range', metadata: serializeSubscription(['bench']) }],
    })
    if (answer.errorCode !== 0) throw new Error(`join: error ${answer.errorCode}`)
    this.#memberId = answer.memberId
    this.#generationId = answer.generationId
    const leads = answer.leader === answer.memberId
    this.#others = leads ? answer.members.map(({ memberId }) => memberId) : []
  }

  async sync(): Promise<void> {
    const nothing = serializeAssignment([])
    const answer = await this.#client.sendAndReceive(SyncGroup, 1, {
      ...{ groupId: this.#group, generationId: this.#generationId },
      memberId: this.#memberId,
      assignments: this.#others.map((memberId) => ({ memberId, assignment: nothing })),
    })
    if (answer.errorCode !== 0) throw new Error(`sync: error ${answer.errorCode}`)
  }

  /** Asks with a heartbeat whether the group rebalances. */
  async mustRejoin(): Promise<boolean> {
    const answer = await this.#client.sendAndReceive(Heartbeat, 1, {
      ...{ groupId: this.#group, generationId: this.#generationId },
      memberId: this.#memberId,
    })
    return answer.errorCode === Errors.REBALANCE_IN_PROGRESS.code
  }

  /** Leaves without a word to the others; they join again. */
  async leave(): Promise<void> {
    const body = { groupId: this.#group, memberId: this.#memberId }
    await this.#client.sendAndReceive(LeaveGroup, 1, body)
  }

  /** Asks something that needs no thought. */
  async ask(): Promise<void> {
    await this.#client.sendAndReceive(ApiVersions, 0, {})
  }

  close(): void {
    this.#client.close()
  }
}

function clientOf(port: number): NetworkClient {
  const { network, clock } = nodePlatform()
  return new NetworkClient({
    ...{ host: '127.0.0.1', port, clientId: 'bench', network, clock },
    requestTimeoutMs: 60_000,
  })
}

/** Resolves when groups are served. */
async function coordinatorIsThere(port: number): Promise<void> {
  const client = clientOf(port)
  const body = { key: 'g', keyType: 0 }
  for (;;) {
    const answer = await client.sendAndReceive(FindCoordinator, 1, body)
    if (answer.errorCode === 0) break
    await nodePlatform().clock.sleep(10)
  }
  const member = new Member(port, 'first')
  for (;;) {
    try {
      await member.join()
      break
    } catch {
      await nodePlatform().clock.sleep(10)
    }
  }
  await member.leave()
  member.close()
  client.close()
}
