import { describe, expect, it } from 'vitest'
import { hostErrorCode } from '../../src/base/platform/HostError.ts'
import { memoryPlatform } from '../../src/base/platform/memory/memory-platform.ts'
import { SeededRandom } from '../../src/base/platform/memory/SeededRandom.ts'
import { VirtualClock } from '../../src/base/platform/memory/VirtualClock.ts'
import type { Connection } from '../../src/base/platform/Platform.ts'

describe('MemoryStorage', () => {
  function disk() {
    const { storage } = memoryPlatform()
    storage.mkdir('/data')
    const file = storage.open('/data/log', 'create')
    file.write(Buffer.from('flushed'), 0)
    file.syncNow()
    file.write(Buffer.from(' and not'), 7)
    return { storage, file }
  }

  it('crash() drops what was never flushed, and open files with it', () => {
    const { storage, file } = disk()
    const release = storage.lock('/data/.lock')
    storage.crash()
    expect(storage.readFile('/data/log').toString()).toBe('flushed')
    expect(() => file.size()).toThrow(/EBADF/)
    const again = storage.lock('/data/.lock')
    release()
    expect(() => storage.lock('/data/.lock')).toThrow()
    again()
  })

  it('crash("keep") keeps the tail, crash("tear") a part that chance decides', () => {
    const kept = disk().storage
    kept.crash('keep')
    expect(kept.readFile('/data/log').toString()).toBe('flushed and not')
    const torn = disk().storage
    torn.crash('tear')
    const text = torn.readFile('/data/log').toString()
    expect('flushed and not'.startsWith(text)).toBe(true)
    expect(text.length).toBeGreaterThanOrEqual(7)
  })

  it('a renamed file that was never flushed is empty after a crash', () => {
    const { storage } = memoryPlatform()
    storage.writeFile('/a.tmp', 'x')
    storage.rename('/a.tmp', '/a')
    storage.writeFileAtomic('/b', 'y')
    storage.crash()
    expect(storage.readFile('/a').length).toBe(0)
    expect(storage.readFile('/b').toString()).toBe('y')
  })

  it('a full disk refuses with ENOSPC and takes more when something is removed', () => {
    const { storage, file } = disk()
    storage.capacityBytes = storage.usedBytes + 2
    expect(() => file.write(Buffer.from('!!!'), 15)).toThrow(/ENOSPC/)
    file.write(Buffer.from('FLUSHED'), 0)
    file.truncate(0)
    file.write(Buffer.from('!!!'), 0)
    expect(storage.usedBytes).toBe(3)
  })

  it('addFault() strikes as often as it says, where it says', () => {
    const { storage, file } = disk()
    const target = Buffer.alloc(1)
    storage.addFault({ operations: ['read'], path: '/data', code: 'EIO', times: 2 })
    for (let i = 0; i < 2; i++) {
      expect(() => file.read(target, 0, 1, 0)).toThrow(/EIO/)
    }
    expect(file.read(target, 0, 1, 0)).toBe(1)
    const end = storage.addFault({ path: /^\/data/, code: 'EIO' })
    expect(storage.usable('/data')).toBe(false)
    end()
    expect(storage.usable('/data')).toBe(true)
  })

  it('keeps an index that is mostly empty in a few bytes', () => {
    const { storage } = memoryPlatform()
    const file = storage.open('/index', 'create')
    file.truncate(1 << 30)
    file.write(Buffer.from('entry'), 0)
    const target = Buffer.alloc(8, 0xff)
    expect(file.read(target, 0, 8, 2)).toBe(8)
    expect(target.toString('latin1')).toBe('try\0\0\0\0\0')
    expect(file.read(target, 0, 8, 1 << 20)).toBe(8)
    expect(target.every((byte) => byte === 0)).toBe(true)
  })
})

