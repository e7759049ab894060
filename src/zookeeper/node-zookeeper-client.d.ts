/**
 * # Types of node-zookeeper-client
 *
 * The part of the library that the adapter touches, its insides included. The package
 * has no types of its own, and those of others leave the insides out.
 *
 * @module
 */
declare module 'node-zookeeper-client' {
  import type { EventEmitter } from 'node:events'
  import type { Socket } from 'node:net'

  export interface RawError extends Error {
    readonly code?: number
  }
  /** 64-bit fields are buffers of 8 bytes. */
  export interface RawStat {
    readonly czxid: Buffer
    readonly mzxid: Buffer
    readonly ctime: Buffer
    readonly mtime: Buffer
    readonly version: number
    readonly cversion: number
    readonly aversion: number
    readonly ephemeralOwner: Buffer
    readonly dataLength: number
    readonly numChildren: number
    readonly pzxid: Buffer
  }
  export interface RawEvent {
    readonly type: number
    readonly path: string
  }
  export interface RawServer {
    readonly host: string
    readonly port: number | string
  }
  type Callback<A extends readonly unknown[]> = (
    error: RawError | null | undefined,
    ...results: A
  ) => void
  type RawWatcher = (event: RawEvent) => void

  /** Of one operation of a transaction; `err` is not 0 when it failed. */
  export interface RawResult {
    readonly type: number
    readonly stat?: RawStat
    readonly err?: number
  }

  export interface ConnectionManager {
    state: number
    socket: Socket | undefined
    servers: RawServer[]
    nextServerIndex: number
    pendingBuffer: Buffer | null
    connectTimeoutHandler: ReturnType<typeof setTimeout> | null
    readonly packetQueue: { queue: unknown[]; push(packet: object): void }
    readonly watcherManager: { emit(event: RawEvent): void }
    setState(state: number): void
    findNextServer(callback: (server: RawServer) => void): void
    onSocketData(bytes: Buffer): void
    queue(
      request: unknown,
      callback: Callback<[{ payload: { stat: RawStat; results: RawResult[] } }]>,
    ): void
  }

  export interface Client extends EventEmitter {
    readonly connectionManager: ConnectionManager
    connect(): void
    close(): void
    getSessionId(): Buffer
    getSessionTimeout(): number
    addAuthInfo(scheme: string, auth: Buffer): void
    create(
      path: string,
      data: Buffer | null,
      acls: ACL[],
      mode: number,
      callback: Callback<[string]>,
    ): void
    remove(path: string, version: number, callback: Callback<[]>): void
    exists(
      path: string,
      watcher: RawWatcher | undefined,
      callback: Callback<[RawStat | null]>,
    ): void
    getData(
      path: string,
      watcher: RawWatcher | undefined,
      callback: Callback<[Buffer | undefined, RawStat]>,
    ): void
    setData(
      path: string,
      data: Buffer,
      version: number,
      callback: Callback<[RawStat]>,
    ): void
    getChildren(
      path: string,
      watcher: RawWatcher | undefined,
      callback: Callback<[string[] | undefined, RawStat]>,
    ): void
    getACL(path: string, callback: Callback<[ACL[] | undefined, RawStat]>): void
    setACL(
      path: string,
      acls: ACL[],
      version: number,
      callback: Callback<[RawStat]>,
    ): void
  }

  export class Id {
    readonly scheme: string
    readonly id: string
    constructor(scheme: string, id: string)
  }
  export class ACL {
    readonly permission: number
    readonly id: Id
    constructor(permission: number, id: Id)
  }
  const library: {
    createClient(
      connectionString: string,
      options: { sessionTimeout: number; spinDelay: number; retries: number },
    ): Client
    ACL: typeof ACL
    Id: typeof Id
  }
  export default library
}

declare module 'node-zookeeper-client/lib/jute/index.js' {
  const jute: {
    OP_CODES: Readonly<Record<string, number>>
    Request: new (header: object, payload: object) => object
    TransactionRequest: new (
      ops: readonly { readonly type: number; readonly path: string }[],
    ) => object
    protocol: {
      RequestHeader: new () => { type: number }
      SetDataRequest: new () => {
        path: string
        data: Buffer | undefined
        version: number
      }
    }
  }
  export default jute
}
