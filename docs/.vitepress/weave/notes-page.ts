/**
 * # The notes, woven
 *
 * Makes the page of the notes: every line as it stands, a link to the method it names, and
 * a link to the trace that proves it; below them all of it in full.
 *
 * @module
 */
import { type NoteLine, parseNotes, type Tie } from '../../../src/trace/notes.ts'
import { escapeHtml } from './colour.ts'
import { allSteps, type Expansion } from './expansion.ts'
import { type ExpansionTools, expansionHtml, stepAnchor } from './expansion-page.ts'
import type { SourceIndex } from './source-index.ts'
import { chapters, withVia } from './walk.ts'

/** What stands below the lines. */
export interface NotesInFull {
  readonly expansions: readonly Expansion[]
  readonly tools: ExpansionTools
}

/**
 * The page of the notes, as markdown with HTML.
 *
 * @throws for a line without a tie, a tie whose method is not in the source, or a line
 *   that is not told in full.
 */
export function notesPage(
  notes: string,
  ties: readonly Tie[],
  index: SourceIndex,
  walk: readonly { readonly via: string }[] = [],
  full?: NotesInFull,
): string {
  let next = 0
  let heading = ''
  const rows = parseNotes(notes).map((line, i) => {
    const at = ties.findIndex((tie, i) => i >= next && tie.line === line.text)
    const tie = ties[at]
    if (!tie)
      throw new Error(`no tie for line ${line.number} of the notes: ${line.text}`)
    next = at + 1
    if (line.headingLevel > 0) heading = line.text

    // Link the line to its method, and to the recording that proves it.
    const [sight] = tie.sees
    const text = escapeHtml(line.text)
    const chapter = chapters[line.text]
    const told = chapter && `/chapters/${chapter}`
    const page = sight ? index.href(resolve(index, sight.frame)) : told
    const via = walk[i]?.via
    const href = page && via ? withVia(page, via) : page
    const linked = href ? `<a href="${href}">${text}</a>` : text
    const kind = line.headingLevel > 0 ? ' heading' : ''
    const proof = `<a class="proof" href="/traces/${tie.trace}">${tie.trace}</a>`
    return (
      `<li class="note${kind}"${via ? ` id="${via}"` : ''} style="--indent:${line.indent}">` +
      `<span class="line">${linked}</span>` +
      `<span class="proofs">${inFull(full, heading, line, tie)}${proof}</span></li>`
    )
  })
  return [
    '---',
    'title: The notes',
    'aside: false',
    '---',
    '',
    '# The notes',
    '',
    'Kafka keeps streams of records, its *topics*. Each topic is cut into *partitions*, and each',
    'partition is a log, copied to several *brokers*. Producers append to it, consumers read it',
    'from an offset on, and ZooKeeper holds what the brokers must agree on. The',
    '[glossary](/glossary) has these words and all others.',
    '',
    'These are the notes that everything here follows: call traces through Kafka. `$` stands',
    'for the class at hand, and a line that is indented is called by the line above it. A',
    'click on a line opens the method it names, on a heading its chapter; the word at the',
    'end opens the recording of a run in which the line was seen; the plus goes down to',
    '[the same call in full](#in-full). `annotated-kafka trace all --check` proves them again.',
    '',
    `<ol class="notes" v-pre>${rows.join('\n')}</ol>`,
    '',
    ...(full ? fullPart(full) : []),
  ].join('\n')
}

/** What the page says below the lines. */
function fullPart({ expansions, tools }: NotesInFull): string[] {
  const steps = expansions.flatMap(({ steps }) => allSteps(steps))
  const facts = steps.flatMap(({ parts }) => parts.filter((part) => 'kind' in part))
  return [
    '## In full {#in-full}',
    '',
    `The same calls with what their names do not say: ${facts.length} facts about`,
    `${steps.length} steps. A lock is one that Kafka holds; here one event loop stands in for`,
    'all of them. A default is the one that this program runs with. A tick means that a',
    'recording shows it, and leads there.',
    '',
    '<FoldBar />',
    '',
    `<div v-pre>${expansionHtml(expansions, tools)}</div>`,
    '',
  ]
}

/**
 * The link of a line to its step in full.
 *
 * @throws for a line whose call has no step below its heading
 */
function inFull(
  full: NotesInFull | undefined,
  heading: string,
  line: NoteLine,
  { sees: [sight] }: Tie,
): string {
  if (!full) return ''
  const expansion = full.expansions.find((each) => each.heading === heading)
  const link = (id: string) =>
    `<a class="to-full" href="#${id}" aria-label="+ line ${line.number} in full">+</a>`
  if (line.headingLevel > 0) return expansion ? link(`full.${expansion.name}`) : ''
  const steps = allSteps(expansion?.steps ?? [])
  const step = steps.find(({ name }) => name === sight?.frame)
  if (!expansion || !step) {
    throw new Error(
      `no step in full for line ${line.number} of the notes: ${line.text}`,
    )
  }
  return link(stepAnchor(expansion, step))
}

function resolve(index: SourceIndex, frame: string) {
  const symbol = index.find(frame)
  if (!symbol) throw new Error(`the notes name ${frame}, which is not in src/`)
  return symbol
}
