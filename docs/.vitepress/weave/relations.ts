/**
 * # What a function has to do with others
 *
 * For each function of the source: who calls it, whom it calls, in which recordings it
 * ran, and which tests speak of it.
 *
 * A call is known where the file itself says what a name means, and where exactly one
 * method of the whole source has the name; and a recording knows what it saw. A call that
 * neither of these knows is not listed: nothing here is a guess.
 *
 * @module
 */
import { readdirSync, readFileSync } from 'node:fs'
import { join } from 'node:path'
import ts from 'typescript'
import { ENTER } from '../../../src/traces/playback.ts'
import { stepAddresses } from '../../../src/traces/step-address.ts'
import { meaningOf, type Names, namesOf } from './colour.ts'
import type { SourceFile, SourceIndex, SourceSymbol } from './source-index.ts'
import type { TraceOutput } from './trace-pages.ts'

/** A test that speaks of a function. */
export interface Proof {
  /** `test/…` */
  readonly file: string
  readonly title: string
}

/** What one function has to do with others. */
export interface Relations {
  readonly calls: Set<SourceSymbol>
  readonly calledFrom: Set<SourceSymbol>
  /** Names of recordings, with the address of the first step at which it runs. */
  readonly recordings: Map<string, string>
  readonly tests: Proof[]
}

/** Names that every array, map or text has: a call of one says nothing. */
const COMMON = new Set(
  [
    Array,
    Map,
    Set,
    String,
    Promise,
    RegExp,
    Function,
    Object,
    Uint8Array,
    Number,
  ].flatMap((type) => Object.getOwnPropertyNames(type.prototype)),
)

/** Relations of all functions. */
export class RelationIndex {
  readonly #index: SourceIndex
  readonly #of = new Map<SourceSymbol, Relations>()
  readonly #byMethod = new Map<string, SourceSymbol[]>()

  constructor(index: SourceIndex) {
    this.#index = index
    for (const { symbols } of index.files) {
      for (const symbol of symbols) {
        if (symbol.kind !== 'method') continue
        const method = symbol.id.slice(symbol.id.indexOf('.') + 1)
        const known = this.#byMethod.get(method)
        if (known) known.push(symbol)
        else this.#byMethod.set(method, [symbol])
      }
    }
    for (const source of index.files) this.#readCalls(source)
  }

  /** What is known of a function; undefined when nothing is. */
  get(symbol: SourceSymbol): Relations | undefined {
    return this.#of.get(symbol)
  }

  /** Adds what recordings saw: who ran, and who called whom. */
  addRecordings(outputs: readonly TraceOutput[]): void {
    for (const { name, playback } of outputs) {
      const { frames, steps, functions, files } = playback
      const symbols = functions.map((id, fn) =>
        this.#index.all(id).find(({ file }) => !files[fn] || file === files[fn]),
      )
      const addresses = stepAddresses(playback)
      for (const [step, [at, what]] of steps.entries()) {
        const frame = frames[at]
        const symbol = what === ENTER && frame ? symbols[frame[0]] : undefined
        if (!symbol || !frame) continue
        const { recordings } = this.#relations(symbol)
        if (!recordings.has(name)) recordings.set(name, addresses[step] ?? '')
      }
    }
  }

  /** Adds tests whose titles name a function: `append() refuses …`, `Log.append …`. */
  addTests(root: string): void {
    const names = readdirSync(root, { recursive: true, encoding: 'utf8' })
      .map((name) => name.replaceAll('\\', '/'))
      .filter((name) => name.endsWith('.test.ts'))
      .sort()
    for (const name of names) {
      this.#readTests(`test/${name}`, readFileSync(join(root, name), 'utf8'))
    }
  }

