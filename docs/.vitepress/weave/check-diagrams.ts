/**
 * # Every diagram can be drawn
 *
 * Mermaid draws in the reader's browser, so a mistake in a diagram would be seen by readers
 * first. Its parser runs here, too.
 *
 * @module
 */

/** What is wrong with diagrams; empty when nothing is. */
export async function checkDiagrams(texts: Iterable<string>): Promise<string[]> {
  // Loaded when needed: it is large, and the pages never need it here.
  const { default: mermaid } = await import('mermaid')
  await passTextThrough()
  const complaints: string[] = []
  for (const text of texts) {
    try {
      await mermaid.parse(text)
    } catch (e) {
      const why = e instanceof Error ? e.message : String(e)
      complaints.push(`a diagram does not parse: ${why}\n${text}`)
    }
  }
  return complaints
}

/**
 * Lets Mermaid's cleaner of HTML return what it gets. Without a window it has no methods,
 * and the parsers of most diagrams call them; nothing that is parsed here is shown.
 */
async function passTextThrough(): Promise<void> {
  const { default: cleaner } = await import('dompurify')
  if (cleaner.isSupported) return
  Object.assign(cleaner, { addHook: () => {}, sanitize: (text: string) => text })
}
