/**
 * Waiting for the end of a command that serves.
 *
 * @module
 */

/**
 * Resolves at the first SIGINT or SIGTERM. A second one ends the process at once, for a
 * user who does not want to wait for a controlled shutdown.
 */
export function untilSignal(): Promise<NodeJS.Signals> {
  return new Promise((resolve) => {
    let seen = false
    const listen = (signal: NodeJS.Signals) => {
      if (seen) process.exit(exitCodeOf(signal))
      seen = true
      resolve(signal)
    }
    process.on('SIGINT', listen)
    process.on('SIGTERM', listen)
  })
}

/** The exit code of a process that a signal ended, as a shell and the JVM say it. */
export function exitCodeOf(signal: NodeJS.Signals): number {
  return signal === 'SIGINT' ? 130 : 143
}
