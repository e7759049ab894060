/** Notes about changed settings: which are read, when, and when they are taken down. */
import { describe, expect, it } from 'vitest'
import type { Clock } from '../../src/base/platform/Platform.ts'
import { DynamicConfigManager } from '../../src/server/DynamicConfigManager.ts'
import { startZk } from '../zk/zk-fixture.ts'

const QUARTER_OF_AN_HOUR = 15 * 60_000
const board = '/config/changes'

async function setUp() {
  const { server, zkClient, platform } = await startZk()
  const told: string[] = []
  const time = { now: 0 }
  const handler = {
    processConfigChanges(entity: string, config: Readonly<Record<string, string>>) {
      if (config.bad) throw new Error('bad')
      told.push(`${entity} ${config.size}`)
    },
  }
  const clock = { now: () => time.now } as unknown as Clock
  const manager = new DynamicConfigManager(
    zkClient,
    new Map([['topics', handler]]),
    clock,
  )
  const change = async (topic: string, config: Record<string, string>) => {
    await zkClient.setOrCreateEntityConfigs('topics', topic, config)
    await zkClient.createConfigChangeNotification(`topics/${topic}`)
  }
  const settle = () => platform.virtualClock.settle()
  return { server, zkClient, manager, told, change, time, settle }
}

describe('DynamicConfigManager', () => {
  it('startup() reads what hangs there, then everything that is set', async () => {
    const { manager, told, change } = await setUp()
    await change('t', { size: '1' })
    await change('u', { size: '2' })
    await manager.startup()
    expect(told).toEqual(['t 1', 'u 2', 't 1', 'u 2'])
    await manager.shutdown()
  })

  it('reads each note once, as it is hung up, and none after shutdown()', async () => {
    const { manager, told, change, settle } = await setUp()
    await manager.startup()
    await change('t', { size: '1' })
    await settle()
    await change('t', { size: '2' })
    await settle()
    expect(told).toEqual(['t 1', 't 2'])
    await manager.shutdown()
    await change('t', { size: '3' })
    await settle()
    expect(told).toHaveLength(2)
  })

  it('reads notes of the first version, which know topics and clients only', async () => {
    const { manager, told, settle, server, zkClient } = await setUp()
    await manager.startup()
    await zkClient.setOrCreateEntityConfigs('topics', 't', { size: '1' })
    for (const entity_type of ['brokers', 'topics']) {
      const note = { version: 1, entity_type, entity_name: 't' }
      const data = Buffer.from(JSON.stringify(note))
      server.create(`${board}/config_change_`, data, 'PERSISTENT_SEQUENTIAL', 0n)
    }
    await settle()
    expect(told).toEqual(['t 1'])
    await manager.shutdown()
  })

  it('skips what it does not know, does not understand, or cannot use', async () => {
    const { manager, told, change, settle, server, zkClient } = await setUp()
    await manager.startup()
    await zkClient.createConfigChangeNotification('users/somebody')
    const note = `${board}/config_change_`
    server.create(note, Buffer.from('?'), 'PERSISTENT_SEQUENTIAL', 0n)
    server.create(note, null, 'PERSISTENT_SEQUENTIAL', 0n)
    await change('u', { bad: 'yes' })
    await change('t', { size: '1' })
    await settle()
    expect(told).toEqual(['t 1'])
    await manager.shutdown()
  })

  it('reads a note again whose settings could not be read', async () => {
    const { manager, told, change, settle, server } = await setUp()
    await manager.startup()
    let fails = true
    server.before = (operation, path) => {
      if (!fails || operation !== 'getData' || path !== '/config/topics/t') return
      throw new Error('no answer')
    }
    await change('t', { size: '1' })
    await change('u', { size: '2' })
    await settle()
    expect(told).toEqual([])
    fails = false
    await change('v', { size: '3' })
    await settle()
    expect(told).toEqual(['t 1', 'u 2', 'v 3'])
    await manager.shutdown()
  })

  it('takes notes down that are older than a quarter of an hour', async () => {
    const { manager, change, settle, server, time } = await setUp()
    await manager.startup()
    await change('t', { size: '1' })
    time.now = QUARTER_OF_AN_HOUR
    await change('t', { size: '2' })
    await settle()
    expect(server.children(board)).toHaveLength(2)
    time.now = QUARTER_OF_AN_HOUR + 1
    await change('t', { size: '3' })
    await settle()
    expect(server.children(board)).toEqual([])
    await manager.shutdown()
  })
})
