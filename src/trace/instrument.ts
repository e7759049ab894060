/**
 * # Instrument
 *
 * Rewrites a source text so that it can be recorded. Nobody writes a probe by hand: the
 * sources stay clean, the plain build pays nothing, and the *traced* build of the same
 * files tells what runs.
 *
 *     append(records) { …body… }
 *       ⇣
 *     append(records) { const $b = ($f) => { its file, body, a probe at each paragraph }
 *                       return $trace.on ? $trace.call('Log.append', this, …, $b)
 *                                        : $b(null) }
 *
 * The body moves into an arrow function, so `this`, `super`, `arguments` and `await` keep
 * their meaning; everything is inserted on lines that exist, so line numbers stay.
 *
 * A *paragraph* is a blank line, a `//` comment, and the statements below it. Its first
 * sentence is its name. The probe records that the paragraph was reached.
 *
 * What is wrapped: methods and constructors of classes, methods of objects that a module
 * exports, and top-level functions that stand for a method of Kafka. What is not: getters, arrow functions, and generators,
 * but for those that are declared to return `Steps`: work that somebody waits for.
 *
 * Only the syntax tree is used (no type checker), so a file takes a millisecond or two.
 *
 * @module
 */
import ts from 'typescript'

/** Where the instrumented text finds the runtime, and which file it is. */
export interface InstrumentOptions {
  /** Module specifier of `runtime.ts` as seen from the instrumented file. */
  readonly runtime: string
  /** Path below `src/`; each frame keeps it, for two files may use one name. */
  readonly fileName: string
}

/** Sources that stay plain: the recorder itself, and those who switch it on. */
const PLAIN = /^(trace|traces|testing|cli)\/|^base\/(logger|platform\/)/

/**
 * Whether a source is instrumented in the traced build.
 *
 * @param name path below `src/`, with `/`
 */
export function isInstrumented(name: string): boolean {
  return !PLAIN.test(name)
}

/**
 * Whether a function outside a class is a step that a recording shows: one that stands for
 * a method of Kafka and says so, `@kafka …#Log.trimInvalidBytes`. The others are helpers.
 *
 * @param doc comment in front of the function
 */
function isStep(name: string, doc: string): boolean {
  return new RegExp(`@kafka \\S+[#.]${name}\\s`).test(doc)
}

interface Insertion {
  readonly at: number
  readonly text: string
}

type Wrappable =
  | ts.MethodDeclaration
  | ts.ConstructorDeclaration
  | ts.FunctionDeclaration

/**
 * Returns `source` with every method, constructor and top-level function wrapped and a
 * probe at every paragraph.
 *
 * @returns TypeScript (or JavaScript) text with the same number of lines; the text itself
 *   when there is nothing to wrap.
 */
export function instrument(source: string, options: InstrumentOptions): string {
  const file = ts.createSourceFile(
    options.fileName,
    source,
    ts.ScriptTarget.ES2022,
    true,
  )
  const insertions: Insertion[] = []

  // Visit top-level declarations; only they have names that a reader can click.
  for (const statement of file.statements) visitTopLevel(statement, insertions)
  if (insertions.length === 0) return source

  // Put the import behind everything else, so that no line moves.
  insertions.push({
    at: source.length,
    text: `\nimport { $trace as $$t } from '${options.runtime}'\n`,
  })

  return applyInsertions(source, insertions)
}

function visitTopLevel(statement: ts.Statement, out: Insertion[]): void {
  if (ts.isClassDeclaration(statement)) {
    visitClass(statement, statement.name?.text ?? 'anonymous', out)
  } else if (ts.isFunctionDeclaration(statement)) {
    const name = statement.name?.text
    if (name !== undefined && isStep(name, docOf(statement))) {
      wrap(statement, name, out)
    }
  } else if (ts.isVariableStatement(statement)) {
    for (const declaration of statement.declarationList.declarations) {
      visitConstant(declaration, out)
    }
  }
}

/** The comment in front of a declaration, or nothing. */
function docOf(node: ts.Node): string {
  return node.getFullText().slice(0, node.getLeadingTriviaWidth())
}

function visitClass(node: ts.ClassLikeDeclaration, name: string, out: Insertion[]) {
  for (const member of node.members) {
    if (ts.isMethodDeclaration(member)) {
      const method = memberName(member.name)
      if (method) wrap(member, `${name}.${method}`, out)
    } else if (ts.isConstructorDeclaration(member)) {
      wrap(member, `new ${name}`, out)
    }
  }
}

function visitConstant(declaration: ts.VariableDeclaration, out: Insertion[]): void {
  if (!ts.isIdentifier(declaration.name) || !declaration.initializer) return
  const name = declaration.name.text
  const value = unwrapExpression(declaration.initializer)
  if (ts.isClassExpression(value)) visitClass(value, name, out)
  if (!ts.isObjectLiteralExpression(value)) return
  for (const property of value.properties) {
    if (!ts.isMethodDeclaration(property)) continue
    const method = memberName(property.name)
    if (method) wrap(property, `${name}.${method}`, out)
  }
}

