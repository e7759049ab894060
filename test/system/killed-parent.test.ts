/**
 * The processes of a chaos run end with the one that started them, however that ends: a
 * run that is killed leaves nothing behind.
 */
import { fork } from 'node:child_process'
import { once } from 'node:events'
import net from 'node:net'
import { expect, it } from 'vitest'
import { TemporaryDirectory } from './running-command.ts'

/** Connects to a port. @returns undefined when nobody listens there */
async function connect(port: number): Promise<net.Socket | undefined> {
  const socket = net.connect(port, '127.0.0.1')
  // How it ends later makes no difference: reset or closed.
  socket.on('error', () => {})
  try {
    await once(socket, 'connect')
    return socket
  } catch (error) {
    if ((error as NodeJS.ErrnoException).code === 'ECONNREFUSED') return undefined
    throw error
  }
}

/**
 * Returns once nobody listens on a port. A connection ends with the process at its other
 * end: that is how one is watched. A process that is killed may close its connections
 * before the socket on which it listens, so that one more gets in between: it, too, is
 * held until it ends.
 */
async function nobodyListens(
  port: number,
  first: net.Socket | undefined,
): Promise<void> {
  for (let socket = first; socket !== undefined; socket = await connect(port)) {
    // `once` would throw when it is reset.
    const held = socket.resume()
    if (!held.closed) await new Promise((resolve) => held.on('close', resolve))
  }
}

it('brokers and ZooKeeper end when their parent is killed with -9, a frozen one, too', async () => {
  using home = new TemporaryDirectory()
  const parent = fork('test/system/parent-of-brokers.mjs', [home.path])
  const [ports] = (await once(parent, 'message')) as [number[]]

  const sockets = await Promise.all(ports.map(connect))
  expect(sockets).not.toContain(undefined)
  const ends = ports.map((port, index) => nobodyListens(port, sockets[index]))
  parent.send('freeze')
  await once(parent, 'message')
  parent.kill('SIGKILL')
  await Promise.all(ends)
})
