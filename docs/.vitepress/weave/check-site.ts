/**
 * # Every link has its end
 *
 * VitePress checks that linked pages exist. It does not look at anchors, nor at links in
 * HTML that is woven. This walks over the built pages: every local link must have its file,
 * and every `#anchor` its id.
 *
 * @module
 */
import { existsSync, readdirSync, readFileSync, statSync } from 'node:fs'
import { dirname, join, posix, relative } from 'node:path'

/** What is wrong with a built site; empty when nothing is. */
export function checkSite(root: string): string[] {
  const pages = readdirSync(root, { recursive: true, encoding: 'utf8' })
    .map((name) => name.replaceAll('\\', '/'))
    .filter((name) => name.endsWith('.html'))
  const ids = new Map<string, ReadonlySet<string>>()
  const idsOf = (file: string) => {
    const known = ids.get(file) ?? readIds(readFileSync(file, 'utf8'))
    ids.set(file, known)
    return known
  }

  const complaints = new Set<string>()
  for (const page of pages) {
    const html = readFileSync(join(root, page), 'utf8')
    for (const href of readLinks(html)) {
      const [address = '', hash] = href.split('#')
      const [path = ''] = address.split('?')
      const file = path === '' ? join(root, page) : resolvePage(root, page, path)
      if (!file) complaints.add(`${page}: ${href} leads nowhere`)
      else if (hash && file.endsWith('.html') && !idsOf(file).has(decode(hash))) {
        complaints.add(`${page}: ${href} has no such place in ${relative(root, file)}`)
      }
    }
  }
  return [...complaints]
}

function readIds(html: string): ReadonlySet<string> {
  return new Set(Array.from(html.matchAll(/\sid="([^"]+)"/g), ([, id]) => fromHtml(id)))
}

function readLinks(html: string): Set<string> {
  const links = new Set<string>()
  for (const [, href = ''] of html.matchAll(/<a\s[^>]*?href="([^"]*)"/g)) {
    if (href !== '' && !/^[a-z]+:|^\/\//.test(href)) links.add(fromHtml(href))
  }
  return links
}

function fromHtml(text = ''): string {
  return text
    .replaceAll('&amp;', '&')
    .replaceAll('&quot;', '"')
    .replaceAll('&#39;', "'")
}

function decode(text: string): string {
  try {
    return decodeURIComponent(text)
  } catch {
    return text
  }
}

/** The file of a link, by the rules of clean URLs. */
function resolvePage(root: string, page: string, path: string): string | undefined {
  const full = path.startsWith('/') ? path : posix.join('/', dirname(page), path)
  const base = join(root, decode(full))
  const candidates = [base, `${base}.html`, join(base, 'index.html')]
  return candidates.find((file) => existsSync(file) && statSync(file).isFile())
}