function unwrapExpression(node: ts.Expression): ts.Expression {
  if (
    ts.isAsExpression(node) ||
    ts.isSatisfiesExpression(node) ||
    ts.isParenthesizedExpression(node)
  ) {
    return unwrapExpression(node.expression)
  }
  // `Object.freeze({ … })` is a constant, too.
  const argument = ts.isCallExpression(node) ? node.arguments[0] : undefined
  if (argument && node.getText().startsWith('Object.freeze')) {
    return unwrapExpression(argument)
  }
  return node
}

function memberName(name: ts.PropertyName): string | undefined {
  if (ts.isIdentifier(name) || ts.isPrivateIdentifier(name)) {
    return name.text.replace(/^#/, '')
  }
  return undefined
}

function wrap(node: Wrappable, id: string, out: Insertion[]): void {
  const { body } = node
  if (!body) return
  const generator = !ts.isConstructorDeclaration(node) && node.asteriskToken
  if (generator && !returnsSteps(node)) return

  // Name the parameters, so that the recording can show their values.
  const names = node.parameters
    .flatMap((parameter) => bindingNames(parameter.name))
    .filter((name) => name !== 'this')
  const modifiers = ts.canHaveModifiers(node) ? (ts.getModifiers(node) ?? []) : []
  const isAsync = modifiers.some((m) => m.kind === ts.SyntaxKind.AsyncKeyword)

  // A derived constructor may not name `this` before `super()`.
  const self =
    ts.isConstructorDeclaration(node) || ts.isFunctionDeclaration(node)
      ? 'undefined'
      : 'this'
  const isConstructor = ts.isConstructorDeclaration(node)
  const give = isConstructor ? '' : 'return '
  const given = `${JSON.stringify(id)},${self},{${names.join(',')}}`
  const { fileName } = node.getSourceFile()
  const place = `$f&&($f.file=${JSON.stringify(fileName)});`
  const [head, tail] = generator
    ? [
        `const $b=(function*(this: any,$f: any){${place}`,
        `}).bind(${self});return yield* $$t.on?$$t.steps(${given},$b) as any:$b(null);`,
      ]
    : [
        `const $b=${isAsync ? 'async ' : ''}($f: any)=>{${place}`,
        `};${give}$$t.on?$$t.call(${given},$b) as any:$b(null);`,
      ]
  out.push({ at: body.getStart() + 1, text: head })
  out.push({ at: body.getEnd() - 1, text: tail })
  probeParagraphs(body, out)
}

/** Whether a generator is declared to return `Steps<…>`. */
function returnsSteps({ type }: Wrappable): boolean {
  if (type === undefined || !ts.isTypeReferenceNode(type)) return false
  return ts.isIdentifier(type.typeName) && type.typeName.text === 'Steps'
}

function bindingNames(name: ts.BindingName): string[] {
  if (ts.isIdentifier(name)) return [name.text]
  return name.elements.flatMap((element) =>
    ts.isBindingElement(element) ? bindingNames(element.name) : [],
  )
}

/** Puts a probe in front of each statement that begins a paragraph. */
function probeParagraphs(body: ts.Block, out: Insertion[]): void {
  const text = body.getSourceFile().text
  const visit = (node: ts.Node): void => {
    if (ts.isBlock(node) || ts.isCaseOrDefaultClause(node)) {
      for (const statement of node.statements) {
        const sentence = paragraphSentence(text, statement)
        if (sentence !== undefined) {
          out.push({
            at: statement.getStart(),
            text: `$f&&$$t.paragraph($f,${JSON.stringify(sentence)});`,
          })
        }
      }
    }
    // A class or a named method inside has frames of its own.
    if (ts.isClassLike(node)) return
    ts.forEachChild(node, visit)
  }
  visit(body)
}

/**
 * The first sentence of the `//` comment right above a statement, when that comment
 * begins a paragraph.
 *
 * @returns the sentence without its full stop, or `undefined` when there is none.
 */
export function paragraphSentence(
  text: string,
  statement: ts.Node,
): string | undefined {
  const ranges = ts.getLeadingCommentRanges(text, statement.getFullStart()) ?? []
  const lines = ranges.filter((r) => r.kind === ts.SyntaxKind.SingleLineCommentTrivia)
  const first = lines[0]
  if (!first || lines.length !== ranges.length) return undefined

  // A comment at the end of the line above belongs to that line.
  const lineStart = text.lastIndexOf('\n', first.pos) + 1
  if (text.slice(lineStart, first.pos).trim() !== '') return undefined

  const comment = lines
    .map((r) => text.slice(r.pos + 2, r.end).trim())
    .join(' ')
    .trim()
  return firstSentence(comment)
}

/** Cuts a comment after its first sentence; a `biome-ignore` comment has none. */
export function firstSentence(comment: string): string | undefined {
  if (/^(biome-|@ts-)/.test(comment)) return undefined
  const match = /^(.+?)(?:[.:;!?](?:\s|$)|$)/.exec(comment)
  const sentence = match?.[1]?.trim()
  return sentence === '' ? undefined : sentence
}

function applyInsertions(source: string, insertions: readonly Insertion[]): string {
  const ordered = insertions
    .map((insertion, order) => ({ ...insertion, order }))
    .sort((a, b) => a.at - b.at || a.order - b.order)
  let result = ''
  let from = 0
  for (const { at, text } of ordered) {
    result += source.slice(from, at) + text
    from = at
  }
  return result + source.slice(from)
}
