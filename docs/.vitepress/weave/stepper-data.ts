/**
 * # What the stepper loads
 *
 * One file of JSON a recording: its steps, and the source of the functions that ran in it,
 * in colour. A page loads it when it is opened; no other page carries any of it.
 *
 * @module
 */
import type { Playback } from '../../../src/traces/playback.ts'
import { colourLines } from './colour.ts'
import type { SourceFile, SourceIndex, SourceSymbol } from './source-index.ts'

/** The source of one function. */
export interface FunctionView {
  /** Address of its annotated page. */
  readonly href: string
  /** `src/…` */
  readonly file: string
  /** HTML, a line each. */
  readonly lines: readonly string[]
  /** First sentence, first and last line within `lines`, counted from 0. */
  readonly paragraphs: readonly (readonly [string, number, number])[]
}

/** All that the stepper shows of a recording. */
export interface StepperData {
  readonly name: string
  readonly playback: Playback
  /** For each function of the playback, all that have its name. */
  readonly sources: readonly (readonly FunctionView[])[]
}

/** Gathers the source of everything that ran in a recording. */
export function stepperData(
  index: SourceIndex,
  name: string,
  playback: Playback,
  colours: Map<string, readonly string[]> = new Map(),
): StepperData {
  const sources = playback.functions.map((id, fn) => {
    const file = playback.files[fn]
    const symbols =
      id === name
        ? programOf(index, name)
        : index.all(id).filter((symbol) => !file || symbol.file === file)
    return symbols.map((symbol) => viewOf(index, symbol, colours))
  })
  return { name, playback, sources }
}

/** The outermost call bears the name of the trace: it is the example's own program. */
function programOf(index: SourceIndex, name: string): readonly SourceSymbol[] {
  const example = name.replace(/-(\w)/g, (_, letter: string) => letter.toUpperCase())
  const found = [...index.all(`${example}.run`), ...index.all(example)]
  return found.filter(({ file }) => file.startsWith('traces/examples/')).slice(0, 1)
}

function viewOf(
  index: SourceIndex,
  symbol: SourceSymbol,
  colours: Map<string, readonly string[]>,
): FunctionView {
  const { file, from, to } = symbol
  const coloured = colours.get(file) ?? colourLines(index, sourceOf(index, file))
  colours.set(file, coloured)
  const rows = coloured.slice(from - 1, to)
  const indents = rows
    .filter((row) => row.trim() !== '')
    .map((row) => row.length - row.trimStart().length)
  const indent = Math.min(...indents)
  return {
    href: index.href(symbol),
    file: `src/${file}`,
    lines: rows.map((row) => row.slice(Math.min(indent, indentOf(row)))),
    paragraphs: symbol.paragraphs.map((p) => [p.sentence, p.from - from, p.to - from]),
  }
}

function indentOf(row: string): number {
  return row.length - row.trimStart().length
}

function sourceOf(index: SourceIndex, file: string): SourceFile {
  const source = index.files.find((candidate) => candidate.file === file)
  if (!source) throw new Error(`no source is named ${file}`)
  return source
}
