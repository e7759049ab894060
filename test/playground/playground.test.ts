/** A reader's cluster: what is done to it, and that the same is always the same. */
import { describe, expect, it } from 'vitest'
import { formatActions, parseActions } from '../../src/testing/playground/actions.ts'
import { Playground } from '../../src/testing/playground/Playground.ts'

const replay = (text: string, seed = 7) => Playground.replay(seed, parseActions(text))

describe('actions', () => {
  it('are written in an address and read again', () => {
    const text =
      'p0.q1.w500.k0.z1.s0.d2.f1.t1.e0.y2.u2.i0.j0.c01.h01.c2z.h2z.a.b1.v2.w60000'
    expect(formatActions(parseActions(text))).toBe(text)
  })

  it('that wait after each other become one', () => {
    expect(formatActions(parseActions('w100.w200.a.w300'))).toBe('w300.a.w300')
  })

  it.each(['x', 'k', 'k12', 'w0', 'w60001', 'c00', 'c0', 'p', 'az', 'b0', 'kz', 'P0'])(
    'refuse %s',
    (word) => {
      expect(() => parseActions(`w1.${word}`)).toThrow(`"${word}" is no action`)
    },
  )
})

describe('Playground', () => {
  it('produces, replicates and consumes', async () => {
    const playground = await replay('a.w3000.p0.p1.w1000')
    const { sent, consumers, partitions, missing } = playground.view()
    expect(sent.map(({ fate }) => fate)).toEqual(['acknowledged', 'acknowledged'])
    expect(consumers).toMatchObject([
      { name: 'c1', status: 'reads', owns: ['t-0', 't-1'], consumed: 2 },
    ])
    expect(partitions.map((p) => [p.leader, p.isr.length, p.highWatermark])).toEqual([
      [0, 3, 1],
      [1, 3, 1],
    ])
    expect(missing).toEqual([])
  })

  it('has another leader after the first one was killed', async () => {
    const playground = await replay('p0.w500.k0.w4000.p0.w1000')
    const { partitions, machines, sent, cluster } = playground.view()
    expect(machines).toEqual(['down', 'runs', 'runs'])
    expect(partitions[0]?.leader).not.toBe(0)
    expect(partitions[0]?.isr).not.toContain(0)
    expect(partitions[0]?.logEndOffset).toBe(2)
    expect(sent.at(-1)?.fate).toBe('acknowledged')

    // The disk of the dead one is still there to see.
    const dead = cluster.brokers.find(({ id }) => id === 0)
    expect(dead).toMatchObject({ state: 'NotRunning', isRegistered: false })
    expect(dead?.replicas.map(({ logEndOffset }) => logEndOffset)).toEqual([1, 0])
  })

  it('waits for a slow disk, one record after the other', async () => {
    const fates = async (text: string) =>
      (await replay(text)).view().sent.map(({ fate }) => fate)
    const slow = 'p0.w600.i0.p0.p0'
    const [done, waits] = ['acknowledged', 'on its way']
    expect(await fates(`${slow}.w399`)).toEqual([done, waits, waits])
    expect(await fates(`${slow}.w450`)).toEqual([done, done, waits])
    expect(await fates(`${slow}.w900`)).toEqual([done, done, done])

    // A follower's disk counts as well, and one that is mended does not.
    expect(await fates('p0.w600.i1.p0.w399')).toEqual([done, waits])
    expect(await fates('p0.w600.i1.j1.p0.w100')).toEqual([done, done])
  })

  it('says nothing more when its power goes while it waits for the disk', async () => {
    const { sent } = (await replay('p0.w600.i0.q0.w100.z0.w900')).view()
    expect(sent.map(({ fate }) => fate)).toEqual(['acknowledged', 'on its way'])
  })

  it('loses what only a dead leader had, acknowledged with acks=1', async () => {
    const playground = await replay('p0.w300.c01.c02.q0.q0.w100.k0.w4000')
    const { sent, missing, partitions } = playground.view()
    expect(sent.map(({ fate }) => fate)).toEqual(Array(3).fill('acknowledged'))
    expect(missing).toEqual(['m2', 'm3'])
    expect(partitions[0]?.logEndOffset).toBe(1)
  })

  it('hands partitions over when consumers come and go', async () => {
    const playground = await replay('a.w3000.a.w4000')
    const owned = () => playground.view().consumers.map(({ owns }) => owns.length)
    expect(owned()).toEqual([1, 1])
    await playground.act({ do: 'leave', consumer: 1 })
    await playground.act({ do: 'wait', ms: 4000 })
    expect(owned()).toEqual([0, 2])
    expect(playground.view().consumers[0]?.status).toBe('gone')
  })

  it('is the same history for the same seed and actions, and not for another', async () => {
    const text = 'a.p0.w700.f1.w1500.t1.e2.y0.p1.w900.u0.d0.w3000.s0.w2000'
    const [one, same, other] = [
      await replay(text),
      await replay(text),
      await replay(text, 8),
    ]
    expect(same.view()).toEqual(one.view())
    expect(same.cluster.log.digest).toBe(one.cluster.log.digest)
    expect(other.cluster.log.digest).not.toBe(one.cluster.log.digest)
    expect(formatActions(one.actions)).toBe(text)
  })

  it.each([
    ['k7', 'there is no broker 7'],
    ['p3', 'there is no partition 3'],
    ['b1', 'there is no consumer c1'],
    ['a.a.a.a.a', 'at most 4 consumers'],
  ])('refuses %s', async (text, why) => {
    await expect(replay(text)).rejects.toThrow(why)
  })
})
