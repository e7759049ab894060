/** What clients see when a disk of a broker fails while it runs. */
import { afterEach, describe, expect, it } from 'vitest'
import { Errors } from '../../src/base/errors.ts'
import { memoryPlatform } from '../../src/base/platform/memory/memory-platform.ts'
import { type KafkaCluster, startCluster } from '../../src/testing/start-cluster.ts'
import {
  batchOf,
  clientOf,
  createTopic,
  fetchBytes,
  produce,
  produceBytes,
} from './clients.ts'

let cluster: KafkaCluster | undefined

afterEach(async () => {
  await cluster?.close()
})

async function startOnDisks(dirs: string) {
  const platform = memoryPlatform({ clock: 'real' })
  cluster = await startCluster({ platform, config: { 'log.dirs': dirs } })
  return { platform, broker: cluster.brokers[0]!, client: clientOf(cluster) }
}

describe('a failed log directory', () => {
  it('takes its own partitions out of service, and no others', async () => {
    const { platform, broker, client } = await startOnDisks('/disk-a,/disk-b')
    await createTopic(client, 't', { partitions: 4 })
    const dirOf = (partition: number) =>
      broker.logManager
        .logsByTopic('t')
        .find((log) => log.topicPartition.partition === partition)?.parentDir
    const lost = [0, 1, 2, 3].find((p) => dirOf(p) === '/disk-a')!
    const kept = [0, 1, 2, 3].find((p) => dirOf(p) === '/disk-b')!
    platform.storage.addFault({ path: '/disk-a', code: 'EIO' })

    // The write that hits the disk fails, and so does everything there from now on.
    const storage = Errors.KAFKA_STORAGE_ERROR.code
    const failed = await produce(client, 't', ['x'], { partition: lost })
    expect(failed.errorCode).toBe(storage)
    while (broker.logManager.liveLogDirs.length > 1) {
      await fetchBytes(client, 't', 0, { partition: kept })
    }
    const ask = (version: number) =>
      produceBytes(client, 't', batchOf(['x'], version < 3 ? 1 : 2), {
        ...{ version, partition: lost },
      })
    expect((await ask(5)).errorCode).toBe(storage)

    // Old clients take it for a moved leader.
    const moved = Errors.NOT_LEADER_FOR_PARTITION.code
    expect((await ask(3)).errorCode).toBe(moved)
    expect((await ask(2)).errorCode).toBe(moved)
    const fetch = (version: number) =>
      fetchBytes(client, 't', 0, { version, partition: lost })
    expect((await fetch(6)).errorCode).toBe(storage)
    expect((await fetch(5)).errorCode).toBe(moved)

    const fine = await produce(client, 't', ['y'], { partition: kept })
    expect(fine).toMatchObject({ errorCode: 0, baseOffset: 0 })
    client.close()
  })

  it.each([3, 7])(
    'does not fail the producer that completes a fetch of version %s',
    async (version) => {
      const { platform, broker, client } = await startOnDisks('/disk-a')
      await createTopic(client, 't')
      const consumer = clientOf(cluster!)
      const { delayedFetchPurgatory } = broker.replicaManager
      const fetched = fetchBytes(consumer, 't', 0, { version, maxWaitMs: 9000 })
      while (delayedFetchPurgatory.delayed === 0) await fetchBytes(client, 't', 9)
      const heal = platform.storage.addFault({
        ...{ path: /\.log$/, operations: ['read'], code: 'EIO' },
      })
      const [produced, read] = await Promise.allSettled([
        produce(client, 't', ['x']),
        fetched,
      ])
      expect(produced).toMatchObject({ value: { errorCode: 0 } })

      // The consumer is told something, or hung up on; it is never left waiting.
      if (read.status === 'fulfilled') expect(read.value.errorCode).not.toBe(0)
      heal()
      consumer.close()
      client.close()
    },
  )

  it('ends the broker when it was the last one', async () => {
    const { platform, broker, client } = await startOnDisks('/disk-a')
    await createTopic(client, 't')
    const heal = platform.storage.addFault({ path: '/disk-a', code: 'EIO' })
    await produce(client, 't', ['x'])
    await broker.awaitShutdown()
    expect(broker.brokerState.currentState).toBe('NotRunning')
    heal()
    client.close()
  })
})
