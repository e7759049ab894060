/**
 * # The index of the source
 *
 * Finds every symbol and every paragraph of `src/`, with the lines where it stands. Pages
 * name symbols; the index says where they are, and fails the build for a name that is not
 * there.
 *
 *     Log.append                     → a method, its doc comment, its lines
 *     Log.append / Assign offsets    → one paragraph of it
 *
 * @module
 */
import { readdirSync, readFileSync } from 'node:fs'
import { join, relative } from 'node:path'
import ts from 'typescript'
import { paragraphSentence } from '../../../src/trace/instrument.ts'
import { slug } from '../../../src/traces/step-address.ts'

/** A stretch of lines of one file, both ends included, counted from 1. */
export interface Place {
  /** Path below `src/`, e.g. `log/Log.ts`. */
  readonly file: string
  readonly from: number
  readonly to: number
}

/** A named thing of the source. */
export interface SourceSymbol extends Place {
  /** `Log.append`, `Log`, `crc32c`; a constructor is `Log.constructor`. */
  readonly id: string
  readonly kind: 'class' | 'method' | 'function' | 'constant' | 'type'
  /** Whether the file gives it to others by name; a method is given with its class. */
  readonly isExported: boolean
  /** Text of the doc comment, as markdown: its prose, then what its tags say. */
  readonly doc: string
  /** Pointers to Kafka 1.1.1: `path#symbol`. */
  readonly kafka: readonly string[]
  /** What differs from Kafka, and why. */
  readonly differs: readonly string[]
  readonly paragraphs: readonly Paragraph[]
}

/** One paragraph of a function. */
export interface Paragraph extends Place {
  readonly sentence: string
}

/** One source file. */
export interface SourceFile {
  readonly file: string
  readonly text: string
  /** First line of the module header's heading, or the file's name. */
  readonly title: string
  /** The module header as markdown, without its heading and its tags. */
  readonly header: string
  /** Last line of the module header; 0 when there is none. */
  readonly headerEnd: number
  readonly kafka: readonly string[]
  readonly differs: readonly string[]
  readonly symbols: readonly SourceSymbol[]
}

/** Everything the pages can name. */
export class SourceIndex {
  readonly files: readonly SourceFile[]
  readonly #symbols = new Map<string, SourceSymbol[]>()

  constructor(files: readonly SourceFile[]) {
    this.files = files
    for (const file of files) {
      for (const symbol of file.symbols) {
        const list = this.#symbols.get(symbol.id)
        if (list) list.push(symbol)
        else this.#symbols.set(symbol.id, [symbol])
      }
    }
  }

  /** Reads every source below `root`. */
  static read(root: string): SourceIndex {
    const names = readdirSync(root, { recursive: true, encoding: 'utf8' })
      .filter((name) => name.endsWith('.ts'))
      .map((name) => name.replaceAll('\\', '/'))
      .sort()
    return new SourceIndex(names.map((name) => readSource(root, name)))
  }

  /**
   * Finds a symbol by its name; `new X` is the constructor of X, or X itself.
   *
   * @returns `undefined` when there is none.
   */
  find(id: string): SourceSymbol | undefined {
    return this.all(id)[0]
  }

  /**
   * Finds everything of a name: overloads, and a private method beside a public one. The
   * longest comes first: of overloads, the one with the body.
   */
  all(id: string): SourceSymbol[] {
    if (id.startsWith('new ')) {
      const name = id.slice(4)
      const constructors = this.all(`${name}.constructor`)
      return constructors.length > 0 ? constructors : this.all(name)
    }
    const found = this.#symbols.get(id) ?? []
    return [...found].sort((a, b) => b.to - b.from - (a.to - a.from))
  }

  /** Finds what one file calls so; `undefined` when it has no such thing. */
  inFile(file: string, id: string): SourceSymbol | undefined {
    return this.#symbols.get(id)?.find((symbol) => symbol.file === file)
  }

  /** @throws when no symbol has that name. */
  get(id: string): SourceSymbol {
    const symbol = this.find(id)
    if (!symbol) throw new Error(`no symbol of src/ is named ${id}`)
    return symbol
  }

