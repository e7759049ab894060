/**
 * # Rendering a recording as a sequence diagram
 *
 * Actors become participants, messages between them arrows, and the chosen calls notes on
 * the way. The diagram is drawn from what ran; nobody draws it by hand.
 *
 * @module
 */
import type { Frame } from './Recorder.ts'
import type { Recording } from './record-run.ts'

/** One message that went from one actor to another. */
export interface Message {
  readonly seq: number
  readonly from: string
  readonly to: string
  readonly label: string
}

/** What to draw. */
export interface MermaidOptions {
  /** Calls that are shown as activity of their actor. */
  readonly keep: (frame: Frame) => boolean
  /** Messages found in the recording, see `findMessages` of the traces. */
  readonly messages?: readonly Message[]
  /** More lines than this are cut, and the cut is said. Default 60. */
  readonly maxLines?: number
}

/** Prints a recording as the text of a Mermaid `sequenceDiagram`. */
export function renderMermaid(recording: Recording, options: MermaidOptions): string {
  type Step = { readonly seq: number; readonly actors: string[]; readonly text: string }
  const steps: Step[] = []
  const ids = new Map<string, string>()
  const idOf = (actor: string): string => {
    const id = ids.get(actor) ?? `a${ids.size}`
    ids.set(actor, id)
    return id
  }

  // A call between two actors is an arrow; within one actor it points to itself.
  const byId = recording.frames
  for (const frame of byId) {
    if (!options.keep(frame)) continue
    const caller = byId[frame.parent - 1]?.actor ?? frame.actor
    const text = `${idOf(caller)}->>${idOf(frame.actor)}: ${plain(frame.name)}`
    steps.push({ seq: frame.seq, actors: [caller, frame.actor], text })
  }
  for (const { seq, from, to, label } of options.messages ?? []) {
    const text = `${idOf(from)}-)${idOf(to)}: ${plain(label)}`
    steps.push({ seq, actors: [from, to], text })
  }
  steps.sort((a, b) => a.seq - b.seq)

  // Say the same thing once: a loop would fill the picture.
  const max = options.maxLines ?? 60
  const lines: string[] = []
  let last = ''
  for (const { text } of steps) {
    if (text !== last) lines.push(text)
    last = text
  }
  const cut = lines.length - max
  const shown = cut > 0 ? lines.slice(0, max) : lines
  const participants = [...ids]
    .filter(([, id]) => shown.some((l) => new RegExp(`\\b${id}\\b`).test(l)))
    .map(([actor, id]) => `participant ${id} as ${nameOf(actor)}`)
  const first = shown[0]?.split(/[-:]/)[0] ?? 'a0'
  if (cut > 0) shown.push(`Note over ${first}: and ${cut} steps more`)
  return ['sequenceDiagram', ...[...participants, ...shown].map((l) => `  ${l}`)].join(
    '\n',
  )
}

/** Who is in no part of the cluster is the program, as in the pictures beside. */
function nameOf(actor: string): string {
  return actor === 'main' ? 'program' : plain(actor)
}

/** Mermaid reads `;` and `#` as its own, and a line break ends a statement. */
function plain(text: string): string {
  return text.replace(/[;#\n]/g, ' ').slice(0, 80)
}
