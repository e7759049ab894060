import { readFileSync } from 'node:fs'
import { describe, expect, it } from 'vitest'
import { checkNotes, parseNotes, type Tie } from '../../src/trace/notes.ts'
import type { Frame } from '../../src/trace/Recorder.ts'
import type { Recording } from '../../src/trace/record-run.ts'

const NOTES = '# baking\nbake()\n  knead()\n  if warm\nserve()\n'

/** A recording from `[name, parent, paragraph?]` rows. */
function recording(rows: [string, number, string?][]): Map<string, Recording> {
  let seq = 0
  const frames = rows.map(([name, parent, sentence], i): Frame => {
    const own = ++seq
    const paragraphs = sentence ? [{ seq: ++seq, sentence }] : []
    return {
      ...{ id: i + 1, name, parent, seq: own, paragraphs, start: 0, end: 1 },
      ...{ actor: 'main', args: { loaf: "'rye'" }, self: undefined },
      ...{ result: undefined, error: undefined, endSeq: undefined },
    }
  })
  const rest = { changes: [], dropped: 0, isVirtual: false }
  return new Map([['baking', { name: 'baking', frames, ...rest }]])
}

const GOOD = recording([
  ['bake', 0, 'Begin'],
  ['knead', 1, 'Warm the dough'],
  ['serve', 0],
])
const TIES: Tie[] = [
  { line: '# baking', trace: 'baking', sees: [] },
  { line: 'bake()', trace: 'baking', sees: [{ frame: 'bake' }] },
  { line: 'knead()', trace: 'baking', sees: [{ frame: 'knead' }], under: 'bake()' },
  {
    ...{ line: 'if warm', trace: 'baking', under: 'bake()' },
    sees: [{ frame: 'knead', paragraph: 'Warm', shows: { loaf: 'rye' } }],
  },
  { line: 'serve()', trace: 'baking', sees: [{ frame: 'serve' }] },
]

function why(
  lines: string,
  ties: readonly Tie[],
  runs: Map<string, Recording>,
): string[] {
  const report = checkNotes(parseNotes(lines), ties, runs)
  expect(report.ok).toBe(false)
  return [
    ...report.lines.filter((l) => !l.ok).map((l) => `${l.line.text}: ${l.why}`),
    ...report.strays.map((t) => `stray ${t.line}`),
  ]
}

describe('parseNotes()', () => {
  it('reads the notes of this project: every line that is not blank', () => {
    const file = readFileSync('docs/notes/call-trace-notes.md', 'utf8')
    const lines = parseNotes(file)
    expect(lines).toHaveLength(file.split('\n').filter((l) => l.trim()).length)
    expect(lines.filter((l) => l.headingLevel > 0).map((l) => l.text)).toEqual([
      ...['# consumer', '## zk', '## KafkaStream', '# producer', '## SyncProducer'],
      ...['# request', '# KafkaServer', '# KafkaApis', '# ReplicaManager'],
    ])
  })
})

describe('checkNotes()', () => {
  it('accepts a run in which every line is seen in order', () => {
    const report = checkNotes(parseNotes(NOTES), TIES, GOOD)
    expect(report.lines.filter((l) => !l.ok)).toEqual([])
    expect(report.ok).toBe(true)
  })

  it('fails for a line that no tie names', () => {
    expect(why(NOTES, TIES.slice(0, 4), GOOD)).toEqual([
      'serve(): no tie says what must be seen',
    ])
  })

  it('fails for a tie whose line was dropped from the notes', () => {
    expect(why(NOTES.replace('serve()\n', ''), TIES, GOOD)).toEqual(['stray serve()'])
  })

  it('fails for a method that did not run', () => {
    const run = recording([
      ['bake', 0],
      ['knead', 1, 'Warm the dough'],
    ])
    expect(why(NOTES, TIES, run)).toEqual(['serve(): serve did not run'])
  })

  it('fails for a method that ran, but not under the line it stands under', () => {
    const run = recording([
      ['bake', 0],
      ['knead', 0, 'Warm the dough'],
      ['serve', 0],
    ])
    expect(why(NOTES, TIES, run)[0]).toBe('knead(): knead ran, but not under bake')
  })

  it('fails for a method that ran before the line above it', () => {
    const run = recording([
      ['serve', 0],
      ['bake', 0],
      ['knead', 2, 'Warm the dough'],
    ])
    expect(why(NOTES, TIES, run)).toEqual([
      'serve(): serve ran out of order: before the line above it',
    ])
  })

  it('fails for a paragraph that was not reached', () => {
    const run = recording([
      ['bake', 0],
      ['knead', 1],
      ['serve', 0],
    ])
    expect(why(NOTES, TIES, run)[0]).toContain('does not show')
  })

  it('fails for a trace that did not run, and for one that recorded nothing', () => {
    expect(why(NOTES, TIES, new Map())).toHaveLength(5)
    expect(why(NOTES, TIES, recording([]))[0]).toContain('recorded nothing')
  })
})
