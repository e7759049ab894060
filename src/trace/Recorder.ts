/**
 * # Recorder
 *
 * Keeps what runs: one frame a call, with its parent, its actor, a few named values and
 * the paragraphs it went through.
 *
 *     call ──▶ frame { name, parent, actor, args } ──▶ paragraphs … ──▶ end, result
 *       └────▶ change { name, value }, when a watched object looks other than before
 *
 * The parent of a frame is the frame in whose *asynchronous context* it begins, not only
 * the one below it on the stack: what a method starts and does not wait for is still its
 * child. The context comes from a small port, because a browser has none.
 *
 * Objects of some classes are *watched*: before and after each of their methods the
 * recorder looks at them, and keeps the named values that changed. So a player can show
 * the state of the program at every step without running it.
 *
 * Invariants: frames are numbered in the order in which they begin; a parent's number is
 * lower than its children's; a frame ends at most once. Looking records nothing: what a
 * watch or a short form calls is not part of the run. Recordings hold no line numbers
 * and no addresses, so reformatting a source file changes none.
 *
 * @module
 */

/** One recorded call. */
export interface Frame {
  /** Position in the order of beginnings, from 1. */
  readonly id: number
  /** `Class.method`, `new Class`, or the name of a function. */
  readonly name: string
  /** File of the method, below `src/`; `undefined` for a call that no source makes. */
  file?: string
  /** Class of `this`, when it is not the class that declares the method. */
  readonly self: string | undefined
  /** The frame in whose context this one began; 0 for a root. */
  readonly parent: number
  /** Who runs it: `broker 0`, `consumer c1`, … */
  readonly actor: string
  /** Milliseconds since the recording began. */
  readonly start: number
  /** Milliseconds since the recording began; `undefined` while it runs. */
  end: number | undefined
  /** Parameter names and short forms of their values at entry. */
  readonly args: Readonly<Record<string, string>>
  /** Short form of what was returned; `undefined` for nothing. */
  result: string | undefined
  /** Short form of what was thrown. */
  error: string | undefined
  /** The paragraphs that were reached, in order. */
  readonly paragraphs: { readonly seq: number; readonly sentence: string }[]
  /** Position in the order of everything that was recorded. */
  readonly seq: number
  /** Position of its end in the same order; `undefined` while it runs. */
  endSeq: number | undefined
}

/** A value that can be written as JSON. */
export type Json =
  | string
  | number
  | boolean
  | null
  | readonly Json[]
  | { readonly [key: string]: Json }

/** A named value of the program that became another. */
export interface Change {
  /** Position in the order of everything that was recorded. */
  readonly seq: number
  readonly name: string
  /** `undefined` when the thing is gone. */
  readonly value: Json | undefined
}

/** What a watch saw: a name, and its value now, or `undefined` when it is gone. */
export type Seen = readonly [name: string, value: Json | undefined]

/**
 * Looks at an object after one of its methods ran.
 *
 * @param self the object.
 * @param args what the method was given, by parameter name.
 * @param frame the call.
 */
export type Watch = (
  self: never,
  args: Readonly<Record<string, unknown>>,
  frame: Frame,
) => Iterable<Seen>

/** Carries the running frame across `await`, timers and events. */
export interface AsyncContext<T> {
  run<R>(value: T, body: () => R): R
  get(): T | undefined
}

/** The actor of an object; `caller` is the one that called it. */
export type ActorOf = (self: never, caller: string) => string | undefined

/** What a recording is told about the program; the recorder itself knows nothing of it. */
export interface RecorderOptions {
  readonly context: AsyncContext<Frame>
  /** Milliseconds, fractional. */
  readonly monotonic: () => number
  /** Whether that is a virtual clock, which stands still while something runs. */
  readonly isVirtual?: boolean
  /** Names that are not recorded, e.g. hot helpers. */
  readonly skip?: (name: string) => boolean
  /** Class name → the actor that an instance of it is or belongs to; `*` for the rest. */
  readonly actors?: Readonly<Record<string, ActorOf>>
  /** Class name → what is seen of an instance. */
  readonly watches?: Readonly<Record<string, Watch>>
  /** Short form of a value; `undefined` leaves it to the recorder. */
  readonly describe?: (value: unknown) => string | undefined
  /** Frames beyond this many are counted, not kept. Default 200,000. */
  readonly maxFrames?: number
}

