/**
 * # The page of znodes
 *
 * What Kafka keeps in ZooKeeper: the tree of paths, and for each who writes it, who watches
 * it and when it goes, from the objects that make the paths.
 *
 * @module
 */
import type { ZNode } from '../../../src/zk/znode.ts'
import { escapeHtml } from './colour.ts'
import { type Inline, page } from './pointer-pages.ts'

/** The page of all znodes, as a tree and then one by one. */
export function znodesPage(
  zNodes: Readonly<Record<string, ZNode>>,
  inline: Inline,
): string {
  const sorted = Object.entries(zNodes).sort(([, a], [, b]) =>
    a.pattern < b.pattern ? -1 : 1,
  )
  const roots = new Map<string, typeof sorted>()
  for (const row of sorted) {
    const root = row[1].pattern.split('/')[1] ?? ''
    roots.set(root, [...(roots.get(root) ?? []), row])
  }
  return page('Znodes', [
    'ZooKeeper keeps a tree of small files, *znodes*, and tells whoever asked when one of them',
    'changes. An *ephemeral* one goes with the session that made it; a *sequential* one gets',
    'a number behind its name. Angle brackets stand for what varies.',
    '',
    ...['## The tree', '', znodeTree(sorted.map(([, z]) => z.pattern)), ''],
    ...[...roots].flatMap(([root, rows]) => [
      ...[`## /${root}`, ''],
      ...rows.flatMap(([name, znode]) => [entryOf(name, znode, inline), '']),
    ]),
  ])
}

/** The paths as an indented tree, each a link to its entry. */
export function znodeTree(patterns: readonly string[]): string {
  // Add the inner paths that no object stands for.
  const known = new Set(patterns)
  const paths = new Set<string>()
  for (const pattern of patterns) {
    const parts = pattern.split('/').slice(1)
    for (let i = 1; i <= parts.length; i++) paths.add(`/${parts.slice(0, i).join('/')}`)
  }

  // Order part by part, so that children stand below their parent.
  const order = [...paths].map((path) => path.split('/')).sort(compareParts)
  const lines = order.map((parts) => {
    const path = parts.join('/')
    const text = `/${escapeHtml(parts.at(-1) ?? '')}`
    const indent = '  '.repeat(parts.length - 2)
    return known.has(path)
      ? `${indent}<a href="#${idOf(path)}">${text}</a>`
      : indent + text
  })
  return `<pre v-pre>${lines.join('\n')}</pre>`
}

function entryOf(name: string, znode: ZNode, inline: Inline): string {
  const rows = [
    // Breaks are between fields, where a window is too narrow.
    [
      'holds',
      `<code>${escapeHtml(znode.payload).replaceAll(/[:,]/g, '$&<wbr>')}</code>`,
    ],
    ['written by', inline(znode.writer)],
    ['watched by', inline(znode.watchers)],
    ['deleted', inline(znode.deleted)],
    ['in the source', inline(`\`${name}\``)],
  ]
  const cells = rows.map(([what, html]) => `<tr><th>${what}</th><td>${html}</td></tr>`)
  return (
    `<table class="reference" v-pre id="${idOf(znode.pattern)}"><thead><tr>` +
    `<th colspan="2"><code>${escapeHtml(znode.pattern)}</code> ${znode.kind}</th>` +
    `</tr></thead><tbody>${cells.join('')}</tbody></table>`
  )
}

function idOf(pattern: string): string {
  return `znode${pattern.replace(/[^a-z_0-9]+/gi, '-').replace(/-$/, '')}`
}

function compareParts(a: readonly string[], b: readonly string[]): number {
  for (let i = 0; i < Math.min(a.length, b.length); i++) {
    const [left = '', right = ''] = [a[i], b[i]]
    if (left !== right) return left < right ? -1 : 1
  }
  return a.length - b.length
}
