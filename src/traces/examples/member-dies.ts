/**
 * # The trace `member-dies`
 *
 * Of two members of a group one falls silent. The coordinator gives it up, the other gets
 * its share, and the first, when it wakes, is nobody.
 *
 * @module
 */
import { Errors } from '../../base/errors.ts'
import type { ExampleTrace } from '../ExampleTrace.ts'
import { coordinatorIsThere, Member } from '../group-member.ts'
import { fillTopic, onStage } from '../stage.ts'

const SESSION_MS = 300

/** Short sessions are allowed; Kafka's own least is 6 s. */
const SHORT_SESSIONS = { 'group.min.session.timeout.ms': '100' }

/** A member that is silent is given up. */
export const memberDies: ExampleTrace = {
  name: 'member-dies',
  title: 'a member falls silent, and the group goes on without it',
  about:
    'Two members share a group; each must be heard of every 300 ms. One stands still. The ' +
    'other goes on with its heartbeats, until one of them is answered with the word that the ' +
    'group rebalances: the time of the silent one is over. It joins again, alone, and gets ' +
    'everything. When the silent one wakes up it is not known any more.',
  heading: '# KafkaApis',
  roots: [
    'KafkaApis.handleHeartbeatRequest',
    'GroupCoordinator.onExpireHeartbeat',
    'KafkaApis.handleJoinGroupRequest',
    'KafkaApis.handleSyncGroupRequest',
  ],
  drawn: [
    'KafkaApis.handleHeartbeatRequest',
    'GroupCoordinator.onExpireHeartbeat',
    'GroupCoordinator.prepareRebalance',
    'KafkaApis.handleJoinGroupRequest',
    'GroupCoordinator.onCompleteJoin',
    'KafkaApis.handleSyncGroupRequest',
  ],

  async run(record, world) {
    await onStage(
      world,
      async (stage) => {
        const { clock } = stage.cluster.platform
        await fillTopic(stage, 'hello')
        await coordinatorIsThere(stage)

        // Both are in, in the same generation.
        const first = new Member(stage, 'm1', SESSION_MS)
        const second = new Member(stage, 'm2', SESSION_MS)
        await first.join()
        await first.sync()
        const joined = second.join()
        const { code: rebalancing } = Errors.REBALANCE_IN_PROGRESS
        while ((await first.heartbeat()) !== rebalancing) await clock.sleep(1)
        await Promise.all([first.join(), joined])
        await Promise.all([first.sync(), second.sync()])
        await record(async () => {
          // One of them says nothing more.
          while ((await first.heartbeat()) !== rebalancing) {
            await clock.sleep(SESSION_MS / 2)
          }
          await first.join()
          await first.sync()

          // It wakes up, and is too late.
          const answer = await second.heartbeat()
          if (answer !== Errors.UNKNOWN_MEMBER_ID.code) throw new Error('it is known')
        }, stage.cluster)
        first.close()
        second.close()
      },
      1,
      SHORT_SESSIONS,
    )
  },
}