  /** @throws unless exactly one paragraph of the symbol begins so. */
  paragraph(id: string, beginning: string): Paragraph {
    const found = this.get(id).paragraphs.filter((p) =>
      p.sentence.startsWith(beginning),
    )
    const [only] = found
    if (!only || found.length > 1) {
      throw new Error(`${found.length} paragraphs of ${id} begin with "${beginning}"`)
    }
    return only
  }

  /** Address of a place on its annotated page. */
  href(symbol: SourceSymbol): string {
    return `/source/${symbol.file.replace(/\.ts$/, '')}#${anchor(symbol.id)}`
  }

  /** Address of one of its paragraphs there. */
  paragraphHref(symbol: SourceSymbol, paragraph: Paragraph): string {
    return `/source/${symbol.file.replace(/\.ts$/, '')}#${paragraphAnchor(symbol, paragraph)}`
  }
}

/** The id of a symbol's anchor on its page. */
export function anchor(id: string): string {
  return id.replaceAll(' ', '-')
}

/** The id of a paragraph's anchor on its page. */
export function paragraphAnchor(symbol: SourceSymbol, { sentence }: Paragraph): string {
  return `${anchor(symbol.id)}/${slug(sentence)}`
}

function readSource(root: string, name: string): SourceFile {
  const text = readFileSync(join(root, name), 'utf8')
  const source = ts.createSourceFile(name, text, ts.ScriptTarget.ES2022, true)
  const header = headerOf(text)
  const symbols: SourceSymbol[] = []
  for (const statement of source.statements) {
    collect(statement, source, name, symbols)
  }
  return { file: name, text, ...header, title: header.title || name, symbols }
}

