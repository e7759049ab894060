/**
 * One set of expectations for both platforms: what `Platform.ts` promises must hold on
 * real sockets and files as well as in memory.
 */
import { spawn } from 'node:child_process'
import { once } from 'node:events'
import fs from 'node:fs'
import os from 'node:os'
import nodePath from 'node:path'
import type { Duplex } from 'node:stream'
import { afterEach, beforeEach, describe, expect, it, vi } from 'vitest'
import { Deferred } from '../../src/base/async/Deferred.ts'
import { hostErrorCode } from '../../src/base/platform/HostError.ts'
import { memoryPlatform } from '../../src/base/platform/memory/memory-platform.ts'
import { nextMacrotask } from '../../src/base/platform/node/macrotask.ts'
import { nodePlatform } from '../../src/base/platform/node/node-platform.ts'
import type {
  Connection,
  Listener,
  Platform,
} from '../../src/base/platform/Platform.ts'
import { basename, dirname, join } from '../../src/base/platform/path.ts'

const platforms: [string, () => Platform][] = [
  ['node', nodePlatform],
  ['memory', () => memoryPlatform({ clock: 'real' })],
]

/** What one end of a connection sees. */
class End {
  readonly connection: Connection
  readonly #chunks: Buffer[] = []
  #size = 0
  readonly closed = new Deferred<Error | undefined>()
  #waiting: { bytes: number; done: Deferred } | undefined

  constructor(connection: Connection) {
    this.connection = connection
    connection.onData((chunk) => {
      this.#chunks.push(chunk)
      this.#size += chunk.length
      if (this.#waiting && this.#size >= this.#waiting.bytes) {
        this.#waiting.done.resolve()
      }
    })
    connection.onClose((error) => this.closed.resolve(error))
  }

