/**
 * # Sanitizer
 *
 * Makes the name of a user or a client safe to be part of a ZooKeeper path or the name of
 * a metric, and back. Whatever is not a letter, a digit or one of `.-_` is written as the
 * bytes of its UTF-8, `%2F` for a slash.
 *
 * @kafka clients/src/main/java/org/apache/kafka/common/utils/Sanitizer.java#Sanitizer
 * @module
 */

/** Characters that `encodeURIComponent` lets through and Java's encoder does not. */
const LEFT_OVER = /[!'()*~]/g

/** Names as parts of paths. */
export const Sanitizer = {
  /** `a/b c` becomes `a%2Fb%20c`. A lone surrogate is read as `?`, as Java does. */
  sanitize(name: string): string {
    return encodeURIComponent(name.replace(/\p{Surrogate}/gu, '?')).replace(
      LEFT_OVER,
      (c) => `%${c.charCodeAt(0).toString(16).toUpperCase()}`,
    )
  },

  /**
   * The name that was made safe; `+` stands for a space, too.
   *
   * @throws URIError when it holds a `%` that no encoder has written
   */
  desanitize(name: string): string {
    return decodeURIComponent(name.replaceAll('+', ' '))
  },
}
