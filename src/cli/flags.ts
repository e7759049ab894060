/**
 * Reading the values of flags: what is wrong is told before anything is done.
 *
 * @module
 */
import { InvalidArgumentError } from 'commander'

/** A whole number of at least 1. */
export function positive(text: string): number {
  const value = Number(text)
  if (!Number.isInteger(value) || value < 1) {
    throw new InvalidArgumentError('expected a whole number of at least 1')
  }
  return value
}

/** A whole number of at least 0. */
export function natural(text: string): number {
  const value = Number(text)
  if (text.trim() === '' || !Number.isInteger(value) || value < 0) {
    throw new InvalidArgumentError('expected a whole number of at least 0')
  }
  return value
}

/** A whole number. */
export function whole(text: string): number {
  const value = Number(text)
  if (text.trim() === '' || !Number.isSafeInteger(value)) {
    throw new InvalidArgumentError('expected a whole number')
  }
  return value
}

/** A port; 0 stands for any. */
export function port(text: string): number {
  const value = Number(text)
  if (!Number.isInteger(value) || value < 0 || value > 65535) {
    throw new InvalidArgumentError('expected a port, 0 to 65535')
  }
  return value
}

/** One of some words. */
export function oneOf(...words: readonly string[]): (text: string) => string {
  return (text) => {
    if (words.includes(text)) return text
    throw new InvalidArgumentError(
      `expected ${words.slice(0, -1).join(', ')} or ${words.at(-1)}`,
    )
  }
}

/** `key=value`, which may be given more than once. */
export function keyValue(text: string, before: readonly string[]): string[] {
  if (!text.includes('=')) throw new InvalidArgumentError('expected key=value')
  return [...before, text]
}

/** A word that may be given more than once. */
export function many(text: string, before: readonly string[]): string[] {
  return [...before, text]
}
