/** What the search of the site weighs, and what of a page it reads. */
import { describe, expect, it } from 'vitest'
import { boostDocument, searchedText } from '../../docs/.vitepress/weave/search.ts'
import { SourceIndex } from '../../docs/.vitepress/weave/source-index.ts'

const weight = (id: string, term: string, title: string) =>
  boostDocument(id, term, { title })

describe('boostDocument()', () => {
  it('puts a method before its class, its class before what mentions it', () => {
    const method = weight('/source/log/Log#Log.append', 'append', 'Log.append')
    const owner = weight('/source/log/Log#Log.append', 'log', 'Log.append')
    const page = weight('/chapters/kafka-apis#append', 'append', 'append')
    expect(method).toBeGreaterThan(owner)
    expect(owner).toBeGreaterThan(page)
    expect(weight('/source/cli/bench/storage#append', 'append', 'append')).toBeLessThan(
      owner,
    )
  })

  it('puts a word of the glossary before a page that uses it', () => {
    const word = weight('/glossary#high-watermark', 'watermark', 'High watermark')
    expect(word).toBeGreaterThan(weight('/chapters/isr-shrink#x', 'watermark', 'x'))
  })

  it('is whole as a text, for so it comes to the browser', () => {
    const copy = new Function(`return ${boostDocument}`)() as typeof boostDocument
    expect(copy('/source/log/Log#Log.append', 'append', { title: 'Log.append' })).toBe(
      6,
    )
    expect(copy('/config', 'append')).toBe(1)
  })
})

describe('searchedText()', () => {
  const index = new SourceIndex([])

  it('reads the heading of a recording, nothing of the API reference', () => {
    const trace =
      '# produce\n\nA produce.\n\n<ClientOnly>x</ClientOnly>\n## The call tree'
    expect(searchedText(index, 'traces/produce.md', trace)).toBe(
      '# produce\n\nA produce.\n',
    )
    expect(searchedText(index, 'api/log/Log.md', '# Log')).toBe('')
    expect(searchedText(index, 'glossary.md', '# Words')).toBe('# Words')
  })
})
