/**
 * A hundred rebalances in a row leave nothing behind: watches at ZooKeeper, sessions, nodes,
 * connections, timers, and every object that the garbage collector can still reach are as
 * many as before. `REBALANCES=1000` makes the run long, and prints what it measured.
 */
import { queryObjects, setFlagsFromString } from 'node:v8'
import { runInNewContext } from 'node:vm'
import { afterEach, beforeEach, describe, expect, it } from 'vitest'
import { Whitelist } from '../../src/consumer/TopicFilter.ts'
import { GroupFixture, text } from './group-fixture.ts'

const REBALANCES = Number(process.env.REBALANCES ?? 100)

/** Rebalances before the first look: code is compiled, tables have their size. */
const WARM_UP = 40

/** Objects that may be under way at one look and not at the other. */
const OBJECTS_SLACK = 50

/** Machine code that V8 makes of what runs often is on the heap, too. */
const HEAP_SLACK_BYTES = 4_000_000

/** Looks at what can be reached; the least counts. */
const LOOKS = 5

const PARTITIONS = 8

const soon = {
  ...{ 'rebalance.backoff.ms': '10', 'refresh.leader.backoff.ms': '20' },
  'auto.commit.interval.ms': '1000',
}

setFlagsFromString('--expose-gc')
const gc: () => void = runInNewContext('gc')

let group: GroupFixture

beforeEach(async () => {
  group = await GroupFixture.start()
  await group.createTopic('t', PARTITIONS)
})

afterEach(() => group.close())

/** What there is that could grow. */
function holdings() {
  const { zooKeeper, platform, world } = group
  const { dataWatches, childWatches, nodeCount } = zooKeeper.tree!
  const stat = zooKeeper.fourLetterWord('stat') ?? ''
  return {
    dataWatches: dataWatches.size,
    childWatches: childWatches.size,
    watchers: dataWatches.watchers.size + childWatches.watchers.size,
    nodes: nodeCount,
    sessions: Number(/^Connections: (\d+)$/m.exec(stat)?.[1]),
    networkEnds: platform.fabric.openEnds,
    brokerConnections: world.brokers[0]!.openConnections,
    timers: platform.virtualClock.pendingTimers,
  }
}

/**
 * What can still be reached: objects, and bytes with the code. The least of several looks,
 * since the test runner has messages of its own under way, more of them on a busy machine.
 */
async function reachable(): Promise<{ objects: number; bytes: number }> {
  let least = { objects: Number.POSITIVE_INFINITY, bytes: Number.POSITIVE_INFINITY }
  for (let look = 0; look < LOOKS; look++) {
    // What a finished promise held is free a turn later.
    for (let turn = 0; turn < 10; turn++) await new Promise(setImmediate)
    await group.advance(0)
    gc()
    const objects = Number(queryObjects(Object, { format: 'count' }))
    const bytes = process.memoryUsage().heapUsed
    least = {
      objects: Math.min(objects, least.objects),
      bytes: Math.min(bytes, least.bytes),
    }
  }
  return least
}

/** Lets the group rebalance `count` times by `once`, and looks before and after. */
async function expectNoGrowth(
  count: () => number,
  once: () => Promise<void>,
): Promise<void> {
  const forget = () => {
    // The broker of the test remembers every request.
    group.world.brokers[0]!.seen.length = 0
    group.connectors.length = 1
  }
  while (count() < WARM_UP) await once()
  forget()
  const before = { ...holdings(), ...(await reachable()) }
  const goal = count() + REBALANCES
  while (count() < goal) {
    await once()
    forget()
  }
  const after = { ...holdings(), ...(await reachable()) }
  if (process.env.REBALANCES) console.info(`${REBALANCES} rebalances`, before, after)
  const { objects, bytes, ...held } = after
  expect(held).toEqual(holdingsOf(before))
  expect(objects - before.objects).toBeLessThan(OBJECTS_SLACK)
  expect(bytes - before.bytes).toBeLessThan(HEAP_SLACK_BYTES)
}

function holdingsOf<T extends { objects: number; bytes: number }>(all: T) {
  const { objects: _, bytes: __, ...held } = all
  return held
}

describe(`${REBALANCES} rebalances in a row`, () => {
  it('leave nothing behind when a member comes and goes', async () => {
    let rebalances = 0
    const listener = { beforeStartingFetchers: () => void rebalances++ }
    const one = await group.join('c1', { t: 1 }, soon, listener)
    await expectNoGrowth(
      () => rebalances,
      async () => {
        const two = await group.join('c2', { t: 1 }, soon)
        await group.advance(500)
        expect(new Set(Object.values(await group.owners('t'))).size).toBe(2)
        await group.run(two.connector.shutdown())
        await group.advance(500)
        expect(new Set(Object.values(await group.owners('t'))).size).toBe(1)
      },
    )

    // It still reads all partitions.
    for (let p = 0; p < PARTITIONS; p++) group.world.produce(`t-${p}`, `m${p}`)
    expect(await group.take(one.streams[0]!, PARTITIONS)).toHaveLength(PARTITIONS)
  })

  it('leave nothing behind when the session expires each time', async () => {
    let rebalances = 0
    const listener = { beforeStartingFetchers: () => void rebalances++ }
    const { streams } = await group.join('c1', { t: 2 }, soon, listener)
    await expectNoGrowth(
      () => rebalances,
      async () => {
        group.expireOwnerOf('/consumers/g/ids/g_c1')
        await group.advance(500)
        expect(Object.keys(await group.owners('t'))).toHaveLength(PARTITIONS)
      },
    )
    group.world.produce('t-0', 'a')
    expect(await group.take(streams[0]!, 1)).toEqual(['a'])
  })

  it('leave nothing behind with streams of an expression, and offsets in Kafka', async () => {
    const settings = { ...soon, 'offsets.storage': 'kafka' }
    const connector = await group.connector('c1', settings)
    let rebalances = 0
    connector.setConsumerRebalanceListener({
      beforeStartingFetchers: () => void rebalances++,
    })
    const filter = new Whitelist('t.*')
    await group.run(connector.createMessageStreamsByFilter(filter, 2, text, text))
    await expectNoGrowth(
      () => rebalances,
      async () => {
        await group.createTopic('t2', 2)
        await group.advance(500)
        expect(Object.keys(await group.owners('t2'))).toHaveLength(2)
        await group.run(group.zk.deletePathRecursive('/brokers/topics/t2'))
        await group.advance(500)
        expect(Object.keys(await group.owners('t2'))).toEqual([])
      },
    )
  })
})
