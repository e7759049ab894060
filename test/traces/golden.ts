/**
 * # Goldens of recordings
 *
 * What is kept of each example's recording: the calls that a reader steps through below the
 * roots of the example, in order and indented, with what changed between them. One line
 * each, so that a change of the program shows as a change of lines.
 *
 *     KafkaApis.handleProduceRequest            a call, by whom if it is somebody else
 *       = replica/0/greetings-0 {"end":2,…}     what changed, until the next call
 *
 * @module
 */
import type { Recording } from '../../src/trace/record-run.ts'
import type { ExampleTrace } from '../../src/traces/ExampleTrace.ts'
import { ENTER, type Playback, toPlayback } from '../../src/traces/playback.ts'

/** What is kept of a recording. */
export interface Golden {
  readonly name: string
  readonly lines: readonly string[]
}

/** Makes the golden of a recording. */
export function goldenOf(example: ExampleTrace, recording: Recording): Golden {
  const playback = toPlayback(recording)
  const depths = depthsBelow(playback, new Set(example.roots))
  const lines: string[] = []
  let depth = 0
  let nextChange = playback.changes.findIndex(([step]) => step > 0)
  if (nextChange < 0) nextChange = playback.changes.length
  for (const [i, [index, what]] of playback.steps.entries()) {
    for (; (playback.changes[nextChange]?.[0] ?? Number.MAX_VALUE) <= i; nextChange++) {
      const [, name, value] = playback.changes[nextChange]!
      const shown = value === undefined ? 'gone' : JSON.stringify(value)
      lines.push(`${'  '.repeat(depth + 1)}= ${name} ${shown}`)
    }
    const found = depths[index]
    if (what !== ENTER || found === undefined) continue
    depth = found
    const [fn, parent, actor] = playback.frames[index]!
    const isSame = depth > 0 && playback.frames[parent]?.[2] === actor
    const who = isSame ? '' : `[${playback.actors[actor]}] `
    lines.push(`${'  '.repeat(depth)}${who}${playback.functions[fn]}`)
  }
  return { name: example.name, lines }
}

/** How deep each frame lies below a root; `undefined` for those that do not. */
function depthsBelow({ frames, functions }: Playback, roots: ReadonlySet<string>) {
  const depths: (number | undefined)[] = []
  for (const [fn, parent] of frames) {
    const above = depths[parent]
    const isRoot = roots.has(functions[fn] ?? '')
    depths.push(above === undefined ? (isRoot ? 0 : undefined) : above + 1)
  }
  return depths
}
