/**
 * # recordRun
 *
 * Switches recording on for the length of one run and gives back what ran.
 *
 * @module
 */
import { type Change, type Frame, Recorder, type RecorderOptions } from './Recorder.ts'
import { $trace } from './runtime.ts'

/** What one run left behind. */
export interface Recording {
  /** Name of the run, e.g. `produce`. */
  readonly name: string
  readonly frames: readonly Frame[]
  /** What watched objects looked like, whenever that changed. */
  readonly changes: readonly Change[]
  /** Calls that were not kept because the recording was full. */
  readonly dropped: number
  /** Whether times are those of a virtual clock: it stands still while something runs. */
  readonly isVirtual: boolean
}

/**
 * Records everything that `body` runs, and everything that it sets going, until it ends.
 *
 * @throws when a recording runs already: there is one switch for the process.
 */
export async function recordRun(
  name: string,
  options: RecorderOptions,
  body: (recorder: Recorder) => Promise<void>,
): Promise<Recording> {
  if ($trace.on) throw new Error(`cannot record ${name}: a recording runs already`)
  const recorder = new Recorder(options)
  $trace.recorder = recorder
  $trace.on = true
  try {
    await recorder.actAs('main', name, () => body(recorder))
  } finally {
    $trace.on = false
    $trace.recorder = undefined
  }
  const { frames, changes, dropped } = recorder
  return { name, frames, changes, dropped, isVirtual: options.isVirtual ?? false }
}
