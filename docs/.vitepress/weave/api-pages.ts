/**
 * # The API reference, as a page
 *
 * TypeDoc makes a page of markdown for each module. Here it is made to fit the site:
 *
 *     # log/Log, # Log           one title, and a link to the source
 *     ###### Returns             a label, for it names no place that anything links to
 *     ##### append() {#append}   keeps its anchor; links write a dash for its underscores
 *     ## Kafka                   a pointer, as on the pages of the source
 *
 * So every heading that is left is a thing with a name, and every link meets its anchor.
 *
 * @module
 */

/** Groups of members: headings, though nothing links to them. */
const GROUPS = new Set([
  ...['Classes', 'Interfaces', 'Variables', 'Functions', 'Type Aliases', 'References'],
  ...['Properties', 'Constructors', 'Methods', 'Accessors', 'Modules'],
])

/** What is said about a member; any other heading without an anchor is a parameter. */
const LABELS = new Set([
  ...['Returns', 'Parameters', 'Throws', 'Extends', 'Extended by', 'Implements'],
  ...['Inherited from', 'Implementation of', 'Overrides', 'Type Parameters'],
  ...['Get Signature', 'Set Signature', 'Call Signature', 'Type Declaration'],
  ...['Union Members', 'Index Signature', 'Example', 'Examples', 'See', 'Remarks'],
  ...['Default Value', 'Deprecated', 'Differs'],
])

/**
 * Makes a page of TypeDoc fit the site.
 *
 * @param path of the page, below `docs`.
 * @param text as TypeDoc wrote it, with `{#anchor}` behind what has an address.
 * @param files of the source that have a page, below `src/`.
 */
export function mendApiPage(
  path: string,
  text: string,
  files: ReadonlySet<string>,
): string {
  if (path === 'api/index.md') return groupModules(text)
  const lines = text.split('\n')
  const titles = lines.flatMap((line, i) => (line.startsWith('# ') ? [i] : []))
  const [first = -1] = titles.length > 1 ? titles : []
  let fenced = false
  let groups = 0
  let constructors = 0
  return lines
    .flatMap((line, i) => {
      if (/^\s*```/.test(line)) fenced = !fenced
      const [, marks = '', title = ''] = /^(#{1,6}) (.*)$/.exec(line) ?? []
      if (fenced || marks === '') return [line]
      if (i === first) return []
      if (marks === '#')
        return [`${line} {#of-this-module}`, ...sourceLink(path, files)]
      const [whole, anchor = ''] = /\{#([^}]+)\}$/.exec(title) ?? []
      if (whole) return [line.replace(whole, `{#${anchor.replaceAll('_', '-')}}`)]
      if (title === 'Constructor') {
        // TypeDoc links to these by their number on the page, and names none of them.
        const number = constructors++
        return [`${line} {#constructor${number > 0 ? `-${number}` : ''}}`]
      }
      if (GROUPS.has(title)) return [`${line} {#group-no-${++groups}}`]
      return labelOf(title)
    })
    .map((line, i, all) => pointerOf(line, all[i - 2] ?? ''))
    .join('\n')
}

/** The way to the page where the module itself stands. */
function sourceLink(path: string, files: ReadonlySet<string>): string[] {
  const module = path.replace(/^api\//, '').replace(/\.md$/, '')
  if (!files.has(`${module}.ts`)) return []
  return ['', `[\`src/${module}.ts\`](/source/${module})`]
}

function labelOf(title: string): string[] {
  if (title === 'Kafka') return ['**In Kafka 1.1.1**']
  if (LABELS.has(title)) return [`**${title}**`]
  const name = title.replace(/[`\\]/g, '')
  return [/\s/.test(name) ? `**${name}**` : `**\`${name}\`**`]
}

/** A path of Kafka's is code, not words. */
function pointerOf(line: string, label: string): string {
  if (label !== '**In Kafka 1.1.1**' || line === '') return line
  return `\`${line.replaceAll('\\', '').replaceAll('`', '')}\``
}

/** The list of modules, cut into wings. */
function groupModules(text: string): string {
  let wing = ''
  const lines = text.split('\n').flatMap((line) => {
    const [, name = ''] = /^- \[([^\]]+)\]/.exec(line) ?? []
    if (name === '') return line === '## Modules' ? [] : [line]
    const own = name.includes('/') ? name.slice(0, name.indexOf('/')) : '(root)'
    const heading = own === wing ? [] : ['', `## ${own}`, '']
    wing = own
    return [...heading, line]
  })
  return lines.join('\n')
}
