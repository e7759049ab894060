/**
 * # The trace `commit-offset`
 *
 * A consumer stores how far it has read. Its coordinator appends that to a partition of
 * `__consumer_offsets`, and only then answers; a question for it is answered from memory.
 *
 * @module
 */
import { Errors } from '../../base/errors.ts'
import { FindCoordinator } from '../../protocol/messages/FindCoordinator.ts'
import { OffsetCommit } from '../../protocol/messages/OffsetCommit.ts'
import { OffsetFetch } from '../../protocol/messages/OffsetFetch.ts'
import type { ExampleTrace } from '../ExampleTrace.ts'
import { clientOn, fillTopic, onStage, TOPIC } from '../stage.ts'

const GROUP = 'annotated'

/** An offset is a record like any other. */
export const commitOffset: ExampleTrace = {
  name: 'commit-offset',
  title: 'a committed offset is appended to a topic, and read back from memory',
  heading: '# KafkaApis',
  roots: ['KafkaApis.handleOffsetCommitRequest', 'KafkaApis.handleOffsetFetchRequest'],

  async run(record, world) {
    await onStage(world, async (stage) => {
      // Find the coordinator before: that is another story.
      await fillTopic(stage, 'hello')
      const client = clientOn(stage, 'c1')
      for (;;) {
        const body = { key: GROUP, keyType: 0 }
        const answer = await client.sendAndReceive(FindCoordinator, 1, body)
        if (answer.errorCode === 0) break
        await stage.cluster.platform.clock.sleep(5)
      }

      // A consumer that is no member commits with generation -1.
      const partition = { partition: 0, committedOffset: 1, committedMetadata: '' }
      const commit = {
        ...{ groupId: GROUP, generationId: -1, memberId: '', retentionTimeMs: -1 },
        topics: [{ name: TOPIC, partitions: [partition] }],
      }
      await record(async () => {
        for (;;) {
          const { topics } = await client.sendAndReceive(OffsetCommit, 3, commit)
          const error = Errors.forCode(topics[0]?.partitions[0]?.errorCode ?? -1)
          if (error === Errors.NONE) break
          if (!error.retriable) throw error.exception()
          await stage.cluster.platform.clock.sleep(5)
        }
        const asked = {
          groupId: GROUP,
          topics: [{ name: TOPIC, partitionIndexes: [0] }],
        }
        await client.sendAndReceive(OffsetFetch, 3, asked)
      }, stage.cluster)
      client.close()
    })
  },
}
