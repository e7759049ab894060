/**
 * # The clock of the host
 *
 * Real time. Uses only what Node and browsers both have as globals, so the memory
 * platform may run on it too.
 *
 * @module
 */
import { throwIfAborted } from '../../async/abort.ts'
import type { Clock, TimerHandle } from '../Platform.ts'
import { sleepOn } from '../sleep.ts'
import { nextMacrotask } from './macrotask.ts'

/** The host's timers fire at once beyond this; longer ones are cut in pieces. */
const MAX_TIMEOUT_MS = 0x7fffffff

interface HostTimer extends TimerHandle {
  id: ReturnType<typeof setTimeout> | undefined
}

/** Real time, by the host's own timers. They keep a Node process alive. */
export class HostClock implements Clock {
  now(): number {
    return Date.now()
  }

  monotonic(): number {
    return performance.now()
  }

  setTimeout(fn: () => void, ms: number): TimerHandle {
    const timer: HostTimer = { id: undefined }
    const arm = (left: number): void => {
      const piece = Math.min(left, MAX_TIMEOUT_MS)
      timer.id = setTimeout(() => {
        if (left > piece) arm(left - piece)
        else fn()
      }, piece)
    }
    arm(ms)
    return timer
  }

  clearTimeout(handle: TimerHandle | undefined): void {
    clearTimeout((handle as HostTimer | undefined)?.id)
  }

  async sleep(ms: number, signal?: AbortSignal): Promise<void> {
    if (ms > 0) return sleepOn(this, ms, signal)

    // Give way once: the host's shortest timer is a whole millisecond.
    throwIfAborted(signal)
    await nextMacrotask()
    throwIfAborted(signal)
  }
}
