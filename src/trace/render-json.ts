/**
 * # Recordings as data
 *
 * Two forms: plain JSON (what the site plays), and the trace event format that Perfetto
 * and the browser's performance panel open.
 *
 * @module
 */
import type { Recording } from './record-run.ts'

/** Prints a recording as JSON, one object with its frames in order. */
export function renderJson(recording: Recording): string {
  return JSON.stringify(recording, null, 1)
}

/**
 * Prints a recording as trace events: one process an actor, one track a depth of calls
 * that overlap in time. In virtual time nothing takes time but waiting, so there each event
 * takes a microsecond more: the calls lie beside each other in their order.
 */
export function renderPerfetto(recording: Recording): string {
  const pids = new Map<string, number>()
  const events: object[] = []
  const lanes = new Map<number, number[]>()
  for (const frame of recording.frames) {
    const pid = pids.get(frame.actor) ?? pids.size + 1
    if (!pids.has(frame.actor)) {
      pids.set(frame.actor, pid)
      const args = { name: frame.actor }
      events.push({ ph: 'M', name: 'process_name', pid, tid: 0, args })
    }

    // Calls that are awaited overlap; each goes to the first lane that is free.
    const busyUntil = lanes.get(pid) ?? []
    lanes.set(pid, busyUntil)
    const step = recording.isVirtual ? 1 : 0
    const start = frame.start * 1000 + step * frame.seq
    const end = (frame.end ?? frame.start) * 1000 + step * (frame.endSeq ?? frame.seq)
    let lane = busyUntil.findIndex((until) => until <= start)
    if (lane < 0) lane = busyUntil.length
    busyUntil[lane] = end
    events.push({
      ph: 'X',
      name: frame.name,
      pid,
      tid: lane + 1,
      ts: start,
      dur: end - start,
      args: { ...frame.args, result: frame.result, error: frame.error },
    })
  }
  return JSON.stringify({ traceEvents: events, displayTimeUnit: 'ms' })
}