  get received(): Buffer {
    return Buffer.concat(this.#chunks)
  }

  async has(bytes: number): Promise<string> {
    this.#waiting = { bytes, done: new Deferred() }
    if (this.#size >= bytes) this.#waiting.done.resolve()
    await this.#waiting.done.promise
    return this.received.toString('latin1')
  }
}

describe.each(platforms)('the network of the %s platform', (_name, make) => {
  let platform: Platform
  let listener: Listener
  let accepted: End[]
  let arrival: Deferred<End>

  beforeEach(async () => {
    platform = make()
    accepted = []
    arrival = new Deferred()
    listener = await platform.network.listen({
      host: 'localhost',
      port: 0,
      onConnection: (connection) => {
        const end = new End(connection)
        accepted.push(end)
        arrival.resolve(end)
      },
    })
  })

  afterEach(async () => {
    for (const end of accepted) end.connection.destroy()
    await listener.close()
  })

  async function pair(): Promise<[End, End]> {
    const { port } = listener
    const timeoutMs = 5000
    const client = await platform.network.connect({
      host: 'localhost',
      port,
      timeoutMs,
    })
    return [new End(client), await arrival.promise]
  }

  it('carries bytes both ways, in order, whole or in pieces', async () => {
    const [client, server] = await pair()
    await client.connection.write(Buffer.from('ab'))
    await client.connection.write([Buffer.from('cd'), Buffer.from('e')])
    expect(await server.has(5)).toBe('abcde')
    await server.connection.write(Buffer.from('ok'))
    expect(await client.has(2)).toBe('ok')
    expect(server.connection.remotePort).toBe(client.connection.localPort)
    expect(client.connection.remotePort).toBe(listener.port)
    client.connection.destroy()
  })

  it('end() closes both sides after all was delivered', async () => {
    const [client, server] = await pair()
    const sent = client.connection.write(Buffer.from('last words'))
    client.connection.end()
    await sent
    expect(await server.closed.promise).toBeUndefined()
    expect(server.received.toString()).toBe('last words')
    expect(await client.closed.promise).toBeUndefined()
    expect([client.connection.closed, server.connection.closed]).toEqual([true, true])
    await expect(client.connection.write(Buffer.from('x'))).rejects.toThrow()
  })

  it('destroy() tells both sides, and write() rejects afterwards', async () => {
    const [client, server] = await pair()
    server.connection.destroy()
    await server.closed.promise
    await client.closed.promise
    await expect(server.connection.write(Buffer.from('x'))).rejects.toThrow()
  })

  it('a receiver that pauses holds the sender back', async () => {
    const [client, server] = await pair()
    server.connection.pause()
    const megabytes = 32
    let handedOver = 0
    const writing = (async () => {
      for (let i = 0; i < megabytes; i++) {
        await client.connection.write(Buffer.alloc(1 << 20, i))
        handedOver++
      }
    })()
    await platform.clock.sleep(50)
    const before = handedOver
    expect(before).toBeLessThan(megabytes)
    server.connection.resume()
    await writing
    await server.has(megabytes << 20)
    expect(server.received[(megabytes << 20) - 1]).toBe(megabytes - 1)
    client.connection.destroy()
  })

  it('a handler that throws costs its own connection only', async () => {
    const [client, server] = await pair()
    server.connection.onData(() => {
      throw new Error('bad input')
    })
    await client.connection.write(Buffer.from('x'))
    await client.closed.promise
    arrival = new Deferred()
    const [second, other] = await pair()
    await second.connection.write(Buffer.from('y'))
    expect(await other.has(1)).toBe('y')
    second.connection.destroy()
  })

  it('refuses a port that is taken and a place where nobody listens', async () => {
    const onConnection = () => {}
    const { port } = listener
    const taken = platform.network.listen({ host: 'localhost', port, onConnection })
    expect(hostErrorCode(await taken.catch((e) => e))).toBe('EADDRINUSE')
    await listener.close()
    const connect = platform.network.connect({
      host: 'localhost',
      port,
      timeoutMs: 5000,
    })
    expect(hostErrorCode(await connect.catch((e) => e))).toBe('ECONNREFUSED')
  })

  it('close() of the listener leaves accepted connections alone', async () => {
    const [client, server] = await pair()
    await listener.close()
    await client.connection.write(Buffer.from('still here'))
    expect(await server.has(10)).toBe('still here')
    client.connection.destroy()
  })
})

describe.each(platforms)('the storage of the %s platform', (name, make) => {
  let root: string
  const { storage } = make()

  beforeEach(() => {
    const inMemory = name === 'memory'
    root = inMemory ? '/data' : fs.mkdtempSync(nodePath.join(os.tmpdir(), 'storage-'))
    storage.mkdir(root)
  })

  afterEach(() => storage.removeDirectory(root))

  it('reads and writes at positions, and in pieces', async () => {
    const file = storage.open(join(root, 'log'), 'create')
    expect(file.write(Buffer.from('hello'), 0)).toBe(5)
    const pieces = [Buffer.from(' '), Buffer.from('world'), Buffer.alloc(0)]
    expect(file.write(pieces, 5)).toBe(6)
    expect(file.size()).toBe(11)
    const target = Buffer.alloc(8, '.')
    expect(file.read(target, 1, 5, 6)).toBe(5)
    expect(target.toString()).toBe('.world..')
    expect(file.read(target, 0, 8, 8)).toBe(3)
    expect(file.read(target, 0, 8, 11)).toBe(0)
    await file.sync()
    file.close()
  })

  it('write() takes more buffers than one system call does', () => {
    const file = storage.open(join(root, 'log'), 'create')
    const pieces = Array.from({ length: 2500 }, (_, i) => Buffer.from([i & 0xff]))
    expect(file.write(pieces, 3)).toBe(2500)
    file.close()
    const bytes = storage.readFile(join(root, 'log'))
    expect(bytes.subarray(3)).toEqual(Buffer.concat(pieces))
    expect(bytes.subarray(0, 3)).toEqual(Buffer.alloc(3))
  })

  it('truncate() cuts, and fills with zeros', () => {
    const file = storage.open(join(root, 'log'), 'create')
    file.write(Buffer.from('abcdef'), 0)
    file.truncate(2)
    file.truncate(4)
    expect(storage.readFile(join(root, 'log'))).toEqual(Buffer.from('ab\0\0'))
    file.close()
    expect(() => file.size()).toThrow()
  })

  it('open() follows its mode', () => {
    const path = join(root, 'f')
    for (const mode of ['read', 'readwrite'] as const) {
      expect(() => storage.open(path, mode)).toThrow(/ENOENT/)
    }
    storage.writeFile(path, 'x')
    expect(() => storage.open(path, 'read').write(Buffer.from('y'), 0)).toThrow()
    storage.open(path, 'create').close()
    expect(storage.readFile(path).toString()).toBe('x')
  })

  it('keeps directories: mkdir, readdir, rename, unlink, stat', () => {
    storage.mkdir(join(root, 'a/b'))
    storage.writeFile(join(root, 'a/b/z'), 'z')
    storage.writeFile(join(root, 'a/b/y'), 'yy')
    expect(storage.readdir(join(root, 'a/b'))).toEqual(['y', 'z'])
    storage.rename(join(root, 'a/b'), join(root, 'c'))
    expect(storage.readdir(root)).toEqual(['a', 'c'])
    expect(storage.stat(join(root, 'c/y'))).toMatchObject({
      size: 2,
      isDirectory: false,
    })
    expect(storage.stat(join(root, 'c'))?.isDirectory).toBe(true)
    expect(storage.stat(join(root, 'a/b'))).toBeUndefined()
    storage.rename(join(root, 'c/y'), join(root, 'c/z'))
    expect(storage.readFile(join(root, 'c/z')).toString()).toBe('yy')
    storage.unlink(join(root, 'c/z'))
    expect(storage.exists(join(root, 'c/z'))).toBe(false)
    expect(() => storage.unlink(join(root, 'c/z'))).toThrow(/ENOENT/)
    expect(() => storage.readdir(join(root, 'nowhere'))).toThrow(/ENOENT/)
    storage.removeDirectory(join(root, 'nowhere'))
  })

  it('a removed file can be read until it is closed', () => {
    const path = join(root, 'f')
    storage.writeFile(path, 'still')
    const file = storage.open(path, 'read')
    storage.unlink(path)
    const target = Buffer.alloc(5)
    expect(file.read(target, 0, 5, 0)).toBe(5)
    expect(target.toString()).toBe('still')
    file.close()
  })

  it('writeFileAtomic() replaces a file and leaves nothing else', () => {
    const path = join(root, 'checkpoint')
    storage.writeFileAtomic(path, '1')
    storage.writeFileAtomic(path, Buffer.from('2'))
    expect(storage.readFile(path).toString()).toBe('2')
    expect(storage.readdir(root)).toEqual(['checkpoint'])
    storage.syncDirectory(root)
  })

  it('setMtime() and stat() agree', () => {
    const path = join(root, 'f')
    storage.writeFile(path, '')
    storage.setMtime(path, 1_500_000_000_000)
    expect(storage.stat(path)?.mtimeMs).toBe(1_500_000_000_000)
  })

  it('lock() keeps a second broker out until it is given back', () => {
    const path = join(root, '.lock')
    const release = storage.lock(path)
    expect(() => storage.lock(path)).toThrow(/holds the lock/)
    release()
    release()
    storage.lock(path)()
  })

  it('usable() tells a directory from nothing', () => {
    expect(storage.usable(root)).toBe(true)
    expect(storage.usable(join(root, 'nowhere'))).toBe(false)
  })
})

describe('NodeStorage', () => {
  const root = fs.mkdtempSync(nodePath.join(os.tmpdir(), 'lock-'))
  const path = join(root, '.lock')
  const { storage } = nodePlatform()

  it('lock() takes over from a process that is gone, or was another', () => {
    for (const stale of ['999999999', `${process.pid} 1`, 'rubbish', '']) {
      fs.writeFileSync(path, stale)
      storage.lock(path)()
    }
  })

  it.skipIf(process.platform !== 'linux')(
    'lock() takes over from one that has ended, of which nobody has asked how',
    async () => {
      // Let the child end only when its parent is one that waits for nobody.
      const script = 'sh -c "read line <&3" & exec 3<&-; echo $!; exec cat'
      const parent = spawn('sh', ['-c', script], {
        stdio: ['pipe', 'pipe', 'ignore', 'pipe'],
      })
      const [line] = (await once(parent.stdout!, 'data')) as [Buffer]
      parent.stdin!.write('are you cat?')
      await once(parent.stdout!, 'data')
      const ended = parent.stdio[3] as Duplex
      ended.resume().end()
      await once(ended, 'close')

      const pid = Number(line)
      const fieldsOf = () => {
        const stat = fs.readFileSync(`/proc/${pid}/stat`, 'latin1')
        return stat.slice(stat.lastIndexOf(')') + 2).split(' ')
      }
      await vi.waitUntil(() => fieldsOf()[0] === 'Z')
      fs.writeFileSync(path, `${pid} ${fieldsOf()[19]}`)
      storage.lock(path)()
      parent.kill('SIGKILL')
      await once(parent, 'close')
    },
  )

  it('lock() respects a live process', () => {
    fs.writeFileSync(path, String(process.ppid))
    expect(() => storage.lock(path)).toThrow(`process ${process.ppid} holds the lock`)
    fs.rmSync(root, { recursive: true })
  })

  it('close() waits for a sync that is under way', async () => {
    const directory = fs.mkdtempSync(nodePath.join(os.tmpdir(), 'sync-'))
    const file = storage.open(join(directory, 'log'), 'create')
    file.write(Buffer.from('x'), 0)
    const synced = file.sync()
    file.close()
    file.close()
    await synced
    storage.removeDirectory(directory)
  })
})

describe('the clock of the node platform', () => {
  const { clock } = nodePlatform()

  it('sets timers beyond 2^31-1 ms without firing at once', async () => {
    let fired = false
    const timer = clock.setTimeout(() => {
      fired = true
    }, 2 ** 40)
    await clock.sleep(5)
    clock.clearTimeout(timer)
    expect(fired).toBe(false)
  })

  it('sleep(0) lets everything else run that is due, and no more', async () => {
    const order: string[] = []
    const other = nextMacrotask().then(() => order.push('other'))
    await clock.sleep(0)
    order.push('slept')
    await other
    expect(order).toEqual(['other', 'slept'])
  })

  it('sleep(0) rejects when its signal has fired', async () => {
    const abort = new AbortController()
    abort.abort()
    await expect(clock.sleep(0, abort.signal)).rejects.toThrow('aborted')
  })

  it('sleep() rejects when its signal fires', async () => {
    const abort = new AbortController()
    const sleeping = clock.sleep(60_000, abort.signal)
    abort.abort()
    await expect(sleeping).rejects.toThrow('aborted')
  })
})

describe('paths', () => {
  it('join(), dirname() and basename() agree', () => {
    expect(join('/data/', '', 'a//b', 'c')).toBe('/data/a/b/c')
    expect(dirname('/data/a')).toBe('/data')
    expect(dirname('/data')).toBe('/')
    expect(dirname('a')).toBe('.')
    expect(basename('/data/a/')).toBe('a')
  })
})
