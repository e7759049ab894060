/**
 * What the pages play, made from a real run: three brokers, one of which goes. The state at
 * every step comes from what the recorder saw, so its truths are those of Kafka.
 */
import { beforeAll, describe, expect, it } from 'vitest'
import { SourceIndex } from '../../docs/.vitepress/weave/source-index.ts'
import { fieldsOfWire } from '../../docs/.vitepress/weave/wire-strip.ts'
import { type ClusterState, clusterAt } from '../../src/traces/cluster-state.ts'
import { runExample } from '../../src/traces/ExampleTrace.ts'
import { replicate } from '../../src/traces/examples/replicate.ts'
import { ENTER, LEAVE, type Playback, toPlayback } from '../../src/traces/playback.ts'
import { stepAddresses } from '../../src/traces/step-address.ts'
import { around, move, stacksAt } from '../../src/traces/stepping.ts'
import { type Wire, wiresOf } from '../../src/traces/wires.ts'

let playback: Playback
let states: ClusterState[]
let wires: Wire[]

beforeAll(async () => {
  const recording = await runExample(replicate)
  wires = wiresOf(recording)
  playback = toPlayback(recording)
  states = playback.steps.map((_, step) => clusterAt(playback, step))
}, 60_000)

/** Every copy of the topic at every step, with its state. */
function copies() {
  return states.flatMap(({ brokers }) =>
    brokers.flatMap(({ replicas }) =>
      replicas.filter(({ partition }) => partition === 'greetings-0'),
    ),
  )
}

describe('the requests of a run', () => {
  it('are kept once a kind, as they came, and are no part of what is played', () => {
    const names = wires.map(({ apiKey, version }) => `${apiKey}.${version}`)
    expect(new Set(names).size).toBe(names.length)

    // A fetch of a follower, and the produce before the broker gave it an offset.
    const fetched = wires.find(({ apiKey }) => apiKey === 1)
    expect(fetched && fieldsOfWire(fetched)).toContainEqual(
      expect.objectContaining({ name: 'topics[0].topic', value: 'greetings' }),
    )
    const produced = wires.find(({ apiKey }) => apiKey === 0)
    expect(produced && Buffer.from(produced.hex, 'hex').toString('latin1')).toContain(
      'greetings',
    )
    expect(playback.changes.filter(([, name]) => name.startsWith('wire'))).toEqual([])
  })
})

describe('the cluster, at every step of a run', () => {
  it('never has a high watermark behind a log end', () => {
    expect(copies().length).toBeGreaterThan(states.length)
    for (const { highWatermark, logEndOffset } of copies()) {
      expect(highWatermark).toBeLessThanOrEqual(logEndOffset)
    }
  })

  it('never has a high watermark that an in-sync copy has not reached', () => {
    for (const { brokers } of states) {
      const all = brokers
        .filter(({ state }) => state === 'RunningAsBroker')
        .flatMap(({ replicas }) => replicas)
        .filter(({ partition }) => partition === 'greetings-0')
      const ends = all.filter((r) => r.inSync).map((r) => r.logEndOffset)
      for (const { highWatermark, role } of all) {
        if (role === 'leader') {
          expect(highWatermark).toBeLessThanOrEqual(Math.min(...ends))
        }
      }
    }
  })

  it('shows the append before the high watermark, and a produce that waits between', () => {
    const leader = (state: ClusterState) => state.brokers[0]?.replicas[0]
    const appended = states.findIndex((s) => leader(s)?.logEndOffset === 1)
    const waits = states.findIndex((s) =>
      s.brokers[0]?.waiting.some(({ kind }) => kind === 'Produce'),
    )
    const replicated = states.findIndex((s) => leader(s)?.highWatermark === 1)
    expect(appended).toBeGreaterThan(0)
    expect(waits).toBeGreaterThan(appended)
    expect(replicated).toBeGreaterThan(waits)
  })

  it('shows a new leader in a new epoch, and its epoch on what it appends', () => {
    const last = states.at(-1)
    const [zero, one, two] = last?.brokers ?? []
    expect([zero?.state, zero?.isRegistered]).toEqual(['NotRunning', false])
    expect(two?.replicas[0]).toMatchObject({
      role: 'leader',
      epoch: 1,
      logEndOffset: 2,
    })
    expect(two?.replicas[0]?.batches.map((batch) => batch.epoch)).toEqual([0, 1])
    expect(one?.replicas[0]).toMatchObject({ role: 'follower', inSync: true })
    expect(last?.zooKeeper.nodes.map(({ path }) => path)).not.toContain(
      '/brokers/ids/0',
    )
  })

  it('has messages between the actors, each with both its ends', () => {
    const { actors, messages, steps } = playback
    const routes = messages.map(
      ([, , from, to, label]) => `${actors[from]} → ${actors[to]}: ${label}`,
    )
    expect(routes).toContain('broker 2 → broker 0: Fetch request')
    expect(routes).toContain('broker 0 → broker 2: Fetch response')
    expect(routes).toContain('zookeeper → broker 1: NodeDeleted /brokers/ids/0')
    for (const [sent, arrived] of messages) {
      expect(sent).toBeLessThanOrEqual(arrived)
      expect(arrived).toBeLessThan(steps.length)
    }
  })
})

