/**
 * # ZNodeAccess
 *
 * The few verbs that everything in this wing is made of: read a node that may be missing,
 * create with parents, write if the version still is the one we know, create an ephemeral
 * node and be sure that it is ours.
 *
 *     create ─▶ exists already ─▶ read it ─▶ owner is our session ─▶ ours after all
 *        ▲                            └─ gone meanwhile ─┘   other owner ─▶ not ours
 *        └────────────────────────────┘
 *
 * The loop above is needed because a request whose answer was lost is sent again: the
 * second try then meets the node that the first one made.
 *
 * @kafka core/src/main/scala/kafka/zk/KafkaZkClient.scala#KafkaZkClient
 * @differs the verbs stand in a class of their own, below KafkaZkClient, for its size
 * @module
 */

import { ControllerMovedException, KafkaException } from '../base/errors.ts'
import type { Distribution } from '../base/metrics/Distribution.ts'
import {
  BadVersionException,
  type GuardedWrite,
  KeeperCode,
  KeeperException,
  NodeExistsException,
  NoNodeException,
  type Stat,
  type ZooKeeperState,
} from '../zookeeper/client.ts'
import type { ZooKeeperClient } from '../zookeeper/ZooKeeperClient.ts'
import { ControllerEpochZNode } from './cluster-znodes.ts'
import { ZkData } from './ZkData.ts'

/** Data of a node with what ZooKeeper knows about it. */
export interface DataAndStat {
  /** The bytes; null for a node that was made without. */
  readonly data: Buffer | null
  readonly stat: Stat
}

/** What came of a write that depended on a version. */
export interface ConditionalUpdate {
  /** Whether the node now holds the data. */
  readonly updated: boolean

  /** The new version of the node; -1 when not updated. */
  readonly zkVersion: number
}

/** What makes a controller: the epoch it took, and the version of the node it is in. */
export interface ControllerOffice {
  readonly epoch: number
  readonly epochZkVersion: number
}

/** An ephemeral node that we wanted belongs to a session that is not ours. */
export class EphemeralNodeTakenException extends NodeExistsException {
  /** The session that holds it. */
  readonly owner: bigint

  constructor(path: string, owner: bigint, options?: { readonly cause?: unknown }) {
    super(KeeperCode.NODEEXISTS, path, options)
    this.owner = owner
    this.message = `${path} belongs to session 0x${owner.toString(16)} (NODEEXISTS)`
  }
}

/**
 * Tells an operator why a broker cannot register.
 *
 * @differs 1.1.1 gives up, too, with no more than ZooKeeper's own NodeExists
 */
export function brokerIdTaken(cause: EphemeralNodeTakenException): KafkaException {
  const why =
    'a broker with this id runs, or one was killed and its session has yet to expire'
  return new KafkaException(`the broker id is taken, ${cause.message}: ${why}`, {
    cause,
  })
}

/** The parent of `path`; undefined for a child of the root. */
export function parentPath(path: string): string | undefined {
  const end = path.lastIndexOf('/')
  return end > 0 ? path.slice(0, end) : undefined
}

/** Verbs on znodes, over one {@link ZooKeeperClient}. */
export class ZNodeAccess {
  protected readonly zooKeeperClient: ZooKeeperClient
  protected readonly isSecure: boolean

  /**
   * Uses a client that was started.
   *
   * @param zooKeeperClient - keeps the session; closed with this object
   * @param isSecure - `zookeeper.set.acl`: reserve nodes for the user of the session
   */
  constructor(zooKeeperClient: ZooKeeperClient, isSecure: boolean) {
    this.zooKeeperClient = zooKeeperClient
    this.isSecure = isSecure
  }

  /** How often the session came into a state. */
  get stateCounts(): ReadonlyMap<ZooKeeperState, number> {
    return this.zooKeeperClient.stateCounts
  }

  /** How long requests took to be answered, in ms. */
  get requestLatencyMs(): Distribution {
    return this.zooKeeperClient.requestLatencyMs
  }

