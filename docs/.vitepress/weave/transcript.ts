/**
 * # A recording as text
 *
 * Every step of a run on a line of its own, as one reads a log: who, how deep, what, and
 * the messages that leave or come there. It is for reading without the stepper, for
 * searching, and for comparing two runs.
 *
 * @module
 */
import type { Playback } from '../../../src/traces/playback.ts'
import { actorText } from '../theme/stepper/cluster-layout.ts'
import { textOf } from '../theme/stepper/step-text.ts'

/** The text of a whole recording, a line a step and a line a message. */
export function transcriptOf(name: string, title: string, playback: Playback): string {
  const who = (actor: string) => actorText(actor).padEnd(14)
  const lines = playback.steps.flatMap((_, step) => {
    const { actor, depth, sign, text, detail, messages } = textOf(playback, step)
    const indent = '  '.repeat(depth)
    const values = detail === '' ? '' : `  (${detail})`
    const moves = messages.map((m) => `${who(actor)} ${indent}  ~ ${m}`)
    return [`${who(actor)} ${indent}${sign} ${text}${values}`, ...moves]
  })
  const legend = '▸ a call begins   · a paragraph   ◂ a call ends   ~ a message'
  return `${name}: ${title}\n${legend}\n\n${lines.join('\n')}\n`
}
