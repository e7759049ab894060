/**
 * House rules that a compiler does not know. Each rule is a function from a file's text to
 * complaints; below them, each is shown to find what it forbids.
 */
import { readdirSync, readFileSync } from 'node:fs'
import { join } from 'node:path'
import ts from 'typescript'
import { describe, expect, it } from 'vitest'
import { paragraphSentence } from '../../src/trace/instrument.ts'

interface Source {
  readonly path: string
  readonly text: string
}

const sources: Source[] = readdirSync('src', { recursive: true, encoding: 'utf8' })
  .filter((name) => name.endsWith('.ts'))
  .map((name) => join('src', name))
  .map((path) => ({ path, text: readFileSync(path, 'utf8') }))

/** Functions and files that were longer when the rule came may stay, but not grow. */
const LONGER: Readonly<Record<string, number>> = JSON.parse(
  readFileSync('test/tidy/longer.json', 'utf8'),
)

function parse({ path, text }: Source): ts.SourceFile {
  return ts.createSourceFile(path, text, ts.ScriptTarget.ES2022, true)
}

/** A file begins with its header: what it is for, where it stands. */
function header({ path, text }: Source): string[] {
  const start = text.replace(/^#!.*\n/, '').trimStart()
  const doc = /^\/\*\*([\s\S]*?)\*\//.exec(start)?.[1]
  return doc?.includes('@module')
    ? []
    : [`${path}: no module header (/** … @module */)`]
}

/** Every export has a doc comment. */
function documented(source: Source): string[] {
  const file = parse(source)
  return file.statements.flatMap((statement) => {
    const modifiers = ts.canHaveModifiers(statement) ? ts.getModifiers(statement) : []
    const exported = modifiers?.some((m) => m.kind === ts.SyntaxKind.ExportKeyword)
    if (!exported || ts.getJSDocCommentsAndTags(statement).length > 0) return []
    const at = file.getLineAndCharacterOfPosition(statement.getStart()).line + 1
    return [`${source.path}:${at}: exported without a doc comment`]
  })
}

/** The first sentence of a paragraph is its name: unique within its function. */
function uniqueParagraphs(source: Source): string[] {
  const complaints: string[] = []
  const visit = (node: ts.Node, names: Set<string>, owner: string): void => {
    let own = names
    let name = owner
    if (ts.isFunctionLike(node) && !ts.isArrowFunction(node)) {
      own = new Set()
      name = (node.name as ts.Identifier | undefined)?.text ?? 'constructor'
    }
    if (ts.isBlock(node)) {
      for (const statement of node.statements) {
        const sentence = paragraphSentence(source.text, statement)
        if (sentence === undefined) continue
        if (own.has(sentence)) {
          complaints.push(`${source.path}: ${name} has two paragraphs "${sentence}"`)
        }
        own.add(sentence)
      }
    }
    ts.forEachChild(node, (child) => visit(child, own, name))
  }
  visit(parse(source), new Set(), '')
  return complaints
}

function long(key: string, lines: number, limit: number): string[] {
  const most = LONGER[key] ?? limit
  return lines > most ? [`${key}: ${lines} lines, at most ${most}`] : []
}

/** A function fits on a screen or two, a file into one sitting. */
function lengths(source: Source): string[] {
  const complaints = long(source.path, source.text.trimEnd().split('\n').length, 600)
  const file = parse(source)
  const visit = (node: ts.Node, owner: string): void => {
    let name = owner
    if (ts.isClassLike(node)) name = node.name?.text ?? owner
    if (ts.isFunctionLike(node) && 'body' in node && node.body) {
      const id = (node.name as ts.Identifier | undefined)?.text ?? 'constructor'
      const from = file.getLineAndCharacterOfPosition(node.getStart()).line
      const to = file.getLineAndCharacterOfPosition(node.getEnd()).line
      if (!ts.isArrowFunction(node)) {
        complaints.push(...long(`${source.path}#${name}.${id}`, to - from + 1, 70))
      }
    }
    ts.forEachChild(node, (child) => visit(child, name))
  }
  visit(file, '')
  return complaints
}

/** Time, chance, disk and network come through the platform ports. */
function ports({ path, text }: Source): string[] {
  if (/^src\/(base\/platform|cli|traces|testing)\//.test(path)) return []
  const forbidden = [
    [/\bDate\.now\(|\bnew Date\(\)/, 'the wall clock'],
    [/\bMath\.random\(/, 'Math.random'],
    [/(?<![.\w#])(setTimeout|setInterval|setImmediate)\(/, 'a timer of Node'],
    [/(?<![.\w'"])process\.(?!env\b)/, 'process'],
  ] as const
  const code = text.replace(/\/\*[\s\S]*?\*\//g, '').replace(/\/\/.*$/gm, '')
  return forbidden
    .filter(([pattern]) => pattern.test(code))
    .map(([, what]) => `${path}: touches ${what}; take it from the platform`)
}

/** Nothing of the machine that it was written on. */
function noWorkplace({ path, text }: Source): string[] {
  return /\/work\/(main|shared|brief)|\/root\//.test(text)
    ? [`${path}: names a path of one machine`]
    : []
}

const rules = { header, documented, uniqueParagraphs, lengths, ports, noWorkplace }

describe('tidy', () => {
  for (const [name, rule] of Object.entries(rules)) {
    it(`${name} holds in every source`, () => {
      expect(sources.flatMap(rule)).toEqual([])
    })
  }

  it('header() finds a file without one', () => {
    expect(header({ path: 'a.ts', text: 'export const a = 1' })).toHaveLength(1)
  })

  it('documented() finds an export without a doc comment', () => {
    const text =
      '/** A. @module */\nexport const a = 1\n/** B. */\nexport function b() {}'
    expect(documented({ path: 'a.ts', text: `import x from 'x'\n${text}` })).toEqual([])
    expect(documented({ path: 'a.ts', text: 'export class A {}' })).toHaveLength(1)
  })

  it('uniqueParagraphs() finds two of one name in one function', () => {
    const text = 'function f() {\n// Do it.\na()\n\n// Do it. Again.\nb()\n}'
    expect(uniqueParagraphs({ path: 'a.ts', text })).toHaveLength(1)
    const apart = 'function f() {\n// Do it.\na()\n}\nfunction g() {\n// Do it.\nb()\n}'
    expect(uniqueParagraphs({ path: 'a.ts', text: apart })).toEqual([])
  })

  it('lengths() finds a long function and a long file', () => {
    const body = 'x()\n'.repeat(80)
    const found = lengths({ path: 'a.ts', text: `function f() {\n${body}}` })
    expect(found).toEqual(['a.ts#.f: 82 lines, at most 70'])
    expect(lengths({ path: 'a.ts', text: 'x\n'.repeat(700) })).toHaveLength(1)
  })

  it('ports() finds the clock, chance, timers and process', () => {
    const text = 'Date.now(); Math.random(); setTimeout(f, 1); process.exit(1)'
    expect(ports({ path: 'src/log/a.ts', text })).toHaveLength(4)
    expect(ports({ path: 'src/log/a.ts', text: 'clock.setTimeout(f, 1)' })).toEqual([])
  })

  it('noWorkplace() finds a machine path', () => {
    const text = `const p = '${['', 'work', 'main'].join('/')}'`
    expect(noWorkplace({ path: 'a.ts', text })).toHaveLength(1)
  })
})