  /** Where the session stands. */
  get connectionState(): ZooKeeperState {
    return this.zooKeeperClient.connectionState
  }

  /**
   * Reads a node that may be missing, and sets a watch if a handler for it is registered.
   *
   * @returns `undefined` when there is no such node
   */
  async getDataOrNone(path: string): Promise<DataAndStat | undefined> {
    try {
      return await this.zooKeeperClient.getData(path)
    } catch (e) {
      if (e instanceof NoNodeException) return undefined
      throw e
    }
  }

  /**
   * Lists the children of a node, and sets a watch if a handler for it is registered.
   *
   * @returns names in no particular order; empty when there is no such node
   * @kafka core/src/main/scala/kafka/zk/KafkaZkClient.scala#KafkaZkClient.getChildren
   */
  async getChildren(path: string): Promise<string[]> {
    try {
      return (await this.zooKeeperClient.getChildren(path)).children
    } catch (e) {
      if (e instanceof NoNodeException) return []
      throw e
    }
  }

  /** Whether the node exists; sets a watch if a handler for it is registered. */
  async pathExists(path: string): Promise<boolean> {
    return (await this.zooKeeperClient.exists(path)) !== undefined
  }

  /**
   * Creates a persistent node, and its parents where they are missing.
   *
   * @param data - null for a node without data; parents never have any
   * @throws NodeExistsException when the node is there and `throwIfPathExists` is true
   * @kafka core/src/main/scala/kafka/zk/KafkaZkClient.scala#KafkaZkClient.createRecursive
   */
  async createRecursive(
    path: string,
    data: Buffer | null = null,
    throwIfPathExists = true,
  ): Promise<void> {
    // Try the node itself first: its parents mostly exist.
    try {
      await this.create(path, data)
    } catch (e) {
      if (e instanceof NodeExistsException && !throwIfPathExists) return
      const parent = parentPath(path)
      if (!(e instanceof NoNodeException) || parent === undefined) throw e

      // Make the parents, then the node.
      await this.createRecursive(parent, null, false)
      await this.createRecursive(path, data, throwIfPathExists)
    }
  }

  /**
   * Creates a persistent node whose parent exists.
   *
   * @param office - create it only while this controller is the last one
   */
  protected async create(
    path: string,
    data: Buffer | null,
    office?: ControllerOffice,
  ): Promise<void> {
    const acl = this.acls(path)
    if (office === undefined)
      await this.zooKeeperClient.create(path, data, 'PERSISTENT', acl)
    else await this.writeInOffice(office, { kind: 'create', path, data, acl })
  }

  /** Creates a persistent node that ZooKeeper numbers; returns its whole path. */
  protected createSequential(path: string, data: Buffer): Promise<string> {
    return this.zooKeeperClient.create(
      path,
      data,
      'PERSISTENT_SEQUENTIAL',
      this.acls(path),
    )
  }

  /**
   * Makes sure that a persistent node exists.
   *
   * @kafka core/src/main/scala/kafka/zk/KafkaZkClient.scala#KafkaZkClient.makeSurePersistentPathExists
   */
  async makeSurePersistentPathExists(path: string): Promise<void> {
    await this.createRecursive(path, null, false)
  }

  /**
   * Creates an ephemeral node that belongs to our session.
   *
   * @throws EphemeralNodeTakenException when another session holds it
   * @kafka core/src/main/scala/kafka/zk/KafkaZkClient.scala#KafkaZkClient.checkedEphemeralCreate
   */
  async checkedEphemeralCreate(path: string, data: Buffer): Promise<void> {
    for (;;) {
      // Create the node.
      try {
        await this.zooKeeperClient.create(path, data, 'EPHEMERAL', this.acls(path))
        return
      } catch (e) {
        if (!(e instanceof NodeExistsException)) throw e

        // Ask whose node it is; if it went away meanwhile, try again.
        const existing = await this.getDataOrNone(path)
        if (existing === undefined) continue
        const owner = existing.stat.ephemeralOwner
        const ours = this.zooKeeperClient.currentSessionId
        if (owner === ours) return
        throw new EphemeralNodeTakenException(path, owner, { cause: e })
      }
    }
  }