  #relations(symbol: SourceSymbol): Relations {
    const known = this.#of.get(symbol)
    if (known) return known
    const fresh: Relations = {
      ...{ calls: new Set<SourceSymbol>(), calledFrom: new Set<SourceSymbol>() },
      ...{ recordings: new Map<string, string>(), tests: [] },
    }
    this.#of.set(symbol, fresh)
    return fresh
  }

  #readCalls(source: SourceFile): void {
    const tree = ts.createSourceFile(
      source.file,
      source.text,
      ts.ScriptTarget.ES2022,
      true,
    )
    const names = namesOf(this.#index, source, tree)
    const callables = source.symbols
      .filter(({ kind }) => kind === 'method' || kind === 'function')
      .sort((a, b) => a.to - a.from - (b.to - b.from))
    const lineOf = (node: ts.Node) =>
      tree.getLineAndCharacterOfPosition(node.getStart(tree)).line + 1
    const visit = (node: ts.Node, owner: string): void => {
      const inside = ts.isClassDeclaration(node) ? (node.name?.text ?? owner) : owner
      if (ts.isCallExpression(node) || ts.isNewExpression(node)) {
        const line = lineOf(node)
        const caller = callables.find(({ from, to }) => from <= line && line <= to)
        const callee = this.#calleeOf(node, names, inside)
        if (caller && callee && caller !== callee) {
          this.#relations(caller).calls.add(callee)
          this.#relations(callee).calledFrom.add(caller)
        }
      }
      ts.forEachChild(node, (child) => visit(child, inside))
    }
    visit(tree, '')
  }

  #calleeOf(
    node: ts.CallExpression | ts.NewExpression,
    names: Names,
    owner: string,
  ): SourceSymbol | undefined {
    const { expression } = node
    const name = ts.isPropertyAccessExpression(expression)
      ? expression.name
      : expression
    if (!ts.isIdentifier(name) && !ts.isPrivateIdentifier(name)) return undefined
    const meant = meaningOf(this.#index, name, names, owner)
    if (meant && ts.isNewExpression(node)) {
      return this.#index.inFile(meant.file, `${meant.id}.constructor`) ?? meant
    }
    if (meant)
      return meant.kind === 'method' || meant.kind === 'function' ? meant : undefined
    if (!ts.isPropertyAccessExpression(expression)) return undefined

    // A name that only one method of the whole source has can mean nothing else.
    const method = name.text.replace(/^#/, '')
    const all = COMMON.has(method) ? [] : (this.#byMethod.get(method) ?? [])
    return all.length === 1 ? all[0] : undefined
  }

  #readTests(file: string, text: string): void {
    const tree = ts.createSourceFile(file, text, ts.ScriptTarget.ES2022, true)
    const imported = tree.statements.flatMap((statement) => {
      if (!ts.isImportDeclaration(statement)) return []
      const bindings = statement.importClause?.namedBindings
      if (!bindings || !ts.isNamedImports(bindings)) return []
      return bindings.elements.map(({ name }) => name.text)
    })
    const visit = (node: ts.Node, around: string): void => {
      let context = around
      if (ts.isCallExpression(node) && ts.isIdentifier(node.expression)) {
        const [title] = node.arguments
        const isText = title && ts.isStringLiteralLike(title)
        if (isText && node.expression.text === 'describe') context = title.text
        if (isText && node.expression.text === 'it') {
          for (const symbol of this.#named(title.text, context, imported)) {
            this.#relations(symbol).tests.push({ file, title: title.text })
          }
        }
      }
      ts.forEachChild(node, (child) => visit(child, context))
    }
    visit(tree, '')
  }

  /** The functions that a title, or else the heading above it, names. */
  #named(title: string, around: string, imported: readonly string[]): SourceSymbol[] {
    for (const text of [title, around]) {
      const found = new Set<SourceSymbol>()
      for (const [, owner, method] of text.matchAll(/\b([A-Z]\w+)\.(\w+)/g)) {
        const symbol = this.#index.find(`${owner}.${method}`)
        if (symbol) found.add(symbol)
      }
      for (const [, name = ''] of text.matchAll(/(?<![.\w])(\w+)\(\)/g)) {
        const owners = [around.split(/\W/)[0] ?? '', ...imported]
        const owned = owners
          .map((owner) => this.#index.find(`${owner}.${name}`))
          .find((symbol) => symbol !== undefined)
        const symbol =
          owned ?? (imported.includes(name) ? this.#index.find(name) : undefined)
        if (symbol) found.add(symbol)
      }
      if (found.size > 0) return [...found]
    }
    return []
  }
}
