/**
 * # The walk through the notes
 *
 * Every line of the notes as a stop, in the order of the calls. A stop has a name that says
 * how one came there: `produce.1.2` is the second line below the first line below the
 * heading that the trace `produce` proves. Pages carry it in their address (`?via=`), so
 * that a method that is reached in two ways knows from where.
 *
 * @module
 */
import { type NoteLine, parseNotes, type Tie } from '../../../src/trace/notes.ts'
import { chapterList } from './chapters.ts'
import type { SourceIndex } from './source-index.ts'
import type { TraceOutput } from './trace-pages.ts'

/** The chapter that tells what stands below a heading. */
export const chapters: Readonly<Record<string, string>> = Object.fromEntries(
  chapterList.flatMap(({ name, heading }) => (heading ? [[heading, name]] : [])),
)

/** One line of the notes on the way through them. */
export interface Stop {
  readonly via: string
  readonly text: string
  /** Page and place, with `?via=`. */
  readonly href: string
  /** Who runs it in the recording; empty when nobody is named. */
  readonly actor: string
  /** The message that brought the run here from another actor. */
  readonly crossing?: string
}

/**
 * Names every line of the notes, in their order.
 *
 * @returns one stop a line; those that share a method share a page, not a name.
 */
export function notesWalk(
  notes: string,
  ties: readonly Tie[],
  index: SourceIndex,
  recordings: readonly TraceOutput[],
): Stop[] {
  const counts = new Map<string, number>()
  const open: { readonly line: NoteLine; readonly via: string }[] = []
  let next = 0
  return parseNotes(notes).map((line) => {
    const at = ties.findIndex((tie, i) => i >= next && tie.line === line.text)
    const tie = ties[at]
    if (!tie) throw new Error(`no tie for line ${line.number}: ${line.text}`)
    next = at + 1

    // Find the line above it that it stands under.
    while (open.length > 0 && !isUnder(line, open.at(-1)?.line)) open.pop()
    const base = open.at(-1)?.via ?? tie.trace
    const isRoot = line.headingLevel > 0
    const name = isRoot ? tie.trace : base
    const count = (counts.get(name) ?? (isRoot ? -1 : 0)) + 1
    counts.set(name, count)
    const via = isRoot && count === 0 ? name : `${name}.${count}`
    open.push({ line, via })

    const [sight] = tie.sees
    const symbol = sight && index.find(sight.frame)
    const chapter = chapters[line.text]
    const page = symbol
      ? index.href(symbol)
      : chapter
        ? `/chapters/${chapter}`
        : '/notes/'
    return {
      ...{ via, text: line.text, href: withVia(page, via) },
      ...whoRuns(recordings, tie.trace, sight?.frame),
    }
  })
}

/** Adds `?via=` before the anchor. */
export function withVia(href: string, via: string): string {
  const [path = '', hash] = href.split('#')
  return `${path}?via=${via}${hash === undefined ? '' : `#${hash}`}`
}

function isUnder(line: NoteLine, above: NoteLine | undefined): boolean {
  if (!above) return false
  if (line.headingLevel > 0) {
    return above.headingLevel > 0 && above.headingLevel < line.headingLevel
  }
  return above.headingLevel > 0 || above.indent < line.indent
}

/** Who runs a call in a recording, and by which message it came to them. */
function whoRuns(
  recordings: readonly TraceOutput[],
  trace: string,
  name: string | undefined,
): Pick<Stop, 'actor' | 'crossing'> {
  const playback = recordings.find((recording) => recording.name === trace)?.playback
  const fn = name === undefined ? -1 : (playback?.functions.indexOf(name) ?? -1)
  const frame = playback?.frames.findIndex((each) => each[0] === fn) ?? -1
  if (!playback || fn < 0 || frame < 0) return { actor: '' }
  const { frames, actors, steps, messages } = playback
  const actor = frames[frame]?.[2] ?? 0
  const step = steps.findIndex(([each]) => each === frame)

  // The last message that came to this actor before.
  const brought = messages
    .filter(([, arrived, from, to]) => arrived <= step && to === actor && from !== to)
    .sort((a, b) => a[1] - b[1])
    .at(-1)
  if (!brought) return { actor: actors[actor] ?? '' }
  const [, , from, , label, bytes] = brought
  const size = bytes === undefined ? '' : `, ${bytes} bytes`
  return {
    actor: actors[actor] ?? '',
    crossing: `leaving ${actors[from]} → ${actors[actor]}: ${label}${size}`,
  }
}