describe('MemoryNetwork', () => {
  async function twoHosts() {
    const a = memoryPlatform({ hostName: 'a' })
    const b = a.onHost('b')
    const seen: string[] = []
    const listener = await b.network.listen({
      host: '',
      port: 9092,
      onConnection: (connection) => {
        seen.push(`from ${connection.remoteAddress}`)
        connection.onData((chunk) => seen.push(chunk.toString()))
        connection.onClose((error) => seen.push(`closed ${hostErrorCode(error) ?? ''}`))
      },
    })
    const connect = () => a.network.connect({ host: 'b', port: 9092, timeoutMs: 1000 })
    return { a, b, seen, listener, connect, clock: a.virtualClock, fabric: a.fabric }
  }

  it('delivers nothing from inside write()', async () => {
    const { seen, connect, clock } = await twoHosts()
    const connection = await connect()
    await clock.settle()
    const written = connection.write(Buffer.from('x'))
    expect(seen).toEqual(['from a'])
    await written
    await clock.settle()
    expect(seen).toEqual(['from a', 'x'])
  })

  it('gives the receiver bytes of its own', async () => {
    const { seen, connect, clock } = await twoHosts()
    const bytes = Buffer.from('x')
    await (await connect()).write(bytes)
    bytes.write('y')
    await clock.settle()
    expect(seen).toEqual(['from a', 'x'])
  })

  it('cut() holds everything until heal(), and connecting runs into its timeout', async () => {
    const { seen, connect, clock, fabric } = await twoHosts()
    const connection = await connect()
    await clock.settle()
    fabric.cut('a', 'b')
    await connection.write(Buffer.from('x'))
    const late = connect().catch(hostErrorCode)
    await clock.advance(1000)
    expect(await late).toBe('ETIMEDOUT')
    expect(seen).toEqual(['from a'])
    fabric.heal('b', 'a')
    await clock.settle()
    expect(seen).toEqual(['from a', 'x'])
  })

  it('refuse() and reset() do what their names say', async () => {
    const { seen, connect, clock, fabric } = await twoHosts()
    const connection = await connect()
    let closed: unknown
    connection.onClose((error) => {
      closed = hostErrorCode(error)
    })
    await clock.settle()
    fabric.reset('a', 'b')
    await clock.settle()
    expect([closed, seen.at(-1)]).toEqual(['ECONNRESET', 'closed ECONNRESET'])
    expect(fabric.openEnds).toBe(0)
    const accept = fabric.refuse('b')
    expect(await connect().catch(hostErrorCode)).toBe('ECONNREFUSED')
    accept()
    await connect()
  })

  it('localhost means the host that asks', async () => {
    const { a, b, seen, clock } = await twoHosts()
    const o = { host: 'localhost', port: 9092, timeoutMs: 1000 }
    expect(await a.network.connect(o).catch(hostErrorCode)).toBe('ECONNREFUSED')
    await b.network.connect(o)
    await clock.settle()
    expect(seen).toEqual(['from b'])
  })
})

