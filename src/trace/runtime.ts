/**
 * # The trace runtime
 *
 * What the instrumented build calls. It is one object with a switch: while `on` is false
 * a wrapped method costs one closure; while it is true each call becomes a frame of the
 * recorder that was started.
 *
 * @module
 */
import type { Frame, Recorder } from './Recorder.ts'

type Body<T> = (frame: Frame | null) => T

/** The switch and the two probes that the instrumented sources call. */
export const $trace: {
  /** True while a recorder runs. */
  on: boolean
  /** The recorder that frames go to; set together with `on`. */
  recorder: Recorder | undefined
  call<T>(id: string, self: unknown, args: Record<string, unknown>, body: Body<T>): T
  /** Like `call`, for work that pauses. */
  steps<Y, T>(
    id: string,
    self: unknown,
    args: Record<string, unknown>,
    body: Body<Generator<Y, T, undefined>>,
  ): Generator<Y, T, undefined>
  paragraph(frame: Frame, sentence: string): void
} = {
  on: false,
  recorder: undefined,

  call(id, self, args, body) {
    const recorder = $trace.recorder
    return recorder ? recorder.call(id, self, args, body) : body(null)
  },

  steps(id, self, args, body) {
    const recorder = $trace.recorder
    return recorder ? recorder.steps(id, self, args, body) : body(null)
  },

  paragraph(frame, sentence) {
    $trace.recorder?.paragraph(frame, sentence)
  },
}
