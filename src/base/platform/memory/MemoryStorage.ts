/**
 * # MemoryStorage
 *
 * A file system in memory that knows which bytes were flushed. A test can pull the plug
 * (`crash`) and see what a broker finds when it starts again, fill the disk, or break it.
 *
 *     file  [ flushed bytes | bytes only in the page cache ]
 *                           └─ what crash('drop') loses
 *
 * Names (files made, renamed, removed) are durable at once; bytes only after a sync. So a
 * file that was renamed before it was flushed is empty after a crash, as on a real disk.
 * Bytes that overwrite flushed ones count as flushed: nothing in a log does that.
 *
 * Files are sparse: an index of 10 MB that holds one entry takes a few bytes.
 *
 * A test that wants to pull the plug everywhere sets `beforeChange`, takes a copy (`fork`)
 * at each change, and tells the copy what became of its bytes (`crash`, `tear`).
 *
 * @module
 */
import { HostError } from '../HostError.ts'
import type {
  Clock,
  FileStat,
  OpenMode,
  Random,
  Storage,
  StorageFile,
} from '../Platform.ts'
import { dirname, join } from '../path.ts'
import { PathMap } from './PathMap.ts'

/** What a fault strikes. */
export type StorageOperation =
  | 'open'
  | 'read'
  | 'write'
  | 'truncate'
  | 'sync'
  | 'rename'
  | 'unlink'
  | 'mkdir'
  | 'readdir'

/** A rule that makes operations fail. */
export interface StorageFault {
  /** Which operations; all when left out. */
  readonly operations?: readonly StorageOperation[]
  /** Paths that begin with this, or match it; all when left out. */
  readonly path?: string | RegExp
  /** What the caller sees, such as `EIO`. */
  readonly code: string
  /** How often it strikes; for ever when left out. */
  readonly times?: number
}

/** A change that is about to be made. */
export interface StorageChange {
  readonly operation: 'create' | 'write' | 'truncate' | 'sync' | 'rename' | 'unlink'
  /** The file's name when it was opened; the old name of a rename. */
  readonly path: string
  /** Which file is written, whatever its name is by now. */
  readonly inode: number
  /** What is written; empty for all other changes. */
  readonly data: Buffer
  /** Byte of the file at which it is written. */
  readonly position: number
}

/** A file or a directory. */
class Inode {
  /** Tells it from all others; the same in a copy of the disk. */
  readonly id: number
  readonly isDirectory: boolean
  data: Buffer = Buffer.alloc(0)
  size = 0
  flushedSize = 0
  mtimeMs: number

  constructor(id: number, isDirectory: boolean, mtimeMs: number) {
    this.id = id
    this.isDirectory = isDirectory
    this.mtimeMs = mtimeMs
  }

  /** Another one with the same bytes, of which as many are flushed. */
  copy(): Inode {
    const copy = new Inode(this.id, this.isDirectory, this.mtimeMs)
    copy.data = Buffer.from(this.data.subarray(0, this.size))
    copy.size = this.size
    copy.flushedSize = this.flushedSize
    return copy
  }
}

const nothing = Buffer.alloc(0)

/** A disk that lives as long as this object; give it to the next broker after a crash. */
export class MemoryStorage implements Storage {
  /** Bytes that all files together may take. Lower it to fill the disk. */
  capacityBytes = Number.POSITIVE_INFINITY

  /** Called before each change, while the disk is still as it was. */
  beforeChange: ((change: StorageChange) => void) | undefined

  readonly #clock: Clock
  readonly #random: Random
  readonly #nodes = new PathMap<Inode>()
  readonly #locks = new Set<string>()
  readonly #faults = new Set<{ readonly rule: StorageFault; left: number }>()
  #usedBytes = 0
  #generation = 0
  #inodes = 0

  /** @param random - decides how much of a tail `crash('tear')` leaves */
  constructor(clock: Clock, random: Random) {
    this.#clock = clock
    this.#random = random
  }

  /** Bytes that all files take. */
  get usedBytes(): number {
    return this.#usedBytes
  }

