/**
 * # TopicFilter
 *
 * An expression over topic names. A comma counts as "or", blanks and outer quotes are
 * dropped, and the whole name must match.
 *
 * @kafka core/src/main/scala/kafka/consumer/TopicFilter.scala#TopicFilter
 * @differs Expressions are those of JavaScript; Java's differ in rare forms only.
 * @module
 */
import { IllegalArgumentException } from '../base/errors.ts'

/** Topics that the cluster keeps for itself. */
const INTERNAL_TOPICS = new Set(['__consumer_offsets', '__transaction_state'])

/** An expression over topic names. */
export abstract class TopicFilter {
  /** The expression after the rules above. */
  readonly regex: string
  readonly #pattern: RegExp

  /** @throws IllegalArgumentException when the expression cannot be read. */
  constructor(rawRegex: string) {
    this.regex = rawRegex
      .trim()
      .replaceAll(',', '|')
      .replaceAll(' ', '')
      .replace(/^["']+/, '')
      .replace(/["']+$/, '')
    try {
      this.#pattern = new RegExp(`^(?:${this.regex})$`)
    } catch (cause) {
      throw new IllegalArgumentException(`${rawRegex} is not an expression`, { cause })
    }
  }

  protected matches(topic: string): boolean {
    return this.#pattern.test(topic)
  }

  protected static isInternal(topic: string): boolean {
    return INTERNAL_TOPICS.has(topic)
  }

  /** Whether a consumer with this filter reads `topic`. */
  abstract isTopicAllowed(topic: string, excludeInternalTopics: boolean): boolean
}

/** Allows the topics that match. */
export class Whitelist extends TopicFilter {
  override isTopicAllowed(topic: string, excludeInternalTopics: boolean): boolean {
    const internal = excludeInternalTopics && TopicFilter.isInternal(topic)
    return this.matches(topic) && !internal
  }
}

/** Allows the topics that do not match. */
export class Blacklist extends TopicFilter {
  override isTopicAllowed(topic: string, excludeInternalTopics: boolean): boolean {
    const internal = excludeInternalTopics && TopicFilter.isInternal(topic)
    return !this.matches(topic) && !internal
  }
}
