/**
 * # A member of a group, step by step
 *
 * What a consumer of today does by itself, joining, fetching its share, giving signs of life,
 * is done here one step at a time, when an example says so.
 *
 * @module
 */
import { Errors } from '../base/errors.ts'
import { TopicPartition } from '../base/TopicPartition.ts'
import type { NetworkClient } from '../network/NetworkClient.ts'
import {
  serializeAssignment,
  serializeSubscription,
} from '../protocol/ConsumerProtocol.ts'
import { FindCoordinator } from '../protocol/messages/FindCoordinator.ts'
import { Heartbeat } from '../protocol/messages/Heartbeat.ts'
import { JoinGroup, type JoinGroupResponse } from '../protocol/messages/JoinGroup.ts'
import { LeaveGroup } from '../protocol/messages/LeaveGroup.ts'
import { SyncGroup } from '../protocol/messages/SyncGroup.ts'
import { clientOn, type Stage, TOPIC } from './stage.ts'

/** The group of all members. */
const GROUP = 'annotated'

/** Resolves when the group has a coordinator that serves it. */
export async function coordinatorIsThere(stage: Stage): Promise<void> {
  const client = clientOn(stage, 'c1')
  for (;;) {
    const body = { key: GROUP, keyType: 0 }
    const answer = await client.sendAndReceive(FindCoordinator, 1, body)
    if (answer.errorCode === 0) break
    await stage.cluster.platform.clock.sleep(5)
  }
  client.close()
}

/** A member that does one step when it is told to. */
export class Member {
  readonly #client: NetworkClient
  readonly #sessionTimeoutMs: number
  #memberId = ''
  #joined: JoinGroupResponse | undefined

  /** @param sessionTimeoutMs - silence after which it counts as dead */
  constructor(stage: Stage, clientId: string, sessionTimeoutMs = 10_000) {
    this.#client = clientOn(stage, clientId)
    this.#sessionTimeoutMs = sessionTimeoutMs
  }

  /** Joins, or joins again; resolves when the coordinator has all members together. */
  async join(): Promise<void> {
    const answer = await this.#client.sendAndReceive(JoinGroup, 2, {
      ...{ groupId: GROUP, memberId: this.#memberId, protocolType: 'consumer' },
      ...{ sessionTimeoutMs: this.#sessionTimeoutMs, rebalanceTimeoutMs: 10_000 },
      protocols: [{ name: 'range', metadata: serializeSubscription([TOPIC]) }],
    })
    if (answer.errorCode !== 0) throw Errors.forCode(answer.errorCode).exception()
    this.#memberId = answer.memberId
    this.#joined = answer
  }

  /** Fetches its share; the leader brings everybody's. */
  async sync(): Promise<void> {
    const { generationId = -1, leader, members = [] } = this.#joined ?? {}
    const all = [new TopicPartition(TOPIC, 0)]
    const isLeader = leader === this.#memberId
    const assignments = members.map(({ memberId }, i) => ({
      memberId,
      assignment: serializeAssignment(i === 0 ? all : []),
    }))
    const answer = await this.#client.sendAndReceive(SyncGroup, 1, {
      ...{ groupId: GROUP, generationId, memberId: this.#memberId },
      assignments: isLeader ? assignments : [],
    })
    if (answer.errorCode !== 0) throw Errors.forCode(answer.errorCode).exception()
  }

  /** Says that it is alive. @returns what the coordinator thinks of it */
  async heartbeat(): Promise<number> {
    const { generationId = -1 } = this.#joined ?? {}
    const body = { groupId: GROUP, generationId, memberId: this.#memberId }
    return (await this.#client.sendAndReceive(Heartbeat, 1, body)).errorCode
  }

  /** Says that it goes. */
  async leave(): Promise<void> {
    const body = { groupId: GROUP, memberId: this.#memberId }
    await this.#client.sendAndReceive(LeaveGroup, 1, body)
  }

  /** Ends its connection; to the group it is only silent. */
  close(): void {
    this.#client.close()
  }
}
