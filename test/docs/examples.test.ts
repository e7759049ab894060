/** The examples of the site give what they say. */
import { readFileSync } from 'node:fs'
import { expect, it } from 'vitest'
import { examplesPage } from '../../docs/.vitepress/weave/examples-page.ts'
import { askABroker } from '../../docs/examples/ask-a-broker.ts'
import { produceAndConsume } from '../../docs/examples/produce-and-consume.ts'
import { readABatch } from '../../docs/examples/read-a-batch.ts'

it('produceAndConsume() gets what was sent', async () => {
  expect(await produceAndConsume()).toEqual(['hello', 'world'])
})

it('readABatch() reads what was written', () => {
  expect(readABatch()).toEqual(['18 hello', '19 world'])
})

it('askABroker() learns the APIs and the brokers', async () => {
  expect(await askABroker()).toEqual([43, [0, 1, 2]])
})

it('examplesPage() shows each with its title, and refuses one without', () => {
  const source = readFileSync('docs/examples/read-a-batch.ts', 'utf8')
  const page = examplesPage([source])
  expect(page).toContain('## Read a batch\n\nThe codec of records alone')
  expect(page).toContain("```ts\nimport { CompressionType, MemoryRecords } from 'ann")
  expect(() => examplesPage(['const x = 1'])).toThrow('has no title: const x = 1')
})
