/**
 * # The notes, read
 *
 * The project's spine is a file of call traces. This module reads it into lines, finds out
 * by the indentation which line stands under which, and checks that every line was seen in
 * a recording.
 *
 *     notes file ──parse──▶ lines ──tie──▶ expectations ──check──▶ N/N lines ran
 *
 * A *tie* says what must be seen for a line: a frame of some name, a paragraph, a named
 * value. Ties of one heading are looked for in one recording, in the order of the lines;
 * a line that is indented must lie inside the frame of the line it stands under.
 *
 * The check fails for a line without a tie, for a tie without a line, for a tie that is
 * not seen, and for one that is seen out of order. So nobody drops a line unseen.
 *
 * @module
 */
import type { Frame } from './Recorder.ts'
import type { Recording } from './record-run.ts'

/** One line of the notes that is not blank. */
export interface NoteLine {
  /** 1-based line number in the file. */
  readonly number: number
  /** Number of leading blanks. */
  readonly indent: number
  /** The text without leading and trailing blanks. */
  readonly text: string
  /** `#` count for a heading, 0 else. */
  readonly headingLevel: number
}

/** Reads the notes file. Blank lines are left out. */
export function parseNotes(file: string): NoteLine[] {
  const lines: NoteLine[] = []
  for (const [index, raw] of file.split('\n').entries()) {
    const text = raw.trim()
    if (text === '') continue
    const hashes = /^(#+)\s/.exec(text)?.[1] ?? ''
    lines.push({
      number: index + 1,
      indent: raw.length - raw.trimStart().length,
      text,
      headingLevel: hashes.length,
    })
  }
  return lines
}

/** One thing to be seen in a recording: a frame, perhaps with a paragraph or values. */
export interface Sight {
  /** Name of the frame: `Class.method` or `new Class`. */
  readonly frame: string
  /** Class of `this`, when the method is inherited. */
  readonly self?: string
  /** Beginning of the first sentence of a paragraph that the frame must have reached. */
  readonly paragraph?: string
  /** Values that the frame must show: parameter (or `result`) → text it contains. */
  readonly shows?: Readonly<Record<string, string>>
  /** True when it need not come after what was seen before it. */
  readonly anyOrder?: boolean
}

/** What must be seen in a recording for a line of the notes to have run. */
export interface Tie {
  /** The line, letter for letter; checked against the notes. */
  readonly line: string
  /** The recording to look in. */
  readonly trace: string
  /** What must be seen, in this order. Empty for a heading: the recording itself. */
  readonly sees: readonly Sight[]
  /** The line that this one stands under: its frame must hold everything seen here. */
  readonly under?: string
}

/** The outcome for one line. */
export interface LineResult {
  readonly line: NoteLine
  readonly ok: boolean
  /** Why not; or where it was seen. */
  readonly why: string
  /** The frame that proves the line. */
  readonly frame?: Frame
  readonly trace?: string
}

/** The outcome of a whole check. */
export interface NotesReport {
  readonly lines: readonly LineResult[]
  /** Ties that name a line which the notes do not have. */
  readonly strays: readonly Tie[]
  readonly ok: boolean
}

/**
 * Holds recordings against the notes.
 *
 * @param lines the notes, in their order.
 * @param ties one for each line, in the same order.
 * @param recordings by name.
 */
export function checkNotes(
  lines: readonly NoteLine[],
  ties: readonly Tie[],
  recordings: ReadonlyMap<string, Recording>,
): NotesReport {
  const results: LineResult[] = []
  const seen = new Map<string, readonly Frame[]>()
  const index = new Map<string, FrameIndex>()
  let position = { trace: '', seq: 0 }
  let next = 0

  for (const line of lines) {
    // Find the line's tie; ties stand in the order of the lines.
    const at = ties.findIndex((tie, i) => i >= next && tie.line === line.text)
    const tie = ties[at]
    if (!tie) {
      results.push({ line, ok: false, why: 'no tie says what must be seen' })
      continue
    }
    next = at + 1

    // Begin anew at the start of each recording.
    if (position.trace !== tie.trace) position = { trace: tie.trace, seq: 0 }
    const recording = recordings.get(tie.trace)
    if (!recording) {
      results.push({ line, ok: false, why: `trace ${tie.trace} did not run` })
      continue
    }
    const frames = index.get(tie.trace) ?? new FrameIndex(recording)
    index.set(tie.trace, frames)

    const found = findTie(tie, frames, seen, position.seq)
    if (typeof found === 'string') {
      results.push({ line, ok: false, why: found, trace: tie.trace })
      continue
    }
    position = { trace: tie.trace, seq: found.seq }
    seen.set(tieKey(tie.trace, tie.line), found.candidates)
    results.push({
      line,
      ok: true,
      why: found.frame ? `frame ${found.frame.id}` : 'recorded',
      trace: tie.trace,
      ...(found.frame ? { frame: found.frame } : {}),
    })
  }

  const texts = new Set(lines.map((line) => line.text))
  const strays = ties.filter((tie) => !texts.has(tie.line))
  return {
    lines: results,
    strays,
    ok: strays.length === 0 && results.every((result) => result.ok),
  }
}

/** Frames of a recording by name and by number. */
class FrameIndex {
  readonly recording: Recording
  readonly #byName = new Map<string, Frame[]>()

  constructor(recording: Recording) {
    this.recording = recording
    for (const frame of recording.frames) {
      const list = this.#byName.get(frame.name)
      if (list) list.push(frame)
      else this.#byName.set(frame.name, [frame])
    }
  }

  named(name: string): readonly Frame[] {
    return this.#byName.get(name) ?? []
  }

  /** True when `frame` is `ancestor` or was begun in its context. */
  isWithin(frame: Frame, ancestor: Frame): boolean {
    let current: Frame | undefined = frame
    while (current && current.id >= ancestor.id) {
      if (current.id === ancestor.id) return true
      current = this.recording.frames[current.parent - 1]
    }
    return false
  }
}

/** What proves a line, and the frames that lines below it may lie in. */
interface Found {
  readonly seq: number
  readonly frame?: Frame
  readonly candidates: readonly Frame[]
}

function tieKey(trace: string, line: string): string {
  return `${trace}\n${line}`
}

function findTie(
  tie: Tie,
  frames: FrameIndex,
  seen: Map<string, readonly Frame[]>,
  after: number,
): Found | string {
  if (frames.recording.frames.length === 0) return `trace ${tie.trace} recorded nothing`

  // Look inside the frames of the line that this one stands under.
  const outerKey = tie.under === undefined ? undefined : tieKey(tie.trace, tie.under)
  const outers = outerKey === undefined ? undefined : seen.get(outerKey)
  if (tie.under !== undefined && !outers) {
    return `the line it stands under was not seen: ${tie.under}`
  }

  // See one thing after the other; the first of them is the line's own frame.
  let found: Found = { seq: after, candidates: [] }
  for (const [i, sight] of tie.sees.entries()) {
    const from = sight.anyOrder === true ? 0 : found.seq
    const next = findSight(sight, frames, outers, from)
    if (typeof next === 'string') return next
    const seq = Math.max(next.seq, found.seq)
    found = i === 0 ? { ...next, seq } : { ...found, seq }
  }

  // The call that this line was seen in is the one that the next lines must be seen in.
  const { frame } = found
  if (outers && outerKey !== undefined && frame) {
    const around = outers.filter((outer) => frames.isWithin(frame, outer))
    seen.set(outerKey, around)
  }
  return found
}

function findSight(
  sight: Sight,
  frames: FrameIndex,
  outers: readonly Frame[] | undefined,
  after: number,
): (Found & { readonly frame: Frame }) | string {
  const all = frames.named(sight.frame)
  if (all.length === 0) return `${sight.frame} did not run`
  const isInside = (frame: Frame) =>
    outers?.some((outer) => frames.isWithin(frame, outer)) ?? true
  const inside = all.filter(isInside)
  if (inside.length === 0)
    return `${sight.frame} ran, but not under ${outers?.[0]?.name}`

  // Take the first that shows what is asked for and comes after what was seen before.
  const shown = inside.filter((frame) => showsAll(frame, sight))
  if (shown.length === 0)
    return `${sight.frame} ran, but does not show ${wanted(sight)}`
  const candidates = shown.filter((frame) => seqOf(frame, sight) >= after)
  const [frame] = candidates
  if (!frame) return `${sight.frame} ran out of order: before the line above it`
  return { seq: seqOf(frame, sight), frame, candidates }
}

/** Where in the recording a sight is seen: at its paragraph if it names one. */
function seqOf(frame: Frame, { paragraph }: Sight): number {
  if (paragraph === undefined) return frame.seq
  return frame.paragraphs.find((p) => p.sentence.startsWith(paragraph))?.seq ?? -1
}

function showsAll(frame: Frame, sight: Sight): boolean {
  if (sight.self !== undefined && frame.self !== sight.self) return false
  if (sight.paragraph !== undefined && seqOf(frame, sight) < 0) return false
  return Object.entries(sight.shows ?? {}).every(([name, text]) => {
    const value = name === 'result' ? frame.result : frame.args[name]
    return value?.includes(text) ?? false
  })
}

function wanted(sight: Sight): string {
  const parts = Object.entries(sight.shows ?? {}).map(([k, v]) => `${k} = ${v}`)
  if (sight.self !== undefined) parts.push(`this = ${sight.self}`)
  if (sight.paragraph !== undefined) parts.push(`the paragraph "${sight.paragraph}"`)
  return parts.join(', ')
}
