/**
 * # Reference pages of tables
 *
 * Settings, errors and APIs, made of the very objects that the program runs on: what is
 * parsed, answered and encoded by a table is documented by it.
 *
 * @module
 */
import { Errors, type WireError } from '../../../src/base/errors.ts'
import { consumerConfigKeys } from '../../../src/consumer/ConsumerConfig.ts'
import { logConfigKeys } from '../../../src/log/log-config-definitions.ts'
import { producerConfigKeys } from '../../../src/producer/VerifiableProperties.ts'
import type { AnyApi } from '../../../src/protocol/Api.ts'
import { ApiKeys } from '../../../src/protocol/ApiKeys.ts'
import type { AnyField, Fields, WireType } from '../../../src/protocol/fields.ts'
import { definitions } from '../../../src/server/config-definitions.ts'
import { metricDefinitions } from '../../../src/server/metric-definitions.ts'
import { metricNameOf } from '../../../src/server/metrics/metric-definition.ts'
import { escapeHtml } from './colour.ts'
import { breakable, type Inline, page, stackedTable, table } from './pointer-pages.ts'
import type { SourceIndex } from './source-index.ts'

/** One row of a table of settings. */
interface Setting {
  readonly name: string
  readonly type: string
  readonly fallback: string | undefined
  readonly doc: string
  readonly min?: number | undefined
  readonly oneOf?: readonly string[] | undefined
}

/** All settings: of brokers, of topics, of the old consumer and the old producer. */
export function configPage(inline: Inline): string {
  const broker = Object.values(definitions).map(
    (row: (typeof definitions)[keyof typeof definitions] & Partial<Setting>) => ({
      ...row,
      name: row.key,
      fallback: row.default,
    }),
  )
  const topic = logConfigKeys.map((row) => ({
    name: row.name,
    type: row.type.toLowerCase(),
    fallback: row.defaultValue,
    doc: `${row.documentation} A broker's default: \`${row.serverConfigName}\`.`,
    min: row.min,
    oneOf: row.values,
  }))
  const consumer = consumerConfigKeys.map((row) => ({ ...row, fallback: row.default }))
  const producer = producerConfigKeys.map((row) => ({ ...row, fallback: row.default }))
  return page('Settings', [
    'What can be set, with the names and defaults of Kafka 1.1.1. A value that does not fit',
    'stops the start with the key, the value and what was expected; a key that is unknown',
    'is warned about.',
    '',
    ...['## Broker', '', settings('', broker, inline), ''],
    'These go into `server.properties`, or behind `--override`.',
    '',
    ...['## Topic', '', settings('topic.', topic, inline), ''],
    ...['## Old consumer', '', settings('consumer.', consumer, inline), ''],
    ...['## Old producer', '', settings('producer.', producer, inline)],
  ])
}

/** All errors that a broker can answer. */
export function errorsPage(inline: Inline): string {
  const errors = Object.values(Errors).filter(
    (value): value is WireError => typeof value === 'object',
  )
  const rows = errors
    .sort((a, b) => a.code - b.code)
    .map(({ name, code, retriable, message }) => {
      const again = retriable ? 'yes' : ''
      const id = name.toLowerCase()
      return (
        `<tr id="${id}"><td>${code}</td><td>${breakable(name)}</td>` +
        `<td>${again}</td><td>${inline(message)}</td></tr>`
      )
    })
  return page('Errors', [
    `The ${errors.length} codes of Kafka 1.1.1. An answer carries a code for each partition, or one for`,
    'the whole request. *Again* says that the same request may succeed later: its exception',
    'descends from `RetriableException`.',
    '',
    stackedTable(['code', 'name', 'again', 'meaning'], rows, ['again']),
  ])
}

