/**
 * # Recorder
 *
 * Keeps what runs: one frame a call, with its parent, its actor, a few named values and
 * the paragraphs it went through.
 *
 *     call ──▶ frame { name, parent, actor, args } ──▶ paragraphs … ──▶ end, result
 *
 * The parent of a frame is the frame in whose *asynchronous context* it begins, not only
 * the one below it on the stack: what a method starts and does not wait for is still its
 * child. The context comes from a small port, because a browser has none.
 *
 * Invariants: frames are numbered in the order in which they begin; a parent's number is
 * lower than its children's; a frame ends at most once. Recordings hold no line numbers
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
  /** Position in the order of everything that was recorded (frames and paragraphs). */
  readonly seq: number
}

/** Carries the running frame across `await`, timers and events. */
export interface AsyncContext<T> {
  run<R>(value: T, body: () => R): R
  get(): T | undefined
}

/** What a recording is told about the program; the recorder itself knows nothing of it. */
export interface RecorderOptions {
  readonly context: AsyncContext<Frame>
  /** Milliseconds, fractional. */
  readonly monotonic: () => number
  /** Names that are not recorded, e.g. hot helpers. */
  readonly skip?: (name: string) => boolean
  /** Class name → the actor that an instance of it is or belongs to. */
  readonly actors?: Readonly<Record<string, (self: never) => string | undefined>>
  /** Short form of a value; `undefined` leaves it to the recorder. */
  readonly describe?: (value: unknown) => string | undefined
  /** Frames beyond this many are counted, not kept. Default 200,000. */
  readonly maxFrames?: number
}

/** Records calls between `start` and `stop` of `record-run.ts`. */
export class Recorder {
  readonly frames: Frame[] = []
  /** Frames that did not fit into `maxFrames`. */
  dropped = 0
  readonly #options: RecorderOptions
  readonly #origin: number
  readonly #maxFrames: number
  #seq = 0

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
    if (this.#options.skip?.(id)) return body(null)
    if (this.frames.length >= this.#maxFrames) {
      this.dropped++
      return body(null)
    }
    const frame = this.#begin(id, self, args)
    return this.#options.context.run(frame, () => this.#finishing(frame, body))
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
    const own = this.#actorOf(owner, self) ?? this.#actorOf(actual, self)
    const actor = own ?? parent?.actor ?? 'main'

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
    }
    this.frames.push(frame)
    return frame
  }

  #finishing<T>(frame: Frame, body: (frame: Frame) => T): T {
    let result: T
    try {
      result = body(frame)
    } catch (error) {
      this.#fail(frame, error)
      throw error
    }
    if (isPromise(result)) {
      result.then(
        (value) => this.#end(frame, value),
        (error) => this.#fail(frame, error),
      )
    } else {
      this.#end(frame, result)
    }
    return result
  }

  #end(frame: Frame, value: unknown): void {
    frame.end = this.#now()
    if (value !== undefined) frame.result = this.describe(value)
  }

  #fail(frame: Frame, error: unknown): void {
    frame.end = this.#now()
    frame.error = error instanceof Error ? `${error.name}: ${error.message}` : 'error'
  }

  #actorOf(owner: string | undefined, self: unknown): string | undefined {
    if (owner === undefined || self === undefined || self === null) return undefined
    const actors = this.#options.actors
    if (!actors || !Object.hasOwn(actors, owner)) return undefined
    try {
      return (actors[owner] as (self: unknown) => string | undefined)(self)
    } catch {
      return undefined
    }
  }

  #now(): number {
    return Math.round((this.#options.monotonic() - this.#origin) * 1000) / 1000
  }

  /** Short form of a value: numbers and texts as they are, objects by their class. */
  describe(value: unknown): string | undefined {
    const own = safely(() => this.#options.describe?.(value))
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
