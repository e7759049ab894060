/**
 * # Paths of nodes
 *
 * What may be a path, its parent, and the part of a connect string that all paths of a
 * client lie below.
 *
 *     zk1:2181,zk2:2181/kafka     servers, and the chroot /kafka
 *
 * @kafka none: org/apache/zookeeper/common/PathUtils.java, client/ConnectStringParser.java
 * @module
 */
import { IllegalArgumentException } from '../base/exceptions.ts'

/** Port of a server that names none. */
const DEFAULT_PORT = 2181

const CONTROL = /\p{Cc}/u
const UNASSIGNED = /[\ud800-\uf8ff\ufff0-\uffff]/

/** Whether a string names a node: absolute, no empty, `.` or `..` part, plain text. */
export function isValidPath(path: string): boolean {
  if (path === '/') return true
  if (!path.startsWith('/') || path.endsWith('/')) return false
  const parts = path.slice(1).split('/')
  return (
    !parts.some((part) => part === '' || part === '.' || part === '..') &&
    !CONTROL.test(path) &&
    !UNASSIGNED.test(path)
  )
}

/** @returns the path of the node above; `/` for a child of the root */
export function parentOf(path: string): string {
  const end = path.lastIndexOf('/')
  return end <= 0 ? '/' : path.slice(0, end)
}

/** @returns the last part of a path */
export function nameOf(path: string): string {
  return path.slice(path.lastIndexOf('/') + 1)
}

/** Where the servers are, and below which node a client lives. */
export interface ConnectString {
  readonly servers: readonly { readonly host: string; readonly port: number }[]
  /** Without a trailing slash; empty for none. */
  readonly chroot: string
}

/**
 * Takes a connect string apart. IPv6 addresses stand in brackets.
 *
 * @throws IllegalArgumentException when it names no server, or an impossible port or path
 */
export function parseConnectString(text: string): ConnectString {
  const slash = text.indexOf('/')
  const hosts = slash < 0 ? text : text.slice(0, slash)
  const chroot = slash < 0 ? '' : text.slice(slash).trim()
  const servers = hosts
    .split(',')
    .map((host) => host.trim())
    .filter((host) => host !== '')
    .map(parseServer)
  if (servers.length === 0) {
    throw new IllegalArgumentException(`no server in the connect string "${text}"`)
  }
  if (chroot === '' || chroot === '/') return { servers, chroot: '' }
  if (!isValidPath(chroot)) {
    throw new IllegalArgumentException(`${chroot} is not a path (in "${text}")`)
  }
  return { servers, chroot }
}

function parseServer(text: string): { host: string; port: number } {
  const [, v6, name, digits] = /^(?:\[(.+)\]|([^:]+))(?::(\d+))?$/.exec(text) ?? []
  const port = digits === undefined ? DEFAULT_PORT : Number(digits)
  const host = v6 ?? name
  if (host === undefined || port < 1 || port > 65535) {
    throw new IllegalArgumentException(`"${text}" is not host:port`)
  }
  return { host, port }
}

/** Puts the chroot before a path of the client. */
export function withChroot(chroot: string, path: string): string {
  if (chroot === '') return path
  return path === '/' ? chroot : chroot + path
}

/** Takes the chroot off a path of the server. */
export function withoutChroot(chroot: string, path: string): string {
  if (chroot === '' || !path.startsWith(chroot)) return path
  return path.slice(chroot.length) || '/'
}
