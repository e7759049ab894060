import fc from 'fast-check'
import { describe, expect, it } from 'vitest'
import { ByteReader } from '../../src/base/bytes/ByteReader.ts'
import { ByteWriter } from '../../src/base/bytes/ByteWriter.ts'
import { InvalidReceiveException, SchemaException } from '../../src/base/errors.ts'
import {
  encodeRequest,
  encodeResponse,
  FrameParser,
} from '../../src/protocol/framing.ts'
import { ApiVersions } from '../../src/protocol/messages/ApiVersions.ts'
import { Heartbeat } from '../../src/protocol/messages/Heartbeat.ts'
import { RequestHeader, ResponseHeader } from '../../src/protocol/RequestHeader.ts'

function frame(payload: Uint8Array): Buffer {
  const size = Buffer.alloc(4)
  size.writeInt32BE(payload.length)
  return Buffer.concat([size, payload])
}

describe('FrameParser', () => {
  it('push() finds the same frames however the stream is cut', () => {
    const payloads = fc.array(fc.uint8Array({ maxLength: 20 }), { maxLength: 6 })
    const cuts = fc.array(fc.nat(30), { maxLength: 30 })
    fc.assert(
      fc.property(payloads, cuts, (sent, sizes) => {
        const stream = Buffer.concat(sent.map(frame))
        const parser = new FrameParser(100)
        const got: Buffer[] = []
        let at = 0
        for (const size of [...sizes, stream.length]) {
          got.push(...parser.push(stream.subarray(at, at + size)))
          at += size
        }
        expect(got.map((f) => [...f])).toEqual(sent.map((p) => [...p]))
        expect(parser.midFrame).toBe(false)
      }),
      { seed: 1, numRuns: 300 },
    )
  })

  it('push() gives a view of the chunk that holds a whole frame', () => {
    const chunk = frame(Buffer.from('hello'))
    const [payload] = new FrameParser(100).push(chunk)
    expect(payload!.buffer).toBe(chunk.buffer)
    expect(payload!.toString()).toBe('hello')
  })

  it('push() refuses negative sizes and sizes above the limit', () => {
    for (const hex of ['ffffffff', '80000000', '00000065', '7fffffff']) {
      const size = Buffer.from(hex, 'hex')
      expect(() => new FrameParser(100).push(size)).toThrow(InvalidReceiveException)
      const slow = new FrameParser(100)
      slow.push(size.subarray(0, 3))
      expect(slow.midFrame).toBe(true)
      expect(() => slow.push(size.subarray(3))).toThrow(InvalidReceiveException)
    }
    expect(new FrameParser(100).push(Buffer.alloc(4))).toEqual([Buffer.alloc(0)])
  })

  it('push() hands on the frames that came before a size that it refuses', () => {
    const bad = Buffer.from('ffffffff', 'hex')
    const good = ['a', 'b'].map((payload) => frame(Buffer.from(payload)))
    for (const cut of [0, 3, 7]) {
      const chunk = Buffer.concat([...good, bad])
      const parser = new FrameParser(100)
      const frames: Buffer[] = []
      parser.push(chunk.subarray(0, cut), frames)
      const rest = chunk.subarray(cut)
      expect(() => parser.push(rest, frames)).toThrow(InvalidReceiveException)
      expect(frames.map(String)).toEqual(['a', 'b'])
    }
  })
})

describe('RequestHeader', () => {
  it('parse() reads what write() wrote', () => {
    for (const clientId of ['me', '', null]) {
      const writer = new ByteWriter()
      const header = new RequestHeader(3, 5, -7, clientId)
      header.write(writer)
      expect(RequestHeader.parse(new ByteReader(writer.toBuffer()))).toEqual(header)
    }
  })

  it('has no client id for ControlledShutdown version 0', () => {
    const sizes = [0, 1].map((version) => {
      const writer = new ByteWriter()
      new RequestHeader(7, version, 1, 'broker').write(writer)
      return writer.position
    })
    expect(sizes).toEqual([8, 16])
    const reader = new ByteReader(Buffer.from('0007000000000009', 'hex'))
    expect(RequestHeader.parse(reader)).toEqual(new RequestHeader(7, 0, 9, ''))
  })

  it('parse() refuses a header that ends early', () => {
    const bytes = Buffer.from('000300050000000700026d65', 'hex')
    for (let end = 0; end < bytes.length; end++)
      expect(() => RequestHeader.parse(new ByteReader(bytes.subarray(0, end)))).toThrow(
        SchemaException,
      )
  })
})

describe('encodeRequest() and encodeResponse()', () => {
  it('write whole frames', () => {
    const body = { groupId: 'g', generationId: 1, memberId: 'm' }
    expect(encodeRequest(Heartbeat, 1, 5, 'c', body).toString('hex')).toBe(
      '00000015000c0001000000050001630001670000000100016d',
    )
    expect(encodeRequest(ApiVersions, 0, 6, null, {}).toString('hex')).toBe(
      '0000000a0012000000000006ffff',
    )
    const frameBytes = encodeResponse(Heartbeat, 1, 5, { errorCode: 27 })
    expect(frameBytes.toString('hex')).toBe('0000000a0000000500000000001b')
    const reader = new ByteReader(frameBytes.subarray(4))
    expect(ResponseHeader.parse(reader)).toEqual(new ResponseHeader(5))
    expect(Heartbeat.response.decode(1, reader)).toEqual({
      throttleTimeMs: 0,
      errorCode: 27,
    })
  })
})
