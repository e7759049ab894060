import { describe, expect, it } from 'vitest'
import { ZKCheckedEphemeral, ZKGroupTopicDirs, ZkUtils } from '../../src/zk/ZkUtils.ts'
import { startZk, startZooKeeperClient } from './zk-fixture.ts'

async function start() {
  const zk = await startZk()
  const zkUtils = new ZkUtils(await startZooKeeperClient(zk.server))
  return { ...zk, zkUtils }
}

/** Collects what a listener is told, and waits for it. */
class Told {
  readonly #all: string[] = []
  #wake = () => {}

  add(text: string): void {
    this.#all.push(text)
    this.#wake()
  }

  async until(n: number): Promise<string[]> {
    while (this.#all.length < n) {
      await new Promise<void>((resolve) => {
        this.#wake = resolve
      })
    }
    return this.#all
  }
}

function childListener(told: Told) {
  return {
    handleChildChange(path: string, children: string[] | null) {
      told.add(`${path} ${children}`)
    },
  }
}

describe('ZkUtils', () => {
  it('subscribeChildChanges() tells of every change, and of a node to come', async () => {
    const { server, zkUtils } = await start()
    const told = new Told()
    expect(
      await zkUtils.subscribeChildChanges('/c', childListener(told)),
    ).toBeUndefined()
    server.create('/c', null, 'PERSISTENT', 0n)
    await told.until(1)
    server.create('/c/x', null, 'PERSISTENT', 0n)
    await told.until(2)
    server.create('/c/y', null, 'PERSISTENT', 0n)
    expect(await told.until(3)).toEqual(['/c ', '/c x', '/c x,y'])
    await zkUtils.close()
  })

  it('subscribeDataChanges() tells of creation, change and deletion', async () => {
    const { server, zkUtils } = await start()
    const told = new Told()
    await zkUtils.subscribeDataChanges('/d', {
      handleDataChange: (path, data) => told.add(`${path} = ${data}`),
      handleDataDeleted: (path) => told.add(`${path} gone`),
    })
    server.create('/d', Buffer.from('1'), 'PERSISTENT', 0n)
    await told.until(1)
    server.set('/d', Buffer.from('2'))
    await told.until(2)
    server.delete('/d')
    expect(await told.until(3)).toEqual(['/d = 1', '/d = 2', '/d gone'])
    await zkUtils.close()
  })

  it('two listeners of one path are both told, until they unsubscribe', async () => {
    const { server, zkUtils } = await start()
    const [a, b] = [new Told(), new Told()]
    const first = childListener(a)
    await zkUtils.subscribeChildChanges('/consumers', first)
    await zkUtils.subscribeChildChanges('/consumers', childListener(b))
    server.create('/consumers/g', null, 'PERSISTENT', 0n)
    await Promise.all([a.until(1), b.until(1)])
    zkUtils.unsubscribeChildChanges('/consumers', first)
    server.create('/consumers/h', null, 'PERSISTENT', 0n)
    await b.until(2)
    expect(await a.until(1)).toHaveLength(1)
    await zkUtils.close()
  })

  it('a new session tells state listeners first, then all others', async () => {
    const { server, zkUtils } = await start()
    const told = new Told()
    await zkUtils.subscribeChildChanges('/consumers', childListener(told))
    zkUtils.subscribeStateChanges({ handleNewSession: () => told.add('new session') })
    server.expire(server.sessions[1]!)
    expect(await told.until(2)).toEqual(['new session', '/consumers '])
    server.create('/consumers/g', null, 'PERSISTENT', 0n)
    expect((await told.until(3))[2]).toBe('/consumers g')
    await zkUtils.close()
  })

  it('createEphemeralPathExpectConflict() tells our claim from others', async () => {
    const { server, zkUtils } = await start()
    const dirs = new ZKGroupTopicDirs('g', 't')
    const path = `${dirs.consumerOwnerDir}/0`
    expect(path).toBe('/consumers/g/owners/t/0')
    await zkUtils.createEphemeralPathExpectConflict(path, 'me-0')
    await zkUtils.createEphemeralPathExpectConflict(path, 'me-0')
    await expect(
      zkUtils.createEphemeralPathExpectConflict(path, 'you-0'),
    ).rejects.toThrow('NODEEXISTS')
    await zkUtils.close()
    expect(server.text(path)).toBeUndefined()
    expect(server.text('/consumers/g/owners/t')).toBe('null')
  })

  it('updatePersistentPath() creates, then overwrites', async () => {
    const { zkUtils } = await start()
    const path = '/consumers/g/offsets/t/0'
    await zkUtils.updatePersistentPath(path, '1')
    await zkUtils.updatePersistentPath(path, '2')
    expect(await zkUtils.readDataMaybeNull(path)).toBe('2')
    expect(await zkUtils.deletePath(path)).toBe(true)
    expect(await zkUtils.deletePath(path)).toBe(false)
    await zkUtils.close()
  })

  it('getConsumersPerTopic() sorts thread ids as text', async () => {
    const { zkUtils } = await start()
    for (const id of ['c2', 'c1']) {
      await new ZKCheckedEphemeral(`/consumers/g/ids/${id}`, '{}', zkUtils).create()
    }
    const threads = async (id: string) => new Map([['t', [`${id}-10`, `${id}-2`]]])
    expect(await zkUtils.getConsumersPerTopic('g', threads)).toEqual(
      new Map([['t', ['c1-10', 'c1-2', 'c2-10', 'c2-2']]]),
    )
    await zkUtils.close()
  })

  it('getPartitionsForTopics() sorts numbers, and knows no unknown topic', async () => {
    const { zkClient, zkUtils } = await start()
    const assignment = new Map([10, 9, 0].map((p) => [p, [1]] as const))
    await zkClient.createTopicAssignment('t', assignment)
    expect(await zkUtils.getPartitionsForTopics(['t', 'u'])).toEqual(
      new Map([
        ['t', [0, 9, 10]],
        ['u', []],
      ]),
    )
    await zkUtils.close()
  })
})