/** Records calls between `start` and `stop` of `record-run.ts`. */
export class Recorder {
  readonly frames: Frame[] = []
  /** What watched objects looked like, whenever that changed. */
  readonly changes: Change[] = []
  /** Frames that did not fit into `maxFrames`. */
  dropped = 0
  readonly #options: RecorderOptions
  readonly #origin: number
  readonly #maxFrames: number
  readonly #last = new Map<string, string | undefined>()
  #seq = 0
  #looking = false

  constructor(options: RecorderOptions) {
    this.#options = options
    this.#maxFrames = options.maxFrames ?? 200_000
    this.#origin = options.monotonic()
  }

  /**
   * Runs `body` as a frame of its own.
   *
   * @param id name of the frame.
   * @param self `this` of the call, for its class and its actor.
   * @param args values by parameter name; only short forms are kept.
   */
  call<T>(
    id: string,
    self: unknown,
    args: Record<string, unknown>,
    body: (frame: Frame | null) => T,
  ): T {
    if (!this.#isKept(id)) return body(null)
    const frame = this.#begin(id, self, args)
    const look = this.#watchOf(frame, self, args)
    look?.()
    return this.#options.context.run(frame, () => this.#finishing(frame, body, look))
  }

  /**
   * Runs work that pauses as one frame: it ends when the work has ended.
   *
   * @param body gives the work; what runs between two pauses is a child of the frame.
   */
  *steps<Y, T>(
    id: string,
    self: unknown,
    args: Record<string, unknown>,
    body: (frame: Frame | null) => Generator<Y, T, undefined>,
  ): Generator<Y, T, undefined> {
    if (!this.#isKept(id)) return yield* body(null)
    const frame = this.#begin(id, self, args)
    const look = this.#watchOf(frame, self, args)
    look?.()
    return yield* this.#stepping(frame, body(frame), look)
  }

  #isKept(id: string): boolean {
    if (this.#looking || this.#options.skip?.(id)) return false
    if (this.frames.length < this.#maxFrames) return true
    this.dropped++
    return false
  }

  *#stepping<Y, T>(
    frame: Frame,
    work: Generator<Y, T, undefined>,
    look?: () => void,
  ): Generator<Y, T, undefined> {
    let go = () => work.next()
    try {
      for (;;) {
        const step = this.#options.context.run(frame, go)
        look?.()
        if (step.done === true) {
          this.#end(frame, step.value)
          return step.value
        }

        // What fails while the work pauses fails in the work.
        try {
          yield step.value
          go = () => work.next()
        } catch (error) {
          go = () => work.throw(error)
        }
      }
    } catch (error) {
      look?.()
      this.#fail(frame, error)
      throw error
    } finally {
      // It was given up at a pause.
      if (frame.end === undefined) {
        this.#options.context.run(frame, () => work.return(undefined as T))
        this.#end(frame, undefined)
      }
    }
  }

  /** Keeps named values, where they are other than before. */
  note(seen: Iterable<Seen>): void {
    for (const [name, value] of seen) {
      const text = value === undefined ? undefined : JSON.stringify(value)
      if (this.#last.get(name) === text) continue
      this.#last.set(name, text)
      this.changes.push({ seq: ++this.#seq, name, value })
    }
  }

  /** What looks at the object of a call; `undefined` when nothing does. */
  #watchOf(frame: Frame, self: unknown, args: Record<string, unknown>) {
    const watches = this.#options.watches
    if (!watches || self === undefined || self === null) return undefined
    const owner = frame.name.slice(0, frame.name.indexOf('.'))
    const name = [owner, frame.self ?? ''].find((n) => Object.hasOwn(watches, n))
    const watch = name === undefined ? undefined : (watches[name] as Watch)
    return (
      watch &&
      (() =>
        this.note(this.#quietly(() => [...watch(self as never, args, frame)]) ?? []))
    )
  }

  /** Looks without recording what looking calls, and without failing. */
  #quietly<T>(look: () => T): T | undefined {
    const before = this.#looking
    this.#looking = true
    try {
      return safely(look)
    } finally {
      this.#looking = before
    }
  }

  /** Notes that `frame` reached the paragraph named `sentence`. */
  paragraph(frame: Frame, sentence: string): void {
    frame.paragraphs.push({ seq: ++this.#seq, sentence })
  }

  /** Names the actor of everything that `body` runs, e.g. the main program of a trace. */
  actAs<T>(actor: string, name: string, body: () => T): T {
    const frame = this.#push(name, undefined, actor, {}, this.#options.context.get())
    return this.#options.context.run(frame, () => this.#finishing(frame, body))
  }

  #begin(id: string, self: unknown, args: Record<string, unknown>): Frame {
    const parent = this.#options.context.get()
    const owner = id.startsWith('new ') ? id.slice(4) : id.slice(0, id.indexOf('.'))
    const actual = className(self)

    // Find the actor: the class may say, else the caller's is inherited.
    const caller = parent?.actor ?? 'main'
    const own =
      this.#actorOf(owner, self, caller) ??
      this.#actorOf(actual, self, caller) ??
      this.#actorOf('*', self, caller)
    const actor = own ?? caller

    const shown: Record<string, string> = {}
    for (const [name, value] of Object.entries(args)) {
      const short = this.describe(value)
      if (short !== undefined) shown[name] = short
    }
    const subclass = actual !== owner && actual !== 'Object' ? actual : undefined
    return this.#push(id, subclass, actor, shown, parent)
  }

  #push(
    name: string,
    self: string | undefined,
    actor: string,
    args: Readonly<Record<string, string>>,
    parent: Frame | undefined,
  ): Frame {
    const frame: Frame = {
      id: this.frames.length + 1,
      name,
      self,
      parent: parent?.id ?? 0,
      actor,
      start: this.#now(),
      end: undefined,
      args,
      result: undefined,
      error: undefined,
      paragraphs: [],
      seq: ++this.#seq,
      endSeq: undefined,
    }
    this.frames.push(frame)
    return frame
  }

  #finishing<T>(frame: Frame, body: (frame: Frame) => T, look?: () => void): T {
    let result: T
    try {
      result = body(frame)
    } catch (error) {
      look?.()
      this.#fail(frame, error)
      throw error
    }
    const end = (value: unknown) => {
      look?.()
      this.#end(frame, value)
    }
    if (isPromise(result)) {
      result.then(end, (error) => {
        look?.()
        this.#fail(frame, error)
      })
    } else {
      end(result)
    }
    return result
  }

  #end(frame: Frame, value: unknown): void {
    frame.end = this.#now()
    frame.endSeq = ++this.#seq
    if (value !== undefined) frame.result = this.describe(value)
  }

  #fail(frame: Frame, error: unknown): void {
    frame.end = this.#now()
    frame.endSeq = ++this.#seq
    frame.error = error instanceof Error ? `${error.name}: ${error.message}` : 'error'
  }

  #actorOf(
    owner: string | undefined,
    self: unknown,
    caller: string,
  ): string | undefined {
    if (owner === undefined || self === undefined || self === null) return undefined
    const actors = this.#options.actors
    if (!actors || !Object.hasOwn(actors, owner)) return undefined
    return this.#quietly(() => (actors[owner] as ActorOf)(self as never, caller))
  }

  #now(): number {
    return Math.round((this.#options.monotonic() - this.#origin) * 1000) / 1000
  }

  /** Short form of a value: numbers and texts as they are, objects by their class. */
  describe(value: unknown): string | undefined {
    const own = this.#quietly(() => this.#options.describe?.(value))
    if (own !== undefined) return own
    switch (typeof value) {
      case 'number':
      case 'boolean':
        return String(value)
      case 'bigint':
        return `${value}`
      case 'string':
        return value.length > 120 ? `'${value.slice(0, 117)}…'` : `'${value}'`
      case 'object':
        return describeObject(value)
      default:
        return undefined
    }
  }
}

function describeObject(value: object | null): string {
  if (value === null) return 'null'
  if (value instanceof Uint8Array) return `${value.length} bytes`
  if (Array.isArray(value)) return `[${value.length}]`
  if (value instanceof Map || value instanceof Set) {
    return `${className(value)}(${value.size})`
  }
  return className(value) ?? 'object'
}

function className(value: unknown): string | undefined {
  if (typeof value === 'function') return value.name
  if (typeof value !== 'object' || value === null) return undefined
  return safely(() => (value as object).constructor?.name)
}

function isPromise(value: unknown): value is Promise<unknown> {
  return value instanceof Promise
}

function safely<T>(read: () => T): T | undefined {
  try {
    return read()
  } catch {
    return undefined
  }
}
