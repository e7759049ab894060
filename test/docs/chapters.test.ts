/**
 * What stands around and between the words of a chapter: the call stack and the ways on,
 * the cluster at a moment, a request in bytes; and what the build refuses of them.
 */
import { mkdtempSync, readFileSync, rmSync, writeFileSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { afterAll, beforeAll, describe, expect, it } from 'vitest'
import { frameChapter } from '../../docs/.vitepress/weave/chapter-frame.ts'
import {
  chapterList,
  headingsWithoutChapter,
} from '../../docs/.vitepress/weave/chapters.ts'
import { expandTraceForms } from '../../docs/.vitepress/weave/markdown-forms.ts'
import { SourceIndex } from '../../docs/.vitepress/weave/source-index.ts'
import type { TraceOutput } from '../../docs/.vitepress/weave/trace-pages.ts'
import { fieldsOfWire } from '../../docs/.vitepress/weave/wire-strip.ts'
import { encodeRequest } from '../../src/protocol/framing.ts'
import { Fetch } from '../../src/protocol/messages/Fetch.ts'
import { Metadata } from '../../src/protocol/messages/Metadata.ts'
import type { Frame } from '../../src/trace/Recorder.ts'
import { WireWatch, wiresOf } from '../../src/traces/wires.ts'

const SERVER = `/** Handles. */
export class KafkaApis {
  handle() {
    // Find the handler. There is one.
    this.handleProduceRequest()
  }

  handleProduceRequest() {}
}

/** Holds the copies. */
export class ReplicaManager {
  appendRecords() {}
}
`
const CHAPTER = '# Append, then wake\n\n*How?*\n\nWords.\n'

/** The first request of a kind as `wires.ts` keeps it. */
function wire(frame: Buffer) {
  const watch = new WireWatch()
  const call = { name: 'Processor.parseRequest' } as Frame
  const seen = [...watch.see({ receive: { payload: frame } }, call)]
  const changes = seen.map(([name, value]) => ({ seq: 1, name, value }))
  return wiresOf({ name: '', frames: [], changes, dropped: 0 } as never)
}

const metadata = encodeRequest(Metadata, 0, 7, 'me', {
  topics: [{ name: 'greetings' }],
})
const recording: TraceOutput = {
  ...{ name: 'produce', title: '', heading: '', mermaid: 'sequenceDiagram', tree: '' },
  wires: wire(metadata.subarray(4)),
  playback: {
    actors: ['broker 0'],
    files: [],
    functions: [
      ...['KafkaApis.handle', 'KafkaApis.handleProduceRequest'],
      ...['ReplicaManager.appendRecords', 'MetadataCache.contains'],
    ],
    sentences: ['Find the handler'],
    frames: [
      [0, -1, 0, '', ''],
      [3, 0, 0, '', ''],
      [1, 0, 0, '', ''],
      [2, 2, 0, '', ''],
    ],
    steps: [
      [0, -1],
      [1, -1],
      [0, 0],
      [2, -1],
      [3, -1],
    ],
    changes: [[2, 'broker/0', 'RunningAsBroker']],
    messages: [],
  },
}

let dir: string
let index: SourceIndex

beforeAll(() => {
  dir = mkdtempSync(join(tmpdir(), 'chapters-'))
  writeFileSync(join(dir, 'KafkaApis.ts'), SERVER)
  index = SourceIndex.read(dir)
})
afterAll(() => rmSync(dir, { recursive: true, force: true }))

describe('frameChapter()', () => {
  const frame = (text = CHAPTER) =>
    frameChapter(text, 'chapters/kafka-apis.md', index, [recording])

  it('puts the call stack below the question, back to the paragraph of each call', () => {
    const page = frame()
    expect(page).toMatch(/\*How\?\*\n\n<nav class="call-stack".*\n\nWords\./)
    expect(page).toContain(
      '<a href="/source/KafkaApis#KafkaApis.handle/find-the-handler" ' +
        'title="Find the handler">Kafka<wbr>Apis.<wbr>handle</a>',
    )
    expect(page.replaceAll('<wbr>', '')).toContain(
      'aria-current="location">KafkaApis.handleProduceRequest<',
    )
    expect(page).toMatch(/broker 0, in <a href="\/traces\/produce\?step=KafkaApis\./)
  })

  it('ends with the caller, the call before, the first callee, and the next chapter', () => {
    const [, foot = ''] = frame().split('Words.')
    const items = Array.from(foot.matchAll(/<span>(.*?)<\/span> <a [^>]*>(.*?)<\/a>/g))
    const text = items.map(
      ([, title, to]) => `${title}: ${to?.replace(/<[^>]*>/g, '')}`,
    )
    expect(text).toEqual([
      'called from: KafkaApis.handle',
      'after: MetadataCache.contains',
      'into: ReplicaManager.appendRecords',
      'previous: A broker stops',
      'next: A batch on its way',
      'all: chapters',
    ])
  })

  it('leaves other pages alone, and fails for a chapter whose call never ran', () => {
    const other = frameChapter('# Words', 'glossary.md', index, [])
    expect(other).toBe('# Words')
    const silent = { ...recording, playback: { ...recording.playback, frames: [] } }
    expect(() =>
      frameChapter(CHAPTER, 'chapters/kafka-apis.md', index, [silent]),
    ).toThrow('chapter kafka-apis: the recording produce has no call of')
    expect(() => frame('# Append\n\nWords.\n')).toThrow('no question')
  })
})

describe('@trace with a place', () => {
  const expand = (form: string) => expandTraceForms(`@trace ${form}`, [recording])

  it('shows the cluster when a call, or a paragraph of it, is reached', () => {
    const moment = (form: string) => {
      const data = /moment="([^"]*)"/.exec(expand(form))?.[1] ?? ''
      return JSON.parse(decodeURIComponent(data))
    }
    const early = moment('produce / KafkaApis.handle')
    expect(early.state.brokers).toMatchObject([{ id: 0, state: '' }])
    const late = moment('produce / KafkaApis.handle / Find the')
    expect(late).toMatchObject({ actor: 'broker 0', sentence: 'Find the handler' })
    expect(late.state.brokers).toMatchObject([{ id: 0, state: 'RunningAsBroker' }])
    expect(() => expand('produce / KafkaApis.handle / Lose')).toThrow(
      'does not come to',
    )
    expect(() => expand('produce / KafkaApis.close')).toThrow('does not come to')
  })

  it('shows the bytes of a request, each under the name of its field', () => {
    const html = expand('produce / Metadata request')
    expect(html).toContain('Metadata request, version 0, 27 bytes')
    expect(html).toContain('>topics[0].name = greetings<')
    expect(html.match(/<i>/g)).toHaveLength(metadata.length - 4)
    expect(() => expand('produce / Fetch request')).toThrow('has kept no Fetch request')
  })
})

