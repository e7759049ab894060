/**
 * # Windows
 *
 * Machines stall: a run that takes four seconds may stand still for one of them. So a run
 * is cut into windows of 20 ms, and what is reported is the median and the 95th percentile
 * of the windows. The median says what a user gets, the 95th percentile what the machine
 * can do when nothing else runs. Means say neither.
 *
 * @module
 */

/** Length of a window in milliseconds. */
export const WINDOW_MS = 20

/** Counts bytes into windows of time. */
export class Windows {
  readonly #counts: number[] = []
  readonly #start = performance.now()

  /** Adds what was done just now. */
  add(bytes: number): void {
    const i = Math.floor((performance.now() - this.#start) / WINDOW_MS)
    this.#counts[i] = (this.#counts[i] ?? 0) + bytes
  }

  /** MB (10^6 bytes) a second of each whole window, the first and the last left out. */
  rates(): number[] {
    return Array.from(this.#counts, (bytes) => (bytes ?? 0) / WINDOW_MS / 1000).slice(
      1,
      -1,
    )
  }
}

/** The value below which `share` of the values lie; 0 for none. */
export function percentile(values: readonly number[], share: number): number {
  const sorted = [...values].sort((a, b) => a - b)
  const at = Math.min(sorted.length - 1, Math.floor(share * sorted.length))
  return sorted[at] ?? 0
}

/** Prints rows as a table with aligned columns. */
export function table(rows: readonly (readonly string[])[]): string {
  const widths = (rows[0] ?? []).map((_, c) =>
    Math.max(...rows.map((row) => row[c]?.length ?? 0)),
  )
  const line = (row: readonly string[]) =>
    row
      .map((cell, c) =>
        c === 0 ? cell.padEnd(widths[c] ?? 0) : cell.padStart(widths[c] ?? 0),
      )
      .join('  ')
  return rows.map(line).join('\n')
}

/** A number with `digits` decimals. */
export function fixed(value: number, digits = 1): string {
  return value.toFixed(digits)
}
