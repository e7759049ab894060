/**
 * # The bare sink
 *
 * The least that any broker must do. Receiving: parse the size field, check a CRC-32C over
 * the payload, append the bytes to a file, answer eight bytes. Serving: for each request
 * send the next megabyte of a file. The benchmarks print the broker's rate as a ratio to
 * this, measured in the same run.
 *
 * Run as a process of its own: `node sink.js receive DIR` or `node sink.js serve FILE SIZE`;
 * prints its port.
 *
 * @module
 */
import { fstatSync, openSync, readSync, writeSync } from 'node:fs'
import { createServer } from 'node:net'
import { join } from 'node:path'
import { crc32c } from '../../base/crc.ts'
import { FrameParser } from '../../protocol/framing.ts'

const [mode, path = '.', sizeText = '1048576'] = process.argv.slice(2)

/** Checks and appends each frame, as a broker must. */
function receive(dir: string): (payload: Buffer) => Buffer {
  const file = openSync(join(dir, 'sink.log'), 'w')
  const answer = Buffer.alloc(8)
  answer.writeInt32BE(4, 0)
  let checked = 0
  return (payload) => {
    checked ^= crc32c(payload)
    writeSync(file, payload)
    answer.writeInt32BE(checked | 0, 4)
    return answer
  }
}

/** Answers each frame with the next stretch of a file. */
function serve(name: string, size: number): (payload: Buffer) => Buffer {
  const file = openSync(name, 'r')
  const total = fstatSync(file).size
  let position = 0
  return () => {
    if (position + size > total) position = 0
    const answer = Buffer.allocUnsafe(size + 4)
    const read = readSync(file, answer, 4, size, position)
    position += read
    answer.writeInt32BE(read, 0)
    return answer.subarray(0, read + 4)
  }
}

const handle = mode === 'serve' ? serve(path, Number(sizeText)) : receive(path)
const server = createServer({ noDelay: true }, (socket) => {
  const parser = new FrameParser(1 << 30)
  socket.on('data', (chunk: Buffer) => {
    for (const payload of parser.push(chunk)) socket.write(handle(payload))
  })
  socket.on('error', () => socket.destroy())
})
server.listen(0, '127.0.0.1', () => {
  const address = server.address()
  process.stdout.write(
    `port ${typeof address === 'object' && address ? address.port : 0}\n`,
  )
})
