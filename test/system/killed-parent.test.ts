/**
 * The processes of a chaos run end with the one that started them, however that ends: a
 * run that is killed leaves nothing behind.
 */
import { fork } from 'node:child_process'
import { once } from 'node:events'
import net from 'node:net'
import { expect, it } from 'vitest'
import { TemporaryDirectory } from './running-command.ts'

/** Connects to a port. @throws (rejects) when nobody listens */
async function connect(port: number): Promise<net.Socket> {
  const socket = net.connect(port, '127.0.0.1')
  await once(socket, 'connect')
  return socket
}

it('brokers and ZooKeeper end when their parent is killed with -9, a frozen one, too', async () => {
  using home = new TemporaryDirectory()
  const parent = fork('test/system/parent-of-brokers.mjs', [home.path])
  const [ports] = (await once(parent, 'message')) as [number[]]

  // A connection ends with the process at its other end: that is how one is watched.
  const sockets = await Promise.all(ports.map(connect))
  const ends = sockets.map(async (socket) => {
    socket.on('error', () => {})
    await once(socket.resume(), 'close')
  })
  parent.send('freeze')
  await once(parent, 'message')
  parent.kill('SIGKILL')
  await Promise.all(ends)

  // Nobody listens any more: it was not only the connection that ended.
  for (const port of ports) await expect(connect(port)).rejects.toThrow('ECONNREFUSED')
})
