/**
 * # Pictures of files
 *
 * Where a chapter is about what lies in files, the cluster says little. These pictures are cut
 * from a recording, too: the segments of a log before and after something was done to them,
 * a search through one, the bytes of a batch before and after a broker took it.
 *
 * All of it is HTML: lists that a screen reader reads, boxes as wide as their bytes.
 *
 * @module
 */
import { factsAt } from '../../../src/traces/cluster-state.ts'
import {
  type BatchInFile,
  type SearchView,
  type SegmentInFile,
  segmentsOf,
} from '../../../src/traces/log-files.ts'
import { fieldsOfBatch } from './byte-map.ts'
import { momentOf } from './cluster-moment.ts'
import { escapeHtml } from './colour.ts'
import type { TraceOutput } from './trace-pages.ts'

/** How one batch is drawn. */
interface Mark {
  readonly className: string
  /** Said below its offsets, and to who cannot see the box. */
  readonly word: string
}

/**
 * The segments of a log when a call is reached, and at the end of the recording. What is no
 * longer there at the end is marked.
 *
 * @param beginning of a paragraph of the call; the call's own beginning without one
 * @throws when the recording does not come there, or has seen no files by then
 */
export function filesFigure(
  recording: TraceOutput,
  call: string,
  beginning?: string,
): string {
  const { step, at } = momentOf(recording, call, beginning)
  const last = recording.playback.steps.length - 1
  const [name, before] = filesAt(recording, at)
  const [, after] = filesAt(recording, last)
  const stays = new Set(after.flatMap(offsetsOf))
  const largest = Math.max(...before.map(({ sizeBytes }) => sizeBytes))
  const rows = (segments: readonly SegmentInFile[], isBefore: boolean) =>
    segments
      .map((segment) =>
        segmentHtml(segment, largest, (batch) => {
          const isGone = isBefore && batch.records.every((r) => !stays.has(r.offset))
          return isGone ? { className: 'gone', word: 'goes' } : markOf(batch)
        }),
      )
      .join('')
  const link = `<a href="/traces/${recording.name}?step=${step}">${recording.name}</a>`
  const partition = `<code>${escapeHtml(name)}</code>`
  return (
    `<figure class="log-files" v-pre><figcaption>The files of ${partition} in ${link}; a ` +
    `box is a batch, with its offsets, and as wide as its bytes.</figcaption>` +
    `<p>before</p>${rows(before, true)}<p>after</p>${rows(after, false)}</figure>`
  )
}

/**
 * A segment and its index when a call searches it.
 *
 * @throws when the recording has seen no search
 */
export function searchFigure(recording: TraceOutput, call: string): string {
  const { step, at } = momentOf(recording, call)
  const [name, [segment]] = filesAt(recording, at)
  const { changes } = recording.playback
  const [, , seen] = changes.find(([, fact]) => fact === `search/${name}`) ?? []
  const search = seen as unknown as SearchView | undefined
  if (!segment || !search) {
    throw new Error(`the recording ${recording.name} has seen no search by ${call}`)
  }
  const { offset, from, found } = search
  const html = segmentHtml(segment, segment.sizeBytes, ({ position }) => {
    if (position === found) return { className: 'found', word: 'found' }
    if (position >= from && position < found)
      return { className: 'walked', word: 'walked' }
    return { className: '', word: '' }
  })
  const entries = segment.entries.map(({ offset: of, position }) => {
    const className = position === from ? ' class="found"' : ''
    const left = (100 * position) / segment.sizeBytes
    return `<li${className} style="left: ${left.toFixed(2)}%">${of}<small>byte ${position}</small></li>`
  })
  const link = `<a href="/traces/${recording.name}?step=${step}">${recording.name}</a>`
  return (
    `<figure class="log-files" v-pre><figcaption>The search for offset ${offset} in ${link}: ` +
    `the index sends it to byte ${from}, and the walk ends at byte ${found}.</figcaption>` +
    `${html}<p>entries of the index</p><ol class="entries">${entries.join('')}</ol></figure>`
  )
}

/**
 * The first batch that a broker took in a recording, byte by byte: as it came, and what the
 * broker had changed of it when it was in the log.
 *
 * @throws when the recording has kept no batch, or the broker made it anew
 */
