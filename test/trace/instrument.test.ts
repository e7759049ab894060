import ts from 'typescript'
import { describe, expect, it } from 'vitest'
import { instrument } from '../../src/trace/instrument.ts'
import type { Frame, Watch } from '../../src/trace/Recorder.ts'
import { Recorder } from '../../src/trace/Recorder.ts'
import { $trace } from '../../src/trace/runtime.ts'

const SOURCE = `
export class Animal {
  #name
  static made = 0
  constructor(name) {
    // Count what is made.
    Animal.made++
    this.#name = name
  }
  async speak(times, { loud = false } = {}) {
    // Wait a turn. Nobody speaks at once.
    await null

    return this.#say(times, loud)
  }
  #say(times, loud) { return this.#name.repeat(times) + (loud ? '!' : '') }
  *legs() { yield 1 }
  *walk(far): Steps<string> {
    for (let at = 0; at < far; at++) {
      // Take a step.
      this.#say(1, false)
      yield at
    }
    return this.#name
  }
  get name() { return this.#name }
}
export class Dog extends Animal {
  constructor() { super('wuf') ; this.kind = 'dog' }
  speak(times) {
    if (times > 1) {
      // Refuse.
      throw new RangeError('once is enough')
    }
    return super.speak(times)
  }
}
export const Zoo = { open(day) { return new Dog().speak(day) } }
/** @kafka zoo/Zoo.scala#Zoo.visit */
export function visit(...args) { return arguments.length + args.length }
`

/** Instruments SOURCE, evaluates it, and gives back what it exports. */
function load(): Record<string, any> {
  const text = instrument(SOURCE, { runtime: 'runtime', fileName: 'zoo.ts' })
  const { outputText } = ts.transpileModule(text, {
    compilerOptions: { module: ts.ModuleKind.CommonJS, target: ts.ScriptTarget.ES2022 },
  })
  const exports: Record<string, any> = {}
  new Function('exports', 'require', outputText)(exports, () => ({ $trace }))
  return exports
}

async function record(
  body: (zoo: Record<string, any>) => unknown,
  watches?: Record<string, Watch>,
): Promise<Recorder> {
  const stack: Frame[] = []
  const context = {
    run<R>(value: Frame, inner: () => R): R {
      stack.push(value)
      try {
        return inner()
      } finally {
        stack.pop()
      }
    },
    get: () => stack.at(-1),
  }
  const zoo = load()
  const monotonic = () => 0
  const recorder = new Recorder({ context, monotonic, ...(watches && { watches }) })
  $trace.recorder = recorder
  $trace.on = true
  try {
    await body(zoo)
  } catch {
    // What is thrown is part of the recording.
  } finally {
    $trace.on = false
    $trace.recorder = undefined
  }
  return recorder
}

