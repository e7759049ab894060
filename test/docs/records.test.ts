/** The page of the record formats names every byte as the codec reads it. */
import MarkdownIt from 'markdown-it'
import { describe, expect, it } from 'vitest'
import { fieldsOfBatch, fieldsOfMessage } from '../../docs/.vitepress/weave/byte-map.ts'
import {
  exampleOf,
  isCovered,
  recordsPage,
} from '../../docs/.vitepress/weave/records-page.ts'

const key = Buffer.from('k')
const value = Buffer.from('hello')
const timestamp = 1_522_324_800_000

describe('fieldsOfBatch()', () => {
  it('finds the fields of magic 2 by what the getters look at', () => {
    const headers = [{ key: 'a', value: Buffer.from('bc') }]
    const { fields } = exampleOf(
      { magic: 2, baseOffset: 18 },
      { key, value, timestamp, headers },
      { value, timestamp: timestamp + 300 },
    )
    const rows = fields.map(({ name, at, size }) => `${name} ${at}+${size}`)
    expect(rows.slice(0, 13).join(', ')).toBe(
      'baseOffset 0+8, batchLength 8+4, partitionLeaderEpoch 12+4, magic 16+1, ' +
        'crc 17+4, attributes 21+2, lastOffsetDelta 23+4, firstTimestamp 27+8, ' +
        'maxTimestamp 35+8, producerId 43+8, producerEpoch 51+2, baseSequence 53+4, ' +
        'count 57+4',
    )
    const second = fields.filter(({ record }) => record === 1)
    expect(second.map(({ name, value }) => `${name} ${value}`)).toEqual([
      'length 12',
      'attributes 0',
      'timestampDelta 300',
      'offsetDelta 1',
      'keyLength -1',
      'valueLength 5',
      'value hello',
      'headerCount 0',
    ])
  })

  it('refuses bytes that no field has', () => {
    const { bytes } = exampleOf({ magic: 2 }, { key, value, timestamp })
    const longer = Buffer.concat([bytes, Buffer.of(0)])
    expect(() => fieldsOfBatch(longer)).toThrow('1 bytes have no name')
  })
})

describe('fieldsOfMessage()', () => {
  it('finds the time of magic 1 between the attributes and the key', () => {
    const names = [0, 1].map((magic) =>
      exampleOf({ magic }, { key, value, timestamp }).fields.map(({ name }) => name),
    )
    const head = ['offset', 'size', 'crc', 'magic', 'attributes']
    const rest = ['keyLength', 'key', 'valueLength', 'value']
    expect(names).toEqual([
      [...head, ...rest],
      [...head, 'timestamp', ...rest],
    ])
    const { bytes } = exampleOf({ magic: 1 }, { key: null, value, timestamp })
    const fields = fieldsOfMessage(bytes)
    expect(fields.at(-3)).toMatchObject({ name: 'keyLength', value: '-1' })
  })
})

describe('recordsPage()', () => {
  it('says by trying what a checksum covers', () => {
    const covered = [0, 2].map((magic) => {
      const { bytes, fields } = exampleOf({ magic }, { key, value, timestamp })
      return fields.filter((field) => isCovered(bytes, field)).map(({ name }) => name)
    })
    expect(covered[0]?.slice(0, 2)).toEqual(['magic', 'attributes'])
    expect(covered[1]?.slice(0, 2)).toEqual(['attributes', 'lastOffsetDelta'])
    expect(covered[1]).not.toContain('magic')
  })

  it('shows each byte once, under a name', () => {
    const markdown = new MarkdownIt({ html: false })
    const page = recordsPage((text) => markdown.renderInline(text))
    const ids = Array.from(page.matchAll(/ id="([^"]+)"/g), (m) => m[1])
    const targets = Array.from(page.matchAll(/href="#([^"]+)"/g), (m) => m[1])
    expect(new Set(ids).size).toBe(ids.length)
    expect(ids).toEqual(expect.arrayContaining(targets))

    // The LZ4 frames of magic 0 and 1 differ in one byte of the header.
    const quirk = page.slice(page.indexOf('wrong byte'), page.indexOf('## A control'))
    expect(quirk.match(/<mark>/g)).toHaveLength(2)
  })
})
