/**
 * # The trace `join-group`
 *
 * Two members share a group. The first joins alone and is the group's leader; the second
 * comes, and the first learns it from its heartbeat; both join again, the leader deals the
 * partitions out, and in the end the second leaves.
 *
 * @module
 */
import { Errors } from '../../base/errors.ts'
import { TopicPartition } from '../../base/TopicPartition.ts'
import type { NetworkClient } from '../../network/NetworkClient.ts'
import {
  serializeAssignment,
  serializeSubscription,
} from '../../protocol/ConsumerProtocol.ts'
import { FindCoordinator } from '../../protocol/messages/FindCoordinator.ts'
import { Heartbeat } from '../../protocol/messages/Heartbeat.ts'
import { JoinGroup, type JoinGroupResponse } from '../../protocol/messages/JoinGroup.ts'
import { LeaveGroup } from '../../protocol/messages/LeaveGroup.ts'
import { SyncGroup } from '../../protocol/messages/SyncGroup.ts'
import type { ExampleTrace } from '../ExampleTrace.ts'
import { clientOn, fillTopic, onStage, type Stage, TOPIC } from '../stage.ts'

const GROUP = 'annotated'

/** Members come and go; a coordinator keeps their generations apart. */
export const joinGroup: ExampleTrace = {
  name: 'join-group',
  title: 'a second member joins a group, which deals its partitions out anew',
  heading: '# KafkaApis',
  roots: [
    'KafkaApis.handleJoinGroupRequest',
    'KafkaApis.handleSyncGroupRequest',
    'KafkaApis.handleHeartbeatRequest',
    'KafkaApis.handleLeaveGroupRequest',
  ],

  async run(record, world) {
    await onStage(world, async (stage) => {
      // The topic of offsets is made when somebody first asks for a coordinator.
      await fillTopic(stage, 'hello')
      await coordinatorIsThere(stage)
      await record(async () => {
        // The first member is alone: it leads the group, and gets everything.
        const first = new Member(stage, 'm1')
        await first.join()
        await first.sync()

        // The second waits in its join until the first has joined again.
        const second = new Member(stage, 'm2')
        const joined = second.join()
        while ((await first.heartbeat()) !== Errors.REBALANCE_IN_PROGRESS.code) {
          await stage.cluster.platform.clock.sleep(1)
        }
        await Promise.all([first.join(), joined])
        await Promise.all([first.sync(), second.sync()])

        // Who leaves says so; nobody has to wait for its session to end.
        await second.leave()
        await first.leave()
        first.close()
        second.close()
      }, stage.cluster)
    })
  },
}

/** Resolves when the group has a coordinator that serves it. */
async function coordinatorIsThere(stage: Stage): Promise<void> {
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
class Member {
  readonly #client: NetworkClient
  #memberId = ''
  #joined: JoinGroupResponse | undefined

  constructor(stage: Stage, clientId: string) {
    this.#client = clientOn(stage, clientId)
  }

  /** Joins, or joins again; resolves when the coordinator has all members together. */
  async join(): Promise<void> {
    const answer = await this.#client.sendAndReceive(JoinGroup, 2, {
      ...{ groupId: GROUP, memberId: this.#memberId, protocolType: 'consumer' },
      ...{ sessionTimeoutMs: 10_000, rebalanceTimeoutMs: 10_000 },
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

  async leave(): Promise<void> {
    const body = { groupId: GROUP, memberId: this.#memberId }
    await this.#client.sendAndReceive(LeaveGroup, 1, body)
  }

  close(): void {
    this.#client.close()
  }
}
