/**
 * # Logger
 *
 * One line of text a happening, to standard error only, so that what a command prints
 * stays clean. Silent below the level set by `setLogLevel`, or by the environment
 * variable `ANNOTATED_KAFKA_LOG` (tests set it to `silent`).
 *
 * @kafka core/src/main/scala/kafka/utils/Logging.scala#Logging
 * @module
 */

/** From talkative to mute. */
export type LogLevel = 'debug' | 'info' | 'warn' | 'error' | 'fatal' | 'silent'

/** What is written down. */
export interface LogLine {
  readonly level: Exclude<LogLevel, 'silent'>
  /** The class, and often the broker, that speaks. */
  readonly name: string
  readonly message: string
  /** The error behind it, if one is. */
  readonly cause: unknown
}

/** Speaks under one name. */
export interface Logger {
  debug(message: string, cause?: unknown): void
  info(message: string, cause?: unknown): void
  warn(message: string, cause?: unknown): void
  error(message: string, cause?: unknown): void
  fatal(message: string, cause?: unknown): void
}

const ranks: Readonly<Record<LogLevel, number>> = {
  debug: 0,
  info: 1,
  warn: 2,
  error: 3,
  fatal: 4,
  silent: 5,
}

let threshold = ranks[levelOfEnvironment()]
let sink: (line: LogLine) => void = printToStandardError

/** Makes a logger that speaks as `name`. */
export function logger(name: string): Logger {
  const speak = (level: LogLine['level'], message: string, cause: unknown): void => {
    if (ranks[level] >= threshold) sink({ level, name, message, cause })
  }
  return {
    debug: (message, cause) => speak('debug', message, cause),
    info: (message, cause) => speak('info', message, cause),
    warn: (message, cause) => speak('warn', message, cause),
    error: (message, cause) => speak('error', message, cause),
    fatal: (message, cause) => speak('fatal', message, cause),
  }
}

/** Silences everything below `level`, in the whole process. @returns the level before */
export function setLogLevel(level: LogLevel): LogLevel {
  const before = Object.entries(ranks).find(([, rank]) => rank === threshold)![0]
  threshold = ranks[level]
  return before as LogLevel
}

/**
 * Sends lines elsewhere.
 *
 * @param to - who takes them from now on; `undefined` for standard error again
 */
export function setLogSink(to: ((line: LogLine) => void) | undefined): void {
  sink = to ?? printToStandardError
}

function levelOfEnvironment(): LogLevel {
  const host = globalThis as { process?: { env?: Record<string, string | undefined> } }
  const level = host.process?.env?.ANNOTATED_KAFKA_LOG ?? 'warn'
  return level in ranks ? (level as LogLevel) : 'warn'
}

/**
 * A warning is news of something that is tried again, so its cause takes a few words. An
 * error is to be found in the code, so it comes with its stack; so does everything when
 * somebody searches, with the level at `debug`.
 */
function printToStandardError({ level, name, message, cause }: LogLine): void {
  const text = `[${level.toUpperCase()}] ${name}: ${message}`
  const brief = level === 'warn' && threshold > ranks.debug
  if (cause === undefined) console.error(text)
  else if (!(cause instanceof Error)) console.error(text, cause)
  else if (brief) console.error(`${text}: ${cause.name}: ${cause.message}`)
  else console.error(text, cause.stack ?? cause)
}
