/** The coordinator on real logs, with a clock that a test moves, and scripted brokers. */
import { afterEach, beforeEach, describe, expect, it } from 'vitest'
import { Errors } from '../../src/base/errors.ts'
import { TopicPartition } from '../../src/base/TopicPartition.ts'
import { ProducerIdManager } from '../../src/coordinator/transaction/ProducerIdManager.ts'
import type { TransactionConfig } from '../../src/coordinator/transaction/TransactionConfig.ts'
import {
  type InitProducerIdResult,
  TransactionCoordinator,
} from '../../src/coordinator/transaction/TransactionCoordinator.ts'
import { TransactionLog } from '../../src/coordinator/transaction/TransactionLog.ts'
import { MemoryRecords } from '../../src/record/MemoryRecords.ts'
import type { BrokerEndPoint } from '../../src/zk/Broker.ts'
import { ScriptedBroker, type Seen } from '../producer/ScriptedBroker.ts'
import { ReplicaWorld } from '../replica/replica-test-kit.ts'

const config: TransactionConfig = {
  ...{ brokerId: 1, requestTimeoutMs: 30_000, interBrokerListenerName: 'PLAINTEXT' },
  transactionIdExpirationMs: 7_200_000,
  transactionMaxTimeoutMs: 900_000,
  transactionTopicMinISR: 1,
  transactionsLoadBufferSize: 1000,
  transactionTopicPartitions: 1,
  transactionTopicSegmentBytes: 104_857_600,
  transactionAbortTimedOutTransactionCleanupIntervalMs: 60_000,
  transactionRemoveExpiredTransactionalIdCleanupIntervalMs: 3_600_000,
}
const state0 = new TopicPartition('__transaction_state', 0)
const t0 = new TopicPartition('t', 0)
const t1 = new TopicPartition('t', 1)

/** A broker's answer to markers: the same error for every partition. */
const answered = ({ body }: Seen, errorCode: number) => ({
  // biome-ignore lint/suspicious/noExplicitAny: as decoded
  markers: body.markers.map(({ producerId, topics }: any) => ({
    producerId,
    // biome-ignore lint/suspicious/noExplicitAny: as decoded
    topics: topics.map(({ name, partitionIndexes }: any) => ({
      name,
      partitions: partitionIndexes.map((partition: number) => ({
        ...{ partition, errorCode },
      })),
    })),
  })),
})

