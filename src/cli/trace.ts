/**
 * # annotated-kafka trace
 *
 * Runs example traces and prints what ran; with `--check`, holds it against the notes.
 *
 * @module
 */

import { mkdirSync, readFileSync, writeFileSync } from 'node:fs'
import { join } from 'node:path'
import { setLogLevel } from '../base/logger.ts'
import { checkNotes, type NotesReport, parseNotes } from '../trace/notes.ts'
import type { Frame } from '../trace/Recorder.ts'
import type { Recording } from '../trace/record-run.ts'
import { renderJson, renderPerfetto } from '../trace/render-json.ts'
import { renderMermaid } from '../trace/render-mermaid.ts'
import { renderTree } from '../trace/render-tree.ts'
import { type ExampleTrace, runExample } from '../traces/ExampleTrace.ts'
import { examples } from '../traces/examples.ts'
import { toPlayback } from '../traces/playback.ts'
import { drawnMessages, isDrawn, isUnder } from '../traces/story.ts'
import { ties } from '../traces/ties.ts'
import { wiresOf } from '../traces/wires.ts'

/** Options of the command. */
export interface TraceOptions {
  readonly check?: boolean
  readonly format: string
  readonly full?: boolean
  /** Run on real sockets and files instead of in memory, where each run is the same. */
  readonly real?: boolean
  /** Directory to write one JSON file for each example to, for the site. */
  readonly out?: string
}

/**
 * Runs the command.
 *
 * @param names names of examples, `all`, or none for the list.
 * @returns the exit code: 0, or 1 when `--check` finds a line that did not run.
 * @throws for a name that is not an example.
 */
export async function trace(
  names: readonly string[],
  options: TraceOptions,
): Promise<number> {
  const out = (text: string) => process.stdout.write(`${text}\n`)
  if (names.length === 0 && !options.check) {
    for (const { name, title } of examples) out(`${name.padEnd(28)} ${title}`)
    return 0
  }

  // Many examples break something on purpose; what they log of it looks like a failure.
  const chosen = select(names)
  const isLogAskedFor = process.env.ANNOTATED_KAFKA_LOG !== undefined
  if (chosen.length > 1 && !isLogAskedFor) setLogLevel('fatal')

  // Run what was asked for; a check without names is a check of all.
  const recordings = new Map<string, Recording>()
  for (const example of chosen) {
    if (options.real && example.isInMemoryOnly) {
      process.stderr.write(`${example.name} runs in memory only; left out\n`)
      continue
    }
    const recording = await runExample(example, options.real ? 'node' : 'memory')
    recordings.set(example.name, recording)
    if (options.out) writePage(options.out, example, recording)
    else if (!options.check || names.length > 0) out(print(example, recording, options))
  }
  if (!options.check) return 0

  const report = checkRecordings(recordings)
  out(printReport(report))
  if (!report.ok && !isLogAskedFor) out('ANNOTATED_KAFKA_LOG=warn shows what they log')
  return report.ok ? 0 : 1
}

/** Writes what the site shows of an example, and its timeline. */
function writePage(dir: string, example: ExampleTrace, recording: Recording): void {
  const { name, title, about, heading } = example
  const mermaid = print(example, recording, { format: 'mermaid' })
  const keep = (frame: Frame) => isUnder(recording, frame, example.roots)
  const tree = renderTree(recording, { keep })
  mkdirSync(dir, { recursive: true })
  const playback = toPlayback(recording)
  const wires = wiresOf(recording)
  const page = { name, title, about, heading, mermaid, tree, playback, wires }
  writeFileSync(join(dir, `${name}.json`), JSON.stringify(page))
  mkdirSync(join(dir, 'perfetto'), { recursive: true })
  writeFileSync(join(dir, 'perfetto', `${name}.json`), renderPerfetto(recording))
}

function select(names: readonly string[]): readonly ExampleTrace[] {
  if (names.length === 0 || names.includes('all')) return examples
  return names.map((name) => {
    const example = examples.find((candidate) => candidate.name === name)
    if (example) return example
    const known = examples.map((candidate) => candidate.name).join(', ')
    throw new Error(`no trace is named ${name}; there are: ${known}, all`)
  })
}

/** Holds recordings against those lines of the notes that they belong to. */
export function checkRecordings(
  recordings: ReadonlyMap<string, Recording>,
  notes = readNotes(),
): NotesReport {
  const lines = parseNotes(notes)
  if (isComplete(recordings)) return checkNotes(lines, ties, recordings)

  // Only some traces ran: check the lines that they prove.
  const some = ties.filter((tie) => recordings.has(tie.trace))
  const texts = new Set(some.map((tie) => tie.line))
  return checkNotes(
    lines.filter((line) => texts.has(line.text)),
    some,
    recordings,
  )
}

function isComplete(recordings: ReadonlyMap<string, Recording>): boolean {
  return examples.every((each) => each.isInMemoryOnly || recordings.has(each.name))
}

/** The notes as they stand in `docs/`, letter for letter. */
export function readNotes(): string {
  const up = import.meta.url.includes('/traced/') ? '../../../' : '../../'
  return readFileSync(
    new URL(`${up}docs/notes/call-trace-notes.md`, import.meta.url),
    'utf8',
  )
}

/** Prints one recording in the format that was asked for. */
export function print(
  example: ExampleTrace,
  recording: Recording,
  options: TraceOptions,
): string {
  switch (options.format) {
    case 'json':
      return renderJson(recording)
    case 'perfetto':
      return renderPerfetto(recording)
    case 'mermaid':
      return renderMermaid(recording, {
        keep: (frame) => isDrawn(recording, frame, example),
        messages: drawnMessages(recording, example),
      })
    default: {
      const keep = (frame: Frame) =>
        options.full === true || isUnder(recording, frame, example.roots)
      const paragraphs = options.full === true
      const tree = renderTree(recording, { keep, paragraphs })
      return `## ${example.name}: ${example.title}\n\n${tree}\n`
    }
  }
}

/** Prints the outcome of a check: what failed and why, then the count. */
export function printReport(report: NotesReport): string {
  const lines = report.lines.map(({ line, ok, why, trace }) => {
    const mark = ok ? '✓' : '✗'
    const where = ok ? `${trace}` : why
    return `${mark} ${' '.repeat(line.indent)}${line.text}   (${where})`
  })
  for (const tie of report.strays) lines.push(`✗ not in the notes: ${tie.line}`)
  const ran = report.lines.filter((line) => line.ok).length
  lines.push(`${ran}/${report.lines.length} lines of the notes ran`)
  return lines.join('\n')
}
