/**
 * # The trace `session-evicted`
 *
 * A broker has room for one fetch session. One that nobody has used for two minutes goes
 * when another client wants one, and its owner has to begin anew.
 *
 * @module
 */
import { Errors, type WireError } from '../../base/errors.ts'
import type { NetworkClient } from '../../network/NetworkClient.ts'
import { Fetch, type FetchRequestInput } from '../../protocol/messages/Fetch.ts'
import type { ExampleTrace } from '../ExampleTrace.ts'
import { clientOn, onStage, TOPIC } from '../stage.ts'
import { makeTopic } from '../topics.ts'

const ONE_SLOT = { 'max.incremental.fetch.session.cache.slots': '1' }

/** A session that is unused for longer may be pushed out. */
const IDLE_MS = 120_000

/** A fetch session goes, and its owner learns of it. */
export const sessionEvicted: ExampleTrace = {
  name: 'session-evicted',
  title: 'a fetch session that was idle makes room for another',
  about:
    'The broker has one slot, and a client that has slept for two minutes has it. Another ' +
    'client asks for a session and gets the slot. When the first one goes on, its session ' +
    'is not known any more; it asks for everything again, and goes without a session, for ' +
    'the slot is in use.',
  heading: '# KafkaApis',
  roots: ['KafkaApis.handleFetchRequest'],
  drawn: [
    'FetchManager.newContext',
    'FetchSessionCache.get',
    'FullFetchContext.updateAndGenerateResponseData',
    'FetchSessionCache.maybeCreateSession',
    'FetchSessionCache.tryEvict',
  ],

  async run(record, world) {
    await onStage(
      world,
      async (stage) => {
        const { clock } = stage.cluster.platform
        const sleeper = clientOn(stage, 'sleeper')
        const other = clientOn(stage, 'other')
        await makeTopic(sleeper, { name: TOPIC })
        const { sessionId } = await fetch(sleeper, {}, Errors.NONE)
        await clock.sleep(IDLE_MS + 1)
        await record(async () => {
          // Another one gets the slot.
          const got = await fetch(other, {}, Errors.NONE)
          if (got.sessionId === 0) throw new Error('the slot was not given away')

          // Who had it finds out, and goes without.
          const next = { sessionId, sessionEpoch: 1, topics: [] }
          await fetch(sleeper, next, Errors.FETCH_SESSION_ID_NOT_FOUND)
          const again = await fetch(sleeper, {}, Errors.NONE)
          if (again.sessionId !== 0) throw new Error('there were two slots')
        }, stage.cluster)
        sleeper.close()
        other.close()
      },
      1,
      ONE_SLOT,
    )
  },
}

/** Fetches without waiting: all of it, with the wish for a session, if nothing is said. */
async function fetch(
  client: NetworkClient,
  request: Partial<FetchRequestInput>,
  expected: WireError,
) {
  const partition = { partition: 0, fetchOffset: 0, partitionMaxBytes: 65_536 }
  const answer = await client.sendAndReceive(Fetch, 7, {
    ...{ replicaId: -1, maxWaitMs: 0, minBytes: 0, maxBytes: 1 << 20 },
    ...{ isolationLevel: 0, sessionId: 0, sessionEpoch: 0, forgottenTopicsData: [] },
    topics: [{ topic: TOPIC, partitions: [partition] }],
    ...request,
  })
  if (answer.errorCode !== expected.code) {
    throw new Error(`answered ${answer.errorCode}, not ${expected.name}`)
  }
  return answer
}