describe('TransactionCoordinator', () => {
  let world: ReplicaWorld
  let coordinator: TransactionCoordinator
  let broker: ScriptedBroker
  /** What the leaders of the next requests of markers answer; NONE when it is empty. */
  let errors: number[]
  let leaders: Map<string, BrokerEndPoint>
  let onUpdate: (() => void) | undefined
  let nextId: bigint

  const open = async () => {
    const producerIdManager = new ProducerIdManager(1, world.zk as never)
    producerIdManager.generateProducerId = async () => nextId++
    coordinator = new TransactionCoordinator({
      ...{ config, replicaManager: world.replicaManager, zkClient: world.zk },
      ...{ platform: world.platform, producerIdManager },
      metadataCache: {
        getPartitionLeaderEndpoint: (topic, partition) =>
          leaders.get(`${topic}-${partition}`),
        onUpdate: (listener) => {
          onUpdate = listener
          return () => {}
        },
      },
    })
    await coordinator.startup()
  }
  const immigrate = async (epoch = 0) => {
    coordinator.handleTxnImmigration(0, epoch)
    await world.clock.advance(1)
  }
  beforeEach(async () => {
    world = await new ReplicaWorld().load()
    errors = []
    nextId = 1000n
    broker = new ScriptedBroker('b2', 9092, {
      WriteTxnMarkers: (seen) => answered(seen, errors.shift() ?? 0),
    })
    await broker.start(world.platform.network)
    const b2 = { id: 2, host: 'b2', port: 9092 }
    leaders = new Map([t0, t1].map(({ key }) => [key, b2]))
    await world.leaderAndIsr(state0)
    await open()
    await immigrate()
  })
  afterEach(async () => {
    await coordinator.shutdown()
    await world.close()
  })

  const init = async (transactionalId: string | null = 'p', timeoutMs = 1000) => {
    const answers: InitProducerIdResult[] = []
    await coordinator.handleInitProducerId(transactionalId, timeoutMs, (result) =>
      answers.push(result),
    )
    const { producerId, producerEpoch, error } = answers[0]!
    return error === Errors.NONE ? `${producerId}/${producerEpoch}` : error.name
  }
  const add = (epoch: number, partitions = [t0], producerId = 1000n, id = 'p') => {
    let answer = 'none'
    coordinator.handleAddPartitionsToTransaction(
      ...([id, producerId, epoch, partitions] as const),
      ({ name }) => {
        answer = name
      },
    )
    return answer
  }
  const end = (
    epoch: number,
    result: 'COMMIT' | 'ABORT' = 'COMMIT',
    producerId = 1000n,
  ) => {
    let answer = 'none'
    coordinator.handleEndTransaction('p', producerId, epoch, result, ({ name }) => {
      answer = name
    })
    return answer
  }
  const known = (id = 'p') => {
    const found = coordinator.txnManager.getTransactionState(id)
    return 'error' in found
      ? found.error.name
      : String(found.value?.transactionMetadata)
  }
  /** States in the log, oldest first; `gone` for a tombstone. */
  const written = () => {
    const { records } = world.replicaManager
      .getLog(state0)!
      .read(0, 1 << 20, undefined, true, 'READ_UNCOMMITTED')
    const all = records instanceof MemoryRecords ? records : records.toMemoryRecords()
    return Array.from(all.records(), ({ key, value }) => {
      const id = TransactionLog.readTxnRecordKey(key!)
      return TransactionLog.readTxnRecordValue(id, value)?.state ?? 'gone'
    })
  }
  const markers = () =>
    broker.seen.flatMap(({ body }) =>
      body.markers.map(
        // biome-ignore lint/suspicious/noExplicitAny: as decoded
        (marker: any) =>
          `${marker.transactionResult ? 'COMMIT' : 'ABORT'} ${marker.producerEpoch} ` +
          marker.topics.map(
            // biome-ignore lint/suspicious/noExplicitAny: as decoded
            (topic: any) => `${topic.name}-${topic.partitionIndexes.join('+')}`,
          ),
      ),
    )

  it('gives an id, and a higher epoch each time', async () => {
    expect([await init(), await init(), await init()]).toEqual([
      ...['1000/0', '1000/1', '1000/2'],
    ])
    expect(await init('q')).toBe('1001/0')
    expect(written()).toEqual(['Empty', 'Empty', 'Empty', 'Empty'])
  })

  it('gives an id to whoever has no name, wherever', async () => {
    coordinator.handleTxnEmigration(0, 1)
    await world.clock.advance(1)
    expect(await init(null)).toBe('1000/0')
    expect(await init('p')).toBe('NOT_COORDINATOR')
  })

  it('refuses names and timeouts that cannot be', async () => {
    expect(await init('')).toBe('INVALID_REQUEST')
    expect(await init('p', 0)).toBe('INVALID_TRANSACTION_TIMEOUT')
    expect(await init('p', 900_001)).toBe('INVALID_TRANSACTION_TIMEOUT')
    expect(known()).toBe('undefined')
  })

  it('goes on under another producer id when the epochs are used up', async () => {
    await init()
    const found = coordinator.txnManager.getTransactionState('p')
    if ('value' in found) found.value!.transactionMetadata.producerEpoch = 32766
    expect(await init()).toBe('1001/0')
  })

  it('commits: decided, answered, told to the leaders, complete', async () => {
    await init()
    expect(add(0, [t0, t1])).toBe('NONE')
    expect(end(0)).toBe('NONE')
    expect(known()).toBe('p (1000/0, PrepareCommit ─▶ CompleteCommit)')
    expect(end(0)).toBe('CONCURRENT_TRANSACTIONS')
    expect(add(0)).toBe('CONCURRENT_TRANSACTIONS')
    expect(await init()).toBe('CONCURRENT_TRANSACTIONS')
    await world.clock.advance(1)
    expect(markers()).toEqual(['COMMIT 0 t-0+1'])
    expect(known()).toBe('p (1000/0, CompleteCommit)')
    expect(written()).toEqual(['Empty', 'Ongoing', 'PrepareCommit', 'CompleteCommit'])

    // Saying it again changes nothing; taking it back is not possible.
    expect([end(0), end(0, 'ABORT')]).toEqual(['NONE', 'INVALID_TXN_STATE'])
  })

  it('refuses what is another producer, another epoch, or not begun', async () => {
    expect([add(0), end(0)]).toEqual(Array(2).fill('INVALID_PRODUCER_ID_MAPPING'))
    await init()
    expect(end(0)).toBe('INVALID_TXN_STATE')
    expect([add(0, [t0], 5n), end(0, 'COMMIT', 5n)]).toEqual(
      Array(2).fill('INVALID_PRODUCER_ID_MAPPING'),
    )
    await init()
    expect([add(0), end(0)]).toEqual(Array(2).fill('INVALID_PRODUCER_EPOCH'))
    expect(add(1, [t0], 1000n, '')).toBe('INVALID_REQUEST')
  })

  it('refuses an epoch to come, and what is open stays open', async () => {
    await init()
    add(0)
    expect(end(1)).toBe('INVALID_PRODUCER_EPOCH')
    expect(known()).toBe('p (1000/0, Ongoing)')
    expect(end(0)).toBe('NONE')
  })

  it('writes nothing for partitions that are in already', async () => {
    await init()
    expect([add(0), add(0), add(0, [t0])]).toEqual(['NONE', 'NONE', 'NONE'])
    expect(written()).toEqual(['Empty', 'Ongoing'])
  })

  it('aborts what a producer has left open when it starts again', async () => {
    await init()
    add(0)
    expect(await init()).toBe('CONCURRENT_TRANSACTIONS')
    await world.clock.advance(1)
    expect(markers()).toEqual(['ABORT 1 t-0'])
    expect(end(0)).toBe('INVALID_PRODUCER_EPOCH')
    expect(await init()).toBe('1000/2')
  })

  it('aborts and fences what is open for too long', async () => {
    await init('p', 1000)
    await world.clock.advance(30_000)
    add(0)
    await world.clock.advance(29_990)
    expect(known()).toBe('p (1000/0, Ongoing)')
    await world.clock.advance(20)
    expect(known()).toBe('p (1000/1, CompleteAbort)')
    expect(end(0)).toBe('INVALID_PRODUCER_EPOCH')
  })

  it.each([
    Errors.UNKNOWN_TOPIC_OR_PARTITION,
    Errors.NOT_LEADER_FOR_PARTITION,
    Errors.NOT_ENOUGH_REPLICAS,
    Errors.KAFKA_STORAGE_ERROR,
  ])('sends markers again after $name', async ({ code }) => {
    errors = [code, code]
    await init()
    add(0)
    end(0)
    await world.clock.advance(1)
    expect(known()).toBe('p (1000/0, PrepareCommit ─▶ CompleteCommit)')
    await world.clock.advance(200)
    expect(markers()).toEqual(Array(3).fill('COMMIT 0 t-0'))
    expect(known()).toBe('p (1000/0, CompleteCommit)')
  })

  it('sends markers again when the connection ends', async () => {
    const { WriteTxnMarkers } = broker.answers
    broker.answers.WriteTxnMarkers = () => 'close'
    await init()
    add(0)
    end(0)
    await world.clock.advance(10)
    broker.answers.WriteTxnMarkers = WriteTxnMarkers!
    await world.clock.advance(200)
    expect(known()).toBe('p (1000/0, CompleteCommit)')
  })

  it('needs no markers in an old format, nor in partitions that are gone', async () => {
    errors = [Errors.UNSUPPORTED_FOR_MESSAGE_FORMAT.code]
    leaders.delete(t1.key)
    await init()
    add(0, [t0, t1])
    end(0)
    await world.clock.advance(1)
    expect(markers()).toEqual(['COMMIT 0 t-0'])
    expect(known()).toBe('p (1000/0, CompleteCommit)')
  })

  it('gives up when it is fenced: another coordinator goes on', async () => {
    errors = [Errors.TRANSACTION_COORDINATOR_FENCED.code]
    await init()
    add(0)
    end(0)
    await world.clock.advance(1000)
    expect(markers()).toHaveLength(1)
    expect(known()).toBe('p (1000/0, PrepareCommit ─▶ CompleteCommit)')
  })

  it('waits for a leader that is not alive', async () => {
    const b2 = leaders.get(t0.key)!
    leaders.set(t0.key, { id: -1, host: '', port: -1 })
    await init()
    add(0)
    end(0)
    await world.clock.advance(1000)
    expect(markers()).toEqual([])
    expect(coordinator.txnMarkerChannelManager.queueForUnknownBroker).toMatchObject({
      totalNumMarkers: 1,
    })
    leaders.set(t0.key, b2)
    onUpdate?.()
    await world.clock.advance(1)
    expect(known()).toBe('p (1000/0, CompleteCommit)')
  })

  it('takes over from the log what another coordinator left', async () => {
    broker.answers.WriteTxnMarkers = () => undefined
    await init()
    add(0)
    end(0, 'ABORT')
    await init('q')
    await world.clock.advance(1)
    expect(known()).toBe('p (1000/0, PrepareAbort ─▶ CompleteAbort)')
    await coordinator.shutdown()

    // The decision stands: its markers are sent again, in the new epoch.
    broker.answers.WriteTxnMarkers = (seen) => answered(seen, 0)
    broker.seen.length = 0
    await open()
    expect(known()).toBe('NOT_COORDINATOR')
    coordinator.handleTxnImmigration(0, 1)
    expect(known()).toBe('COORDINATOR_LOAD_IN_PROGRESS')
    await world.clock.advance(1)
    expect(markers()).toEqual(['ABORT 0 t-0'])
    expect(broker.seen[0]?.body.markers[0].coordinatorEpoch).toBe(1)
    expect(known()).toBe('p (1000/0, CompleteAbort)')
    expect(known('q')).toBe('q (1001/0, Empty)')
  })

  it('forgets its ids when it leads no longer, and drops their markers', async () => {
    leaders.set(t0.key, { id: -1, host: '', port: -1 })
    await init()
    add(0)
    end(0)
    coordinator.handleTxnEmigration(0, 1)
    expect(known()).toBe('NOT_COORDINATOR')
    await world.clock.advance(1)
    const { queueForUnknownBroker } = coordinator.txnMarkerChannelManager
    expect(queueForUnknownBroker.totalNumMarkers).toBe(0)
    await immigrate(2)
    expect(known()).toBe('p (1000/0, PrepareCommit ─▶ CompleteCommit)')
  })

  it('takes a change back that could not be written', async () => {
    await init()
    await world.leaderAndIsr(state0, {
      ...{ leader: 2, leaderEpoch: 1, isr: [2], replicas: [1, 2] },
    })
    expect(add(0)).toBe('NOT_COORDINATOR')
    expect(known()).toBe('p (1000/0, Empty)')
  })

  it('forgets an id that is silent for long, with a tombstone', async () => {
    await init()
    await init('q')
    add(0, [t0], 1001n, 'q')
    coordinator.handleEndTransaction('q', 1001n, 0, 'COMMIT', () => {})
    await world.clock.advance(3_600_000)
    expect(known()).toBe('p (1000/0, Empty)')
    expect(await init()).toBe('1000/1')
    await world.clock.advance(7_200_000)
    expect(known('q')).toBe('undefined')
    expect(known()).toBe('p (1000/1, Empty)')
    expect(written().at(-1)).toBe('gone')

    // A reload finds it gone, too.
    coordinator.handleTxnEmigration(0, 1)
    await immigrate(2)
    expect([known('q'), known()]).toEqual(['undefined', 'p (1000/1, Empty)'])
  })

  it('asks for a topic that is compacted and never loses a decision', () => {
    expect(coordinator.transactionTopicConfigs()).toEqual({
      'unclean.leader.election.enable': 'false',
      'compression.type': 'uncompressed',
      'cleanup.policy': 'compact',
      'min.insync.replicas': '1',
      'segment.bytes': '104857600',
    })
  })
})