describe('instrument()', () => {
  it('wraps functions that stand for a method of Kafka, and leaves helpers alone', () => {
    const step = '/** @kafka log/Log.scala#Log.trimInvalidBytes */\n'
    const wraps = (source: string) =>
      instrument(source, { runtime: 'runtime', fileName: 'log.ts' }) !== source
    expect(wraps(`${step}function trimInvalidBytes() {}`)).toBe(true)
    expect(wraps(`${step}function* trimInvalidBytes(): Steps<void> {}`)).toBe(true)
    expect(wraps(`${step}function trim() {}`)).toBe(false)
    expect(wraps('function trimInvalidBytes() {}')).toBe(false)
  })

  it('keeps the number of lines, but for the import at the end', () => {
    const text = instrument(SOURCE, { runtime: 'runtime', fileName: 'zoo.ts' })
    expect(text.split('\n').length).toBe(SOURCE.split('\n').length + 2)
  })

  it('keeps what the program does while nothing records', async () => {
    const { Animal, Zoo, visit } = load()
    expect(await new Animal('mu').speak(2, { loud: true })).toBe('mumu!')
    expect(await Zoo.open(1)).toBe('wuf')
    expect(() => Zoo.open(2)).toThrow('once is enough')
    expect([...new Animal('x').legs()]).toEqual([1])
    const walk = new Animal('x').walk(2)
    expect([walk.next(), walk.next(), walk.next()]).toEqual([
      { value: 0, done: false },
      { value: 1, done: false },
      { value: 'x', done: true },
    ])
    expect(visit(1, 2, 3)).toBe(6)
  })

  it('records calls with their parents, values, paragraphs and results', async () => {
    const { frames } = await record(({ Zoo }) => Zoo.open(1))
    expect(frames.map(({ name, parent }) => [name, parent])).toEqual([
      ['Zoo.open', 0],
      ['new Dog', 1],
      ['new Animal', 2],
      ['Dog.speak', 1],
      ['Animal.speak', 4],
      ['Animal.say', 0],
    ])
    expect(frames.map(({ file }) => file)).toEqual(Array(6).fill('zoo.ts'))
    expect(frames[4]).toMatchObject({
      self: 'Dog',
      args: { times: '1', loud: 'false' },
      result: "'wuf'",
      paragraphs: [{ sentence: 'Wait a turn' }],
    })
    expect(frames[2]?.paragraphs.map((p) => p.sentence)).toEqual(['Count what is made'])
  })

  it('records what a watched object looks like when that changed, and nothing else', async () => {
    let visit: (() => void) | undefined
    const watches: Record<string, Watch> = {
      Animal: (self: { name: string }) => {
        visit?.()
        return [['name', self.name]]
      },
    }
    const { frames, changes } = await record(async ({ Animal, visit: another }) => {
      visit = another
      const cow = new Animal('mu')
      await cow.speak(1)
      await cow.speak(2)
    }, watches)
    expect(changes.map(({ name, value }) => [name, value])).toEqual([['name', 'mu']])
    expect(changes[0]?.seq).toBe((frames[1]?.seq ?? 0) + 1)
    expect(frames.map(({ name }) => name)).toEqual([
      ...['new Animal', 'Animal.speak', 'Animal.say', 'Animal.speak', 'Animal.say'],
    ])
    const seqs = [...frames, ...changes].flatMap((x) =>
      'endSeq' in x ? [x.seq, x.endSeq] : [x.seq],
    )
    expect(new Set(seqs).size).toBe(seqs.length)
  })

  it('records what is thrown', async () => {
    const { frames } = await record(({ Zoo }) => Zoo.open(2))
    expect(frames.at(-1)?.error).toBe('RangeError: once is enough')
    expect(frames.at(-1)?.paragraphs).toHaveLength(1)
  })

  it('records work that pauses as one call, whatever runs in its pauses', async () => {
    const { frames } = await record(({ Animal, visit }) => {
      const walk = new Animal('x').walk(2)
      walk.next()
      visit(1)
      walk.next()
      return walk.next()
    })
    expect(frames.map(({ name, parent }) => [name, parent])).toEqual([
      ['new Animal', 0],
      ['Animal.walk', 0],
      ['Animal.say', 2],
      ['visit', 0],
      ['Animal.say', 2],
    ])
    expect(frames[1]).toMatchObject({ args: { far: '2' }, result: "'x'" })
    expect(frames[1]?.paragraphs).toHaveLength(2)
    expect(frames[1]?.endSeq).toBeGreaterThan(frames[4]?.seq ?? 0)
  })

  it('records work that is given up, or fails, at a pause', async () => {
    const { frames } = await record(({ Animal }) => {
      const left = new Animal('x').walk(2)
      left.next()
      left.return()
      const failing = new Animal('x').walk(2)
      failing.next()
      failing.throw(new RangeError('no ground'))
    })
    const walks = frames.filter(({ name }) => name === 'Animal.walk')
    expect(walks.map(({ error }) => error)).toEqual([
      undefined,
      'RangeError: no ground',
    ])
    expect(walks.map(({ endSeq }) => typeof endSeq)).toEqual(['number', 'number'])
  })
})
