/**
 * # A step in words
 *
 * What the list of events says, and what a screen reader reads out.
 *
 * @module
 */
import { ENTER, LEAVE, type Playback } from '../../../../src/traces/playback.ts'
import { actorText } from './cluster-layout.ts'

/** One step, to be shown in a row. */
export interface StepText {
  readonly step: number
  readonly actor: string
  /** Number of calls around it. */
  readonly depth: number
  readonly sign: '▸' | '·' | '◂'
  readonly text: string
  /** Values at entry, or the result. */
  readonly detail: string
  /** Messages that leave or come at this step. */
  readonly messages: readonly string[]
}

/** Says what a step is. */
export function textOf(playback: Playback, step: number): StepText {
  const { steps, frames, functions, sentences, actors, messages } = playback
  const [at, what] = steps[step] ?? [0, ENTER]
  const frame = frames[at]
  const name = functions[frame?.[0] ?? 0] ?? ''
  let depth = 0
  for (let up = frame?.[1] ?? -1; up >= 0; up = frames[up]?.[1] ?? -1) depth++
  const moves = messages.flatMap(([sent, arrived, from, to, label, bytes]) => {
    if (sent !== step && arrived !== step) return []
    const size = bytes === undefined ? '' : `, ${bytes} bytes`
    const ends = `${actorText(actors[from] ?? '')} → ${actorText(actors[to] ?? '')}`
    const how = sent === step ? 'leaves' : 'arrives'
    return [`${label}${size} ${how}: ${ends}`]
  })
  const rest = { step, depth, messages: moves, actor: actors[frame?.[2] ?? 0] ?? '' }
  if (what === ENTER)
    return { ...rest, sign: '▸', text: name, detail: frame?.[3] ?? '' }
  if (what === LEAVE) {
    return { ...rest, sign: '◂', text: `leaves ${name}`, detail: frame?.[4] ?? '' }
  }
  return { ...rest, sign: '·', text: sentences[what] ?? '', detail: '' }
}

/** The whole step as one sentence. */
export function sentenceOf(text: StepText, total: number): string {
  const what = text.sign === '▸' ? `enters ${text.text}` : text.text
  const moves = text.messages.length > 0 ? `. ${text.messages.join('. ')}` : ''
  return `Step ${text.step + 1} of ${total}: ${actorText(text.actor)}: ${what}${moves}`
}
