/**
 * What a ZooKeeper session does, whichever client and whichever server are behind it.
 */
import { afterAll, beforeAll, describe, expect, it } from 'vitest'
import {
  BadVersionException,
  type GuardedWrite,
  KeeperException,
  NoAuthException,
  NodeExistsException,
  NoNodeException,
  NotEmptyException,
  OPEN_ACL_UNSAFE,
  Perms,
  SessionExpiredException,
} from '../../src/zookeeper/client.ts'
import { Observed, type World } from './session-fixture.ts'

const bytes = (text: string): Buffer => Buffer.from(text)

/** Runs the suite against a world that is built once. */
export function describeSession(name: string, build: () => Promise<World>): void {
  describe(name, () => {
    let world: World
    let a: Observed
    let b: Observed
    let n = 0

    /** A node of its own for each test. */
    const fresh = async (): Promise<string> => {
      const path = `/suite-${++n}`
      await a.session.create(path, null, 'PERSISTENT')
      return path
    }

    /** Settles when everybody has lost a link and found another. */
    const relinked = (...others: Observed[]): Promise<void[]> =>
      Promise.all([a, b, ...others].map((who) => who.relinked()))

    beforeAll(async () => {
      world = await build()
      a = await Observed.open(world)
      b = await Observed.open(world)
    })
    afterAll(async () => {
      await a?.session.close()
      await b?.session.close()
      await world?.close()
    })
    const forget = (): void => {
      a.events.length = 0
      b.events.length = 0
    }

    describe('nodes', () => {
      it('create() keeps null, empty and full data apart', async () => {
        const top = await fresh()
        await a.session.create(`${top}/none`, null, 'PERSISTENT')
        await a.session.create(`${top}/empty`, Buffer.alloc(0), 'PERSISTENT')
        await a.session.create(`${top}/full`, bytes('x'), 'PERSISTENT')
        expect((await b.session.getData(`${top}/none`)).data).toBeNull()
        expect((await b.session.getData(`${top}/empty`)).data).toEqual(Buffer.alloc(0))
        expect((await b.session.getData(`${top}/full`)).data).toEqual(bytes('x'))
      })

      it('setData() takes data away when given null', async () => {
        const top = await fresh()
        expect((await a.session.setData(top, bytes('x'))).dataLength).toBe(1)
        expect((await a.session.setData(top, null)).version).toBe(2)
        expect((await a.session.getData(top)).data).toBeNull()
      })

      it('writeWhile() writes one node while another has a version', async () => {
        const [top, other] = [await fresh(), await fresh()]
        const guard = (version: number) => ({ path: other, version })
        const write = (version: number, at: number) =>
          a.session.writeWhile(guard(version), {
            ...{ kind: 'setData', path: top, data: bytes('x'), version: at },
          })
        expect(await write(0, 0)).toMatchObject({ version: 1, dataLength: 1 })

        // Version 0 is a version, not any.
        await expect(write(0, 0)).rejects.toMatchObject({
          ...{ codeName: 'BADVERSION', path: top },
        })
        await a.session.setData(other, null)
        await expect(write(0, 1)).rejects.toMatchObject({
          ...{ codeName: 'BADVERSION', path: other },
        })
        expect((await b.session.getData(top)).stat.version).toBe(1)
      })

      it('writeWhile() creates and deletes while another node has a version', async () => {
        const [top, other] = [await fresh(), await fresh()]
        const path = `${top}/child`
        const acl = OPEN_ACL_UNSAFE
        const run = (version: number, write: GuardedWrite) =>
          a.session.writeWhile({ path: other, version }, write)
        const create: GuardedWrite = { kind: 'create', path, data: bytes('x'), acl }
        const refused = { codeName: 'BADVERSION', path: other }

        // A refused write leaves no trace.
        await expect(run(1, create)).rejects.toMatchObject(refused)
        expect(await b.session.exists(path)).toBeUndefined()
        expect(await run(0, create)).toBeUndefined()
        expect((await b.session.getData(path)).data).toEqual(bytes('x'))
        await expect(run(0, create)).rejects.toMatchObject({
          ...{ codeName: 'NODEEXISTS', path },
        })
        const bare: GuardedWrite = {
          kind: 'create',
          path: `${path}/b`,
          data: null,
          acl,
        }
        await run(0, bare)
        expect((await b.session.getData(bare.path)).data).toBeNull()

        const remove: GuardedWrite = { kind: 'delete', path: bare.path }
        await expect(run(1, remove)).rejects.toMatchObject(refused)
        await run(0, remove)
        expect(await b.session.exists(bare.path)).toBeUndefined()
        await expect(run(0, remove)).rejects.toMatchObject({
          ...{ codeName: 'NONODE', path: bare.path },
        })
      })

      it('exists() tells the whole stat, as each write leaves it', async () => {
        const top = await fresh()
        const made = (await a.session.exists(top))!
        expect(made).toMatchObject({
          ...{ version: 0, cversion: 0, aversion: 0, dataLength: 0, numChildren: 0 },
          ...{ ephemeralOwner: 0n, mzxid: made.czxid, pzxid: made.czxid },
          mtime: made.ctime,
        })
        expect(made.ctime).toBeGreaterThan(1_500_000_000_000)

        // A write moves mzxid and version alone.
        const written = await a.session.setData(top, bytes('four'), 0)
        expect(written.mzxid).toBeGreaterThan(made.czxid)
        expect(written).toMatchObject({
          ...{ version: 1, dataLength: 4, czxid: made.czxid, pzxid: made.czxid },
        })

        // Children count in cversion when they come and when they go.
        await a.session.create(`${top}/c1`, null, 'PERSISTENT')
        await a.session.create(`${top}/c2`, null, 'PERSISTENT')
        await a.session.delete(`${top}/c1`)
        const after = (await a.session.exists(top))!
        expect(after).toMatchObject({ version: 1, cversion: 3, numChildren: 1 })
        expect(after.pzxid).toBeGreaterThan(written.mzxid)
        expect(after.mzxid).toBe(written.mzxid)

        // A new access list moves aversion.
        const listed = await a.session.setAcl(top, OPEN_ACL_UNSAFE, 0)
        expect(listed).toMatchObject({ aversion: 1, version: 1 })
        expect((await a.session.getAcl(top)).acl).toEqual(OPEN_ACL_UNSAFE)
      })

      it('create() numbers sequential nodes by creations, not by what is left', async () => {
        const top = await fresh()
        const make = () =>
          a.session.create(`${top}/n-`, bytes('x'), 'PERSISTENT_SEQUENTIAL')
        expect(await make()).toBe(`${top}/n-0000000000`)
        await a.session.delete(`${top}/n-0000000000`)
        await a.session.create(`${top}/other`, null, 'PERSISTENT')
        expect(await make()).toBe(`${top}/n-0000000002`)
        expect(await a.session.create(`${top}/e-`, null, 'EPHEMERAL_SEQUENTIAL')).toBe(
          `${top}/e-0000000003`,
        )
      })

      it('rejects with the exception of the first reason', async () => {
        const top = await fresh()
        const { session } = a
        await session.create(`${top}/e`, null, 'EPHEMERAL')
        await expect(session.getData(`${top}/x`)).rejects.toThrow(NoNodeException)
        await expect(session.getChildren(`${top}/x`)).rejects.toThrow(NoNodeException)
        await expect(session.create(`${top}/x/y`, null, 'PERSISTENT')).rejects.toThrow(
          NoNodeException,
        )
        await expect(session.create(top, null, 'PERSISTENT')).rejects.toThrow(
          NodeExistsException,
        )
        await expect(session.delete(top)).rejects.toThrow(NotEmptyException)
        await expect(session.setData(top, null, 7)).rejects.toThrow(BadVersionException)
        await session.setData(top, null)
        await expect(session.setData(top, null, 0)).rejects.toThrow(BadVersionException)
        await expect(session.delete(`${top}/e`, 1)).rejects.toThrow(BadVersionException)
        await expect(
          session.create(`${top}/e/c`, null, 'PERSISTENT'),
        ).rejects.toMatchObject({ codeName: 'NOCHILDRENFOREPHEMERALS' })
        expect(await session.exists(`${top}/x`)).toBeUndefined()
        for (const path of ['', 'x', '/x/', '/x//y', '/./x', '/../x']) {
          await expect(
            session.create(path, null, 'PERSISTENT'),
            path,
          ).rejects.toMatchObject({ codeName: 'BADARGUMENTS', path })
        }
      })

      it('answers many requests sent at once in their order', async () => {
        const top = await fresh()
        const order: number[] = []
        const work = Array.from({ length: 300 }, async (_, i) => {
          // Each write is right only if the one before it counts already.
          await a.session.setData(top, bytes(String(i)), i)
          order.push(i)
        })
        await Promise.all(work)
        expect(order).toEqual(Array.from({ length: 300 }, (_, i) => i))
        expect((await a.session.getData(top)).data).toEqual(bytes('299'))
      })

      it('carries data of 900 KB', async () => {
        const top = await fresh()
        const data = Buffer.alloc(900_000, 7)
        await a.session.setData(top, data)
        expect((await b.session.getData(top)).data?.equals(data)).toBe(true)
      })

      it('getChildren() lists names and nothing else', async () => {
        const top = await fresh()
        for (const name of ['b', 'a', 'ü']) {
          await a.session.create(`${top}/${name}`, null, 'PERSISTENT')
        }
        const { children, stat } = await b.session.getChildren(top)
        expect(children.sort()).toEqual(['a', 'b', 'ü'])
        expect(stat.numChildren).toBe(3)
        expect((await b.session.getChildren(`${top}/a`)).children).toEqual([])
      })
    })

    describe('watches', () => {
      it('fire once, before the change can be read', async () => {
        const top = await fresh()
        forget()
        await b.session.getData(top, true)
        await a.session.setData(top, bytes('1'))
        await a.session.setData(top, bytes('2'))
        expect((await b.session.getData(top)).data).toEqual(bytes('2'))
        expect(b.told).toEqual([`NodeDataChanged ${top}`])
        expect(a.told).toEqual([])
      })

      it('tell the writer before it has its answer', async () => {
        const top = await fresh()
        forget()
        await a.session.getData(top, true)
        const toldAtReply = a.session.setData(top, null).then(() => [...a.told])
        expect(await toldAtReply).toEqual([`NodeDataChanged ${top}`])
      })

      it('set by exists() wait for a node to come', async () => {
        const top = await fresh()
        forget()
        expect(await b.session.exists(`${top}/c`, true)).toBeUndefined()
        await a.session.create(`${top}/c`, null, 'PERSISTENT')
        expect(await b.eventsUpTo(1)).toEqual([`NodeCreated ${top}/c`])

        // On a node that is there they tell of data, and of the end.
        await b.session.exists(`${top}/c`, true)
        await a.session.delete(`${top}/c`)
        expect((await b.eventsUpTo(2))[1]).toBe(`NodeDeleted ${top}/c`)
      })

      it('set by getChildren() tell of children and not of their data', async () => {
        const top = await fresh()
        await a.session.create(`${top}/c`, null, 'PERSISTENT')
        forget()
        await b.session.getChildren(top, true)
        await a.session.setData(`${top}/c`, bytes('x'))
        await a.session.setData(top, bytes('x'))
        await a.session.setAcl(top, OPEN_ACL_UNSAFE)
        await b.session.exists(top)
        expect(b.told).toEqual([])
        await a.session.delete(`${top}/c`)
        expect(await b.eventsUpTo(1)).toEqual([`NodeChildrenChanged ${top}`])
      })

      it('tell of a deletion once, whatever was watched', async () => {
        const top = await fresh()
        forget()
        await b.session.getData(top, true)
        await b.session.exists(top, true)
        await b.session.getChildren(top, true)
        await a.session.delete(top)
        expect(await b.session.exists(top)).toBeUndefined()
        expect(b.told).toEqual([`NodeDeleted ${top}`])
      })

      it('are not set by a read that fails', async () => {
        const top = await fresh()
        forget()
        await expect(b.session.getData(`${top}/c`, true)).rejects.toThrow()
        await a.session.create(`${top}/c`, null, 'PERSISTENT')
        await b.session.exists(top)
        expect(b.told).toEqual([])
      })
    })

    describe('ephemeral nodes', () => {
      it('carry the id of their session and end with it', async () => {
        const top = await fresh()
        const c = await Observed.open(world)
        await c.session.create(`${top}/e`, null, 'EPHEMERAL')
        const owner = (await a.session.exists(`${top}/e`, true))?.ephemeralOwner
        expect(owner).toBe(c.session.sessionId)
        forget()
        await a.session.getChildren(top, true)
        await a.session.exists(`${top}/e`, true)
        await c.session.close()
        expect(await a.eventsUpTo(2)).toEqual([
          `NodeDeleted ${top}/e`,
          `NodeChildrenChanged ${top}`,
        ])
        expect(await a.session.exists(`${top}/e`)).toBeUndefined()
      })

      it('are gone when close() resolves', async () => {
        const top = await fresh()
        const c = await Observed.open(world)
        await c.session.create(`${top}/e`, null, 'EPHEMERAL')
        await c.session.close()
        expect(await a.session.exists(`${top}/e`)).toBeUndefined()
      })
    })

    describe('access lists', () => {
      const authInfo = [{ scheme: 'digest', auth: bytes('ann:secret') }]

      it('let only those in who have proven who they are', async () => {
        const top = await fresh()
        const ann = await Observed.open(world, { authInfo })
        await ann.session.create(`${top}/hers`, bytes('x'), 'PERSISTENT', [
          { perms: Perms.ALL, scheme: 'auth', id: '' },
        ])
        const { acl } = await ann.session.getAcl(`${top}/hers`)
        expect(acl).toMatchObject([{ perms: 31, scheme: 'digest' }])
        expect(acl[0]?.id).toMatch(/^ann:.{28}$/)
        await expect(a.session.getData(`${top}/hers`)).rejects.toThrow(NoAuthException)
        await expect(a.session.setData(`${top}/hers`, null)).rejects.toThrow(
          NoAuthException,
        )
        expect((await ann.session.getData(`${top}/hers`)).data).toEqual(bytes('x'))

        // Over a new link the proof is given again.
        const again = relinked(ann)
        world.dropLinks()
        await again
        expect((await ann.session.getData(`${top}/hers`)).data).toEqual(bytes('x'))
        await ann.session.close()
      })

      it('are refused when they name nobody', async () => {
        const top = await fresh()
        const acl = [{ perms: Perms.ALL, scheme: 'auth', id: '' }]
        await expect(
          a.session.create(`${top}/x`, null, 'PERSISTENT', acl),
        ).rejects.toMatchObject({ codeName: 'INVALIDACL' })
        await expect(
          a.session.setAcl(top, [{ perms: 1, scheme: 'world', id: 'nobody' }]),
        ).rejects.toMatchObject({ codeName: 'INVALIDACL' })
      })

      it('bound creation by the parent, reading by the node', async () => {
        const top = await fresh()
        const readOnly = [{ perms: Perms.READ, scheme: 'world', id: 'anyone' }]
        await a.session.create(`${top}/r`, bytes('x'), 'PERSISTENT', readOnly)
        expect((await a.session.getData(`${top}/r`)).data).toEqual(bytes('x'))
        await expect(
          a.session.create(`${top}/r/c`, null, 'PERSISTENT'),
        ).rejects.toThrow(NoAuthException)
        await expect(a.session.setAcl(`${top}/r`, OPEN_ACL_UNSAFE)).rejects.toThrow(
          NoAuthException,
        )
        await a.session.delete(`${top}/r`)
      })
    })

    describe('a chroot', () => {
      it('stands before every path and is never seen', async () => {
        const top = await fresh()
        const c = await Observed.open(world, { chroot: top })
        expect(await c.session.create('/x', bytes('1'), 'PERSISTENT')).toBe('/x')
        expect(await c.session.create('/s-', null, 'PERSISTENT_SEQUENTIAL')).toBe(
          '/s-0000000001',
        )
        expect((await a.session.getData(`${top}/x`)).data).toEqual(bytes('1'))
        await c.session.getChildren('/', true)
        await c.session.getData('/x', true)
        await a.session.setData(`${top}/x`, null)
        await a.session.delete(`${top}/x`)
        expect(await c.eventsUpTo(2)).toEqual([
          'NodeDataChanged /x',
          'NodeChildrenChanged /',
        ])
        await c.session.close()
      })
    })

    describe('a lost link', () => {
      it('leaves the session, its nodes and its watches', async () => {
        const top = await fresh()
        const c = await Observed.open(world)
        const { sessionId } = c.session
        await c.session.create(`${top}/e`, null, 'EPHEMERAL')
        await c.session.getData(top, true)
        await c.session.getChildren(top, true)
        await c.session.exists(`${top}/x`, true)
        const again = relinked(c)
        world.dropLinks()
        await again
        expect(c.states).toEqual(['connected', 'connecting', 'connected'])
        expect(c.session.sessionId).toBe(sessionId)
        expect(await c.session.exists(`${top}/e`)).toBeDefined()

        // The watches are armed again and still fire once.
        await a.session.setData(top, bytes('1'))
        await a.session.setData(top, bytes('2'))
        await a.session.create(`${top}/x`, null, 'PERSISTENT')
        await c.eventsUpTo(3)
        await c.session.exists(top)
        expect(c.told).toEqual([
          `NodeDataChanged ${top}`,
          `NodeCreated ${top}/x`,
          `NodeChildrenChanged ${top}`,
        ])
        await c.session.close()
      })

      it('settles every request that was under way', async () => {
        const top = await fresh()
        const c = await Observed.open(world)
        const outcomes = Array.from({ length: 50 }, () =>
          c.session.setData(top, bytes('x')).then(
            () => 'done',
            (e: KeeperException) => e.codeName,
          ),
        )
        const again = relinked(c)
        world.dropLinks()
        for (const outcome of await Promise.all(outcomes)) {
          expect(['done', 'CONNECTIONLOSS']).toContain(outcome)
        }
        await again
        await c.session.close()
      })
    })

    describe('the end of a session', () => {
      it('close() may come twice, and fails what comes after it', async () => {
        const c = await Observed.open(world)
        await Promise.all([c.session.close(), c.session.close()])
        await c.session.close()
        expect(c.session.state).toBe('closed')
        await expect(c.session.exists('/')).rejects.toThrow(SessionExpiredException)
      })

      it('close() may come while the link is down', async () => {
        const c = await Observed.open(world)
        const again = relinked()
        world.dropLinks()
        await c.until(() => c.session.state === 'connecting')
        const waiting = c.session.exists('/').catch((e: unknown) => e)
        await c.session.close()
        expect(await waiting).toBeInstanceOf(KeeperException)
        expect(c.session.state).toBe('closed')
        await again
      })

      it('expiry is told, and takes the ephemeral nodes along', async ({ skip }) => {
        if (!world.expire) return skip()
        const top = await fresh()
        const c = await Observed.open(world)
        await c.session.create(`${top}/e`, null, 'EPHEMERAL')
        await a.session.exists(`${top}/e`, true)
        forget()
        world.expire(c.session.sessionId)
        expect(await a.eventsUpTo(1)).toEqual([`NodeDeleted ${top}/e`])
        await c.until(() => c.session.state === 'expired')
        await expect(c.session.exists('/')).rejects.toThrow(SessionExpiredException)
        await c.session.close()
      })
    })

    describe('a restart of the server', () => {
      it('keeps nodes, stats, sessions and ephemeral nodes', async ({ skip }) => {
        if (!world.restart) return skip()
        const top = await fresh()
        await a.session.create(`${top}/e`, bytes('e'), 'EPHEMERAL')
        await a.session.create(`${top}/null`, null, 'PERSISTENT')
        await a.session.create(`${top}/s-`, Buffer.alloc(0), 'PERSISTENT_SEQUENTIAL')
        await a.session.delete(`${top}/s-0000000002`)
        const before = await a.session.exists(top)
        await b.session.getData(top, true)
        forget()
        const again = relinked()
        await world.restart()
        await again
        expect(await a.session.exists(top)).toEqual(before)
        expect((await a.session.getData(`${top}/null`)).data).toBeNull()
        const { stat } = await b.session.getData(`${top}/e`)
        expect(stat.ephemeralOwner).toBe(a.session.sessionId)
        expect(await a.session.create(`${top}/s-`, null, 'PERSISTENT_SEQUENTIAL')).toBe(
          `${top}/s-0000000003`,
        )
        await a.session.setData(top, bytes('after'))
        expect(await b.eventsUpTo(1)).toEqual([`NodeDataChanged ${top}`])
      })
    })
  })
}
