/**
 * # A request, byte by byte
 *
 * Takes a request that a recording has kept, reads it field by field with the codecs of
 * its own schema, and shows its bytes with their names. The table of fields is the one
 * that the broker decodes by; a byte without a name fails the build.
 *
 * @module
 */
import { ByteReader } from '../../../src/base/bytes/ByteReader.ts'
import type { AnyApi } from '../../../src/protocol/Api.ts'
import { ApiKeys } from '../../../src/protocol/ApiKeys.ts'
import { compileStruct } from '../../../src/protocol/codec.ts'
import type { Fields, WireType } from '../../../src/protocol/fields.ts'
import { Field } from '../../../src/protocol/fields.ts'
import { RequestHeader } from '../../../src/protocol/RequestHeader.ts'
import type { Wire } from '../../../src/traces/wires.ts'
import { escapeHtml } from './colour.ts'

/** Some bytes of a request with one name. */
export interface WireField {
  /** `topics[0].name` */
  readonly name: string
  readonly at: number
  readonly size: number
  readonly value: string
}

/** Fields beyond this many bytes are shown by their first. */
const MOST_BYTES = 32

/**
 * Names the bytes of a request.
 *
 * @throws Error when bytes are left over, or the API is none of ours
 */
export function fieldsOfWire({ apiKey, version, hex }: Wire): WireField[] {
  const api: AnyApi | undefined = ApiKeys.forId(apiKey)
  if (!api) throw new Error(`no API has the key ${apiKey}`)
  const bytes = Buffer.from(hex, 'hex')
  const reader = new ByteReader(bytes)
  const walk = new Walk(reader, version)
  walk.header()
  walk.struct(api.request.fields, '')
  if (reader.remaining > 0) {
    throw new Error(`${reader.remaining} bytes of ${api.name} ${version} have no name`)
  }
  return walk.found
}

/** The strip, and how much it is, as HTML on one line. */
export function wireStrip(wire: Wire, trace: string): string {
  const api: AnyApi | undefined = ApiKeys.forId(wire.apiKey)
  const bytes = Buffer.from(wire.hex, 'hex')
  const fields = fieldsOfWire(wire)
  const id = `wire-${trace}-${wire.apiKey}-${wire.version}`
  const links = fields.map(({ name, at, size, value }, i) => {
    const own = Array.from(bytes.subarray(at, at + Math.min(size, MOST_BYTES)))
    const cells = own
      .map((byte) => `<i>${byte.toString(16).padStart(2, '0')}</i>`)
      .join('')
    const rest = size > MOST_BYTES ? `<b>+${size - MOST_BYTES}</b>` : ''
    const text = escapeHtml(`${name} = ${value}`)
    return (
      `<a class="field h${i % 6}" id="${id}-${i}" href="#${id}-${i}">` +
      `<span aria-hidden="true">${cells}${rest}</span>` +
      `<span class="visually-hidden">${text}</span>` +
      `<span class="tip" aria-hidden="true">${text}</span></a>`
    )
  })
  const rows = fields.map(
    ({ name, size, value }) =>
      `<tr><td><code>${escapeHtml(name)}</code></td><td>${size}</td>` +
      `<td>${escapeHtml(value)}</td></tr>`,
  )
  const what = `${api?.name} request, version ${wire.version}, ${bytes.length} bytes`
  return (
    `<figure class="wire" v-pre><figcaption>On the wire: ` +
    `<a href="/protocol/${api?.name}">${what}</a>, the first of ` +
    `<a href="/traces/${trace}">${trace}</a>; in front of it stand 4 bytes that say how ` +
    `long it is.</figcaption><div class="bytes">${links.join('')}</div>` +
    `<details><summary>${fields.length} fields</summary><table class="reference fields">` +
    `<thead><tr><th>field</th><th>bytes</th><th>value</th></tr></thead>` +
    `<tbody>${rows.join('')}</tbody></table></details></figure>`
  )
}

/** Reads on, and notes what each field took. */
class Walk {
  readonly found: WireField[] = []
  readonly #reader: ByteReader
  readonly #version: number

  constructor(reader: ByteReader, version: number) {
    this.#reader = reader
    this.#version = version
  }

  /** The header's parts are those that its own reader finds. */
  header(): void {
    const ahead = new ByteReader(this.#reader.buffer)
    const { apiKey, apiVersion, correlationId, clientId } = RequestHeader.parse(ahead)
    const named = ahead.position - 8
    this.#note('apiKey', apiKey, () => this.#reader.skip(2))
    this.#note('apiVersion', apiVersion, () => this.#reader.skip(2))
    this.#note('correlationId', correlationId, () => this.#reader.skip(4))
    if (named > 0) this.#note('clientId', clientId, () => this.#reader.skip(named))
  }

  struct(fields: Fields, path: string): void {
    for (const [name, field] of Object.entries(fields)) {
      const { since, until, nullableSince, type } = field
      if (this.#version < since || this.#version > until) continue
      this.#value(type, path + name, this.#version >= nullableSince)
    }
  }

  #value(type: WireType, path: string, isNullable: boolean): void {
    if (typeof type !== 'string' && 'struct' in type) {
      this.struct(type.struct, `${path}.`)
    } else if (typeof type !== 'string') {
      const count = this.#reader.readInt32()
      const at = this.#reader.position - 4
      this.found.push({ name: `${path}.length`, at, size: 4, value: String(count) })
      for (let i = 0; i < count; i++) this.#value(type.arrayOf, `${path}[${i}]`, false)
    } else {
      // One field alone is read by its own codec.
      const field = new Field(type, () => null, isNullable ? { nullable: true } : {})
      const codec = compileStruct({ it: field }, this.#version)
      this.#note(path, undefined, () => codec.read(this.#reader))
    }
  }

  #note(name: string, given: unknown, read: () => unknown): void {
    const at = this.#reader.position
    const got = read()
    const value = printable(given === undefined ? (got as { it: unknown }).it : given)
    this.found.push({ name, at, size: this.#reader.position - at, value })
  }
}

function printable(value: unknown): string {
  if (Buffer.isBuffer(value)) return `${value.length} bytes`
  return value === '' ? 'empty' : String(value)
}
