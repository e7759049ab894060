/**
 * # Head and foot of a chapter
 *
 * Above the words of a chapter stands the call stack that led to its subject, as a
 * recording saw it; each crumb leads back to the paragraph that made the call. Below them
 * stands where to go: to the caller, to what it called before, into the first call, on to
 * the next chapter.
 *
 * @module
 */
import { ENTER, type Playback } from '../../../src/traces/playback.ts'
import { stepAddresses } from '../../../src/traces/step-address.ts'
import { type Chapter, chapterList } from './chapters.ts'
import { escapeHtml } from './colour.ts'
import { breakable, withBreaks } from './pointer-pages.ts'
import type { SourceIndex } from './source-index.ts'
import type { TraceOutput } from './trace-pages.ts'

/** Crumbs beyond this many, the outermost, are left to the recording. */
const MOST_CRUMBS = 5

/** A call around the subject, and the paragraph of it that goes on towards the subject. */
interface Crumb {
  readonly name: string
  readonly href: string
  readonly sentence: string | undefined
}

/** Where the subject of a chapter stands in its recording. */
interface Surroundings {
  readonly actor: string
  /** The outermost first; the subject is not among them. */
  readonly crumbs: readonly Crumb[]
  /** The call that the caller made before. */
  readonly before: Crumb | undefined
  /** The first call that the subject makes. */
  readonly into: Crumb | undefined
  /** Address of the subject's first step. */
  readonly step: string
}

/**
 * Puts head and foot around the words of a chapter.
 *
 * @returns the page as it is when it is no chapter
 * @throws when the recording does not have the chapter's subject
 */
export function frameChapter(
  markdown: string,
  path: string,
  index: SourceIndex,
  recordings: readonly TraceOutput[],
): string {
  const name = /^chapters\/(.+)\.md$/.exec(path)?.[1]
  const at = chapterList.findIndex((chapter) => chapter.name === name)
  const chapter = chapterList[at]
  if (!chapter) return markdown
  const around = surroundingsOf(chapter, index, recordings)
  const question = /^# .+\n\n\*.+\*\n/m.exec(markdown)
  if (!question) throw new Error(`${path}: no question stands below the title`)
  const cut = question.index + question[0].length
  return [
    `${markdown.slice(0, cut)}\n${headOf(chapter, index, around)}`,
    `${markdown.slice(cut)}\n\n${footOf(at, around)}\n`,
  ].join('\n')
}

/** The call stack as links, on one line of HTML. */
function headOf(chapter: Chapter, index: SourceIndex, around: Surroundings): string {
  const { subject, trace } = chapter
  const shown = around.crumbs.slice(-MOST_CRUMBS)
  const whole = `/traces/${trace}?step=${around.step}`
  const more =
    shown.length < around.crumbs.length
      ? [
          `<li><a href="${whole}" aria-label="the calls before, in the recording">…</a></li>`,
        ]
      : []
  const crumbs = shown.map(({ name, href, sentence }) => {
    const title = sentence === undefined ? '' : ` title="${escapeHtml(sentence)}"`
    return `<li><a href="${href}"${title}>${withBreaks(name)}</a></li>`
  })
  const own = index.href(index.get(subject))
  const here = `<li><a href="${own}" aria-current="location">${withBreaks(subject)}</a></li>`
  return (
    `<nav class="call-stack" aria-label="How the call came here" v-pre>` +
    `<ol>${[...more, ...crumbs, here].join('')}</ol>` +
    `<p>${escapeHtml(actorName(around.actor))}, in <a href="${whole}">${trace}</a></p></nav>`
  )
}

