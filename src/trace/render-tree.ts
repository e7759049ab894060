/**
 * # Rendering a recording as a tree
 *
 * The form for a terminal: one line a call, indented under the call that began it, with
 * its values, its time and, where the actor changes, who runs it.
 *
 * @module
 */
import type { Frame } from './Recorder.ts'
import type { Recording } from './record-run.ts'

/** What to leave out of the tree. */
export interface TreeOptions {
  /** Frames for which this is false are left out; their children move up. */
  readonly keep?: (frame: Frame) => boolean
  /** Also print the paragraphs that a frame reached. */
  readonly paragraphs?: boolean
  /** Same-named siblings beyond this many are counted in one line. Default 3. */
  readonly repeats?: number
}

/** A frame and the frames that it began, after filtering. */
export interface TreeNode {
  readonly frame: Frame
  readonly children: TreeNode[]
}

/** Arranges the frames of a recording by their parents. */
export function toTree(recording: Recording, keep?: TreeOptions['keep']): TreeNode[] {
  const roots: TreeNode[] = []
  const nodes = new Map<number, TreeNode>()
  const home = new Map<number, TreeNode | undefined>()
  for (const frame of recording.frames) {
    const above = nodes.get(frame.parent) ?? home.get(frame.parent)
    if (keep && !keep(frame)) {
      home.set(frame.id, above)
      continue
    }
    const node: TreeNode = { frame, children: [] }
    nodes.set(frame.id, node)
    if (above) above.children.push(node)
    else roots.push(node)
  }
  return roots
}

/** Prints a recording as indented lines. */
export function renderTree(recording: Recording, options: TreeOptions = {}): string {
  const lines: string[] = []
  const repeats = options.repeats ?? 3
  const walk = (nodes: readonly TreeNode[], depth: number, actor: string): void => {
    const counts = new Map<string, number>()
    for (const { frame, children } of nodes) {
      const count = (counts.get(frame.name) ?? 0) + 1
      counts.set(frame.name, count)
      if (count > repeats) continue
      lines.push(line(frame, depth, actor) + took(frame, recording.isVirtual))
      if (options.paragraphs) {
        for (const { sentence } of frame.paragraphs) {
          lines.push(`${'  '.repeat(depth + 1)}· ${sentence}`)
        }
      }
      walk(children, depth + 1, frame.actor)
    }
    for (const [name, count] of counts) {
      if (count > repeats) {
        lines.push(`${'  '.repeat(depth)}… ${name} ${count - repeats} times more`)
      }
    }
  }
  walk(toTree(recording, options.keep), 0, '')
  if (recording.dropped > 0) lines.push(`(${recording.dropped} calls were not kept)`)
  return lines.join('\n')
}

function line(frame: Frame, depth: number, actor: string): string {
  const args = Object.entries(frame.args)
    .map(([name, value]) => `${name}: ${value}`)
    .join(', ')
  const shown = args.length > 100 ? `${args.slice(0, 97)}…` : args
  const who = frame.actor === actor ? '' : `[${frame.actor}] `
  const result = frame.result === undefined ? '' : ` → ${frame.result}`
  const error = frame.error === undefined ? '' : ` ✗ ${frame.error}`
  const self = frame.self === undefined ? '' : ` <${frame.self}>`
  return `${'  '.repeat(depth)}${who}${frame.name}${self}(${shown})${result}${error}`
}

/** How long a call took; in virtual time only waiting takes any. */
function took({ start, end }: Frame, isVirtual: boolean): string {
  if (end === undefined) return '  still runs'
  if (isVirtual) return end > start ? `  ${end - start} ms` : ''
  return `  ${(end - start).toFixed(1)} ms`
}