/** All metrics that a broker shows. */
export function metricsPage(inline: Inline): string {
  const rows = metricDefinitions.map((definition) => {
    const { mbean, type, help, labels } = definition
    const name = metricNameOf(definition)
    const tags = labels.map((label) => `<code>${label}</code>`).join(', ')
    return (
      `<tr id="${name}"><td>${breakable(name)}</td><td>${type}</td><td>${tags}</td>` +
      `<td>${inline(help)}</td><td>${breakable(mbean)}</td></tr>`
    )
  })
  const head = ['name', 'type', 'labels', 'meaning', 'MBean']
  const lines = [
    'What a broker tells of itself, in the text format of Prometheus: on `/metrics` with',
    '`annotated-kafka start --metrics-port 9100`, or by `broker.brokerMetrics.text()` where',
    'the broker runs in your process. A name follows from that of the MBean which tells the',
    'same in Kafka 1.1.1; its meters are counters here, and the rate is left to who collects.',
    'Nothing is computed before somebody asks.',
    '',
    '`/metrics` has one more, of the process: `event_loop_idle_ratio`. It stands where',
    'Kafka has `RequestHandlerAvgIdlePercent` and `NetworkProcessorAvgIdlePercent`, which tell',
    'how busy two pools of threads are: here everything shares one event loop.',
    '',
    stackedTable(head, rows, ['labels', 'MBean']),
  ]
  return page('Metrics', lines, true)
}

/** What one client did in the run that made the table. */
export interface ClientOutcome {
  readonly version: string
  readonly features: Readonly<Record<string, string>>
}

/** What the tests of another project did with our processes. */
export interface SuiteOutcome {
  readonly suite: string
  readonly version: string
  /** What it speaks to. */
  readonly to: string
  readonly passed: number
  readonly failed: number
  /** How many of the failed fail with a broker of Kafka 1.1.1, or its ZooKeeper, too. */
  readonly alike: number
  /** Why the failed fail; empty when none does. */
  readonly why: string
}

/** Clients that others wrote, by what they did with our brokers, and their own tests. */
export function clientsPage(
  clients: Readonly<Record<string, ClientOutcome>>,
  suites: readonly SuiteOutcome[],
): string {
  const columns = Object.entries(clients)
  const features = new Set(columns.flatMap(([, { features }]) => Object.keys(features)))
  const head = columns.map(([name, { version }]) => escapeHtml(`${name} ${version}`))
  const rows = [...features].map((feature) => {
    const results = columns.map(([, client]) => client.features[feature] ?? 'not run')
    const cells = [feature, ...results].map((text) => `<td>${escapeHtml(text)}</td>`)
    return `<tr>${cells.join('')}</tr>`
  })
  const lines = [
    'Programs that speak to Kafka use a *client*, a library for their language. These were',
    'written for Kafka by others and know nothing of this implementation. A test makes them',
    'do all of the following against three of our brokers, and compares what came of it with',
    'this table; *not offered* is what the client itself has no call for.',
    '',
    stackedTable(['feature', ...head], rows, head),
    '',
    'Clients agree with a broker on the version of each API. Those that have dropped the',
    'versions of 1.1 cannot speak to it; what came to Kafka later (zstd, static members of',
    'groups, reassignment through a broker) they cannot do with it.',
    '',
    '## Their own tests',
    '',
    'Many projects come with tests that speak to a Kafka or a ZooKeeper that runs. These were',
    'pointed at processes of ours, as their authors run them; only the hosts, ports and the',
    'number of replicas that kafkajs writes into its tests were changed. Tests that skip',
    'themselves are not counted. What fails was run against brokers of Apache Kafka 1.1.1 as',
    'well: *alike* says how many fail there, too.',
    '',
    suitesTable(suites),
  ]
  return page('Clients', lines, true)
}

/** A row for each suite, by name. */
function suitesTable(suites: readonly SuiteOutcome[]): string {
  const head = ['suite', 'speaks to', 'passed', 'failed', 'alike', 'what fails']
  const rows = suites.map(({ suite, version, to, passed, failed, alike, why }) => {
    const cells = [`${suite} ${version}`, to, passed, failed, alike, why]
    return `<tr>${cells.map((cell) => `<td>${escapeHtml(`${cell}`)}</td>`).join('')}</tr>`
  })
  return stackedTable(head, rows, head.slice(1))
}