describe('MemoryProcess', () => {
  /** A server on host b in a process of its own, and a client on host a. */
  async function clientAndServer() {
    const a = memoryPlatform({ hostName: 'a' })
    const b = a.onHost('b').startProcess()
    a.fabric.latency = () => 5
    const seen: string[] = []
    const accepted: Connection[] = []
    const serve = () =>
      b.network.listen({
        host: 'b',
        port: 9092,
        onConnection: (connection) => {
          accepted.push(connection)
          connection.onData((chunk) => seen.push(String(chunk)))
          connection.onClose((error) => seen.push(`closed ${hostErrorCode(error)}`))
        },
      })
    await serve()
    const connecting = a.network.connect({ host: 'b', port: 9092, timeoutMs: 1000 })
    const client = await a.virtualClock.runUntil(connecting)
    client.onClose((error) => seen.push(`client: ${hostErrorCode(error)}`))
    return { a, b, client, accepted, seen, clock: a.virtualClock }
  }

  it('bytes take the latency of the fabric, and keep their order', async () => {
    const { a, client, seen, clock } = await clientAndServer()
    await client.write(Buffer.from('slow'))
    a.fabric.latency = () => 1
    await client.write(Buffer.from('quick'))
    await clock.advance(4)
    expect(seen).toEqual([])
    await clock.advance(1)
    expect(seen).toEqual(['slow', 'quick'])
  })

  it('pause() holds timers and deliveries until resume()', async () => {
    const { b, client, seen, clock } = await clientAndServer()
    b.clock.setTimeout(() => seen.push('timer'), 10)
    const cancelled = b.clock.setTimeout(() => seen.push('never'), 11)
    b.process.pause()
    await client.write(Buffer.from('x'))
    await clock.advance(1000)
    expect(seen).toEqual([])
    b.clock.clearTimeout(cancelled)
    b.process.resume()
    await clock.settle()
    expect(seen).toEqual(['timer', 'x'])
  })

  it('block() holds it for as long as its waits add up to, and what it sends as well', async () => {
    const { a, b, client, accepted, seen, clock } = await clientAndServer()
    client.onData((chunk) => seen.push(`client: ${chunk}`))
    b.clock.setTimeout(() => {
      seen.push('writes')
      b.process.block(30, a.clock)
      b.process.block(20, a.clock)
      void accepted[0]?.write(Buffer.from('written'))
    }, 10)
    b.clock.setTimeout(() => seen.push('next'), 11)
    await clock.advance(59)
    expect(seen).toEqual(['writes'])
    await clock.advance(1)
    expect(seen).toEqual(['writes', 'next'])
    await clock.advance(5)
    expect(seen).toEqual(['writes', 'next', 'client: written'])
  })

  it('kill() loses what a blocked process had not sent', async () => {
    const { a, b, client, accepted, seen, clock } = await clientAndServer()
    client.onData((chunk) => seen.push(`client: ${chunk}`))
    b.process.block(50, a.clock)
    void accepted[0]?.write(Buffer.from('written'))
    a.fabric.kill(b.process)
    await clock.advance(100)
    expect(seen).toEqual(['client: ECONNRESET'])
  })

  it('kill() ends everything of a process; its peers see a reset', async () => {
    const { a, b, client, seen, clock } = await clientAndServer()
    b.clock.setTimeout(() => seen.push('timer'), 10)
    await client.write(Buffer.from('x'))
    a.fabric.kill(b.process)
    await clock.advance(100)
    expect(seen).toEqual(['client: ECONNRESET'])
    expect(a.fabric.openEnds).toBe(0)

    // Its port is free: nobody answers there.
    const o = { host: 'b', port: 9092, timeoutMs: 1000 }
    const refused = a.network.connect(o).catch(hostErrorCode)
    expect(await clock.runUntil(refused)).toBe('ECONNREFUSED')
  })
})

describe('VirtualClock', () => {
  it('advance() fires timers in order and settles between them', async () => {
    const clock = new VirtualClock(1000)
    const seen: string[] = []
    clock.setTimeout(() => seen.push(`b ${clock.now()}`), 20)
    clock.setTimeout(() => {
      seen.push(`a ${clock.now()}`)
      void clock.sleep(5).then(() => seen.push(`c ${clock.now()}`))
    }, 10)
    const never = clock.setTimeout(() => seen.push('never'), 15)
    clock.clearTimeout(never)
    await clock.advance(100)
    expect(seen).toEqual(['a 1010', 'c 1015', 'b 1020'])
    expect(clock.now()).toBe(1100)
  })

  it('runUntil() lets time pass as far as it must', async () => {
    const clock = new VirtualClock()
    const work = (async () => {
      for (let i = 0; i < 5; i++) await clock.sleep(100)
      return 'done'
    })()
    expect(await clock.runUntil(work)).toBe('done')
    expect(clock.monotonic()).toBe(500)
    await expect(clock.runUntil(clock.sleep(2000), 1000)).rejects.toThrow('settled')
  })
})

describe('SeededRandom', () => {
  it('repeats itself for a seed and differs between seeds', () => {
    const draw = (seed: number) => {
      const random = new SeededRandom(seed)
      return [random.next(), random.nextInt(10), random.uuid(), random.bytes(4)]
    }
    expect(draw(1)).toEqual(draw(1))
    expect(draw(1)).not.toEqual(draw(2))
    const uuid = /^[0-9a-f]{8}-[0-9a-f]{4}-4[0-9a-f]{3}-[89ab][0-9a-f]{3}-[0-9a-f]{12}$/
    expect(draw(3)[2]).toMatch(uuid)
  })
})
