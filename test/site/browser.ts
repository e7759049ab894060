/**
 * The built site, served, and a browser to open it in.
 */
import { existsSync } from 'node:fs'
import type { AddressInfo } from 'node:net'
import { type Browser, chromium, type Page } from 'playwright-core'
import { serveDirectory } from '../../src/cli/serve-directory.ts'

// What runs in the page knows the page's own names; no other test does.
declare const document: any

/** Where `npm run docs:build` puts the site. */
export const DIST = 'docs/.vitepress/dist'

const executablePath = ['/usr/bin/chromium', '/usr/bin/chromium-browser'].find((path) =>
  existsSync(path),
)

/** Why the tests cannot run; undefined when they can. */
export const missing = existsSync(`${DIST}/index.html`)
  ? executablePath
    ? undefined
    : 'Chromium is not here'
  : 'the site is not built; run `npm run docs:build` first'

/** A served site and a browser. */
export interface Site {
  readonly base: string
  /** Opens a page of the site, waits until it is ready, and gathers its complaints. */
  open(path: string, options?: OpenOptions): Promise<Page>
  /** Opens one page after the other, a few at once, and looks at each when it runs. */
  crawl(
    paths: readonly string[],
    options: OpenOptions,
    look: (page: Page, path: string) => Promise<void>,
  ): Promise<void>
  /** What the consoles of all pages that were opened complained of. */
  readonly complaints: string[]
  close(): Promise<void>
}

/** How a page is opened. */
export interface OpenOptions {
  readonly javaScript?: boolean
  readonly width?: number
  readonly colorScheme?: 'light' | 'dark'
}

/** Serves the site and starts a browser. */
export async function openSite(): Promise<Site> {
  const server = await serveDirectory(DIST, 0)
  const base = `http://127.0.0.1:${(server.address() as AddressInfo).port}`
  const args = ['--no-sandbox', '--disable-gpu', '--disable-background-networking']
  const browser: Browser = await chromium.launch({
    ...{ executablePath: executablePath ?? '', args },
  })
  const complaints: string[] = []
  const begin = async ({
    javaScript = true,
    width = 1280,
    colorScheme = 'light',
  }: OpenOptions) => {
    const context = await browser.newContext({
      viewport: { width, height: 900 },
      javaScriptEnabled: javaScript,
      colorScheme,
      reducedMotion: 'reduce',
    })
    const page = await context.newPage()
    const complain = (text: string) =>
      complaints.push(`${new URL(page.url()).pathname}: ${text}`)
    page.on('console', (message) => {
      // That a page is not there is what its own test asks for.
      const isMissing = /status of 404/.test(message.text())
      if (message.type() === 'error' && !isMissing) complain(message.text())
    })
    page.on('response', (response) => {
      const isPage = response.request().isNavigationRequest()
      if (response.status() >= 400 && !isPage) complain(`no ${response.url()}`)
    })
    page.on('pageerror', (error) => complain(error.message))
    return page
  }
  return {
    base,
    complaints,
    async open(path, options = {}) {
      const page = await begin(options)
      await page.goto(`${base}${path}`, { waitUntil: 'networkidle' })
      return page
    },
    async crawl(paths, options, look) {
      const rest = [...paths]
      const walk = async () => {
        const page = await begin(options)
        for (let path = rest.shift(); path !== undefined; path = rest.shift()) {
          await page.goto(`${base}${path}`, { waitUntil: 'load' })
          await page.waitForFunction(() => document.querySelector('#app')?.__vue_app__)
          await look(page, path)
        }
        await page.context().close()
      }
      await Promise.all([walk(), walk(), walk()])
    },
    async close() {
      await browser.close()
      await new Promise((done) => server.close(done))
    },
  }
}
