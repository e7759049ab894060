/**
 * # Loading transactional ids from the log
 *
 * A broker that becomes the leader of a partition of `__transaction_state` becomes the
 * coordinator of its ids, and learns of them by reading that partition from start to end:
 * the last record of each id wins, a null value forgets it.
 *
 * @kafka core/src/main/scala/kafka/coordinator/transaction/TransactionStateManager.scala#TransactionStateManager.loadTransactionMetadata
 * @module
 */
import { KafkaException } from '../../base/errors.ts'
import { logger } from '../../base/logger.ts'
import { Pool } from '../../base/Pool.ts'
import type { Clock } from '../../base/platform/Platform.ts'
import type { TopicPartition } from '../../base/TopicPartition.ts'
import type { Log } from '../../log/Log.ts'
import { MemoryRecords } from '../../record/MemoryRecords.ts'
import type {
  TransactionConfig,
  TransactionReplicaManager,
} from './TransactionConfig.ts'
import { TransactionLog } from './TransactionLog.ts'
import type { TransactionMetadata } from './TransactionMetadata.ts'

const log = logger('TransactionStateManager')

/** What loading needs. */
export interface LoadingContext {
  readonly replicaManager: TransactionReplicaManager
  readonly config: TransactionConfig
  /** False as soon as the partition is another's. */
  readonly stillLoads: () => boolean
  readonly clock: Clock
}

/**
 * Reads a partition. What cannot be read is logged; the ids before it are returned.
 *
 * @kafka core/src/main/scala/kafka/coordinator/transaction/TransactionStateManager.scala#TransactionStateManager.loadTransactionMetadata
 * @differs Kafka steps to the next batch inside the loop over its records, and so hangs
 *   on a batch that compaction has left without any.
 */
export async function loadTransactionMetadata(
  topicPartition: TopicPartition,
  context: LoadingContext,
): Promise<Pool<string, TransactionMetadata>> {
  const loaded = new Pool<string, TransactionMetadata>()
  const partitionLog = context.replicaManager.getLog(topicPartition)
  if (!partitionLog) {
    log.warn(`cannot load ${topicPartition}, it has no log here`)
    return loaded
  }
  try {
    await readAll(topicPartition, partitionLog, context, loaded)
  } catch (error) {
    log.error(`cannot load all of ${topicPartition}`, error)
  }
  return loaded
}

async function readAll(
  topicPartition: TopicPartition,
  partitionLog: Log,
  { replicaManager, config, stillLoads, clock }: LoadingContext,
  loaded: Pool<string, TransactionMetadata>,
): Promise<void> {
  // Read up to the log end. It is -1 as soon as another broker leads, which ends this.
  const logEnd = () => replicaManager.getLogEndOffset(topicPartition) ?? -1
  let currOffset = partitionLog.logStartOffset
  while (currOffset < logEnd() && stillLoads()) {
    const { records } = partitionLog.read(
      ...([currOffset, config.transactionsLoadBufferSize, undefined, true] as const),
      'READ_UNCOMMITTED',
    )
    const before = currOffset
    const isInMemory = records instanceof MemoryRecords
    const inMemory = isInMemory ? records : records.toMemoryRecords()
    for (const batch of inMemory.batches()) {
      for (const { key, value } of batch) take(loaded, key, value)
      currOffset = batch.nextOffset
    }
    if (currOffset === before) break

    // Let others run between two reads.
    await clock.sleep(0)
  }
}

function take(
  loaded: Pool<string, TransactionMetadata>,
  key: Buffer | null,
  value: Buffer | null,
): void {
  if (key === null) throw new KafkaException('the record of a transaction needs a key')
  const transactionalId = TransactionLog.readTxnRecordKey(key)
  const metadata = TransactionLog.readTxnRecordValue(transactionalId, value)
  if (metadata) loaded.put(transactionalId, metadata)
  else loaded.remove(transactionalId)
}
