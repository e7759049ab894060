/**
 * The notes are a test: every line of them runs, in recordings of runs in memory, which are
 * the same each time, and on real sockets. And the check can fail: each kind of damage is
 * done to a good recording, and found.
 *
 * `UPDATE_GOLDENS=1` writes down what the recordings are now.
 */
import { readFileSync, writeFileSync } from 'node:fs'
import { beforeAll, describe, expect, it } from 'vitest'
import { checkRecordings, readNotes } from '../../src/cli/trace.ts'
import { checkNotes, parseNotes } from '../../src/trace/notes.ts'
import type { Recording } from '../../src/trace/record-run.ts'
import { renderPerfetto } from '../../src/trace/render-json.ts'
import { renderMermaid } from '../../src/trace/render-mermaid.ts'
import { renderTree } from '../../src/trace/render-tree.ts'
import { findDeliveries } from '../../src/traces/deliveries.ts'
import { runExample } from '../../src/traces/ExampleTrace.ts'
import { examples } from '../../src/traces/examples.ts'
import { toPlayback } from '../../src/traces/playback.ts'
import {
  drawnMessages,
  findMessages,
  isDrawn,
  isUnder,
} from '../../src/traces/story.ts'
import { ties } from '../../src/traces/ties.ts'
import { goldenOf } from './golden.ts'

const recordings = new Map<string, Recording>()

beforeAll(async () => {
  for (const example of examples) {
    recordings.set(example.name, await runExample(example))
  }
}, 120_000)

/** The lines that fail when one recording is replaced. */
function failing(name: string, change: (recording: Recording) => Recording): string[] {
  const changed = new Map(recordings)
  changed.set(name, change(recordings.get(name)!))
  const report = checkRecordings(changed)
  return report.lines.filter((l) => !l.ok).map((l) => l.line.text)
}

/** Renames every frame of one name, so that it is as if it had not run. */
function without(name: string) {
  return (recording: Recording): Recording => ({
    ...recording,
    frames: recording.frames.map((f) => (f.name === name ? { ...f, name: 'gone' } : f)),
  })
}

describe('recordings', () => {
  const golden = (name: string) => new URL(`goldens/${name}.json`, import.meta.url)

  for (const example of examples) {
    it(`are what is kept of them: ${example.name}`, () => {
      const now = goldenOf(example, recordings.get(example.name)!)
      if (process.env.UPDATE_GOLDENS) {
        writeFileSync(golden(example.name), `${JSON.stringify(now, null, 2)}\n`)
      }
      expect(now).toEqual(JSON.parse(readFileSync(golden(example.name), 'utf8')))
    })
  }

  it('are the same each time, to the last call and value', async () => {
    const name = 'replicate'
    const again = await runExample(examples.find((example) => example.name === name)!)
    expect(toPlayback(again)).toEqual(toPlayback(recordings.get(name)!))
    expect(again.frames).toEqual(recordings.get(name)!.frames)
  })
})

describe('the notes', () => {
  it('run on real sockets and files, too', async () => {
    const real = new Map<string, Recording>()
    for (const name of ['produce', 'consumer']) {
      const example = examples.find((candidate) => candidate.name === name)!
      real.set(name, await runExample(example, 'node'))
    }
    const { lines } = checkRecordings(real)
    expect(lines.length).toBeGreaterThan(10)
    expect(lines.filter((line) => !line.ok)).toEqual([])
  })

  it('run, line by line', () => {
    const report = checkRecordings(recordings)
    expect(report.lines.filter((l) => !l.ok)).toEqual([])
    expect(report.strays).toEqual([])
    expect(report.lines).toHaveLength(parseNotes(readNotes()).length)
  })

  it('fail when a method of them does not run', () => {
    const gone = without('ReplicaManager.makeFollowers')
    expect(failing('become-leader-or-follower', gone)).toEqual(['$.makeFollowers'])
  })

  it('fail when a method runs elsewhere than the notes say', () => {
    const uprooted = failing('produce', (recording) => ({
      ...recording,
      frames: recording.frames.map((frame) =>
        frame.name === 'Partition.appendRecordsToLeader'
          ? { ...frame, parent: 0 }
          : frame,
      ),
    }))
    expect(uprooted[0]).toBe('Partition.appendRecordsToLeader')
  })

  it('fail when two steps change places', () => {
    const swapped = failing('server-startup', (recording) => ({
      ...recording,
      frames: recording.frames.map((frame) => {
        if (frame.name === 'LogManager.startup') return { ...frame, seq: 1e9 }
        return frame
      }),
    }))
    expect(swapped[0]).toBe('metadataCache = new MetadataCache(config.brokerId)')
  })

  it('fail when a trace does not run', () => {
    const some = new Map([...recordings].filter(([name]) => name !== 'producer'))
    const report = checkNotes(parseNotes(readNotes()), ties, some)
    expect(report.lines.filter((l) => !l.ok).map((l) => l.line.text)).toEqual([
      ...['# producer', '## SyncProducer'],
    ])
  })

  it('fail when a line has no tie', () => {
    const lines = parseNotes(readNotes())
    const report = checkNotes(lines, ties.slice(0, -1), recordings)
    expect(report.lines.filter((l) => !l.ok).map((l) => l.why)).toEqual([
      'no tie says what must be seen',
    ])
  })

  it('fail when somebody drops a line', () => {
    const notes = readNotes().replace('      $.closeFetchers()\n', '')
    const report = checkRecordings(recordings, notes)
    expect(report.ok).toBe(false)
    expect(report.strays.map((tie) => tie.line)).toEqual(['$.closeFetchers()'])
  })
})

