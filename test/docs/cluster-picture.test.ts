import { describe, expect, it } from 'vitest'
import {
  describeCluster,
  layoutCluster,
} from '../../docs/.vitepress/theme/stepper/cluster-layout.ts'
import { sentenceOf, textOf } from '../../docs/.vitepress/theme/stepper/step-text.ts'
import { livingMoments } from '../../docs/.vitepress/weave/living-picture.ts'
import type { Json } from '../../src/trace/Recorder.ts'
import { clusterAt, clusterOf } from '../../src/traces/cluster-state.ts'
import type { Playback } from '../../src/traces/playback.ts'

const copy = (end: number, highWatermark: number) => ({
  ...{ start: 0, end, highWatermark },
  batches: Array.from({ length: end }, (_, i) => [i, i, 73, i < 2 ? 0 : 1]),
})
const facts = new Map<string, Json>([
  ['znode//controller', { data: '{"brokerid":1}', ephemeral: true, version: 0 }],
  ['znode//brokers/ids/0', { data: '', ephemeral: true, version: 0 }],
  ['broker/0', 'RunningAsBroker'],
  ['broker/1', 'Starting'],
  ['partition/0/t-0', { leader: 0, epoch: 1, isr: [0], remote: [[1, 2]] }],
  ['replica/0/t-0', copy(3, 2)],
  ['partition/1/t-0', { leader: 0, epoch: 1, isr: [], remote: [] }],
  ['replica/1/t-0', copy(2, 1)],
  ['replica/1/__consumer_offsets-0', copy(0, 0)],
  ['waiting/0/1', { kind: 'Fetch', missing: 7, of: 10 }],
])
const flying = {
  ...{ from: 'producer', to: 'broker 0', label: 'Produce request' },
  ...{ bytes: 102, progress: 0.5 },
}
const state = clusterOf(facts, ['main', 'producer', 'zookeeper', 'broker 0'], [flying])

describe('clusterOf()', () => {
  it('knows roles, the in-sync set by the leader, and the controller by its znode', () => {
    const [zero, one] = state.brokers
    expect(zero?.replicas[0]).toMatchObject({ role: 'leader', inSync: true, epoch: 1 })
    expect(one?.replicas.find(({ partition }) => partition === 't-0')).toMatchObject({
      ...{ role: 'follower', inSync: false, logEndOffset: 2 },
    })
    expect([zero?.isController, one?.isController]).toEqual([false, true])
    expect([zero?.isRegistered, one?.isRegistered]).toEqual([true, false])
    expect(state.clients).toEqual(['producer'])
  })

  it('asks ZooKeeper for the in-sync set when nobody leads', () => {
    const path = 'znode//brokers/topics/t/partitions/0/state'
    const without = new Map(facts)
    without.delete('partition/0/t-0')
    without.set(path, { data: '{"isr":[1],"leader":-1}', ephemeral: false, version: 2 })
    const { brokers } = clusterOf(without, [])
    expect(brokers.map(({ replicas }) => replicas.at(-1)?.inSync)).toEqual([
      false,
      true,
    ])
  })
})

describe('layoutCluster()', () => {
  const layout = layoutCluster(state)
  const [zero, one] = layout.brokers

  it('gives each partition a lane, and none to topics of Kafka’s own', () => {
    expect(zero?.lanes).toHaveLength(1)
    expect([one?.lanes.length, one?.internal]).toEqual([1, 1])
  })

  it('puts two flags on a lane: log end behind the last batch, high watermark before', () => {
    const lane = zero?.lanes[0]
    expect(lane?.batches.map(({ isCommitted }) => isCommitted)).toEqual([
      ...[true, true, false],
    ])
    expect(lane?.batches.map(({ epoch }) => epoch)).toEqual([0, 0, 1])
    expect(lane?.highWatermarkX).toBeLessThan(lane?.logEndX ?? 0)
    expect(lane?.highWatermarkX).toBeGreaterThan(lane?.batches[1]?.x ?? 0)
  })

  it('keeps everything within the picture, columns side by side', () => {
    for (const { x, y, width, height } of [...layout.brokers, ...layout.clients]) {
      expect(x).toBeGreaterThanOrEqual(0)
      expect(x + width).toBeLessThanOrEqual(layout.width)
      expect(y + height).toBeLessThanOrEqual(layout.height)
    }
    expect((zero?.x ?? 0) + (zero?.width ?? 0)).toBeLessThan(one?.x ?? 0)
    const [dot] = layout.dots
    expect(dot?.y).toBeGreaterThan(zero?.y ?? 0)
  })

  it('says the same in words', () => {
    const words = describeCluster(state)
    expect(words).toContain('controller is broker 1')
    expect(words).toContain(
      't-0 leader, epoch 1, log end 3, high watermark 2, in sync; a Fetch waits for 7 bytes',
    )
    expect(words).toContain('Produce request is under way from producer to broker 0.')
  })
})

const playback: Playback = {
  actors: ['producer', 'broker 0'],
  functions: ['SyncProducer.send', 'KafkaApis.handle'],
  files: [],
  sentences: ['Sort it out'],
  frames: [
    [0, -1, 0, 'request: Produce', '→ 3'],
    [1, -1, 1, '', ''],
  ],
  steps: [
    [0, -1],
    [1, -1],
    [1, 0],
    [1, -2],
    [0, -2],
  ],
  changes: [
    [0, 'replica/0/t-0', copy(0, 0)],
    [2, 'replica/0/t-0', copy(1, 0)],
    [3, 'replica/0/t-0', copy(1, 1)],
  ],
  messages: [[0, 1, 0, 1, 'Produce request', 102]],
}

describe('a step', () => {
  it('is said in words, with the messages that leave or come', () => {
    expect(sentenceOf(textOf(playback, 0), 5)).toBe(
      'Step 1 of 5: producer: enters SyncProducer.send. ' +
        'Produce request, 102 bytes leaves: producer → broker 0',
    )
    expect(sentenceOf(textOf(playback, 2), 5)).toBe(
      'Step 3 of 5: broker 0: Sort it out',
    )
    expect(textOf(playback, 4)).toMatchObject({ sign: '◂', detail: '→ 3' })
  })

  it('has the state of its moment: forward and back are the same', () => {
    const ends = (step: number) => {
      const copy = clusterAt(playback, step).brokers[0]?.replicas[0]
      return [copy?.logEndOffset, copy?.highWatermark]
    }
    const there = playback.steps.map((_, step) => ends(step))
    const back = playback.steps
      .map((_, i) => ends(playback.steps.length - 1 - i))
      .reverse()
    expect(there).toEqual([
      [0, 0],
      [0, 0],
      [1, 0],
      [1, 1],
      [1, 1],
    ])
    expect(back).toEqual(there)
  })
})

describe('livingMoments()', () => {
  it('keeps the moments at which the picture changes, and says what happens', () => {
    const moments = livingMoments(playback)
    expect(moments.map(({ step, text }) => [step, text])).toEqual([
      [0, 'Produce request: producer → broker 0'],
      [1, 'Produce request: producer → broker 0'],
      [2, 'broker 0: log end 1'],
      [3, 'broker 0: high watermark 1'],
    ])
  })
})
