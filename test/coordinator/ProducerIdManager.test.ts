/** ProducerIdManager on a fake ZooKeeper: no id is ever given twice. */
import { describe, expect, it } from 'vitest'
import { ProducerIdManager } from '../../src/coordinator/transaction/ProducerIdManager.ts'
import { startZk } from '../zk/zk-fixture.ts'

const path = '/latest_producer_id_block'

describe('ProducerIdManager', () => {
  it('generateProducerId() deals blocks of a thousand', async () => {
    const { server, zkClient } = await startZk()
    const [first, second] = [1, 2].map((id) => new ProducerIdManager(id, zkClient))
    const drawn = await Promise.all([1, 2, 3].map(() => first!.generateProducerId()))
    expect(drawn).toEqual([0n, 1n, 2n])
    expect(await second!.generateProducerId()).toBe(1000n)
    expect(server.json(path)).toEqual({
      ...{ version: 1, broker: 2, block_start: '1000', block_end: '1999' },
    })

    // The first goes on behind the second when its block is used up.
    for (let i = 3; i < 1000; i++) await first!.generateProducerId()
    expect(await first!.generateProducerId()).toBe(2000n)
  })

  it('getNewProducerIdBlock() reads again when another broker was faster', async () => {
    const { server, zkClient } = await startZk()
    const [first, second] = [1, 2].map((id) => new ProducerIdManager(id, zkClient))
    let raced = false
    let other: Promise<bigint> | undefined
    server.before = (operation, at) => {
      if (operation !== 'setData' || at !== path || raced) return
      raced = true
      const node = server.nodes.get(path)!
      node.version += 1
      const block = { version: 1, broker: 9, block_start: '0', block_end: '999' }
      node.data = Buffer.from(JSON.stringify(block))
      other = second!.generateProducerId()
    }
    const mine = await first!.generateProducerId()
    expect([mine, await other].sort()).toEqual([1000n, 2000n])
  })

  it('getNewProducerIdBlock() keeps its block when only the answer was lost', async () => {
    const { server, zkClient } = await startZk()
    let version = -2
    server.before = (operation, at) => {
      if (operation !== 'setData' || at !== path || version !== -2) return
      // Carry out the write, as a first try whose answer never came.
      const node = server.nodes.get(path)!
      const block = { version: 1, broker: 1, block_start: '0', block_end: '999' }
      node.data = Buffer.from(JSON.stringify(block))
      node.version += 1
      version = node.version
    }
    expect(await new ProducerIdManager(1, zkClient).generateProducerId()).toBe(0n)
    expect(server.nodes.get(path)?.version).toBe(version)
  })

  it('generateProducerId() refuses when no ids are left', async () => {
    const { server, zkClient } = await startZk()
    const last = String(2n ** 63n - 1n)
    const block = { version: 1, broker: 1, block_start: '0', block_end: last }
    server.nodes.get(path)!.data = Buffer.from(JSON.stringify(block))
    const manager = new ProducerIdManager(1, zkClient)
    await expect(manager.generateProducerId()).rejects.toThrow('handed out')
  })
})
