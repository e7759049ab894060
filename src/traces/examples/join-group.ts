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
import type { ExampleTrace } from '../ExampleTrace.ts'
import { coordinatorIsThere, Member } from '../group-member.ts'
import { fillTopic, onStage } from '../stage.ts'

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
  drawn: [
    'GroupCoordinator.prepareRebalance',
    'GroupCoordinator.onCompleteJoin',
    'GroupMetadataManager.storeGroup',
    'GroupCoordinator.removeMemberAndUpdateGroup',
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
