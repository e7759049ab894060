/**
 * # A server for built pages
 *
 * Serves one directory of files over HTTP, as the site's pages expect: `/a/b` is
 * `a/b.html` or `a/b/index.html`, and what is not there is the 404 page.
 *
 * @module
 */
import { createReadStream, existsSync, statSync } from 'node:fs'
import { createServer, type Server } from 'node:http'
import { extname, join, normalize, resolve, sep } from 'node:path'

const TYPES: Readonly<Record<string, string>> = {
  '.html': 'text/html; charset=utf-8',
  '.js': 'text/javascript; charset=utf-8',
  '.mjs': 'text/javascript; charset=utf-8',
  '.css': 'text/css; charset=utf-8',
  '.json': 'application/json; charset=utf-8',
  '.svg': 'image/svg+xml',
  '.png': 'image/png',
  '.ico': 'image/x-icon',
  '.woff2': 'font/woff2',
  '.txt': 'text/plain; charset=utf-8',
}

/** Finds the file for a URL path below `root`; `undefined` when there is none. */
export function resolvePage(root: string, urlPath: string): string | undefined {
  let path: string
  try {
    path = normalize(join(root, decodeURIComponent(urlPath)))
  } catch {
    return undefined
  }

  // Never leave the directory, whatever the path says.
  if (path !== resolve(root) && !path.startsWith(resolve(root) + sep)) return undefined
  const candidates = [path, `${path}.html`, join(path, 'index.html')]
  return candidates.find((file) => existsSync(file) && statSync(file).isFile())
}

/** Serves `root` on 127.0.0.1; resolves when it listens. */
export function serveDirectory(root: string, port: number): Promise<Server> {
  const base = resolve(root)
  const server = createServer((request, response) => {
    const path = (request.url ?? '/').split(/[?#]/)[0] ?? '/'
    const found = resolvePage(base, path)
    const file = found ?? join(base, '404.html')
    if (!existsSync(file)) {
      response.writeHead(404, { 'content-type': 'text/plain' }).end('not found\n')
      return
    }
    const type = TYPES[extname(file)] ?? 'application/octet-stream'
    response.writeHead(found ? 200 : 404, { 'content-type': type })
    createReadStream(file)
      .on('error', () => response.destroy())
      .pipe(response)
  })
  return new Promise((done, fail) => {
    server.once('error', fail)
    server.listen(port, '127.0.0.1', () => done(server))
  })
}