function headerOf(text: string) {
  const match = /^(?:#!.*\n)?\s*\/\*\*([\s\S]*?)\*\//.exec(text)
  if (!match) return { title: '', header: '', headerEnd: 0, kafka: [], differs: [] }
  const { prose, kafka, differs } = readDoc(match[1] ?? '')
  const [first = '', ...rest] = prose.split('\n')
  const title = /^# (.*)/.exec(first)?.[1] ?? ''
  const headerEnd = match[0].split('\n').length
  const header = (title ? rest.join('\n') : prose).trim()
  return { title, header, headerEnd, kafka, differs }
}

/** Splits a doc comment into prose and the tags that pages use. */
export function readDoc(raw: string): {
  prose: string
  /** What is said of parameters, result and errors: a line of a list each. */
  notes: string[]
  kafka: string[]
  differs: string[]
} {
  const lines = raw.split('\n').map((line) => line.replace(/^\s*\* ?/, ''))
  const prose: string[] = []
  const tags: { name: string; text: string }[] = []
  for (const line of lines) {
    const tag = /^@(\w+)\s*(.*)/.exec(line.trim())
    const last = tags.at(-1)
    if (tag) tags.push({ name: tag[1] ?? '', text: tag[2] ?? '' })
    else if (last) last.text += ` ${line.trim()}`
    else prose.push(line)
  }
  const of = (name: string) =>
    tags.filter((tag) => tag.name === name).map((tag) => tag.text.trim())
  const notes = tags.flatMap(({ name, text }) => {
    if (name === 'returns' || name === 'throws') return [`- ${name} ${text.trim()}`]
    if (name !== 'param') return []
    const [, parameter = '', what = ''] = /^([\w.]+)\s*(?:-\s*)?(.*)$/.exec(text) ?? []
    return [`- \`${parameter}\`: ${what.trim()}`]
  })
  const said = { prose: prose.join('\n').trim(), notes }
  return { ...said, kafka: of('kafka'), differs: of('differs') }
}

function collect(
  statement: ts.Statement,
  source: ts.SourceFile,
  file: string,
  out: SourceSymbol[],
): void {
  const modifiers = ts.canHaveModifiers(statement) ? ts.getModifiers(statement) : []
  const exports = modifiers?.some(({ kind }) => kind === ts.SyntaxKind.ExportKeyword)
  const add = (node: ts.Node, id: string, kind: SourceSymbol['kind']) => {
    // The header of the module is not the first statement's.
    const doc = ts
      .getJSDocCommentsAndTags(node)
      .findLast((comment) => !comment.getText().includes('@module'))
    const from = source.getLineAndCharacterOfPosition(node.getStart()).line + 1
    const to = source.getLineAndCharacterOfPosition(node.getEnd()).line + 1
    const { prose, notes, kafka, differs } = readDoc(doc?.getText().slice(3, -2) ?? '')
    const paragraphs = paragraphsOf(node, source, file)
    const isExported = exports === true && node === statement
    const text = [prose, notes.join('\n')].filter((part) => part !== '').join('\n\n')
    const described = { doc: text, kafka, differs, paragraphs }
    out.push({ id, kind, isExported, file, from, to, ...described })
  }
  if (ts.isClassDeclaration(statement) && statement.name) {
    const owner = statement.name.text
    add(statement, owner, 'class')
    for (const member of statement.members) addMember(member, owner, add)
  } else if (ts.isFunctionDeclaration(statement) && statement.name) {
    add(statement, statement.name.text, 'function')
  } else if (ts.isInterfaceDeclaration(statement)) {
    add(statement, statement.name.text, 'type')
  } else if (ts.isTypeAliasDeclaration(statement)) {
    add(statement, statement.name.text, 'type')
  } else if (ts.isVariableStatement(statement)) {
    for (const declaration of statement.declarationList.declarations) {
      if (!ts.isIdentifier(declaration.name)) continue
      const owner = declaration.name.text
      add(statement, owner, 'constant')
      ts.forEachChild(declaration, function visit(node): unknown {
        if (!ts.isObjectLiteralExpression(node)) return ts.forEachChild(node, visit)
        for (const property of node.properties) addMember(property, owner, add)
      })
    }
  }
}

function addMember(
  member: ts.Node,
  owner: string,
  add: (node: ts.Node, id: string, kind: SourceSymbol['kind']) => void,
): void {
  if (ts.isConstructorDeclaration(member)) add(member, `${owner}.constructor`, 'method')
  const named =
    ts.isMethodDeclaration(member) || ts.isAccessor(member) ? member.name : undefined
  if (named && (ts.isIdentifier(named) || ts.isPrivateIdentifier(named))) {
    add(member, `${owner}.${named.text.replace(/^#/, '')}`, 'method')
  }
}

function paragraphsOf(
  node: ts.Node,
  source: ts.SourceFile,
  file: string,
): readonly Paragraph[] {
  if (ts.isClassLike(node)) return []
  const found: Paragraph[] = []
  const lineOf = (position: number) =>
    source.getLineAndCharacterOfPosition(position).line + 1
  ts.forEachChild(node, function visit(child): void {
    if (ts.isBlock(child) || ts.isCaseOrDefaultClause(child)) {
      const { statements } = child
      const starts = statements.flatMap((statement, i) => {
        const sentence = paragraphSentence(source.text, statement)
        return sentence === undefined ? [] : [{ sentence, statement, i }]
      })
      for (const [k, { sentence, statement, i }] of starts.entries()) {
        const [comment] =
          ts.getLeadingCommentRanges(source.text, statement.getFullStart()) ?? []
        const nextStart = starts[k + 1]?.i ?? statements.length
        const end = endOfParagraph(source, statements, i, nextStart)
        const from = lineOf(comment?.pos ?? statement.getStart())
        found.push({ sentence, file, from, to: lineOf(end) })
      }
    }
    ts.forEachChild(child, visit)
  })
  return found
}

/** A paragraph ends where the next begins, or at a blank line. */
function endOfParagraph(
  source: ts.SourceFile,
  statements: ts.NodeArray<ts.Statement>,
  first: number,
  limit: number,
): number {
  let end = statements[first]?.getEnd() ?? 0
  for (let i = first + 1; i < limit; i++) {
    const next = statements[i]
    if (!next) break
    const between = source.text.slice(end, next.getStart())
    if (/\n[ \t]*\n/.test(between)) break
    end = next.getEnd()
  }
  return end
}

/** Path of a file of the project as a reader knows it. */
export function projectPath(root: string, path: string): string {
  return relative(root, path).replaceAll('\\', '/')
}