export function batchFigure({ name, playback }: TraceOutput): string {
  const facts = factsAt(playback, playback.steps.length - 1)
  const [came, stored] = ['came', 'stored'].map((when) => {
    const key = [...facts.keys()].find(
      (k) => k.startsWith('batch/') && k.endsWith(when),
    )
    return key === undefined ? undefined : Buffer.from(String(facts.get(key)), 'hex')
  })
  if (!came || !stored || came.length !== stored.length) {
    throw new Error(`the recording ${name} has kept no batch as it came and was stored`)
  }
  const old = fieldsOfBatch(came)
  const rows: string[] = []
  const links = fieldsOfBatch(stored).map((field, i) => {
    const { at, size } = field
    const own = stored.subarray(at, at + size)
    const isChanged = !own.equals(came.subarray(at, at + size))
    const was = isChanged ? `, came as ${old[i]?.value}` : ''
    const text = escapeHtml(`${field.name} = ${field.value}${was}`)
    if (isChanged) {
      const cells = [field.name, hexOf(came.subarray(at, at + size)), hexOf(own)]
      rows.push(`<tr>${cells.map((c) => `<td><code>${c}</code></td>`).join('')}</tr>`)
    }
    const cells = Array.from(own, (byte) => `<i>${hexOf(Buffer.of(byte))}</i>`).join('')
    const id = `batch-${name}-${i}`
    return (
      `<a class="field h${i % 6}${isChanged ? ' changed' : ''}" id="${id}" href="#${id}">` +
      `<span aria-hidden="true">${cells}</span>` +
      `<span class="visually-hidden">${text}</span>` +
      `<span class="tip" aria-hidden="true">${text}</span></a>`
    )
  })
  return (
    `<figure class="wire" v-pre><figcaption>The ${stored.length} bytes of the first batch of ` +
    `<a href="/traces/${name}">${name}</a>, as they lie in the leader's log. Framed are the ` +
    `bytes that the leader wrote; all others are the producer's.</figcaption>` +
    `<div class="bytes">${links.join('')}</div>` +
    `<table class="reference"><thead><tr><th>field</th><th>as it came</th>` +
    `<th>in the log</th></tr></thead><tbody>${rows.join('')}</tbody></table></figure>`
  )
}

/**
 * The one log whose files were seen, and its segments at a step. What a call is watched for is
 * kept just after the step at which it begins.
 */
function filesAt(
  { name, playback }: TraceOutput,
  step: number,
): readonly [partition: string, segments: SegmentInFile[]] {
  const seen = playback.changes.filter(([, fact]) => fact.startsWith('files/'))
  const [, fact = '', value] = seen.findLast(([at]) => at <= step) ?? seen[0] ?? []
  if (value === undefined) throw new Error(`the recording ${name} has seen no files`)
  return [fact.slice('files/'.length), segmentsOf(value)]
}

function segmentHtml(
  segment: SegmentInFile,
  largest: number,
  mark: (batch: BatchInFile) => Mark,
): string {
  const { baseOffset, sizeBytes, batches } = segment
  const boxes = batches.map((batch) => {
    const { className, word } = mark(batch)
    const attribute = className === '' ? '' : ` class="${className}"`
    const said = word === '' ? '' : `<small>${word}</small>`
    return `<li${attribute} style="flex-grow: ${batch.sizeBytes}">${labelOf(batch)}${said}</li>`
  })
  const last = batches.at(-1)
  const torn = sizeBytes - (last ? last.position + last.sizeBytes : 0)
  if (torn > 0) {
    boxes.push(
      `<li class="torn" style="flex-grow: ${torn}">torn<small>${torn} bytes</small></li>`,
    )
  }
  const file = `${String(baseOffset).padStart(20, '0')}.log`
  const width = Math.max(8, (100 * sizeBytes) / largest).toFixed(1)
  return (
    `<div class="segment"><p><code>${file}</code> <small>${sizeBytes} bytes</small></p>` +
    `<ol style="width: ${width}%">${boxes.join('')}</ol></div>`
  )
}

/** Offsets of a batch, with the keys of its records where they have any. */
function labelOf({ records }: BatchInFile): string {
  const [first, last] = [records[0], records.at(-1)]
  if (!first || !last) return 'empty'
  const offsets =
    first === last ? String(first.offset) : `${first.offset}–${last.offset}`
  const keys = records.flatMap(({ key }) => (key === null ? [] : [key]))
  return keys.length === 0 ? offsets : `${offsets} <b>${escapeHtml(keys.join(' '))}</b>`
}

function markOf({ records }: BatchInFile): Mark {
  const isDeletion = records.length > 0 && records.every(({ hasValue }) => !hasValue)
  return isDeletion
    ? { className: 'deletion', word: 'no value' }
    : { className: '', word: '' }
}

function offsetsOf({ batches }: SegmentInFile): number[] {
  return batches.flatMap(({ records }) => records.map(({ offset }) => offset))
}

function hexOf(bytes: Buffer): string {
  return Array.from(bytes, (byte) => byte.toString(16).padStart(2, '0')).join(' ')
}
