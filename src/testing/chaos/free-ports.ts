/**
 * # Ports for processes that are told where to listen
 *
 * A process that is killed and started again has to get its port back. A port that the
 * system also gives to outgoing connections may be gone by then: to a stranger, or to a
 * connection attempt to that very port, which the system lets connect to itself. So these
 * lie below the range that systems take such ports from.
 *
 * @module
 */
import net from 'node:net'

/** The first port to try. */
const LOWEST = 10_000

/** Below the ports of outgoing connections: 32768 on Linux, higher elsewhere. */
const HIGHEST = 32_767

/** Finds ports of loopback that nobody listens on, all different. */
export async function freePorts(count: number): Promise<number[]> {
  // Begin anywhere: others on this machine may look for ports, too.
  const size = HIGHEST - LOWEST + 1
  let next = Math.floor(Math.random() * size)
  const servers: net.Server[] = []
  for (let tried = 0; servers.length < count && tried < size; tried++) {
    const server = await listen(LOWEST + (next++ % size))
    if (server !== undefined) servers.push(server)
  }

  // Free them together, so that none is found twice.
  const ports = servers.map((server) => (server.address() as net.AddressInfo).port)
  for (const server of servers) await new Promise((resolve) => server.close(resolve))
  if (ports.length < count) throw new Error(`no ${count} ports are free`)
  return ports
}

/** Listens on a port; `undefined` when somebody else does. */
function listen(port: number): Promise<net.Server | undefined> {
  const server = net.createServer()
  return new Promise((resolve) => {
    server.once('error', () => resolve(undefined))
    server.listen(port, '127.0.0.1', () => resolve(server))
  })
}