/** The list of all APIs. */
export function protocolPage(index: SourceIndex): string {
  const rows = ApiKeys.all.map((api) => {
    const text = firstSentence(headerOf(index, api))
    return (
      `<tr><td>${api.key}</td><td><a href="/protocol/${api.name}">${api.name}</a></td>` +
      `<td>0 to ${api.maxVersion}</td>` +
      `<td>${escapeHtml(text)}</td></tr>`
    )
  })
  return page('Protocol', [
    'A client sends a *request*, and a broker answers with a *response*. Each is a frame: four',
    'bytes of length, a header, a body. There are 43 kinds, each with a number, its *key*,',
    'and each in several versions, so that old and new programs understand each other: a',
    'client asks for `ApiVersions` first, and then speaks the newest version that both know.',
    '',
    stackedTable(['key', 'API', 'versions', 'what it does'], rows, ['key', 'versions']),
    '',
    'All are served. Those about access rules, logins and tokens are answered as by a broker',
    'of Kafka that has no security configured: they say so, and do nothing.',
  ])
}

/** The page of one API: its fields, with the versions as columns. */
export function apiPage(index: SourceIndex, api: AnyApi, inline: Inline): string {
  const source = index.find(api.name)
  const link = source ? `[the table in the source](${index.href(source)})` : ''
  const paragraphs = headerOf(index, api).split(/\n\s*\n/)
  return page(api.name, [
    `Key ${api.key}, versions 0 to ${api.maxVersion}; made of ${link}.`,
    '',
    `<div v-pre>${paragraphs.map((text) => `<p>${inline(text)}</p>`).join('')}</div>`,
    '',
    'A dot says that the version has the field. All numbers are big-endian.',
    '',
    ...['## Request', '', fieldsTable(api.request.fields, api.maxVersion), ''],
    ...['## Response', '', fieldsTable(api.response.fields, api.maxVersion)],
  ])
}

function fieldsTable(fields: Fields, maxVersion: number): string {
  const versions = Array.from({ length: maxVersion + 1 }, (_, v) => v)
  const rows = fieldRows(fields, versions, 0)
  if (rows.length === 0) return 'No fields.'
  return table(['field', 'type', ...versions.map(String)], rows)
}

function fieldRows(
  fields: Fields,
  versions: readonly number[],
  depth: number,
): string[] {
  return Object.entries(fields).flatMap(([name, field]) => {
    const marks = versions.map((v) => {
      const here = v >= field.since && v <= field.until
      return `<td class="version">${here ? '●' : ''}</td>`
    })
    const indent = `style="padding-left:${12 + depth * 20}px"`
    const row =
      `<tr><td ${indent}><code>${name}</code></td><td>${typeOf(field)}</td>` +
      `${marks.join('')}</tr>`
    const inner = structOf(field.type)
    return inner ? [row, ...fieldRows(inner, versions, depth + 1)] : [row]
  })
}

function typeOf(field: AnyField): string {
  const { nullableSince } = field
  if (nullableSince === Number.POSITIVE_INFINITY) return wireName(field.type)
  const since = nullableSince > 0 ? ` from ${nullableSince}` : ''
  return `${wireName(field.type)} or null${since}`
}

function wireName(type: WireType): string {
  if (typeof type === 'string') return type === 'producerId' ? 'int64' : type
  return 'arrayOf' in type ? `array of ${wireName(type.arrayOf)}` : 'struct'
}

function structOf(type: WireType): Fields | undefined {
  if (typeof type === 'string') return undefined
  return 'arrayOf' in type ? structOf(type.arrayOf) : type.struct
}

function headerOf(index: SourceIndex, api: AnyApi): string {
  const file = `protocol/messages/${api.name}.ts`
  return index.files.find((source) => source.file === file)?.header ?? ''
}

function firstSentence(text: string): string {
  return /^[\s\S]*?\.(?=\s|$)/.exec(text)?.[0].replace(/\s+/g, ' ') ?? text
}

function settings(prefix: string, rows: readonly Setting[], inline: Inline): string {
  return stackedTable(
    ['key', 'type', 'default', 'what it is'],
    rows.map(({ name, type, fallback, doc, min, oneOf }) => {
      const limits = [
        ...(min === undefined ? [] : [`at least ${min}`]),
        ...(oneOf === undefined ? [] : [`one of ${oneOf.join(', ')}`]),
      ]
      const limit =
        limits.length > 0 ? ` <small>${escapeHtml(limits.join('; '))}</small>` : ''
      const value = fallback === undefined || fallback === '' ? '' : breakable(fallback)
      return (
        `<tr id="${prefix}${name}"><td>${breakable(name)}</td><td>${type}</td>` +
        `<td>${value}</td><td>${inline(doc)}${limit}</td></tr>`
      )
    }),
    ['default'],
  )
}
