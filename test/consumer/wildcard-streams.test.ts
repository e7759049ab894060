/** Streams of all topics that an expression allows. */
import { afterEach, beforeEach, describe, expect, it } from 'vitest'
import {
  IllegalArgumentException,
  MessageStreamsExistException,
} from '../../src/base/errors.ts'
import {
  Blacklist,
  type TopicFilter,
  Whitelist,
} from '../../src/consumer/TopicFilter.ts'
import { GroupFixture, text } from './group-fixture.ts'

let group: GroupFixture

beforeEach(async () => {
  group = await GroupFixture.start()
})

afterEach(() => group.close())

async function join(id: string, filter: TopicFilter, streams = 1) {
  const connector = await group.connector(id)
  const made = connector.createMessageStreamsByFilter(filter, streams, text, text)
  return { connector, streams: await group.run(made) }
}

describe('createMessageStreamsByFilter()', () => {
  it('reads all topics that match, in as many streams as were asked for', async () => {
    for (const topic of ['a1', 'a2', 'b']) {
      await group.createTopic(topic, 2)
      group.world.produce(`${topic}-0`, `${topic}-0`)
      group.world.produce(`${topic}-1`, `${topic}-1`)
    }
    const { streams } = await join('c1', new Whitelist('a.*'), 2)
    expect(streams).toHaveLength(2)
    expect((await group.take(streams[0]!, 2)).sort()).toEqual(['a1-0', 'a2-0'])
    expect((await group.take(streams[1]!, 2)).sort()).toEqual(['a1-1', 'a2-1'])
    expect(await group.owners('b')).toEqual({})
    expect(await group.owners('a2')).toEqual({ 'a2-0': 'g_c1-0', 'a2-1': 'g_c1-1' })
  })

  it('registers the expression', async () => {
    await join('c1', new Whitelist('a,"b\\d'), 3)
    const node = await group.run(group.zk.readData('/consumers/g/ids/g_c1'))
    expect(JSON.parse(node)).toMatchObject({
      ...{ pattern: 'white_list', subscription: { 'a|"b\\d': 3 } },
    })
  })

  it('takes a topic in that is created later, and lets one go', async () => {
    const { streams } = await join('c1', new Blacklist('b.*'))
    await group.createTopic('a', 1)
    await group.createTopic('b', 1)
    await group.advance(5000)
    group.world.produce('a-0', 'hello')
    expect(await group.take(streams[0]!, 1)).toEqual(['hello'])
    expect(await group.owners('b')).toEqual({})

    await group.run(group.zk.deletePath('/brokers/topics/a'))
    await group.createTopic('c', 1)
    await group.advance(5000)
    group.world.produce('c-0', 'again')
    expect(await group.take(streams[0]!, 1)).toEqual(['again'])
    expect(await group.owners('a')).toEqual({})
  })

  it('shares with members that name their topics', async () => {
    await group.createTopic('t', 2)
    await join('c1', new Whitelist('t'))
    const named = await group.join('c2', { t: 1 })
    await group.advance(10_000)
    expect(await group.owners('t')).toEqual({ 't-0': 'g_c1-0', 't-1': 'g_c2-0' })
    await group.run(named.connector.shutdown())
    await group.advance(10_000)
    expect(await group.owners('t')).toEqual({ 't-0': 'g_c1-0', 't-1': 'g_c1-0' })
  })

  it('sees new topics after its session expired, too', async () => {
    await group.createTopic('a1', 1)
    const { streams } = await join('c1', new Whitelist('a.*'))
    group.expireOwnerOf('/consumers/g/ids/g_c1')
    await group.advance(10_000)
    await group.createTopic('a2', 1)
    await group.advance(10_000)
    group.world.produce('a1-0', 'old')
    group.world.produce('a2-0', 'new')
    expect((await group.take(streams[0]!, 2)).sort()).toEqual(['new', 'old'])
  })

  it('refuses to make streams twice, of whichever kind', async () => {
    const { connector } = await join('c1', new Whitelist('a'))
    const twice = [
      connector.createMessageStreamsByFilter(new Whitelist('a'), 1, text, text),
      connector.createMessageStreams(new Map([['a', 1]]), text, text),
    ]
    for (const made of twice) {
      await expect(made).rejects.toThrow(MessageStreamsExistException)
    }
  })

  it('shutdown() ends streams that no topic was ever for', async () => {
    const { connector, streams } = await join('c1', new Whitelist('none'), 2)
    const waiting = streams.map((stream) => stream.iterator().hasNext())
    await group.run(connector.shutdown())
    const ended = group.platform.clock.sleep(1000).then(() => 'still waiting')
    for (const one of waiting) {
      expect(await group.run(Promise.race([one, ended]))).toBe(false)
    }
  })

  it.each([0, -1, 1.5])('refuses %d streams', async (count) => {
    await expect(join('c1', new Whitelist('a'), count)).rejects.toThrow(
      IllegalArgumentException,
    )
  })

  it('shutdown() ends its streams, and no topic is listened to any more', async () => {
    await group.createTopic('a', 1)
    const { connector, streams } = await join('c1', new Whitelist('.*'), 2)
    const waiting = streams.map((stream) => stream.iterator().hasNext())
    await group.run(connector.shutdown())
    expect(await Promise.all(waiting)).toEqual([false, false])
    await group.createTopic('b', 1)
    await group.advance(5000)
    expect(await group.owners('b')).toEqual({})
  })
})