describe('the steps of a run', () => {
  it('have an address each', () => {
    expect(new Set(stepAddresses(playback)).size).toBe(playback.steps.length)
  })

  it('name calls and paragraphs that the source has', () => {
    const index = SourceIndex.read('src')
    let paragraphs = 0
    for (const [frame, what] of playback.steps) {
      const name = playback.functions[playback.frames[frame]?.[0] ?? -1] ?? ''
      if (name === 'replicate') continue
      const symbols = index.all(name)
      expect(symbols, name).not.toEqual([])
      if (what < 0) continue
      paragraphs++
      const sentence = playback.sentences[what]
      const found = symbols
        .flatMap(({ paragraphs: all }) => all)
        .filter((p) => p.sentence === sentence)
      expect(found, `${name} / ${sentence}`).toHaveLength(1)
    }
    expect(paragraphs).toBeGreaterThan(100)
  })

  it('go forward to the end and back to the beginning', () => {
    let at = 0
    let count = 0
    for (; move(playback, at, 'next') !== at; count++) at = move(playback, at, 'next')
    expect(count).toBe(playback.steps.length - 1)
    for (; move(playback, at, 'back') !== at; count--) at = move(playback, at, 'back')
    expect([at, count]).toEqual([0, 0])
  })

  it('go over a call without leaving the one it was made in, and out to its caller', () => {
    const { steps } = playback
    for (const [at, [frame, what]] of steps.entries()) {
      const [over = -1] = steps[move(playback, at, 'over')] ?? []
      const last = move(playback, at, 'over') === at
      if (what !== LEAVE && !last && steps.some(([f], i) => i > at && f === frame)) {
        expect(around(playback, frame)).toContain(over)
      }
      const out = move(playback, at, 'out')
      if (out !== at)
        expect(around(playback, frame).slice(1)).toContain(steps[out]?.[0])
    }
  })

  it('go into the next call of the call at hand', () => {
    const { steps, frames } = playback
    const at = steps.findIndex(
      ([f, w]) =>
        w === ENTER && frames.some((g) => g[1] === f && g[2] === frames[f]?.[2]),
    )
    const [inner = -1, what] = steps[move(playback, at, 'into')] ?? []
    expect([steps[at]?.[0], frames[inner]?.[1]]).toContain(
      what === ENTER ? frames[inner]?.[1] : inner,
    )
  })

  it('keep a stack for each actor', () => {
    for (let at = 0; at < playback.steps.length; at += 50) {
      const stacks = stacksAt(playback, at)
      expect(stacks).toHaveLength(playback.actors.length)
      for (const { actor, frames } of stacks) {
        for (const frame of frames) expect(playback.frames[frame]?.[2]).toBe(actor)
      }
      const frame = playback.steps[at]?.[0] ?? -1
      const own = stacks[playback.frames[frame]?.[2] ?? -1]?.frames
      expect(own?.at(-1)).toBe(frame)
    }
  })
})
