/**
 * A real text to send around: lines of the sources in `node_modules`, numbered.
 */
import { createHash } from 'node:crypto'
import { closeSync, openSync, readdirSync, readFileSync, writeSync } from 'node:fs'
import { join } from 'node:path'

/** Where a text is, and what it must be when it comes back. */
export interface TextFile {
  readonly path: string
  readonly lines: number
  readonly bytes: number
  readonly sha256: string
}

/** Writes a text of so many lines, each with its number, about 110 bytes each. */
export function writeTextFile(path: string, lines: number): TextFile {
  const source = sourceLines()
  const hash = createHash('sha256')
  const file = openSync(path, 'w')
  let bytes = 0
  for (let line = 0; line < lines; ) {
    let chunk = ''
    for (const end = Math.min(line + 10_000, lines); line < end; line++) {
      chunk += `${line} ${source[line % source.length]}\n`
    }
    hash.update(chunk)
    bytes += writeSync(file, chunk)
  }
  closeSync(file)
  return { path, lines, bytes, sha256: hash.digest('hex') }
}

/** The first lines of such a text. */
export function textLines(count: number): string[] {
  const source = sourceLines()
  return Array.from(
    { length: count },
    (_, line) => `${line} ${source[line % source.length]}`,
  )
}

/** Lines of the libraries that TypeScript brings: pieces of prose and code, all long. */
function sourceLines(): string[] {
  const dir = 'node_modules/typescript/lib'
  const files = readdirSync(dir).filter((name) =>
    /^(lib\..*\.d|typescript)\.ts$/.test(name),
  )
  const lines = files
    .sort()
    .flatMap((name) => readFileSync(join(dir, name), 'utf8').split(/\r?\n/))
  return lines.filter((line) => line.length > 80 && line.length < 1000)
}
