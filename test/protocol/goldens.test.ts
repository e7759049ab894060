/**
 * Bytes that we did not make. `kafka-clients-1.1.1.golden.json` was written by a small
 * Java program around the official `org.apache.kafka:kafka-clients:1.1.1`: for each of its
 * `ApiKeys`, both directions and every version, it filled the schema with values that
 * follow from a counter (once with values everywhere, once with null wherever null is
 * allowed and empty arrays), and printed the values in wire order beside the bytes of
 * `Struct.writeTo`.
 */
import { readFileSync } from 'node:fs'
import { describe, expect, it } from 'vitest'
import { ApiKeys } from '../../src/protocol/ApiKeys.ts'
import { decoded, encoded, everyVersion, leaves } from './schema-tools.ts'

interface Golden {
  readonly api: string
  readonly key: number
  readonly direction: 'request' | 'response'
  readonly version: number
  readonly values: readonly unknown[]
  readonly hex: string
}

const file = new URL('./kafka-clients-1.1.1.golden.json', import.meta.url)
const goldens = JSON.parse(readFileSync(file, 'utf8')) as Golden[]

/** Makes a decoded scalar look as the Java program printed it. */
function plain(leaf: unknown): unknown {
  if (Buffer.isBuffer(leaf)) return leaf.toString('hex')
  return typeof leaf === 'bigint' ? Number(leaf) : leaf
}

describe('the schemas against kafka-clients 1.1.1', () => {
  it('covers each API, direction and version', () => {
    const names = goldens.map((g) => `${g.api} ${g.direction} v${g.version}`)
    expect(new Set(names)).toEqual(new Set(everyVersion.map((v) => v.name)))
  })

  it.each(goldens)('$api $direction v$version reads and writes its bytes', (golden) => {
    const schema = ApiKeys.forId(golden.key)![golden.direction]
    const bytes = Buffer.from(golden.hex, 'hex')

    // Read the very values that were written.
    const { value, remaining } = decoded(schema, golden.version, bytes)
    expect(remaining).toBe(0)
    const read = leaves(schema.fields, golden.version, value).map(plain)
    expect(read).toEqual((golden.values as unknown[]).flat(9))

    // Write the very bytes again.
    expect(encoded(schema, golden.version, value).toString('hex')).toBe(golden.hex)
  })
})
