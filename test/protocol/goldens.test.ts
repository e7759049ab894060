/**
 * Bytes that we did not make. `kafka-clients-1.1.1.golden.json` was written by a small
 * Java program around the official `org.apache.kafka:kafka-clients:1.1.1`: for each of its
 * `ApiKeys`, both directions and every version, it filled the schema with values that
 * follow from a counter (once with values everywhere, once with null wherever null is
 * allowed and empty arrays), and printed the values in wire order beside the bytes of
 * `Struct.writeTo`.
 *
 * `client-frames.golden.json` holds request frames, without their size field, as kcat
 * 1.7.1 (librdkafka) and kafkajs 2.2.4 sent them to a small server that offered the APIs
 * of 1.1.1 and answered just enough to keep them going: producing, idempotent and
 * transactional producing, consuming in a group, admin calls, and kcat in its modes for
 * brokers 0.9 and 0.10.
 *
 * `broker-exchanges.golden.json` holds a request and its response for every version of all
 * APIs but SaslAuthenticate, as a real broker of Kafka 1.1.1 (one node, no authorizer)
 * answered them. Requests of the controller were sent with a stale epoch.
 */
import { readFileSync } from 'node:fs'
import { describe, expect, it } from 'vitest'
import { ByteReader } from '../../src/base/bytes/ByteReader.ts'
import { ApiKeys } from '../../src/protocol/ApiKeys.ts'
import { encodeRequest, encodeResponse } from '../../src/protocol/framing.ts'
import { RequestHeader, ResponseHeader } from '../../src/protocol/RequestHeader.ts'
import { decoded, encoded, everyVersion, leaves } from './schema-tools.ts'

interface Golden {
  readonly api: string
  readonly key: number
  readonly direction: 'request' | 'response'
  readonly version: number
  readonly values: readonly unknown[]
  readonly hex: string
}

interface ClientFrame {
  readonly client: string
  readonly request: string
  readonly hex: string
}

interface Exchange {
  readonly exchange: string
  readonly request: string
  readonly response: string
}

function read<T>(name: string): readonly T[] {
  const text = readFileSync(new URL(name, import.meta.url), 'utf8')
  return JSON.parse(text) as readonly T[]
}

const goldens = read<Golden>('./kafka-clients-1.1.1.golden.json')
const clientFrames = read<ClientFrame>('./client-frames.golden.json')
const exchanges = read<Exchange>('./broker-exchanges.golden.json')

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

describe('requests of clients that we did not write', () => {
  it.each(clientFrames)(
    '$client: $request is read whole and written alike',
    (frame) => {
      const bytes = Buffer.from(frame.hex, 'hex')
      const reader = new ByteReader(bytes)

      // Read the header and the whole message.
      const { apiKey, apiVersion, correlationId, clientId } =
        RequestHeader.parse(reader)
      const api = ApiKeys.forId(apiKey)!
      expect(`${api.name} v${apiVersion}`).toBe(frame.request)
      const body = api.request.decode(apiVersion, reader)
      expect(reader.remaining).toBe(0)

      // Write the very frame again.
      const again = encodeRequest(api, apiVersion, correlationId, clientId, body)
      expect(again.subarray(4).toString('hex')).toBe(frame.hex)
    },
  )
})

describe('responses of a broker that we did not write', () => {
  it.each(exchanges)('$exchange is read whole and written alike', (exchange) => {
    const { apiKey, apiVersion, correlationId } = RequestHeader.parse(
      new ByteReader(Buffer.from(exchange.request, 'hex')),
    )
    const api = ApiKeys.forId(apiKey)!
    expect(`${api.name} v${apiVersion}`).toBe(exchange.exchange)

    // Read the response to the end.
    const reader = new ByteReader(Buffer.from(exchange.response, 'hex'))
    expect(ResponseHeader.parse(reader).correlationId).toBe(correlationId)
    const body = api.response.decode(apiVersion, reader)
    expect(reader.remaining).toBe(0)

    // Write the very frame again.
    const again = encodeResponse(api, apiVersion, correlationId, body)
    expect(again.subarray(4).toString('hex')).toBe(exchange.response)
  })
})
