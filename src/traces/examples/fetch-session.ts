/**
 * # The trace `fetch-session`
 *
 * A client tells a broker once what it fetches, and from then on only what changed. A quiet
 * partition is not spoken of at all.
 *
 * @module
 */
import { Errors } from '../../base/errors.ts'
import { TopicPartition } from '../../base/TopicPartition.ts'
import type { NetworkClient } from '../../network/NetworkClient.ts'
import {
  Fetch,
  type FetchRequestInput,
  type FetchResponse,
} from '../../protocol/messages/Fetch.ts'
import type { ExampleTrace } from '../ExampleTrace.ts'
import { clientOn, onStage, TOPIC } from '../stage.ts'
import { makeTopic, sendBatch } from '../topics.ts'

const PARTITIONS = [0, 1, 2]

/** A client fetches in a session. */
export const fetchSession: ExampleTrace = {
  name: 'fetch-session',
  title: 'a client names its partitions once, then only what changed',
  about:
    'The first fetch names three partitions and gets a session. The second names none, ' +
    'and is told nothing, since nothing has changed. After a produce the third is told of ' +
    'one partition. One that comes with an epoch that is over is refused. The last takes ' +
    'a partition out of the session.',
  heading: '# KafkaApis',
  roots: ['FetchManager.newContext', 'KafkaApis.handleFetchRequest'],
  drawn: [
    'FetchManager.newContext',
    'FetchSessionCache.get',
    'FullFetchContext.updateAndGenerateResponseData',
    'FetchSessionCache.maybeCreateSession',
    'FetchSession.update',
    'IncrementalFetchContext.updateAndGenerateResponseData',
  ],

  async run(record, world) {
    await onStage(world, async (stage) => {
      const client = clientOn(stage, 'c1')
      const first = new TopicPartition(TOPIC, 0)
      await makeTopic(client, { name: TOPIC, partitions: PARTITIONS.length })
      await sendBatch(client, first, { value: Buffer.from('hello'), timestamp: 0 })
      await record(async () => {
        // Everything is named, and everything is told.
        const topics = [{ topic: TOPIC, partitions: PARTITIONS.map(beginning) }]
        const { sessionId } = await fetch(client, { sessionEpoch: 0, topics }, 3)

        // Go on behind what came: only that is named. Nothing is new, and nothing is told.
        const moved = [
          { topic: TOPIC, partitions: [{ ...beginning(0), fetchOffset: 1 }] },
        ]
        await fetch(client, { sessionId, sessionEpoch: 1, topics: moved }, 0)

        // One partition has something new.
        await sendBatch(client, first, { value: Buffer.from('again'), timestamp: 0 })
        await fetch(client, { sessionId, sessionEpoch: 2 }, 1)

        // The same epoch once more is refused.
        const stale = await fetch(client, { sessionId, sessionEpoch: 2 }, 0)
        const expected = Errors.INVALID_FETCH_SESSION_EPOCH.code
        if (stale.errorCode !== expected) throw new Error('an old epoch was taken')

        // One partition leaves; the other goes on.
        const forgottenTopicsData = [{ topic: TOPIC, partitions: [2] }]
        await fetch(client, { sessionId, sessionEpoch: 3, forgottenTopicsData }, 1)
      }, stage.cluster)
      client.close()
    })
  },
}

/** A partition from its first offset on. */
function beginning(partition: number) {
  return { partition, fetchOffset: 0, partitionMaxBytes: 65_536 }
}

/** Fetches without waiting; the answer must speak of so many partitions. */
async function fetch(
  client: NetworkClient,
  request: Partial<FetchRequestInput>,
  told: number,
): Promise<FetchResponse> {
  const answer = await client.sendAndReceive(Fetch, 7, {
    ...{ replicaId: -1, maxWaitMs: 0, minBytes: 0, maxBytes: 1 << 20 },
    ...{ isolationLevel: 0, sessionId: 0, topics: [], forgottenTopicsData: [] },
    ...request,
  })
  const count = answer.responses.flatMap(({ partitions }) => partitions).length
  if (count !== told) throw new Error(`told of ${count} partitions, not of ${told}`)
  return answer
}
