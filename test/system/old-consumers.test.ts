/**
 * Consumers that meet in ZooKeeper, each a process of its own: they share partitions, one
 * takes over from another that is killed, and they go on where they committed.
 */
import { afterAll, beforeAll, describe, expect, it } from 'vitest'
import { createTopic, produce } from '../server/clients.ts'
import { ConsumerProcess, SESSION_TIMEOUT_MS } from './consumer-process.ts'
import { StartedCommand, TemporaryDirectory } from './running-command.ts'

let home: TemporaryDirectory
let broker: StartedCommand

beforeAll(async () => {
  home = new TemporaryDirectory()
  broker = await StartedCommand.start({ dataDir: home.path })
})

afterAll(async () => {
  await broker?.[Symbol.asyncDispose]()
  home?.[Symbol.dispose]()
})

/** Puts a few texts into each partition. @returns what a consumer says of them */
async function fill(
  topic: string,
  partitions: number,
  word: string,
): Promise<string[]> {
  const client = broker.client()
  const expected: string[] = []
  for (let partition = 0; partition < partitions; partition++) {
    const texts = Array.from({ length: 20 }, (_, at) => `${word}-${at}`)
    const { errorCode, baseOffset } = await produce(client, topic, texts, { partition })
    expect(errorCode).toBe(0)
    expected.push(...texts.map((text, at) => `${partition} ${baseOffset + at} ${text}`))
  }
  client.close()
  return expected
}

describe('ZookeeperConsumerConnector', () => {
  it('shares 8 partitions 4 and 4, and takes over from one that is killed', async () => {
    const topic = 'shared'
    const client = broker.client()
    await createTopic(client, topic, { partitions: 8 })
    client.close()
    const expected = await fill(topic, 8, 'first')
    const one = new ConsumerProcess(broker.zookeeperConnect, topic, 'sharers', {
      'consumer.id': 'one',
    })
    await one.until(() => one.owned.length === 8)
    await one.until(() => one.received.length >= expected.length)
    await one.commit()

    const two = new ConsumerProcess(broker.zookeeperConnect, topic, 'sharers', {
      'consumer.id': 'two',
    })
    await two.until(() => two.owned.length === 4)
    await one.until(() => one.owned.length === 4)
    expect([...one.owned, ...two.owned].sort()).toEqual([0, 1, 2, 3, 4, 5, 6, 7])
    expected.push(...(await fill(topic, 8, 'second')))
    const seen = () => new Set([...one.received, ...two.received])
    await two.until(() => two.received.filter((r) => r.includes('second')).length >= 80)

    // Kill one; its partitions are free when its session is.
    await two.kill()
    const killedAt = performance.now()
    expected.push(...(await fill(topic, 8, 'third')))
    await one.until(() => one.owned.length === 8)
    const tookMs = performance.now() - killedAt
    expect(tookMs).toBeLessThan(SESSION_TIMEOUT_MS * 3)
    await one.until(() => expected.every((message) => seen().has(message)))

    // What the dead one had read and not committed is read again.
    const second = expected.filter((message) => message.includes('second'))
    expect(second.filter((message) => !one.received.includes(message))).toEqual([])
    expect(await one.leave()).toBe(0)
  }, 60_000)

  for (const storage of ['zookeeper', 'kafka']) {
    it(`goes on where it committed, offsets in ${storage}`, async () => {
      const topic = `resumed-${storage}`
      const settings = {
        ...{ 'offsets.storage': storage, 'dual.commit.enabled': 'false' },
        'auto.commit.enable': 'false',
      }
      const client = broker.client()
      await createTopic(client, topic, { partitions: 2 })
      client.close()
      const before = await fill(topic, 2, 'before')
      const first = new ConsumerProcess(
        broker.zookeeperConnect,
        topic,
        `group-${storage}`,
        settings,
      )
      await first.until(() => first.received.length === before.length)
      await first.commit()
      const after = await fill(topic, 2, 'after')
      await first.until(() => first.received.length === before.length + after.length)
      expect(await first.leave()).toBe(0)

      const next = new ConsumerProcess(
        broker.zookeeperConnect,
        topic,
        `group-${storage}`,
        settings,
      )
      await next.until(() => next.received.length >= after.length)
      expect([...next.received].sort()).toEqual([...after].sort())
      expect(await next.leave()).toBe(0)
    }, 60_000)
  }
})
