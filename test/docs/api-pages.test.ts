/** Pages of TypeDoc, made to fit the site. */
import { describe, expect, it } from 'vitest'
import { mendApiPage } from '../../docs/.vitepress/weave/api-pages.ts'

const PAGE = `[API reference](../index.md) / kitchen/Oven

# kitchen/Oven

# Oven

Bakes.

## Kafka

core/src/main/scala/kafka/kitchen/Oven.scala#Oven

## Classes

### Oven {#oven}

#### Constructors

##### Constructor

> **new Oven**(\`heat\`): \`Oven\`

\`\`\`ts
# not a heading
\`\`\`

###### Parameters

###### heat

\`number\`

#### Properties

##### MAX\\_HEAT {#max_heat}

### Stove {#stove}

##### Constructor
`

describe('mendApiPage()', () => {
  const mended = mendApiPage('api/kitchen/Oven.md', PAGE, new Set(['kitchen/Oven.ts']))
  const headings = mended.split('\n').filter((line) => /^#+ /.test(line))

  it('leaves one title, and an anchor behind all other headings', () => {
    expect(headings).toEqual([
      '# Oven {#of-this-module}',
      '## Classes {#group-no-1}',
      '### Oven {#oven}',
      '#### Constructors {#group-no-2}',
      '##### Constructor {#constructor}',
      '# not a heading',
      '#### Properties {#group-no-3}',
      '##### MAX\\_HEAT {#max-heat}',
      '### Stove {#stove}',
      '##### Constructor {#constructor-1}',
    ])
  })

  it('makes labels of what names no place, and code of names and paths', () => {
    expect(mended).toContain('\n**Parameters**\n')
    expect(mended).toContain('\n**`heat`**\n')
    const path = 'core/src/main/scala/kafka/kitchen/Oven.scala#Oven'
    expect(mended).toContain(`**In Kafka 1.1.1**\n\n\`${path}\`\n`)
    expect(mended).toContain('[`src/kitchen/Oven.ts`](/source/kitchen/Oven)')
  })

  it('cuts the list of modules into wings', () => {
    const list =
      '# API\n\n## Modules\n\n- [a/X](a/X.md)\n- [a/Y](a/Y.md)\n- [z](z.md)\n'
    expect(mendApiPage('api/index.md', list, new Set())).toBe(
      '# API\n\n\n\n## a\n\n- [a/X](a/X.md)\n- [a/Y](a/Y.md)\n\n## (root)\n\n- [z](z.md)\n',
    )
  })
})