  /**
   * Writes a node if its version is the one we know.
   *
   * @param optionalChecker - asked after a version conflict whether the node already holds
   *   what we wanted: then the answer to an earlier try was lost. It returns the version
   *   of the node, or `undefined` for a real conflict
   * @kafka core/src/main/scala/kafka/zk/KafkaZkClient.scala#KafkaZkClient.conditionalUpdatePath
   */
  async conditionalUpdatePath(
    path: string,
    data: Buffer,
    expectVersion: number,
    optionalChecker?: (existing: DataAndStat) => number | undefined,
  ): Promise<ConditionalUpdate> {
    try {
      const stat = await this.zooKeeperClient.setData(path, data, expectVersion)
      return { updated: true, zkVersion: stat.version }
    } catch (e) {
      // Treat a node that is gone like a conflict.
      const refused = { updated: false, zkVersion: -1 }
      if (e instanceof NoNodeException) return refused
      if (!(e instanceof BadVersionException)) throw e

      // Accept a conflict with our own lost write.
      const existing = await this.getDataOrNone(path)
      const version = existing && optionalChecker?.(existing)
      return version === undefined ? refused : { updated: true, zkVersion: version }
    }
  }

  /**
   * Carries out what a controller writes, unless another one took the next epoch.
   *
   * @returns the stat of a node whose data was written
   * @throws ControllerMovedException (rejects) when the office is lost
   * @differs a replaced controller of 1.1 writes on until it notices (KAFKA-6082, mended in
   *   Kafka 2.1 as here)
   */
  protected async writeInOffice(
    { epoch, epochZkVersion }: ControllerOffice,
    write: GuardedWrite,
  ): Promise<Stat | undefined> {
    const office = { path: ControllerEpochZNode.path(), version: epochZkVersion }
    try {
      return await this.zooKeeperClient.writeWhile(office, write)
    } catch (e) {
      if (!(e instanceof KeeperException) || e.path !== office.path) throw e
      throw new ControllerMovedException(`epoch ${epoch} is over`, { cause: e })
    }
  }

  /**
   * Writes a node whatever its version; returns false when there is none.
   *
   * @param office - write only while this controller is the last one
   */
  protected async setIfPresent(
    path: string,
    data: Buffer,
    office?: ControllerOffice,
  ): Promise<boolean> {
    try {
      if (office === undefined) await this.zooKeeperClient.setData(path, data, -1)
      else
        await this.writeInOffice(office, { kind: 'setData', path, data, version: -1 })
      return true
    } catch (e) {
      if (e instanceof NoNodeException) return false
      throw e
    }
  }

  /**
   * Deletes a node whatever its version.
   *
   * @param office - delete only while this controller is the last one
   * @returns false when there was none
   * @kafka core/src/main/scala/kafka/zk/KafkaZkClient.scala#KafkaZkClient.deletePath
   */
  async deletePath(path: string, office?: ControllerOffice): Promise<boolean> {
    try {
      if (office === undefined) await this.zooKeeperClient.delete(path, -1)
      else await this.writeInOffice(office, { kind: 'delete', path })
      return true
    } catch (e) {
      if (e instanceof NoNodeException) return false
      throw e
    }
  }

  /**
   * Deletes a node and all below it; no error when there is none.
   *
   * @param office - delete only while this controller is the last one
   * @kafka core/src/main/scala/kafka/zk/KafkaZkClient.scala#KafkaZkClient.deleteRecursive
   */
  async deleteRecursive(path: string, office?: ControllerOffice): Promise<boolean> {
    for (const child of await this.getChildren(path)) {
      await this.deleteRecursive(`${path}/${child}`, office)
    }
    return this.deletePath(path, office)
  }

  /** The access list that a new node gets. */
  protected acls(path: string) {
    return ZkData.defaultAcls(this.isSecure, path)
  }
}