function footOf(at: number, around: Surroundings): string {
  const [previous, next] = [chapterList[at - 1], chapterList[at + 1]]
  const call = (title: string, crumb: Crumb | undefined) =>
    crumb
      ? `<li><span>${title}</span> <a href="${crumb.href}">` +
        `${breakable(crumb.name)}</a></li>`
      : ''
  const page = (title: string, chapter: Chapter | undefined) =>
    chapter
      ? `<li><span>${title}</span> <a href="/chapters/${chapter.name}">` +
        `${escapeHtml(chapter.title)}</a></li>`
      : ''
  const items = [
    call('called from', around.crumbs.at(-1)),
    call('after', around.before),
    call('into', around.into),
    page('previous', previous),
    page('next', next),
    '<li><span>all</span> <a href="/chapters/">chapters</a></li>',
  ]
  return (
    `<nav class="chapter-foot" aria-label="Where to go from here" v-pre>` +
    `<ul>${items.join('')}</ul></nav>`
  )
}

function surroundingsOf(
  { name, subject, trace }: Chapter,
  index: SourceIndex,
  recordings: readonly TraceOutput[],
): Surroundings {
  const playback = recordings.find((recording) => recording.name === trace)?.playback
  const fn = playback?.functions.indexOf(subject) ?? -1
  const frame = playback?.frames.findIndex((each) => each[0] === fn) ?? -1
  if (!playback || fn < 0 || frame < 0) {
    throw new Error(`chapter ${name}: the recording ${trace} has no call of ${subject}`)
  }
  const { frames, actors } = playback
  const addresses = stepAddresses(playback)
  const crumbOf = (of: number, towards?: number) =>
    crumb(playback, addresses, index, trace, of, towards)

  // Go out, from each call to the one that made it.
  const crumbs: Crumb[] = []
  for (let inner = frame; ; ) {
    const outer = frames[inner]?.[1] ?? -1
    if (outer < 0) break
    crumbs.unshift(crumbOf(outer, inner))
    inner = outer
  }
  // What the program of an example did before says nothing of the subject.
  const parent = frames[frame]?.[1] ?? -1
  const isTold = parent >= 0 && playback.functions[frames[parent]?.[0] ?? 0] !== trace
  const before = frames.findLastIndex(
    (each, i) => isTold && each[1] === parent && i < frame,
  )
  const into = frames.findIndex((each) => each[1] === frame)
  return {
    actor: actors[frames[frame]?.[2] ?? 0] ?? '',
    crumbs,
    before: before < 0 ? undefined : crumbOf(before),
    into: into < 0 ? undefined : crumbOf(into),
    step: addresses[entry(playback, frame)] ?? '',
  }
}

/** A call as a link: to the paragraph that goes on to another, or to its beginning. */
function crumb(
  playback: Playback,
  addresses: readonly string[],
  index: SourceIndex,
  trace: string,
  frame: number,
  towards?: number,
): Crumb {
  const name = playback.functions[playback.frames[frame]?.[0] ?? 0] ?? ''
  const sentence =
    towards === undefined ? undefined : paragraphBefore(playback, frame, towards)

  // The program of the example is shown by its recording.
  const symbol = name === trace ? undefined : index.find(name)
  if (!symbol) {
    const at = addresses[entry(playback, towards ?? frame)]
    return { name, sentence, href: `/traces/${trace}?step=${at}` }
  }
  const paragraph = symbol.paragraphs.find((each) => each.sentence === sentence)
  if (!paragraph) return { name, sentence: undefined, href: index.href(symbol) }
  return { name, sentence, href: index.paragraphHref(symbol, paragraph) }
}

/** The last paragraph that a call came to before it made another. */
function paragraphBefore(
  playback: Playback,
  frame: number,
  callee: number,
): string | undefined {
  let last: number | undefined
  for (const [of, what] of playback.steps) {
    if (of === callee && what === ENTER) break
    if (of === frame && what >= 0) last = what
  }
  return last === undefined ? undefined : playback.sentences[last]
}

/** The step at which a call begins. */
function entry({ steps }: Playback, frame: number): number {
  return steps.findIndex(([of, what]) => of === frame && what === ENTER)
}

function actorName(actor: string): string {
  return actor === 'main' ? 'the application' : actor
}
