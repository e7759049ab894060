/**
 * # MetricName
 *
 * What a metric is called: a name, the group it belongs to, and tags that tell it from
 * others of that name, such as the client that is measured.
 *
 * @kafka clients/src/main/java/org/apache/kafka/common/MetricName.java#MetricName
 * @module
 */

/** The name of a metric. Two names are equal when their `key` is. */
export class MetricName {
  readonly name: string
  readonly group: string
  readonly description: string
  readonly tags: Readonly<Record<string, string>>
  /** Name, group and tags in one string; the description does not count. */
  readonly key: string

  constructor(
    name: string,
    group: string,
    description = '',
    tags: Readonly<Record<string, string>> = {},
  ) {
    this.name = name
    this.group = group
    this.description = description
    this.tags = tags
    this.key = JSON.stringify([group, name, ...Object.entries(tags).sort()])
  }

  toString(): string {
    const tags = Object.entries(this.tags).map(([tag, value]) => `,${tag}=${value}`)
    return `${this.group}:name=${this.name}${tags.join('')}`
  }
}
