/**
 * # What is set when nothing is set
 *
 * The defaults of all settings, by their keys, from the tables that the program runs on.
 *
 * @module
 */
import { consumerConfigKeys } from '../../../src/consumer/ConsumerConfig.ts'
import { logConfigKeys } from '../../../src/log/log-config-definitions.ts'
import { producerConfigKeys } from '../../../src/producer/VerifiableProperties.ts'
import { definitions } from '../../../src/server/config-definitions.ts'

/** A setting as a page names it. */
export interface DefaultSetting {
  readonly fallback: string
  /** Its row among the settings. */
  readonly href: string
}

/** Who has settings; the first that knows a key is meant unless another is named. */
const realms = {
  broker: table(
    '',
    Object.values(definitions).map(
      (row) => [row.key, (row as { default?: string }).default] as const,
    ),
  ),
  topic: table(
    'topic.',
    logConfigKeys.map(({ name, defaultValue }) => [name, defaultValue] as const),
  ),
  consumer: table(
    'consumer.',
    consumerConfigKeys.map((row) => [row.name, row.default] as const),
  ),
  producer: table(
    'producer.',
    producerConfigKeys.map((row) => [row.name, row.default] as const),
  ),
}

/**
 * Looks up a default.
 *
 * @param key of the setting, e.g. `num.io.threads`
 * @param realm whose setting it is: `broker`, `topic`, `consumer`, `producer`
 * @returns `undefined` when nobody has such a setting
 */
export function defaultOf(key: string, realm?: string): DefaultSetting | undefined {
  if (realm !== undefined) return realms[realm as keyof typeof realms]?.get(key)
  return Object.values(realms)
    .map((settings) => settings.get(key))
    .find((setting) => setting !== undefined)
}

function table(
  prefix: string,
  rows: readonly (readonly [name: string, fallback: string | undefined])[],
): ReadonlyMap<string, DefaultSetting> {
  return new Map(
    rows.map(([name, fallback = '']) => [
      name,
      { fallback, href: `/config#${prefix}${name}` },
    ]),
  )
}