  open(path: string, mode: OpenMode): StorageFile {
    this.strike('open', path)
    let node = this.#nodes.get(normalize(path))
    if (node === undefined) {
      if (mode !== 'create') throw new HostError('ENOENT', `open ${path}`)
      node = this.#createFile(path)
    }
    if (node.isDirectory) throw new HostError('EISDIR', `open ${path}`)
    return new MemoryStorageFile(this, path, node, mode !== 'read', this.#generation)
  }

  exists(path: string): boolean {
    return this.#isDirectory(path) || this.#nodes.has(normalize(path))
  }

  mkdir(path: string): void {
    this.strike('mkdir', path)
    for (let at = normalize(path); !isRoot(at); at = dirname(at)) {
      const node = this.#nodes.get(at)
      if (node?.isDirectory === false) throw new HostError('ENOTDIR', `mkdir ${path}`)
      if (node === undefined)
        this.#nodes.set(at, new Inode(++this.#inodes, true, this.#clock.now()))
    }
  }

  readdir(path: string): string[] {
    this.strike('readdir', path)
    if (!this.#isDirectory(path)) throw new HostError('ENOENT', `readdir ${path}`)
    return [...this.#nodes.namesIn(prefixOf(path))].sort()
  }

  rename(from: string, to: string): void {
    this.strike('rename', from)
    const source = normalize(from)
    const target = normalize(to)
    const node = this.#nodes.get(source)
    if (node === undefined) throw new HostError('ENOENT', `rename ${from}`)
    if (!this.#isDirectory(dirname(target)))
      throw new HostError('ENOENT', `rename ${to}`)
    if (source === target) return
    this.announce('rename', from, node)

    // A file replaces a file; a directory takes all below it along.
    const replaced = this.#nodes.get(target)
    if (replaced?.isDirectory) throw new HostError('ENOTEMPTY', `rename ${to}`)
    if (replaced !== undefined) this.#remove(target)
    this.#nodes.delete(source)
    this.#nodes.set(target, node)
    for (const [key, below] of this.#nodes.below(prefixOf(source))) {
      this.#nodes.delete(key)
      this.#nodes.set(target + key.slice(source.length), below)
    }
  }

  unlink(path: string): void {
    this.strike('unlink', path)
    const node = this.#nodes.get(normalize(path))
    if (node === undefined) throw new HostError('ENOENT', `unlink ${path}`)
    if (node.isDirectory) throw new HostError('EPERM', `unlink ${path}`)
    this.announce('unlink', path, node)
    this.#remove(normalize(path))
  }

  removeDirectory(path: string): void {
    this.strike('unlink', path)
    this.announce('unlink', path)
    for (const [key] of this.#nodes.below(prefixOf(path))) this.#remove(key)
    this.#remove(normalize(path))
  }

  stat(path: string): FileStat | undefined {
    const node = this.#nodes.get(normalize(path))
    if (node !== undefined) {
      return { size: node.size, mtimeMs: node.mtimeMs, isDirectory: node.isDirectory }
    }
    return isRoot(path) ? { size: 0, mtimeMs: 0, isDirectory: true } : undefined
  }

  readFile(path: string): Buffer {
    const file = this.open(path, 'read')
    const bytes = Buffer.alloc(file.size())
    file.read(bytes, 0, bytes.length, 0)
    return bytes
  }

  writeFile(path: string, data: Buffer | string): void {
    const file = this.open(path, 'create')
    file.truncate(0)
    file.write(Buffer.from(data), 0)
  }

  writeFileAtomic(path: string, data: Buffer | string): void {
    const temporary = `${path}.tmp`
    this.writeFile(temporary, data)
    this.open(temporary, 'readwrite').syncNow()
    this.rename(temporary, path)
  }

  setMtime(path: string, ms: number): void {
    const node = this.#nodes.get(normalize(path))
    if (node === undefined) throw new HostError('ENOENT', `utimes ${path}`)
    node.mtimeMs = ms
  }

  syncDirectory(path: string): void {
    this.strike('sync', path)
    if (!this.#isDirectory(path)) throw new HostError('ENOENT', `fsync ${path}`)
  }

  lock(path: string): () => void {
    const key = normalize(path)
    if (this.#locks.has(key)) throw new Error(`this process holds the lock ${path}`)
    if (!this.exists(path)) this.#createFile(path)
    this.#locks.add(key)
    const generation = this.#generation
    return () => {
      if (generation === this.#generation) this.#locks.delete(key)
    }
  }

  usable(path: string): boolean {
    try {
      this.strike('write', path)
      this.strike('readdir', path)
      return this.#isDirectory(path)
    } catch {
      return false
    }
  }

  /**
   * Pulls the plug: open files become useless and locks free.
   *
   * @param tail - what becomes of bytes that were never flushed: lost, kept, or kept up
   *   to a place that chance decides in each file
   */
  crash(tail: 'drop' | 'keep' | 'tear' = 'drop'): void {
    this.#generation++
    this.#locks.clear()
    for (const node of this.#nodes.values()) {
      const unflushed = node.size - node.flushedSize
      if (tail === 'keep' || unflushed <= 0) continue
      const kept = tail === 'drop' ? 0 : this.#random.nextInt(unflushed + 1)
      this.resize(node, node.flushedSize + kept)
    }
  }

  /**
   * Makes a copy with a life of its own: the same files, of which as much is flushed, none
   * of them open.
   *
   * @param clock whose time the copy shows; this one's when left out
   * @param random decides what the copy keeps in a crash; this one's when left out
   */
  fork(clock: Clock = this.#clock, random: Random = this.#random): MemoryStorage {
    const copy = new MemoryStorage(clock, random)
    for (const [path, node] of this.#nodes) copy.#nodes.set(path, node.copy())
    copy.#usedBytes = this.#usedBytes
    copy.#inodes = this.#inodes
    return copy
  }

  /**
   * Makes a write that the plug cut short: its first bytes arrive, the rest does not.
   *
   * @param change a write that this disk, or the one it was copied from, was told of
   * @param kept bytes that arrive
   * @param rest what stands in the place of the others; left out, the file ends there
   */
  tear(change: StorageChange, kept: number, rest?: Buffer): void {
    for (const node of this.#nodes.values()) {
      if (node.id !== change.inode) continue
      this.write(node, change.path, change.data.subarray(0, kept), change.position)
      if (rest === undefined) continue
      this.write(node, change.path, rest, change.position + kept)
    }
  }

  /** Tells whoever wants to know that a change is about to be made. */
  announce(
    operation: StorageChange['operation'],
    path: string,
    node?: Inode,
    data: Buffer = nothing,
    position = 0,
  ): void {
    this.beforeChange?.({ operation, path, inode: node?.id ?? 0, data, position })
  }

  /** Makes operations fail from now on. @returns a function that ends it */
  addFault(rule: StorageFault): () => void {
    const fault = { rule, left: rule.times ?? Number.POSITIVE_INFINITY }
    this.#faults.add(fault)
    return () => {
      this.#faults.delete(fault)
    }
  }

  /** Heals the disk: no fault strikes any more. */
  clearFaults(): void {
    this.#faults.clear()
  }

  /** @throws HostError when a fault strikes this operation */
  strike(operation: StorageOperation, path: string): void {
    for (const fault of this.#faults) {
      const { operations, path: pattern, code } = fault.rule
      if (operations !== undefined && !operations.includes(operation)) continue
      if (pattern instanceof RegExp && !pattern.test(path)) continue
      if (typeof pattern === 'string' && !path.startsWith(pattern)) continue
      if (--fault.left <= 0) this.#faults.delete(fault)
      throw new HostError(code, `${operation} ${path}`)
    }
  }

  /** Sets the length of a file; what is added reads as zeros. */
  resize(node: Inode, size: number): void {
    if (size < node.size) {
      node.data = node.data.subarray(0, Math.min(size, node.data.length))
      node.flushedSize = Math.min(node.flushedSize, size)
    }
    this.#usedBytes += size - node.size
    node.size = size
    node.mtimeMs = this.#clock.now()
  }

  /** Puts bytes in place, growing the file. @throws HostError ENOSPC on a full disk */
  write(node: Inode, path: string, data: Buffer, position: number): void {
    const end = position + data.length
    const growth = Math.max(0, end - node.size)
    if (this.#usedBytes + growth > this.capacityBytes) {
      throw new HostError('ENOSPC', `write ${path}`)
    }
    if (end > node.data.length) {
      const grown = Buffer.alloc(Math.max(end, node.data.length * 2))
      node.data.copy(grown)
      node.data = grown
    }
    data.copy(node.data, position)
    this.resize(node, node.size + growth)
  }

  /** @returns whether a file was opened before the last crash */
  isStale(generation: number): boolean {
    return generation !== this.#generation
  }

  #createFile(path: string): Inode {
    if (!this.#isDirectory(dirname(path))) throw new HostError('ENOENT', `open ${path}`)
    this.announce('create', path)
    const node = new Inode(++this.#inodes, false, this.#clock.now())
    this.#nodes.set(normalize(path), node)
    return node
  }

  #remove(key: string): void {
    const node = this.#nodes.get(key)
    if (node === undefined) return
    this.#usedBytes -= node.size
    this.#nodes.delete(key)
  }

  #isDirectory(path: string): boolean {
    return isRoot(path) || this.#nodes.get(normalize(path))?.isDirectory === true
  }
}

/** An open file. It outlives its name: a removed file can be read until it is closed. */
class MemoryStorageFile implements StorageFile {
  readonly path: string
  readonly #storage: MemoryStorage
  readonly #node: Inode
  readonly #writable: boolean
  readonly #generation: number
  #closed = false

  constructor(
    storage: MemoryStorage,
    path: string,
    node: Inode,
    writable: boolean,
    generation: number,
  ) {
    this.path = path
    this.#storage = storage
    this.#node = node
    this.#writable = writable
    this.#generation = generation
  }

  size(): number {
    this.#check(false)
    return this.#node.size
  }

  read(target: Buffer, targetOffset: number, length: number, position: number): number {
    this.#check(false)
    this.#storage.strike('read', this.path)
    const { data, size } = this.#node
    const end = Math.min(position + length, size)
    if (end <= position) return 0

    // What was never written, behind or between, reads as zeros.
    const from = Math.min(position, data.length)
    const copied = data.copy(target, targetOffset, from, Math.min(end, data.length))
    target.fill(0, targetOffset + copied, targetOffset + end - position)
    return end - position
  }

  write(data: Buffer | readonly Buffer[], position: number): number {
    this.#check(true)
    this.#storage.strike('write', this.path)
    let at = position
    for (const buffer of Buffer.isBuffer(data) ? [data] : data) {
      this.#storage.announce('write', this.path, this.#node, buffer, at)
      this.#storage.write(this.#node, this.path, buffer, at)
      at += buffer.length
    }
    return at - position
  }

  truncate(size: number): void {
    this.#check(true)
    this.#storage.strike('truncate', this.path)
    this.#storage.announce('truncate', this.path, this.#node)
    this.#storage.resize(this.#node, size)
  }

  async sync(): Promise<void> {
    this.syncNow()
  }

  syncNow(): void {
    this.#check(false)
    this.#storage.strike('sync', this.path)
    this.#storage.announce('sync', this.path, this.#node)
    this.#node.flushedSize = this.#node.size
  }

  close(): void {
    this.#closed = true
  }

  #check(writing: boolean): void {
    if (this.#closed || this.#storage.isStale(this.#generation)) {
      throw new HostError('EBADF', this.path)
    }
    if (writing && !this.#writable) throw new HostError('EBADF', `write ${this.path}`)
  }
}

function normalize(path: string): string {
  const joined = join(path)
  return joined.length > 1 ? joined.replace(/\/+$/, '') : joined
}

function prefixOf(path: string): string {
  return path === '/' ? '/' : `${normalize(path)}/`
}

function isRoot(path: string): boolean {
  return path === '/' || path === '.' || path === ''
}