describe('fieldsOfWire()', () => {
  it('names every byte once, with arrays, structs and nulls of the version', () => {
    const topics = [
      {
        topic: 't',
        partitions: [{ partition: 3, fetchOffset: 9, partitionMaxBytes: 1 }],
      },
    ]
    const body = { replicaId: -1, maxWaitMs: 100, minBytes: 1, topics }
    const frame = encodeRequest(Fetch, 3, 1, null, body).subarray(4)
    const [kept] = wire(frame)
    const fields = fieldsOfWire(kept!)
    expect(fields.map(({ size }) => size).reduce((a, b) => a + b)).toBe(frame.length)
    const values = Object.fromEntries(fields.map(({ name, value }) => [name, value]))
    expect(values).toMatchObject({
      apiKey: '1',
      clientId: 'null',
      'topics.length': '1',
      'topics[0].partitions[0].fetchOffset': '9',
    })
  })

  it('fails for bytes without a name, and for an API that is none', () => {
    const hex = metadata.subarray(4).toString('hex')
    const kept = { apiKey: 3, version: 0, hex }
    expect(() => fieldsOfWire({ ...kept, hex: `${hex}00` })).toThrow('1 bytes of')
    expect(() => fieldsOfWire({ ...kept, apiKey: 999 })).toThrow('no API has the key')
  })
})

describe('the chapters', () => {
  it.each(chapterList)(
    '$name answers its question in 600 to 1,200 words',
    ({ name }) => {
      const text = readFileSync(`docs/chapters/${name}.md`, 'utf8')
      const words = text.split(/\s+/).filter((word) => word !== '').length
      expect(words).toBeGreaterThanOrEqual(600)
      expect(words).toBeLessThanOrEqual(1200)
    },
  )
})

describe('headingsWithoutChapter()', () => {
  const notes = readFileSync('docs/notes/call-trace-notes.md', 'utf8')
  const complaints = (text: string, list = chapterList, directory = 'docs/chapters') =>
    headingsWithoutChapter(text, list, directory)

  it('finds none in this project', () => {
    expect(complaints(notes)).toEqual([])
  })

  it('fails for a heading that has no chapter, and for a chapter without its page', () => {
    expect(complaints(`${notes}\n# LogCleaner\nclean()\n`)).toEqual([
      'heading # LogCleaner of the notes has no chapter',
    ])
    const fewer = chapterList.filter(({ name }) => name !== 'kafka-apis')
    expect(complaints(notes, fewer)).toHaveLength(1)
    expect(complaints('# KafkaApis\n', chapterList, dir)).toEqual([
      'heading # KafkaApis of the notes: there is no kafka-apis.md',
    ])
  })

  it('takes a heading that only holds others for told by them', () => {
    expect(complaints('# consumer\n## zk\n')).toEqual([])
    expect(complaints('# consumer\nread()\n## zk\n')).toHaveLength(1)
  })
})
