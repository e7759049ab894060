/**
 * The embedded server, frame by frame: what no client library lets one say.
 */
import { afterAll, beforeAll, describe, expect, it } from 'vitest'
import { AsyncQueue } from '../../src/base/async/AsyncQueue.ts'
import { ByteReader } from '../../src/base/bytes/ByteReader.ts'
import type { ByteWriter } from '../../src/base/bytes/ByteWriter.ts'
import { memoryPlatform } from '../../src/base/platform/memory/memory-platform.ts'
import { nodePlatform } from '../../src/base/platform/node/node-platform.ts'
import type { Connection } from '../../src/base/platform/Platform.ts'
import { OPEN_ACL_UNSAFE } from '../../src/zookeeper/client.ts'
import { encode, frame } from '../../src/zookeeper/jute.ts'
import {
  Children,
  ConnectRequest,
  ConnectResponse,
  CreateRequest,
  MultiHeader,
  OpCode,
  PathRecord,
  PathStat,
  PathVersion,
  PathWatch,
  ReplyHeader,
  RequestHeader,
  SetDataRequest,
  SetWatches,
  StatRecord,
  WatcherEvent,
} from '../../src/zookeeper/records.ts'
import { ZooKeeperServer } from '../../src/zookeeper/server/ZooKeeperServer.ts'

type Body = (to: ByteWriter) => void

/** A client that sends exactly what it is told. */
class RawClient {
  readonly connection: Connection
  readonly #frames = new AsyncQueue<Buffer>()
  #received = Buffer.alloc(0)
  readonly closed: Promise<'closed'>

  constructor(connection: Connection) {
    this.connection = connection
    connection.onData((chunk) => {
      this.#received = Buffer.concat([this.#received, chunk])
      for (;;) {
        const bytes = this.#received
        if (bytes.length < 4 || bytes.length < 4 + bytes.readInt32BE(0)) return
        const end = 4 + bytes.readInt32BE(0)
        this.#frames.offer(bytes.subarray(4, end))
        this.#received = bytes.subarray(end)
      }
    })
    this.closed = new Promise((resolve) => connection.onClose(() => resolve('closed')))
  }

  send(bytes: Buffer): void {
    void this.connection.write(bytes).catch(() => undefined)
  }

  frame(): Promise<Buffer> {
    return this.#frames.take()
  }

  get waiting(): number {
    return this.#frames.size
  }

  async hello(
    over: Partial<Parameters<typeof ConnectRequest.write>[1]> = {},
    readOnly?: boolean,
  ): Promise<Buffer> {
    const hello = {
      ...{ protocolVersion: 0, lastZxidSeen: 0n, timeOut: 10_000, sessionId: 0n },
      ...{ passwd: Buffer.alloc(16), ...over },
    }
    this.send(
      frame(
        (to) => ConnectRequest.write(to, hello),
        (to) => {
          if (readOnly !== undefined) to.writeBoolean(readOnly)
        },
      ),
    )
    return this.frame()
  }

  request(xid: number, type: number, body?: Body): void {
    this.send(
      frame(
        (to) => RequestHeader.write(to, { xid, type }),
        (to) => body?.(to),
      ),
    )
  }

  async reply(): Promise<{ xid: number; zxid: bigint; err: number; body: ByteReader }> {
    const body = new ByteReader(await this.frame())
    return { ...ReplyHeader.read(body), body }
  }

  async call(type: number, body?: Body) {
    this.request(7, type, body)
    return this.reply()
  }
}

const create = (path: string, flags = 0): Body => {
  return (to) =>
    CreateRequest.write(to, { path, data: null, acl: OPEN_ACL_UNSAFE, flags })
}
const op = (type: number, body: Body): Body => {
  return (to) => {
    MultiHeader.write(to, { type, done: false, err: -1 })
    body(to)
  }
}
const multi = (...ops: Body[]): Body => {
  return (to) => {
    for (const each of ops) each(to)
    MultiHeader.write(to, { type: -1, done: true, err: -1 })
  }
}

