/**
 * What every client is asked to do, whatever its names for it are; `features.py` beside
 * this file asks the same of clients in Python.
 */
import { expect } from 'vitest'

/** What a member of a group tells of itself. */
export interface MemberEvents {
  /** It has read a value. */
  readonly took: (value: string) => void
  /** So many partitions are its own now. */
  readonly shareIs: (partitions: number) => void
}

/** A consumer that reads until it leaves. */
export interface Member {
  leave(): Promise<unknown>
}

/** Whether records of open and aborted transactions are read, too. */
export type Isolation = 'read_committed' | 'read_uncommitted'

/** A client. What it has no call for is absent. */
export interface FeatureClient {
  readonly name: string
  /** Those it brings; all unless it says so. */
  readonly codecs?: readonly string[]
  readonly produce: (topic: string, values: string[], codec: string) => Promise<unknown>
  /** Reads so many values as the one member of a group, commits, and leaves. */
  readonly readAll: (
    reading: { topic: string; group: string; isolation?: Isolation },
    count: number,
  ) => Promise<string[]>
  readonly join: (topic: string, group: string, events: MemberEvents) => Promise<Member>
  readonly produceIdempotent?: (topic: string, values: string[]) => Promise<unknown>
  /** Sends values in a transaction each, which is committed or aborted. */
  readonly transact?: (
    topic: string,
    transactions: readonly { values: string[]; commit: boolean }[],
  ) => Promise<unknown>
  /** Makes a topic with two replicas; the test makes it when the client cannot. */
  readonly createTopic?: (topic: string, partitions: number) => Promise<unknown>
  /** How many partitions a topic has; `undefined`: there is none. */
  readonly topicSize?: (topic: string) => Promise<number | undefined>
  readonly growTopic?: (topic: string, partitions: number) => Promise<unknown>
  readonly deleteTopic?: (topic: string) => Promise<unknown>
  readonly deleteRecords?: (topic: string, before: number) => Promise<unknown>
  readonly topicSetting?: (topic: string, key: string) => Promise<string | undefined>
  readonly setTopicSetting?: (
    topic: string,
    key: string,
    value: string,
  ) => Promise<unknown>
  /** Of the broker that the test has told it. */
  readonly brokerSetting?: (key: string) => Promise<string | undefined>
  readonly setBrokerSetting?: (key: string, value: string) => Promise<unknown>
  readonly listGroups?: () => Promise<readonly string[]>
  /** The state of a group. */
  readonly groupState?: (group: string) => Promise<string | undefined>
  readonly deleteGroup?: (group: string) => Promise<unknown>
}

/** What the test lends to all clients. */
export interface Help {
  /** Reads a topic of one partition to its end with another client. */
  readonly readByAnother: (topic: string) => Promise<string[]>
  readonly createTopic: (topic: string, partitions: number) => Promise<unknown>
}

type Offers = keyof FeatureClient

/** A feature: its name in the table, what it needs of the client, how it is shown. */
type Feature = readonly [
  name: string,
  needs: Offers,
  check: (client: FeatureClient, help: Help) => Promise<unknown>,
]

const FEATURES: readonly Feature[] = [
  ['all codecs, read back by another client, too', 'produce', codecs],
  ['a group of three that come and go', 'join', groupOfThree],
  ['commit and resume', 'readAll', commitAndResume],
  ['idempotent produce', 'produceIdempotent', idempotent],
  ['transactions, committed and aborted, read both ways', 'transact', transactions],
  ['topics made, grown and deleted', 'growTopic', topics],
  ['records deleted up to an offset', 'deleteRecords', deleteRecords],
  ['settings of a topic shown and changed', 'setTopicSetting', topicSettings],
  ['settings of a broker shown and changed', 'setBrokerSetting', brokerSettings],
  ['groups listed and described', 'listGroups', groups],
  ['groups deleted', 'deleteGroup', deleteGroup],
]

/** Tries all features. @returns what became of each @throws when one fails */
export async function tryFeatures(
  client: FeatureClient,
  help: Help,
): Promise<Record<string, string>> {
  const results: Record<string, string> = {}
  const createTopic = client.createTopic?.bind(client) ?? help.createTopic
  const complete = { ...help, createTopic }
  for (const [name, needs, check] of FEATURES) {
    const said = client[needs] ? await check(client, complete) : 'not offered'
    results[name] = typeof said === 'string' ? said : 'passed'
  }
  return results
}

/** `word 0`, `word 1`, … */
export const texts = (word: string, count: number) =>
  Array.from({ length: count }, (_, at) => `${word} ${at}`)

/** A text that is worth packing. */
export const again = (text: string) => `${text} ${'again '.repeat(40)}`

/** Asks again until the answer is one that is waited for. */
export async function untilIs<T>(ask: () => Promise<T> | T, wanted: T): Promise<void> {
  for (;;) {
    if ((await ask()) === wanted) return
    await new Promise((waited) => setTimeout(waited, 20))
  }
}

