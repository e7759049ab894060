/**
 * # Access control
 *
 * Who a connection is, what an access list means, and whether the one satisfies the
 * other. A connection begins as `ip:<address>` and gains identities by auth packets.
 *
 *     [perms READ|WRITE… , scheme digest, id user:hash]      one entry of a list
 *
 * @kafka none: org/apache/zookeeper/server/auth, PrepRequestProcessor.checkACL, fixupACL
 * @module
 */
import type { Acl } from '../client.ts'
import { sha1 } from './sha1.ts'

/** An identity of a connection. */
export interface Id {
  readonly scheme: string
  readonly id: string
}

/** Schemes whose identities count as proven. */
const AUTHENTICATED = new Set(['digest', 'sasl'])

/**
 * The id under which the digest scheme knows a user.
 *
 * @param idPassword - `user:password`
 * @returns `user:base64(sha1(user:password))`
 */
export function generateDigest(idPassword: string): string {
  const [user] = idPassword.split(':', 1)
  return `${user}:${sha1(Buffer.from(idPassword, 'utf8')).toString('base64')}`
}

/**
 * Judges an auth packet.
 *
 * @param superDigest - the digest that makes a user all-powerful, if one does
 * @returns the identities proven; `undefined` when the proof is refused
 */
export function authenticate(
  scheme: string,
  auth: Buffer | null,
  superDigest: string | undefined,
): Id[] | undefined {
  // An ip is known from the connection; what the client says about it does not matter.
  if (scheme === 'ip' || scheme === 'world') return []
  if (scheme !== 'digest' || auth === null) return undefined
  const id = generateDigest(auth.toString('utf8'))
  const ids = [{ scheme: 'digest', id }]
  return id === superDigest ? [...ids, { scheme: 'super', id: '' }] : ids
}

/**
 * Whether an access list lets one of these identities do something.
 *
 * @param perm - one bit of Perms
 */
export function allows(acl: readonly Acl[], perm: number, ids: readonly Id[]): boolean {
  if (acl.length === 0 || ids.some(({ scheme }) => scheme === 'super')) return true
  return acl.some((entry) => {
    if ((entry.perms & perm) === 0) return false
    if (entry.scheme === 'world') return entry.id === 'anyone'
    return ids.some(({ scheme, id }) => {
      if (scheme !== entry.scheme) return false
      return scheme === 'ip' ? inSubnet(id, entry.id) : id === entry.id
    })
  })
}

/**
 * Turns the access list of a request into the one to store: no entry twice, `auth`
 * replaced by who the connection has proven to be.
 *
 * @returns `undefined` when the list is empty or an entry makes no sense
 */
export function fixupACL(
  acl: readonly Acl[],
  ids: readonly Id[],
): readonly Acl[] | undefined {
  const fixed = new Map<string, Acl>()
  for (const { perms, scheme, id } of acl) {
    const entries = entriesFor(perms, scheme, id, ids)
    if (entries.length === 0) return undefined
    for (const entry of entries) {
      fixed.set(`${entry.perms} ${entry.scheme}:${entry.id}`, entry)
    }
  }
  return fixed.size === 0 ? undefined : [...fixed.values()]
}

function entriesFor(
  perms: number,
  scheme: string,
  id: string,
  ids: readonly Id[],
): readonly Acl[] {
  if (scheme === 'auth') {
    return ids
      .filter((each) => AUTHENTICATED.has(each.scheme))
      .map((each) => ({ perms, ...each }))
  }
  return isValidId(scheme, id) ? [{ perms, scheme, id }] : []
}

function isValidId(scheme: string, id: string): boolean {
  switch (scheme) {
    case 'world':
      return id === 'anyone'
    case 'digest':
      return id.split(':').length === 2
    case 'ip':
      return subnetOf(id) !== undefined
    default:
      return false
  }
}

/** Whether an address lies in `address` or `address/bits`. */
function inSubnet(address: string, subnet: string): boolean {
  const bits = addressBits(address)
  const range = subnetOf(subnet)
  if (bits === undefined || range === undefined) return false
  return bits.length === range.bits.length && bits.startsWith(range.prefix)
}

function subnetOf(text: string): { bits: string; prefix: string } | undefined {
  const [address = '', size, ...rest] = text.split('/')
  const bits = addressBits(address)
  if (bits === undefined || rest.length > 0) return undefined
  const length = size === undefined ? bits.length : Number(size)
  if (!Number.isInteger(length) || length < 0 || length > bits.length) return undefined
  return { bits, prefix: bits.slice(0, length) }
}

/** The bits of an address as text, 32 or 128 of them. */
function addressBits(address: string): string | undefined {
  const quad = /^(\d{1,3})\.(\d{1,3})\.(\d{1,3})\.(\d{1,3})$/.exec(address)?.slice(1)
  if (quad) {
    if (quad.some((part) => Number(part) > 255)) return undefined
    return quad.map((part) => Number(part).toString(2).padStart(8, '0')).join('')
  }

  // Write out the zeros that `::` stands for.
  if (!/^[0-9a-fA-F:]+$/.test(address) || !address.includes(':')) return undefined
  const [head = '', tail, ...more] = address.split('::')
  const left = head === '' ? [] : head.split(':')
  const right = tail ? tail.split(':') : []
  const missing = 8 - left.length - right.length
  if (more.length > 0 || (tail === undefined ? missing !== 0 : missing < 1)) {
    return undefined
  }
  const groups = [...left, ...Array.from({ length: missing }, () => '0'), ...right]
  if (groups.some((group) => !/^[0-9a-fA-F]{1,4}$/.test(group))) return undefined
  return groups
    .map((g) => Number.parseInt(g, 16).toString(2).padStart(16, '0'))
    .join('')
}
