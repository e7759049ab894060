/**
 * # The notes in full, as a page
 *
 * Folds that open call by call, facts that can be left out by kind, and behind each step
 * the recordings in which it ran. All of it is plain HTML: the folds are `<details>`, the
 * toggles are check boxes that a style sheet looks at.
 *
 * @module
 */
import { LEAVE } from '../../../src/traces/playback.ts'
import { stepAddresses } from '../../../src/traces/step-address.ts'
import { escapeHtml } from './colour.ts'
import {
  allSteps,
  classOf,
  type Expansion,
  type Fact,
  KINDS,
  type Step,
} from './expansion.ts'
import type { Inline } from './pointer-pages.ts'
import type { SourceIndex } from './source-index.ts'
import type { TraceOutput } from './trace-pages.ts'

/** Where a call, or a paragraph of it, is seen: a recording and an address in it. */
export interface Sighting {
  readonly trace: string
  readonly address: string
}

/** What the recordings saw, by name of a call or `name / sentence`. */
export class Sightings {
  readonly #first = new Map<string, Map<string, string>>()

  constructor(recordings: readonly TraceOutput[]) {
    for (const { name, playback } of recordings) {
      const { frames, functions, sentences, steps } = playback
      const addresses = stepAddresses(playback)
      for (const [at, [frame, what]] of steps.entries()) {
        if (what === LEAVE) continue
        const fn = functions[frames[frame]?.[0] ?? -1] ?? ''
        const key = what < 0 ? fn : `${fn} / ${sentences[what]}`
        const seen = this.#first.get(key) ?? new Map<string, string>()
        this.#first.set(key, seen)
        if (!seen.has(name)) seen.set(name, addresses[at] ?? '')
      }
    }
  }

  /** Where it is seen: first in the recording that is asked for, else in any. */
  find(key: string, trace: string): Sighting | undefined {
    const seen = this.#first.get(key)
    if (!seen) return undefined
    const [other = ''] = seen.keys()
    const name = seen.has(trace) ? trace : other
    return { trace: name, address: seen.get(name) ?? '' }
  }
}

/** What a page of expansions is made with. */
export interface ExpansionTools {
  readonly index: SourceIndex
  readonly sightings: Sightings
  /** Markdown with links to what it names; fails for a name that is gone. */
  readonly linked: (file: string, markdown: string) => string
  /** Markdown without links. */
  readonly plain: Inline
  /** The recording that proves a heading. */
  readonly traceOf: (heading: string) => string
}

/** The place of a step on the page. */
export function stepAnchor(expansion: Expansion, step: Step): string {
  const same = allSteps(expansion.steps).filter(({ name }) => name === step.name)
  const again = same.length > 1 ? `.${same.indexOf(step) + 1}` : ''
  return `${expansion.name}.${step.name.replaceAll(' ', '-')}${again}`
}

/** All expansions, one below the other, as HTML without a blank line. */
export function expansionHtml(
  expansions: readonly Expansion[],
  tools: ExpansionTools,
): string {
  const parts = expansions.map((expansion) => {
    const trace = expansion.trace ?? tools.traceOf(expansion.heading)
    const steps = expansion.steps.map((step) => stepHtml(expansion, step, trace, tools))
    const title = escapeHtml(expansion.heading.replace(/^#+ /, ''))
    const id = `full.${expansion.name}`
    return (
      `<h3 id="${id}">${title} <a class="header-anchor" href="#${id}" ` +
      `aria-label="Permalink to ${title}">&#8203;</a></h3>` +
      `<ul class="steps">${steps.join('\n')}</ul>`
    )
  })
  return `<div class="in-full">${toggles()}\n${parts.join('\n')}</div>`
}

/** A check box for each kind of fact; the style sheet hides what is not checked. */
function toggles(): string {
  const boxes = Object.values(KINDS).map((kind) => {
    const word = wordOf(kind)
    return `<label class="${word}"><input type="checkbox" checked> ${kind}</label>`
  })
  return `<fieldset class="kinds"><legend>Show</legend>${boxes.join(' ')}</fieldset>`
}

function stepHtml(
  expansion: Expansion,
  step: Step,
  trace: string,
  tools: ExpansionTools,
  above?: Step,
): string {
  const { index, sightings, plain } = tools
  const id = stepAnchor(expansion, step)
  const seen = sightings.find(step.name, trace)
  const source = `<a href="${index.href(step.symbol)}">source</a>`
  const proof = seen
    ? `<a href="/traces/${seen.trace}?step=${seen.address}">recorded in ${seen.trace}</a>`
    : ''
  const links = `<span class="to">${[source, proof].filter(Boolean).join(' · ')}</span>`
  const mark = seen ? '<span class="seen" title="recorded">✓</span>' : ''
  const name = escapeHtml(nameBelow(step, above))
  const title = `<code>${name}</code> <span>${plain(step.text)}</span> ${mark}`
  const parts = step.parts.map((part) =>
    'kind' in part
      ? factHtml(expansion, part, trace, tools)
      : stepHtml(expansion, part, trace, tools, step),
  )
  if (parts.length === 0) {
    return `<li class="step leaf" id="${id}"><p>${title}</p>${links}</li>`
  }
  return (
    `<li class="step" id="${id}"><details><summary>${title}</summary>` +
    `${links}<ul>${parts.join('\n')}</ul></details></li>`
  )
}

/** As the notes write it: below a call of the same class the class is `$`. */
function nameBelow({ name }: Step, above: Step | undefined): string {
  const isOfSame = above && name.startsWith(`${classOf(above.name)}.`)
  return isOfSame ? name.replace(/^\w+/, () => '$') : name
}

function factHtml(
  expansion: Expansion,
  fact: Fact,
  trace: string,
  { sightings, linked }: ExpansionTools,
): string {
  const kind = KINDS[fact.kind]
  const text = linked(`${expansion.name}.md`, fact.text)
  return (
    `<li class="fact ${wordOf(kind)}"><span class="kind">${kind}</span> ` +
    `<span>${text}${proofOf(fact, trace, sightings)}</span></li>`
  )
}

/** Leads to where a run came by the paragraph; to the source if none did. */
function proofOf({ shownBy }: Fact, trace: string, sightings: Sightings): string {
  if (!shownBy) return ''
  const { owner, sentence, href } = shownBy
  const seen = sightings.find(`${owner} / ${sentence}`, trace)
  if (!seen) return ` <a class="shown" href="${href}">source</a>`
  const to = `/traces/${seen.trace}?step=${seen.address}`
  return ` <a class="seen" href="${to}" aria-label="recorded in ${seen.trace}">✓</a>`
}

function wordOf(kind: string): string {
  return kind.replaceAll(' ', '-')
}