describe('ZooKeeperServer', () => {
  const platform = memoryPlatform({ clock: 'real' })
  const server = new ZooKeeperServer({ platform, tickTimeMs: 3000 })
  const connect = (): RawClient => new RawClient(server.connectInProcess())
  const client = async (): Promise<RawClient> => {
    const raw = connect()
    await raw.hello()
    return raw
  }
  beforeAll(() => server.startup())
  afterAll(() => server.shutdown())

  describe('handshake', () => {
    it('answers the byte readOnly only to those who sent it', async () => {
      expect(await connect().hello()).toHaveLength(36)
      const answer = await connect().hello({}, true)
      expect(answer).toHaveLength(37)
      expect(answer[36]).toBe(0)
    })

    it('clamps the timeout to 2 and 20 ticks', async () => {
      const granted = async (timeOut: number) =>
        ConnectResponse.read(new ByteReader(await connect().hello({ timeOut }))).timeOut
      expect(await granted(1)).toBe(6000)
      expect(await granted(7000)).toBe(7000)
      expect(await granted(10_000_000)).toBe(60_000)
    })

    it('refuses a session that it does not know, or a wrong secret, as expired', async () => {
      const known = ConnectResponse.read(new ByteReader(await connect().hello()))
      for (const over of [{ sessionId: 99n }, { sessionId: known.sessionId }]) {
        const raw = connect()
        const { timeOut, sessionId } = ConnectResponse.read(
          new ByteReader(await raw.hello(over)),
        )
        expect({ timeOut, sessionId }).toEqual({ timeOut: 0, sessionId: 0n })
        expect(await raw.closed).toBe('closed')
      }
    })

    it('hands a session to the newer of two connections', async () => {
      const first = connect()
      const hello = ConnectResponse.read(new ByteReader(await first.hello()))
      const second = connect()
      const { sessionId, passwd } = hello
      const again = await second.hello({ sessionId, passwd, timeOut: 20_000 })
      expect(ConnectResponse.read(new ByteReader(again))).toEqual({
        ...hello,
        timeOut: 20_000,
      })
      expect(await first.closed).toBe('closed')
    })

    it('closes without an answer on a client that has seen the future', async () => {
      const raw = connect()
      void raw.hello({ lastZxidSeen: (1n << 63n) - 1n })
      expect(await raw.closed).toBe('closed')
      expect(raw.waiting).toBe(0)
    })

    it('closes on lengths and bytes that make no sense, and serves the next', async () => {
      for (const hex of ['ffffffff', '7fffffff', '0000000400000000', '0000000100']) {
        const raw = connect()
        raw.send(Buffer.from(hex, 'hex'))
        expect(await raw.closed, hex).toBe('closed')
      }
      expect((await (await client()).call(OpCode.ping)).err).toBe(0)
    })
  })

  describe('requests', () => {
    it('of an unknown kind are answered -6, and the connection is closed', async () => {
      const raw = await client()
      expect((await raw.call(77)).err).toBe(-6)
      expect(await raw.closed).toBe('closed')
    })

    it('that end early are answered -5', async () => {
      const raw = await client()
      for (const type of [OpCode.create, OpCode.getData, OpCode.multi]) {
        expect((await raw.call(type, (to) => to.writeInt32(9))).err).toBe(-5)
      }
    })

    it('are answered in order, reads behind writes', async () => {
      const raw = await client()
      raw.request(1, OpCode.create, create('/order'))
      raw.request(2, OpCode.exists, (to) =>
        PathWatch.write(to, { path: '/order', watch: false }),
      )
      raw.request(-2, OpCode.ping)
      raw.request(3, OpCode.delete, (to) =>
        PathVersion.write(to, { path: '/order', version: -1 }),
      )
      const replies = [
        await raw.reply(),
        await raw.reply(),
        await raw.reply(),
        await raw.reply(),
      ]
      expect(replies.map(({ xid, err }) => [xid, err])).toEqual([
        [1, 0],
        [2, 0],
        [-2, 0],
        [3, 0],
      ])
      expect(replies[3]!.zxid - replies[0]!.zxid).toBe(1n)
    })

    it('take a transaction number also when they are refused', async () => {
      const raw = await client()
      const first = await raw.call(OpCode.create, create('/numbers'))
      const refused = await raw.call(OpCode.create, create('/numbers'))
      expect([refused.err, refused.zxid - first.zxid]).toEqual([-110, 1n])
    })

    it('create2, sync, check and getChildren have bodies of their own', async () => {
      const raw = await client()
      const made = await raw.call(OpCode.create2, create('/bodies'))
      const { path, stat } = PathStat.read(made.body)
      expect([path, stat.czxid]).toEqual(['/bodies', made.zxid])
      const synced = await raw.call(OpCode.sync, (to) =>
        PathRecord.write(to, { path: '/x' }),
      )
      expect(PathRecord.read(synced.body).path).toBe('/x')
      const check = (version: number) =>
        raw.call(OpCode.check, (to) =>
          PathVersion.write(to, { path: '/bodies', version }),
        )
      expect([(await check(0)).err, (await check(1)).err]).toEqual([0, -103])
      const listed = await raw.call(OpCode.getChildren, (to) =>
        PathWatch.write(to, { path: '/zookeeper', watch: false }),
      )
      expect(Children.read(listed.body).children).toEqual(['quota'])
    })

    it('auth is answered with its number, or -115 and the end', async () => {
      const raw = await client()
      const auth = (scheme: string): Body => {
        return (to) =>
          to
            .writeInt32(0)
            .writeBytes(Buffer.from(scheme))
            .writeBytes(Buffer.from('u:p'))
      }
      raw.request(-4, OpCode.auth, auth('digest'))
      expect(await raw.reply()).toMatchObject({ xid: -4, err: 0 })
      raw.request(-4, OpCode.auth, auth('sorcery'))
      expect(await raw.reply()).toMatchObject({ xid: -4, err: -115 })
      expect(await raw.closed).toBe('closed')
    })
  })

  describe('multi', () => {
    it('applies all, each operation seeing the ones before', async () => {
      const raw = await client()
      const { err, zxid, body } = await raw.call(
        OpCode.multi,
        multi(
          op(OpCode.create, create('/m')),
          op(OpCode.create, create('/m/s-', 2)),
          op(OpCode.create, create('/m/s-', 2)),
          op(OpCode.setData, (to) =>
            SetDataRequest.write(to, { path: '/m', data: null, version: 0 }),
          ),
          op(OpCode.check, (to) => PathVersion.write(to, { path: '/m', version: 1 })),
          op(OpCode.delete, (to) =>
            PathVersion.write(to, { path: '/m/s-0000000000', version: 0 }),
          ),
        ),
      )
      expect(err).toBe(0)
      const made = ['/m', '/m/s-0000000000', '/m/s-0000000001']
      for (const path of made) {
        expect(MultiHeader.read(body)).toEqual({ type: 1, done: false, err: 0 })
        expect(PathRecord.read(body).path).toBe(path)
      }
      expect(MultiHeader.read(body).type).toBe(OpCode.setData)
      expect(StatRecord.read(body)).toMatchObject({ version: 1, mzxid: zxid })
      expect(MultiHeader.read(body).type).toBe(OpCode.check)
      expect(MultiHeader.read(body).type).toBe(OpCode.delete)
      expect(MultiHeader.read(body)).toEqual({ type: -1, done: true, err: -1 })
      expect(body.remaining).toBe(0)
    })

    it('applies none when one is refused, and names it', async () => {
      const raw = await client()
      const { err, body } = await raw.call(
        OpCode.multi,
        multi(
          op(OpCode.create, create('/none')),
          op(OpCode.create, create('/no/parent')),
          op(OpCode.create, create('/never')),
        ),
      )
      expect(err).toBe(0)
      for (const code of [0, -101, -2]) {
        expect(MultiHeader.read(body)).toEqual({ type: -1, done: false, err: code })
        expect(body.readInt32()).toBe(code)
      }
      expect(MultiHeader.read(body).done).toBe(true)

      // Nothing of it stays in the way of a later write.
      expect((await raw.call(OpCode.create, create('/none'))).err).toBe(0)
    })
  })

  describe('setWatches', () => {
    it('tells what was missed before its reply, and arms the rest', async () => {
      const raw = await client()
      const made = await raw.call(OpCode.create, create('/sw'))
      await raw.call(OpCode.create, create('/sw/c'))
      const paths = {
        dataWatches: ['/sw', '/sw-gone'],
        existWatches: ['/sw/c', '/sw-later'],
        childWatches: ['/sw', '/zookeeper'],
      }
      raw.request(-8, OpCode.setWatches, (to) =>
        SetWatches.write(to, { relativeZxid: made.zxid, ...paths }),
      )
      const events = []
      for (;;) {
        const { xid, zxid, body } = await raw.reply()
        if (xid === -8) break
        expect([xid, zxid]).toEqual([-1, -1n])
        const { type, state, path } = WatcherEvent.read(body)
        events.push([type, state, path])
      }
      expect(events).toEqual([
        [2, 3, '/sw-gone'],
        [1, 3, '/sw/c'],
        [4, 3, '/sw'],
      ])

      // The event of a watch that was armed comes before the reply of the write.
      raw.request(9, OpCode.create, create('/sw-later'))
      expect(WatcherEvent.read((await raw.reply()).body).path).toBe('/sw-later')
      expect(await raw.reply()).toMatchObject({ xid: 9, err: 0 })
    })
  })
})

