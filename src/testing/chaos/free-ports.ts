/**
 * Ports for processes that are told where to listen.
 *
 * @module
 */
import net from 'node:net'

/** Finds ports of loopback that nobody listens on, all different. */
export async function freePorts(count: number): Promise<number[]> {
  const servers = Array.from({ length: count }, () => net.createServer())
  const ports = await Promise.all(servers.map(listen))
  for (const server of servers) await new Promise((resolve) => server.close(resolve))
  return ports
}

function listen(server: net.Server): Promise<number> {
  return new Promise((resolve, reject) => {
    server.once('error', reject)
    server.listen(0, '127.0.0.1', () => {
      resolve((server.address() as net.AddressInfo).port)
    })
  })
}
