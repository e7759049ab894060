/**
 * # What the default theme leaves out
 *
 * Three things that somebody with a keyboard or a screen reader needs, and that the parts
 * of VitePress do not have: a landmark around the home page, keys that are no part of the
 * name of the search button, and a way to scroll what is wider than its box.
 *
 * @module
 */

/** What may be wider than the page; it scrolls within itself. */
const WIDE = 'pre, table, .mermaid, .cluster'

/**
 * Mends the page that is shown. Called again when another is, or when the window changes.
 *
 * @param root the document.
 */
export function mendPage(root: Document): void {
  root.querySelector('.VPHome')?.setAttribute('role', 'main')
  for (const button of root.querySelectorAll('.DocSearch-Button')) {
    // Its own words name it, unless the page is too narrow to show them.
    const words = button.querySelector('.DocSearch-Button-Placeholder')
    if (words?.getClientRects().length) button.removeAttribute('aria-label')
    else button.setAttribute('aria-label', 'Search')
    button.querySelector('.DocSearch-Button-Keys')?.setAttribute('aria-hidden', 'true')
  }
  for (const box of root.querySelectorAll<HTMLElement>(WIDE)) {
    const scrolls = box.scrollWidth > box.clientWidth + 1
    if (scrolls) box.tabIndex = 0
    else if (box.tabIndex === 0) box.removeAttribute('tabindex')
  }
}
