/**
 * # The trace `idempotent-producer`
 *
 * A producer that numbers its records may send a batch again, and the log has it once. The
 * leader knows its last five batches, and what must come next.
 *
 * @module
 */
import { Errors, type WireError } from '../../base/errors.ts'
import { TopicPartition } from '../../base/TopicPartition.ts'
import type { NetworkClient } from '../../network/NetworkClient.ts'
import { InitProducerId } from '../../protocol/messages/InitProducerId.ts'
import { Produce } from '../../protocol/messages/Produce.ts'
import { MemoryRecords } from '../../record/MemoryRecords.ts'
import type { ExampleTrace } from '../ExampleTrace.ts'
import { clientOn, onStage, TOPIC } from '../stage.ts'
import { makeTopic } from '../topics.ts'

/** Who numbers its records. */
interface Numbering {
  readonly producerId: bigint
  readonly producerEpoch: number
}

/** A batch that is sent twice is written once. */
export const idempotentProducer: ExampleTrace = {
  name: 'idempotent-producer',
  title: 'a batch that is sent twice is written once, and a gap is refused',
  about:
    'The producer gets an id. Its first batch has record 0, the second record 1. It acts as ' +
    'if the second answer had been lost, and sends that batch again: nothing is appended, ' +
    'and the answer has the offset of the first time. A batch that begins with record 5 is ' +
    'refused, for 2 to 4 have not come. So is one of a producer that the log knows nothing ' +
    'of, and that does not begin with record 0.',
  heading: '# KafkaApis',
  roots: ['KafkaApis.handleInitProducerIdRequest', 'KafkaApis.handleProduceRequest'],
  drawn: [
    'KafkaApis.handleInitProducerIdRequest',
    'Log.analyzeAndValidateProducerState',
    'ProducerStateEntry.findDuplicateBatch',
    'ProducerAppendInfo.append',
    'ProducerStateManager.update',
    'LogSegment.append',
  ],

  async run(record, world) {
    await onStage(world, async (stage) => {
      const client = clientOn(stage, 'example-producer')
      await makeTopic(client, { name: TOPIC })
      await record(async () => {
        // An id of one's own; a transactional id is not needed for that.
        const who = await client.sendAndReceive(InitProducerId, 0, {
          ...{ transactionalId: null, transactionTimeoutMs: 60_000 },
        })
        await send(client, { ...who, sequence: 0, answer: Errors.NONE, offset: 0 })
        await send(client, { ...who, sequence: 1, answer: Errors.NONE, offset: 1 })

        // The same once more: it has offset 1 already.
        await send(client, { ...who, sequence: 1, answer: Errors.NONE, offset: 1 })

        // What leaves something out is refused.
        const gap = Errors.OUT_OF_ORDER_SEQUENCE_NUMBER
        await send(client, { ...who, sequence: 5, answer: gap, offset: -1 })

        // So is who comes from nowhere and does not begin at the beginning.
        const stranger = { producerId: who.producerId + 1n, producerEpoch: 0 }
        const unknown = Errors.UNKNOWN_PRODUCER_ID
        await send(client, { ...stranger, sequence: 3, answer: unknown, offset: -1 })
      }, stage.cluster)
      client.close()
    })
  },
}

/** Sends one record under a number; the answer must be the one that is expected. */
async function send(
  client: NetworkClient,
  expected: Numbering & {
    readonly sequence: number
    readonly answer: WireError
    readonly offset: number
  },
): Promise<void> {
  const { producerId, producerEpoch, sequence: baseSequence, answer, offset } = expected
  const { topic, partition: index } = new TopicPartition(TOPIC, 0)
  const { buffer: records } = MemoryRecords.withRecords(
    { producerId, producerEpoch, baseSequence },
    { value: Buffer.from(`record ${baseSequence}`), timestamp: 0 },
  )
  const { responses } = await client.sendAndReceive(Produce, 5, {
    ...{ transactionalId: null, acks: -1, timeoutMs: 10_000 },
    topicData: [{ name: topic, partitionData: [{ index, records }] }],
  })
  const told = responses[0]?.partitionResponses[0]
  if (told?.errorCode !== answer.code || told.baseOffset !== offset) {
    throw new Error(`answered ${told?.errorCode} at ${told?.baseOffset}`)
  }
}
