/**
 * # Colours and links in code
 *
 * Turns a source into lines of HTML. The compiler's own syntax tree says what each token
 * is, so a class needs no guess, and hundreds of files take seconds.
 *
 * A name becomes a link where the file itself says what it means: it is imported, or it is
 * declared here, or it follows `this.` in a class that has it.
 *
 * @module
 */
import { posix } from 'node:path'
import ts from 'typescript'
import type { SourceFile, SourceIndex, SourceSymbol } from './source-index.ts'

/** Classes of tokens: keyword, string, constant, name that is called or declared, comment. */
type Colour = 'k' | 's' | 'n' | 'f' | 'c' | ''

/** What one file's names mean. */
export type Names = ReadonlyMap<string, SourceSymbol>

/** One string of HTML for each line of the file. */
export function colourLines(index: SourceIndex, source: SourceFile): string[] {
  const { text, file } = source
  const tree = ts.createSourceFile(file, text, ts.ScriptTarget.ES2022, true)
  const names = namesOf(index, source, tree)
  let html = ''
  let end = 0

  /** Adds a stretch of text; each line of it is an element of its own. */
  const put = (piece: string, colour: Colour, href?: string) => {
    if (href) {
      html += `<a class="${colour || 'x'}" href="${href}">${escapeHtml(piece)}</a>`
    } else if (colour === '' || piece.trim() === '') {
      html += escapeHtml(piece)
    } else {
      const rows = piece.split('\n').map((row) => {
        const indent = row.length - row.trimStart().length
        const rest = escapeHtml(row.slice(indent))
        return `${row.slice(0, indent)}${rest && `<span class="${colour}">${rest}</span>`}`
      })
      html += rows.join('\n')
    }
  }
  const walk = (node: ts.Node, owner: string) => {
    if (ts.isJSDoc(node)) return
    const inside = ts.isClassDeclaration(node) ? (node.name?.text ?? owner) : owner
    const children = node.getChildren(tree)
    for (const child of children) walk(child, inside)
    if (children.length > 0 || node.getEnd() <= end) return

    // What lies before a token is blank, or a comment.
    const start = node.getStart(tree)
    put(text.slice(end, start), 'c')
    put(
      text.slice(start, node.getEnd()),
      colourOf(node),
      hrefOf(index, node, names, owner),
    )
    end = node.getEnd()
  }
  walk(tree, '')
  put(text.slice(end), 'c')
  return html.split('\n')
}

function colourOf(node: ts.Node): Colour {
  const { kind, parent } = node
  switch (kind) {
    case ts.SyntaxKind.StringLiteral:
    case ts.SyntaxKind.RegularExpressionLiteral:
    case ts.SyntaxKind.NoSubstitutionTemplateLiteral:
    case ts.SyntaxKind.TemplateHead:
    case ts.SyntaxKind.TemplateMiddle:
    case ts.SyntaxKind.TemplateTail:
      return 's'
    case ts.SyntaxKind.NumericLiteral:
    case ts.SyntaxKind.BigIntLiteral:
    case ts.SyntaxKind.TrueKeyword:
    case ts.SyntaxKind.FalseKeyword:
    case ts.SyntaxKind.NullKeyword:
    case ts.SyntaxKind.ThisKeyword:
      return 'n'
    case ts.SyntaxKind.EqualsGreaterThanToken:
      return 'k'
    case ts.SyntaxKind.Identifier:
    case ts.SyntaxKind.PrivateIdentifier:
      return isProminent(node, parent) ? 'f' : ''
    default:
      return kind >= ts.SyntaxKind.FirstKeyword && kind <= ts.SyntaxKind.LastKeyword
        ? 'k'
        : ''
  }
}

/** Whether a name is called, declared, or names a type. */
function isProminent(node: ts.Node, parent: ts.Node): boolean {
  if (ts.isPropertyAccessExpression(parent) && parent.name === node) {
    return ts.isCallExpression(parent.parent) && parent.parent.expression === parent
  }
  if (ts.isCallExpression(parent) || ts.isNewExpression(parent)) {
    return parent.expression === node
  }
  if (ts.isFunctionLike(parent) || ts.isClassLike(parent)) return parent.name === node
  return (
    ts.isTypeReferenceNode(parent) ||
    ts.isExpressionWithTypeArguments(parent) ||
    ts.isInterfaceDeclaration(parent) ||
    ts.isTypeAliasDeclaration(parent)
  )
}

/** The names that a file imports from `src/`, and those it declares itself. */
export function namesOf(
  index: SourceIndex,
  source: SourceFile,
  tree: ts.SourceFile,
): Names {
  const names = new Map<string, SourceSymbol>()
  for (const symbol of source.symbols) names.set(symbol.id, symbol)
  for (const statement of tree.statements) {
    if (!ts.isImportDeclaration(statement)) continue
    const { moduleSpecifier, importClause } = statement
    const bindings = importClause?.namedBindings
    if (!ts.isStringLiteral(moduleSpecifier) || !bindings) continue
    if (!ts.isNamedImports(bindings)) continue
    const from = posix.join(posix.dirname(source.file), moduleSpecifier.text)
    for (const { name, propertyName } of bindings.elements) {
      const id = propertyName?.text ?? name.text
      const symbol = index.inFile(from, id)
      if (symbol) names.set(name.text, symbol)
    }
  }
  return names
}

function hrefOf(
  index: SourceIndex,
  node: ts.Node,
  names: Names,
  owner: string,
): string | undefined {
  if (!ts.isIdentifier(node) && !ts.isPrivateIdentifier(node)) return undefined
  const symbol = meaningOf(index, node, names, owner)
  return symbol && index.href(symbol)
}

/** What a name in code stands for; undefined when the file does not say. */
export function meaningOf(
  index: SourceIndex,
  node: ts.Identifier | ts.PrivateIdentifier,
  names: Names,
  owner: string,
): SourceSymbol | undefined {
  const { parent, text } = node
  const name = text.replace(/^#/, '')

  // `this.method` is of the class at hand; `Class.method` is static.
  if (ts.isPropertyAccessExpression(parent) && parent.name === node) {
    const { expression } = parent
    if (expression.kind === ts.SyntaxKind.ThisKeyword)
      return names.get(`${owner}.${name}`)
    if (!ts.isIdentifier(expression)) return undefined
    const of = names.get(expression.text)
    return of && index.inFile(of.file, `${of.id}.${name}`)
  }

  // A name that is declared here, or is only a key, leads nowhere.
  const isName = (parent as { readonly name?: ts.Node }).name === node
  const isKey = ts.isPropertyAssignment(parent) || ts.isPropertySignature(parent)
  if (isName && (isKey || ts.isParameter(parent) || !ts.isImportSpecifier(parent))) {
    return undefined
  }
  return names.get(text)
}

/** Makes a text safe inside HTML. */
export function escapeHtml(text: string): string {
  return text
    .replaceAll('&', '&amp;')
    .replaceAll('<', '&lt;')
    .replaceAll('>', '&gt;')
    .replaceAll('"', '&quot;')
}
