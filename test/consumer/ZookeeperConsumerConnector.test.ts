/** A group shares partitions, hands them over, and remembers how far it was. */
import { afterEach, beforeEach, describe, expect, it } from 'vitest'
import { GroupFixture } from './group-fixture.ts'

let group: GroupFixture

beforeEach(async () => {
  group = await GroupFixture.start()
})

afterEach(() => group.close())

describe('ZookeeperConsumerConnector', () => {
  it('createMessageStreams() gives what is in the topic and what comes later', async () => {
    await group.createTopic('t', 1)
    group.world.produce('t-0', 'a', 'b')
    const { streams } = await group.join('c1', { t: 1 })
    expect(await group.take(streams[0]!, 2)).toEqual(['a', 'b'])
    group.world.produce('t-0', 'c')
    expect(await group.take(streams[0]!, 1)).toEqual(['c'])
  })
})
