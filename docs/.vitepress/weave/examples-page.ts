/**
 * # The page of examples
 *
 * Shows the programs in `docs/examples` as they stand there. They are type-checked with
 * everything else, and a test runs each of them.
 *
 * @module
 */
import { page } from './pointer-pages.ts'

/**
 * The page `/examples`.
 *
 * @param sources - each a program with a header comment, whose heading is its title
 * @throws Error for one without
 */
export function examplesPage(sources: readonly string[]): string {
  return page('Examples', [
    'The package is a library, too: a cluster for tests, clients, codecs. Each program here is',
    'type-checked, and a test holds what it returns against what it says.',
    '',
    ...sources.flatMap((source) => {
      const end = source.indexOf('*/')
      const header = source
        .slice(0, Math.max(end, 0))
        .split('\n')
        .slice(1)
        .map((line) => line.replace(/^ \* ?/, ''))
      const title = header[0]?.match(/^# (.+)$/)?.[1]
      if (!title) throw new Error(`an example has no title: ${source.slice(0, 60)}`)
      const code = source.slice(end + 2).trim()
      return [`## ${title}`, ...header.slice(1), '', '```ts', code, '```', '']
    }),
  ])
}