async function codecs(client: FeatureClient, help: Help): Promise<string | undefined> {
  for (const codec of client.codecs ?? ['none', 'gzip', 'snappy', 'lz4']) {
    const topic = `${client.name}-${codec}`
    await help.createTopic(topic, 1)
    const values = texts(codec, 50).map(again)
    await client.produce(topic, values, codec)
    expect(await client.readAll({ topic, group: topic }, 50)).toEqual(values)
    expect(await help.readByAnother(topic)).toEqual(values)
  }
  if (!client.codecs) return undefined
  return `passed with ${client.codecs.slice(1).join(', ')}; it brings no other`
}

async function groupOfThree(client: FeatureClient, help: Help): Promise<void> {
  const topic = `${client.name}-group`
  await help.createTopic(topic, 6)
  const shares = new Map<number, number>()
  const read = new Set<string>()
  let changed = () => {}
  const join = (member: number) =>
    client.join(topic, topic, {
      took: (value) => {
        read.add(value)
        changed()
      },
      shareIs: (share) => {
        shares.set(member, share)
        changed()
      },
    })
  const until = async (holds: () => boolean) => {
    while (!holds()) await new Promise<void>((resolve) => (changed = resolve))
  }
  const sharesAre = (...wanted: number[]) =>
    until(() => [...shares.values()].sort().join() === wanted.join())

  const first = await join(1)
  await sharesAre(6)
  const others = await Promise.all([join(2), join(3)])
  await sharesAre(2, 2, 2)
  const before = texts('before', 60)
  await client.produce(topic, before, 'none')
  await until(() => before.every((value) => read.has(value)))

  // One goes; the two that stay share what it had.
  await first.leave()
  shares.delete(1)
  await sharesAre(3, 3)
  const after = texts('after', 60)
  await client.produce(topic, after, 'none')
  await until(() => after.every((value) => read.has(value)))
  expect(read.size).toBe(120)
  await Promise.all(others.map((member) => member.leave()))
}

async function commitAndResume(client: FeatureClient, help: Help): Promise<void> {
  const topic = `${client.name}-resume`
  const reading = { topic, group: topic }
  await help.createTopic(topic, 1)
  await client.produce(topic, ['a', 'b', 'c'], 'none')
  expect(await client.readAll(reading, 3)).toEqual(['a', 'b', 'c'])
  await client.produce(topic, ['d', 'e'], 'none')
  expect(await client.readAll(reading, 2)).toEqual(['d', 'e'])
}

async function idempotent(client: FeatureClient, help: Help): Promise<void> {
  const topic = `${client.name}-idempotent`
  await help.createTopic(topic, 1)
  const values = texts('once', 200)
  await client.produceIdempotent?.(topic, values)
  expect(await client.readAll({ topic, group: topic }, 200)).toEqual(values)
}

async function transactions(client: FeatureClient, help: Help): Promise<void> {
  const topic = `${client.name}-transactions`
  await help.createTopic(topic, 1)
  await client.transact?.(topic, [
    { values: ['kept 1', 'kept 2'], commit: true },
    { values: ['dropped'], commit: false },
    { values: ['kept 3'], commit: true },
  ])
  const read = (isolation: Isolation, count: number) =>
    client.readAll({ topic, group: `${topic}-${isolation}`, isolation }, count)
  const kept = ['kept 1', 'kept 2', 'kept 3']
  expect(await read('read_committed', 3)).toEqual(kept)
  const everything = ['kept 1', 'kept 2', 'dropped', 'kept 3']
  expect(await read('read_uncommitted', 4)).toEqual(everything)
}

async function topics(client: FeatureClient, help: Help): Promise<void> {
  const topic = `${client.name}-made`
  await help.createTopic(topic, 2)
  await untilIs(async () => client.topicSize?.(topic), 2)
  await client.growTopic?.(topic, 4)
  await untilIs(async () => client.topicSize?.(topic), 4)
  await client.deleteTopic?.(topic)
  await untilIs(async () => client.topicSize?.(topic), undefined)
}

async function deleteRecords(client: FeatureClient, help: Help): Promise<void> {
  const topic = `${client.name}-shortened`
  await help.createTopic(topic, 1)
  await client.produce(topic, ['a', 'b', 'c', 'd'], 'none')
  await client.deleteRecords?.(topic, 2)
  expect(await client.readAll({ topic, group: topic }, 2)).toEqual(['c', 'd'])
  expect(await help.readByAnother(topic)).toEqual(['c', 'd'])
}

async function topicSettings(client: FeatureClient, help: Help): Promise<void> {
  const topic = `${client.name}-settings`
  await help.createTopic(topic, 1)
  const retention = () => client.topicSetting?.(topic, 'retention.ms')
  await client.setTopicSetting?.(topic, 'retention.ms', '86400000')
  await untilIs(async () => retention(), '86400000')
}

async function brokerSettings(client: FeatureClient): Promise<void> {
  const key = 'log.cleaner.threads'
  await client.setBrokerSetting?.(key, '2')
  await untilIs(async () => client.brokerSetting?.(key), '2')
}

async function groups(client: FeatureClient): Promise<void> {
  const group = `${client.name}-resume`
  await untilIs(async () => client.groupState?.(group), 'Empty')
  expect(await client.listGroups?.()).toContain(group)
}

async function deleteGroup(client: FeatureClient): Promise<void> {
  const group = `${client.name}-resume`
  await client.deleteGroup?.(group)
  expect(await client.listGroups?.()).not.toContain(group)
}
