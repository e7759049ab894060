/**
 * The built site, served, and a browser to open it in.
 */
import { existsSync } from 'node:fs'
import type { AddressInfo } from 'node:net'
import { type Browser, chromium, type Page } from 'playwright-core'
import { serveDirectory } from '../../src/cli/serve-directory.ts'

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
  return {
    base,
    complaints,
    async open(path, { javaScript = true, width = 1280, colorScheme = 'light' } = {}) {
      const context = await browser.newContext({
        viewport: { width, height: 900 },
        javaScriptEnabled: javaScript,
        colorScheme,
        reducedMotion: 'reduce',
      })
      const page = await context.newPage()
      page.on('console', (message) => {
        if (message.type() === 'error') complaints.push(`${path}: ${message.text()}`)
      })
      page.on('pageerror', (error) => complaints.push(`${path}: ${error.message}`))
      await page.goto(`${base}${path}`, { waitUntil: 'networkidle' })
      return page
    },
    async close() {
      await browser.close()
      await new Promise((done) => server.close(done))
    },
  }
}
