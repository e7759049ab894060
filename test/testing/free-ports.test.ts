import { readFileSync } from 'node:fs'
import net from 'node:net'
import { expect, it } from 'vitest'
import { freePorts } from '../../src/testing/chaos/free-ports.ts'

/** The lowest port of outgoing connections, as far as the system tells. */
function lowestOutgoing(): number {
  try {
    const file = '/proc/sys/net/ipv4/ip_local_port_range'
    return Number(readFileSync(file, 'utf8').split(/\s+/)[0])
  } catch {
    return 32_768
  }
}

it('freePorts() takes ports that no outgoing connection is given', async () => {
  const ports = await freePorts(20)
  expect(new Set(ports).size).toBe(20)
  expect(Math.max(...ports)).toBeLessThan(Math.min(32_768, lowestOutgoing()))

  // Each can be listened on, and so can the next ones meanwhile.
  const server = net.createServer()
  await new Promise<void>((resolve) => server.listen(ports[0], '127.0.0.1', resolve))
  expect(await freePorts(20)).not.toContain(ports[0])
  await new Promise((resolve) => server.close(resolve))
})