describe('four-letter words', () => {
  it('are answered as text over a bare socket', async () => {
    const platform = nodePlatform()
    const server = new ZooKeeperServer({ platform, port: 0 })
    await server.startup()
    const ask = async (word: string, more = Buffer.alloc(0)): Promise<string> => {
      const { port } = server
      const socket = await platform.network.connect({
        ...{ host: '127.0.0.1', port, timeoutMs: 10_000 },
      })
      const chunks: Buffer[] = []
      socket.onData((chunk) => chunks.push(chunk))
      const closed = new Promise<void>((resolve) => socket.onClose(() => resolve()))
      await socket.write([Buffer.from(word), more])
      await closed
      return Buffer.concat(chunks).toString()
    }
    expect(await ask('ruok')).toBe('imok')
    expect(await ask('isro')).toBe('rw')
    expect(await ask('srvr')).toMatch(
      /^Zookeeper version: 3\.4\.10-[\w-]+, built on \d\d\/\d\d\/\d{4} \d\d:\d\d GMT\n[\s\S]*Mode: standalone\nNode count: 4\n$/,
    )
    expect(await ask('stat')).toMatch(/\nClients:\n \/127\.0\.0\.1:\d+\[0\]/)
    expect(await ask('mntr')).toMatch(
      /\nzk_znode_count\t4\n[\s\S]*\nzk_open_file_descriptor_count\t\d+\nzk_max_file_descriptor_count\t\d+\nzk_fsync_threshold_exceed_count\t0\n$/,
    )
    expect(await ask('envi')).toMatch(/^Environment:\nzookeeper\.version=3\.4\.10-/)
    expect(await ask('conf')).toContain(`clientPort=${server.port}\n`)
    expect(await ask('dump')).toMatch(
      /^SessionTracker dump:\nSession Sets \(0\):\nephemeral/,
    )
    expect(await ask('wchs')).toContain('Total watches:0')
    expect(await ask('envi')).toContain('\njava.version=<NA>\n')
    expect(await ask('gtmk')).toBe('306')
    expect(await ask('stmk', Buffer.from('0000000000000102', 'hex'))).toBe('258')
    expect(await ask('gtmk')).toBe('258')
    expect(await ask('nope')).toBe('')

    // Nothing is known of one that only asks; the session and last request of a client.
    expect(await ask('cons')).toMatch(
      /^ \/127\.0\.0\.1:\d+\[0\]\(queued=0,recved=1,sent=0\)\n\n$/,
    )
    const asker = new RawClient(server.connectInProcess())
    const { sessionId } = ConnectResponse.read(new ByteReader(await asker.hello()))
    const root = (to: ByteWriter) => PathWatch.write(to, { path: '/', watch: false })
    await asker.call(OpCode.exists, root)
    const watched = (to: ByteWriter) => PathWatch.write(to, { path: '/', watch: true })
    await asker.call(OpCode.getData, watched)
    const sid = `0x${sessionId.toString(16)}`
    expect(await ask('wchs')).toBe('1 connections watching 1 paths\nTotal watches:1\n')
    expect(await ask('wchp')).toBe(`/\n\t${sid}\n\n`)
    expect(await ask('wchc')).toBe(`${sid}\n\t/\n\n`)
    expect(await ask('dump')).toMatch(
      new RegExp(
        '^SessionTracker dump:\nSession Sets \\(1\\):\n' +
          `1 expire at \\w{3} \\w{3} \\d\\d [\\d:]{8} UTC \\d{4}:\n\t${sid}\n`,
      ),
    )
    await asker.call(OpCode.exists, root)
    expect(await ask('cons')).toMatch(
      new RegExp(
        `queued=0,recved=4,sent=4,sid=0x${sessionId.toString(16)},lop=EXIS,est=\\d+,` +
          'to=\\d+,lcxid=0x7,lzxid=0x[0-9a-f]+,lresp=\\d+,llat=\\d+,minlat=\\d+,' +
          'avglat=\\d+,maxlat=\\d+\\)',
      ),
    )
    await ask('crst')
    expect(await ask('cons')).toMatch(/recved=0,sent=0,sid=\w+,lop=NA,/)
    await server.shutdown()
  })
})

describe('frames', () => {
  it('are the same bytes as another client sends', () => {
    // Captured: create of /a with data "x", open list, persistent, as kazoo sends it.
    const bytes = encode(
      (to) => RequestHeader.write(to, { xid: 1, type: OpCode.create }),
      (to) =>
        CreateRequest.write(to, {
          ...{ path: '/a', data: Buffer.from('x'), acl: OPEN_ACL_UNSAFE, flags: 0 },
        }),
    )
    expect(bytes.toString('hex')).toBe(
      '0000000100000001000000022f610000000178' +
        '000000010000001f00000005776f726c6400000006616e796f6e6500000000',
    )
  })
})