describe('recordings', () => {
  it('know who runs what', () => {
    const actors = new Set(recordings.get('request')?.frames.map((f) => f.actor))
    expect(actors).toContain('broker 0')
    expect(actors).toContain('consumer c1')
    expect(actors).toContain('producer')
  })

  it('parted-logs: a former leader cuts where its epoch ended', () => {
    const { frames } = recordings.get('parted-logs')!
    const seen = (name: string) => frames.filter((frame) => frame.name === name)
    const answers = seen('LeaderEpochFileCache.endOffsetFor')
    expect(answers.map((f) => [f.args.requestedEpoch, f.result])).toContainEqual([
      ...['0', '1'],
    ])
    const cuts = seen('ReplicaFetcherThread.truncateTo')
    expect(cuts.map((frame) => frame.args.offset)).toContain('1')
  })

  it('shared-group: both members share out, and the one that stays once more', () => {
    const { frames } = recordings.get('shared-group')!
    const by = (actor: string, name: string) =>
      frames.filter((frame) => frame.actor === actor && frame.name === name)
    const shares = (actor: string) => by(actor, 'ZKRebalancerListener.rebalance').length
    expect(shares('consumer c1')).toBeGreaterThanOrEqual(2)
    expect(shares('consumer c2')).toBeGreaterThanOrEqual(2)

    // Only who is left makes the node of the owner in the end.
    const claims = by('consumer c2', 'ZKRebalancerListener.claim')
    expect(claims.map((frame) => frame.result)).toEqual(['true'])
  })

  it('drop nothing', () => {
    for (const { name, dropped } of recordings.values()) {
      expect([name, dropped]).toEqual([name, 0])
    }
  })

  it('draw no request that did not leave', () => {
    const recording = recordings.get('producer-retry')!
    const lost = recording.frames.filter(
      ({ name, error }) => name === 'BlockingChannel.send' && error !== undefined,
    )
    expect(lost.length).toBeGreaterThan(0)
    const isProduce = ({ label }: { label: string }) => label === 'Produce request'
    const drawn = findMessages(recording).filter(isProduce)
    const played = findDeliveries(recording).filter(isProduce)
    expect([drawn, played].map(({ length }) => length)).toEqual([1, 1])
    expect(drawn[0]?.seq).toBeGreaterThan(lost[0]!.seq)
    expect(played[0]?.sent).toBeGreaterThan(lost[0]!.seq)
  })

  it('draw what goes to ZooKeeper only where the example is about it', () => {
    const labels = (drawsZooKeeper: boolean) =>
      drawnMessages(recordings.get('zookeeper')!, { drawsZooKeeper }).map(
        ({ from, to, label }) => `${from} → ${to}: ${label}`,
      )
    expect(labels(false)).toEqual([])
    expect(labels(true)).toContain('lamp → zookeeper: create /lamps/kitchen')
    const fired = 'zookeeper → watcher: NodeChildrenChanged /lamps'
    expect(labels(true).filter((label) => label === fired)).toHaveLength(2)
  })

  it('draws a look into a purgatory only where it lets somebody go', () => {
    const looks = (name: string) => {
      const recording = recordings.get(name)!
      const example = examples.find((each) => each.name === name)!
      return recording.frames
        .filter((frame) => frame.name === 'DelayedOperationPurgatory.checkAndComplete')
        .map((frame) => [frame.result !== '0', isDrawn(recording, frame, example)])
    }
    const drawn = ([, isIn]: boolean[]) => isIn
    expect(looks('produce').filter(drawn)).toEqual([[true, true]])
    expect(looks('commit-offset').length).toBeGreaterThan(0)
    expect(looks('commit-offset').filter(drawn)).toEqual([])
  })

  it.each(examples)('$name renders as a tree, a diagram and a timeline', (example) => {
    const recording = recordings.get(example.name)!
    const keep = (frame: (typeof recording.frames)[number]) =>
      isUnder(recording, frame, example.roots)
    expect(renderTree(recording, { keep })).toContain(example.roots[0])
    const mermaid = renderMermaid(recording, {
      keep: (frame) => isDrawn(recording, frame, example),
      messages: drawnMessages(recording, example),
    })
    expect(mermaid).toMatch(/^sequenceDiagram\n {2}participant a\d+ as /)
    const { traceEvents } = JSON.parse(renderPerfetto(recording))
    expect(traceEvents.length).toBeGreaterThan(recording.frames.length)
  })
})
