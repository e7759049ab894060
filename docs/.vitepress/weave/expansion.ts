/**
 * # The notes in full, read
 *
 * Under `docs/notes/full/` lies a file for each heading of the notes. It says of every step
 * below the heading what a reader of the call alone cannot see: which state it changes,
 * which lock Kafka holds, under which condition it is taken, which errors come of it, which
 * defaults govern it, on which thread it runs.
 *
 *     # ## zk                                       the heading, letter for letter
 *     trace: produce                                where to look first, below other headings
 *     - `Log.append`: puts a batch behind the end   a step: a symbol of src/, what it does
 *       - L: one lock a log                         a fact of it
 *       - C: the segment is full → a new one @ Write, and publish
 *       - D: {segment.bytes} bytes a segment        a setting, its default from the program
 *       - `LogSegment.append`: …                    a step below the step
 *         - `$.canConvertToRelativeOffset`: …       another one of the same class
 *
 * Behind `@` stands the beginning of a paragraph of the step's method that shows the fact,
 * or of another method: `@ $.recover / Begin with`.
 * A step, a paragraph, a setting or an error that does not exist fails the build.
 *
 * @module
 */
import { Errors } from '../../../src/base/errors.ts'
import { defaultOf } from './settings.ts'
import type { SourceIndex, SourceSymbol } from './source-index.ts'

/** Kinds of facts, by the letter that stands before one. */
export const KINDS = {
  S: 'state',
  L: 'lock',
  C: 'condition',
  E: 'error',
  D: 'default',
  T: 'thread',
  '!': 'easy to miss',
} as const

/** A paragraph, and the call that runs it. */
export interface ShownBy {
  readonly owner: string
  readonly sentence: string
  readonly href: string
}

/** One thing to know of a step. */
export interface Fact {
  readonly kind: keyof typeof KINDS
  /** Markdown; settings and errors are links already. */
  readonly text: string
  /** The paragraph that shows it. */
  readonly shownBy?: ShownBy
}

/** A call, what is to know of it, and the calls below it. */
export interface Step {
  /** `Class.method`, `new Class` or the name of a function. */
  readonly name: string
  readonly symbol: SourceSymbol
  /** Markdown without links: a fold's title holds none. */
  readonly text: string
  /** In the order of the file. */
  readonly parts: (Fact | Step)[]
}

/** All that is said below one heading of the notes. */
export interface Expansion {
  /** Name of the file, without `.md`. */
  readonly name: string
  /** A heading of the notes, or one for what stands below them. */
  readonly heading: string
  /** The recording to look in first; that of the heading, if none is named. */
  readonly trace: string | undefined
  readonly steps: readonly Step[]
}

/** An item of a list: where it stands, how deep, what it says. */
interface Item {
  readonly line: number
  readonly depth: number
  text: string
}

/**
 * Reads one file.
 *
 * @throws Error with file and line for anything that does not resolve or does not fit.
 */
export function readExpansion(
  name: string,
  text: string,
  index: SourceIndex,
): Expansion {
  const [first = '', second = '', ...lines] = text.split('\n')
  const heading = /^# (.+)$/.exec(first)?.[1]
  const trace = /^trace: (\S+)$/.exec(second)?.[1]
  if (heading === undefined) throw new Error(`${name}.md:1: no heading of the notes`)
  const root: Step[] = []
  const open: Step[] = []
  for (const item of itemsOf(name, lines)) {
    const fail = (why: string) => new Error(`${name}.md:${item.line}: ${why}`)
    const above = item.depth === 0 ? undefined : open[item.depth - 1]
    if (item.depth > 0 && !above) throw fail('stands too deep')
    const [, letter] = /^([SLCEDT!]): /.exec(item.text) ?? []
    if (letter !== undefined) {
      if (!above) throw fail('a fact stands below a step')
      above.parts.push(readFact(item.text, above, index, fail))
      open.length = item.depth
      continue
    }
    const step = readStep(item.text, above, index, fail)
    if (above) above.parts.push(step)
    else root.push(step)
    open.length = item.depth
    open.push(step)
  }
  return { name, heading, trace, steps: root }
}

/** Every step of an expansion, the outer before the inner. */
export function allSteps(steps: readonly (Fact | Step)[]): Step[] {
  return steps.flatMap((part) =>
    'kind' in part ? [] : [part, ...allSteps(part.parts)],
  )
}

/** Joins the lines of each item; an item that goes on is indented below its dash. */
function itemsOf(name: string, lines: readonly string[]): Item[] {
  const items: Item[] = []
  for (const [i, raw] of lines.entries()) {
    const line = i + 3
    const [, indent = '', text] = /^( *)- (.+)$/.exec(raw) ?? []
    if (text !== undefined) {
      items.push({ line, depth: indent.length / 2, text })
    } else if (raw.trim() !== '') {
      const last = items.at(-1)
      if (!last) throw new Error(`${name}.md:${line}: no item goes on here`)
      last.text += ` ${raw.trim()}`
    }
  }
  return items
}

function readStep(
  text: string,
  above: Step | undefined,
  index: SourceIndex,
  fail: (why: string) => Error,
): Step {
  const [, written, what] = /^`([^`]+)`: (.+)$/.exec(text) ?? []
  if (written === undefined || what === undefined) {
    throw fail(`neither a step nor a fact: ${text}`)
  }
  if (written.startsWith('$.') && !above) throw fail(`$ has no class above it: ${text}`)
  const name = inFull(written, above?.name ?? '')
  const symbol = index.find(name)
  if (!symbol) throw fail(`no symbol of src/ is named ${name}`)
  return { name, symbol, text: what, parts: [] }
}

/** The class of a step, as a method of it is named: of `new Log` it is `Log`. */
export function classOf(step: string): string {
  return step.replace(/^new /, '').replace(/\..*$/, '')
}

/** A name with its class in the place of `$`, which the notes write for the same one. */
function inFull(name: string, above: string): string {
  return name.replace(/^\$\./, `${classOf(above)}.`)
}

function readFact(
  text: string,
  { name }: Step,
  index: SourceIndex,
  fail: (why: string) => Error,
): Fact {
  const kind = text.slice(0, 1) as Fact['kind']
  const [said = '', shown] = text.slice(3).split(' @ ')

  // Say which setting is meant, and its default as the program has it.
  const set = said.replace(/\{([\w.]+)(?: of the (\w+))?\}/g, (_, key, realm) => {
    const setting = defaultOf(key, realm)
    if (!setting) throw fail(`no setting is named ${key}`)
    const value = setting.fallback === '' ? 'empty' : `**${setting.fallback}**`
    return `[\`${key}\`](${setting.href}) = ${value}`
  })
  const linked = set.replace(/\b[A-Z]+(?:_[A-Z]+)+\b/g, (error) => {
    if (!(error in Errors)) throw fail(`no error is named ${error}`)
    return `[${error}](/errors#${error.toLowerCase()})`
  })
  if (shown === undefined) return { kind, text: linked }
  try {
    return { kind, text: linked, shownBy: paragraphOf(name, shown, index) }
  } catch (error) {
    throw fail((error as Error).message)
  }
}

/** A paragraph of the step, or of what stands before a slash. */
function paragraphOf(step: string, shown: string, index: SourceIndex): ShownBy {
  const [before = '', after] = inFull(shown, step).split(' / ')
  const [owner, beginning] = after === undefined ? [step, before] : [before, after]
  const id = owner.replace(/^new (\w+)$/, '$1.constructor')
  const paragraph = index.paragraph(id, beginning)
  const { sentence } = paragraph
  return { owner, sentence, href: index.paragraphHref(index.get(id), paragraph) }
}
