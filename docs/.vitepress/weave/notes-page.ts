/**
 * # The notes, woven
 *
 * Makes the page of the notes: every line as it stands, a link to the method it names, and
 * a link to the trace that proves it.
 *
 * @module
 */
import { parseNotes, type Tie } from '../../../src/trace/notes.ts'
import { escapeHtml } from './colour.ts'
import type { SourceIndex } from './source-index.ts'
import { chapters, withVia } from './walk.ts'

/**
 * The page of the notes, as markdown with HTML.
 *
 * @throws for a line without a tie, or a tie whose method is not in the source.
 */
export function notesPage(
  notes: string,
  ties: readonly Tie[],
  index: SourceIndex,
  walk: readonly { readonly via: string }[] = [],
): string {
  let next = 0
  const rows = parseNotes(notes).map((line, i) => {
    const at = ties.findIndex((tie, i) => i >= next && tie.line === line.text)
    const tie = ties[at]
    if (!tie)
      throw new Error(`no tie for line ${line.number} of the notes: ${line.text}`)
    next = at + 1

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
      `<span class="line">${linked}</span>${proof}</li>`
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
    'end opens the recording of a real run in which the line was seen. `annotated-kafka',
    'trace all --check` proves them again.',
    '',
    `<ol class="notes" v-pre>${rows.join('\n')}</ol>`,
    '',
  ].join('\n')
}

function resolve(index: SourceIndex, frame: string) {
  const symbol = index.find(frame)
  if (!symbol) throw new Error(`the notes name ${frame}, which is not in src/`)
  return symbol
}
