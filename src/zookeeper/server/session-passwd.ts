/**
 * # Secret of a session
 *
 * Whoever comes back to a session must know it. It follows from the id, so that it needs
 * no place in the files and is the same after a restart.
 *
 * @kafka none: ZooKeeperServer.generatePasswd, java.util.Random
 * @differs nothing: this is Java's generator, seeded in the same way, so sessions survive
 *   a change between the two servers over the same files
 * @module
 */

const SUPER_SECRET = 0xb3415c00n
const MULTIPLIER = 0x5deece66dn
const MASK = (1n << 48n) - 1n

/** @returns 16 bytes */
export function generatePasswd(sessionId: bigint): Buffer {
  let seed = (sessionId ^ SUPER_SECRET ^ MULTIPLIER) & MASK
  const passwd = Buffer.alloc(16)
  for (let at = 0; at < passwd.length; at += 4) {
    seed = (seed * MULTIPLIER + 0xbn) & MASK
    passwd.writeInt32LE(Number(BigInt.asIntN(32, seed >> 16n)), at)
  }
  return passwd
}
