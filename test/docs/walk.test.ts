import { readFileSync } from 'node:fs'
import { describe, expect, it } from 'vitest'
import {
  crossingAt,
  goTo,
  pathTo,
  type Way,
} from '../../docs/.vitepress/theme/walk/walk-moves.ts'
import { RelationIndex } from '../../docs/.vitepress/weave/relations.ts'
import { SourceIndex } from '../../docs/.vitepress/weave/source-index.ts'
import type { TraceOutput } from '../../docs/.vitepress/weave/trace-pages.ts'
import { notesWalk } from '../../docs/.vitepress/weave/walk.ts'
import type { Playback } from '../../src/traces/playback.ts'
import { ties } from '../../src/traces/ties.ts'

const index = SourceIndex.read('src')
const playback: Playback = {
  actors: ['producer', 'broker 0'],
  functions: ['KafkaApis.handleProduceRequest', 'ReplicaManager.appendRecords'],
  files: [],
  sentences: [],
  frames: [
    [0, -1, 1, '', ''],
    [1, 0, 1, '', ''],
  ],
  steps: [
    [0, -1],
    [1, -1],
    [1, -2],
    [0, -2],
  ],
  changes: [],
  messages: [[0, 0, 0, 1, 'Produce request', 102]],
}
const rest = { title: '', heading: '', mermaid: '', tree: '' }
const outputs: TraceOutput[] = [{ ...rest, name: 'produce', playback }]
const notes = readFileSync('docs/notes/call-trace-notes.md', 'utf8')
const walk = notesWalk(notes, ties, index, outputs)
const at = (via: string) => walk.findIndex((stop) => stop.via === via)

describe('notesWalk()', () => {
  it('has a stop for every line, each with a name of its own', () => {
    expect(walk).toHaveLength(ties.length)
    expect(new Set(walk.map(({ via }) => via)).size).toBe(walk.length)
  })

  it('names a line by the way to it, and leads to its method', () => {
    expect(walk[at('produce.1.1.1')]).toMatchObject({
      text: 'Partition.appendRecordsToLeader',
      href: '/source/replica/Partition?via=produce.1.1.1#Partition.appendRecordsToLeader',
    })
    expect(walk[at('produce')]?.href).toBe('/chapters/kafka-apis?via=produce')
    expect(walk[at('produce.1')]).toMatchObject({
      actor: 'broker 0',
      crossing: 'leaving producer → broker 0: Produce request, 102 bytes',
    })
  })
})

describe('goTo()', () => {
  const to = (via: string, way: Way) => goTo(walk, at(via), way)?.via

  it('walks on and back in the order of the calls', () => {
    expect(to('produce', 'next')).toBe('produce.1')
    expect(to('produce.1', 'previous')).toBe('produce')
    expect(goTo(walk, 0, 'previous')).toBeUndefined()
  })

  it('goes into the first line below, out to the line above, over to the next', () => {
    expect(to('produce.1', 'into')).toBe('produce.1.1')
    expect(to('produce.1.1', 'out')).toBe('produce.1')
    expect(to('produce', 'out')).toBeUndefined()
    const over = to('produce.1', 'over')
    expect(walk[walk.findIndex(({ via }) => via === over)]?.text).toBe(
      '# ReplicaManager',
    )
    const leaf = walk.findIndex(
      (stop, i) => !walk[i + 1]?.via.startsWith(`${stop.via}.`),
    )
    expect(goTo(walk, leaf, 'into')).toBeUndefined()
  })

  it('knows the stack at every stop', () => {
    expect(pathTo(walk, at('produce.1.1')).map(({ via }) => via)).toEqual([
      ...['produce', 'produce.1', 'produce.1.1'],
    ])
    const crossed = [
      { via: 'x', text: '', href: '', actor: 'producer' },
      { via: 'x.1', text: '', href: '', actor: 'broker 0' },
      { via: 'x.2', text: '', href: '', actor: 'broker 0' },
    ]
    expect(crossingAt(crossed, 1)).toBe('leaving producer → broker 0')
    expect(crossingAt(crossed, 2)).toBeUndefined()
  })
})

describe('RelationIndex', () => {
  const relations = new RelationIndex(index)
  relations.addRecordings(outputs)
  relations.addTests('test')
  const of = (id: string) => relations.get(index.get(id))
  const ids = (set: ReadonlySet<{ readonly id: string }> | undefined) =>
    [...(set ?? [])].map(({ id }) => id)

  it('knows who calls whom, also through a field when the name says all', () => {
    expect(ids(of('Log.appendAsLeader')?.calls)).toContain('Log.append')
    expect(ids(of('Log.append')?.calledFrom)).toContain('Log.appendAsFollower')
    expect(ids(of('Partition.appendRecordsToLeader')?.calls)).toContain(
      'Log.appendAsLeader',
    )
  })

  it('makes nothing of a name that arrays and maps have, too', () => {
    for (const { symbols } of index.files) {
      for (const symbol of symbols) {
        for (const callee of relations.get(symbol)?.calls ?? []) {
          if (callee.kind !== 'method') continue
          const [owner, name] = callee.id.split('.')
          if (name === 'forEach' && symbol.id.startsWith(`${owner}.`)) continue
          expect(name, `${symbol.id} → ${callee.id}`).not.toBe('forEach')
        }
      }
    }
  })

  it('knows the recordings, each with its step, and the tests', () => {
    expect(of('ReplicaManager.appendRecords')?.recordings.get('produce')).toMatch(
      /^ReplicaManager\.appendRecords~/,
    )
    const tests = of('Log.append')?.tests ?? []
    expect(tests.map(({ file }) => file)).toContain('test/log/Log.test.ts')
  })
})
