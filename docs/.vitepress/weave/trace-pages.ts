/**
 * # Pages of traces
 *
 * Makes a page of what an example printed: the diagram, the call tree, the outcome of each
 * line. `annotated-kafka trace all --out DIR` writes the files that are read here.
 *
 * @module
 */
import { existsSync, readdirSync, readFileSync } from 'node:fs'
import { join } from 'node:path'
import type { Playback } from '../../../src/traces/playback.ts'
import { stepAddresses } from '../../../src/traces/step-address.ts'
import type { Wire } from '../../../src/traces/wires.ts'
import { actorText } from '../theme/stepper/cluster-layout.ts'
import { escapeHtml } from './colour.ts'
import type { SourceIndex } from './source-index.ts'

/** What is shown of one example. */
export interface TraceOutput {
  readonly name: string
  readonly title: string
  /** A paragraph on what happens, where no chapter tells it. */
  readonly about?: string
  readonly heading: string
  /** Text of a Mermaid diagram. */
  readonly mermaid: string
  /** The call tree, a line a call. */
  readonly tree: string
  /** What the stepper plays. */
  readonly playback: Playback
  /** The first request of each kind, as it came. */
  readonly wires?: readonly Wire[]
}

/** Reads what the command wrote. @throws when it has not run. */
export function readRecordings(directory: string): TraceOutput[] {
  if (!existsSync(directory)) {
    throw new Error(`no recordings in ${directory}; run \`npm run docs:traces\` first`)
  }
  return readdirSync(directory)
    .filter((name) => name.endsWith('.json'))
    .map(
      (name) => JSON.parse(readFileSync(join(directory, name), 'utf8')) as TraceOutput,
    )
}

/** The page of one example. */
export function tracePage(index: SourceIndex, output: TraceOutput): string {
  const { name, title, about, heading, mermaid, tree, playback } = output
  return [
    '---',
    `title: ${JSON.stringify(`Trace: ${name}`)}`,
    'aside: false',
    'pageClass: trace-page',
    '---',
    '',
    `# ${name}`,
    '',
    `${title[0]?.toUpperCase()}${title.slice(1)}. It follows the heading *${heading.replace(/^#+ /, '')}* of`,
    `[the notes](/notes/). Run it yourself: \`annotated-kafka trace ${name}\`.`,
    '',
    ...(about ? [about, ''] : []),
    'A step is a call that begins (▸), a paragraph of it (·), or its end (◂); ✉ marks a message',
    'between two who take part. The picture and the lit lines are those of the step at hand.',
    '',
    `<ClientOnly><Stepper name="${name}" /></ClientOnly>`,
    '<noscript><p>Stepping through the run needs JavaScript. Below is all of it in other',
    'forms: as a diagram, as messages, as a tree of calls.</p></noscript>',
    '',
    `<p class="downloads">The same run as files: <a href="/recordings/${name}.txt" target="_self">a`,
    'transcript</a>, a line a step;',
    `<a href="/recordings/perfetto/${name}.json" download target="_self">a timeline</a>, for`,
    '<a href="https://ui.perfetto.dev">Perfetto</a> or the performance panel of a browser.</p>',
    '',
    '## Who speaks to whom',
    '',
    'Drawn from the recording; an arrow is a call or a request.',
    '',
    '```mermaid',
    mermaid,
    '```',
    '',
    '## The messages',
    '',
    `<details class="transcript" v-pre><summary>${playback.messages.length} messages, in the`,
    `order in which they left</summary><ol>${transcript(playback)}</ol></details>`,
    '',
    '## The call tree',
    '',
    `<pre class="tree" v-pre>${linkCalls(index, escapeHtml(tree))}</pre>`,
    '',
  ].join('\n')
}

/** Every message of a run, a line each. */
function transcript(playback: Playback): string {
  const { messages, actors } = playback
  const addresses = stepAddresses(playback)
  const rows = messages.map(([sent, , from, to, label, bytes]) => {
    const ends = `${actorText(actors[from] ?? '')} → ${actorText(actors[to] ?? '')}`
    const size = bytes === undefined ? '' : `, ${bytes} bytes`
    return (
      `<li><a href="?step=${addresses[sent] ?? ''}">${escapeHtml(ends)}</a> ` +
      `${escapeHtml(label)}${size}</li>`
    )
  })
  return rows.join('')
}

/** Makes the name of each call a link to its source. */
function linkCalls(index: SourceIndex, tree: string): string {
  return tree.replace(
    /^( *(?:\[[^\]]*\] )?(?:… )?)((?:new )?[A-Za-z]\w*(?:\.\w+)?)(?=[( ]| &lt;)/gm,
    (whole, before: string, id: string) => {
      const symbol = index.find(id)
      return symbol ? `${before}<a href="${index.href(symbol)}">${id}</a>` : whole
    },
  )
}
