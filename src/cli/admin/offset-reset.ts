/**
 * # Resetting offsets
 *
 * Where a group shall read on: a scope (which partitions) and a scenario (which offsets).
 * The plan is printed; it is carried out only with `--execute`, and only while nobody is
 * in the group, since a member would overwrite it with its own next commit.
 *
 * @kafka core/src/main/scala/kafka/admin/ConsumerGroupCommand.scala#resetOffsets
 * @module
 */
import { IllegalArgumentException } from '../../base/errors.ts'
import { TopicPartition } from '../../base/TopicPartition.ts'
import { TopicPartitionMap } from '../../base/TopicPartitionMap.ts'
import {
  EARLIEST_TIMESTAMP,
  LATEST_TIMESTAMP,
  listOffsets,
} from '../../clients/list-offsets.ts'
import type { KafkaConsumerGroupService } from './KafkaConsumerGroupService.ts'

/** The flags of scope and scenario; exactly one scenario is set. */
export interface OffsetResetOptions {
  readonly allTopics?: boolean
  /** `topic`, or `topic:0,1,2`. */
  readonly topic?: readonly string[]
  readonly toOffset?: number
  readonly toEarliest?: boolean
  readonly toLatest?: boolean
  readonly toCurrent?: boolean
  readonly shiftBy?: number
  /** `2018-05-01T12:00:00.000`, in UTC unless it says otherwise. */
  readonly toDatetime?: string
  /** `P1DT2H`: so long before now. */
  readonly byDuration?: string
  /** Lines `topic,partition,offset`. */
  readonly fromFile?: string
}

/** What the plan is made with. */
export interface OffsetResetContext {
  readonly service: KafkaConsumerGroupService
  /** ms since 1970. */
  readonly now: number
  readonly readFile: (path: string) => string
  /** Tells the user of an offset that had to be moved into the log. */
  readonly warn: (line: string) => void
}

/**
 * Works out the new offsets of a group.
 *
 * @throws IllegalArgumentException (rejects) when scope or scenario is missing or does not
 *   parse
 * @kafka core/src/main/scala/kafka/admin/ConsumerGroupCommand.scala#prepareOffsetsToReset
 */
export async function prepareOffsetsToReset(
  group: string,
  options: OffsetResetOptions,
  context: OffsetResetContext,
): Promise<TopicPartitionMap<number>> {
  const { service } = context
  if (options.fromFile !== undefined) {
    const plan = parseResetPlan(context.readFile(options.fromFile))
    return checkOffsetsRange(plan, context)
  }
  const partitions = await getPartitionsToReset(group, options, service)
  const at = (timestamp: number) => listOffsets(service.client, partitions, timestamp)
  const { toOffset, shiftBy, toDatetime, byDuration } = options
  if (toOffset !== undefined) {
    return checkOffsetsRange(
      fill(partitions, () => toOffset),
      context,
    )
  }
  if (options.toEarliest) return at(EARLIEST_TIMESTAMP)
  if (options.toLatest) return at(LATEST_TIMESTAMP)
  if (toDatetime !== undefined) return at(parseDatetime(toDatetime))
  if (byDuration !== undefined) return at(context.now - parseDuration(byDuration))

  // The rest starts from where the group is.
  const current = await service.listGroupOffsets(group)
  if (shiftBy !== undefined) {
    const shifted = fill(partitions, (partition) => {
      const offset = current.get(partition)
      if (offset !== undefined) return offset + shiftBy
      throw new IllegalArgumentException(
        `${partition} has no offset that could be shifted`,
      )
    })
    return checkOffsetsRange(shifted, context)
  }
  if (!options.toCurrent) {
    throw new IllegalArgumentException(
      'give one of --to-offset, --to-earliest, --to-latest, --to-current, --shift-by, ' +
        '--to-datetime, --by-duration, --from-file',
    )
  }
  const without = partitions.filter((partition) => !current.has(partition))
  const ends = await listOffsets(service.client, without, LATEST_TIMESTAMP)
  return fill(partitions, (tp) => current.get(tp) ?? ends.get(tp) ?? 0)
}

/** @kafka core/src/main/scala/kafka/admin/ConsumerGroupCommand.scala#getPartitionsToReset */
async function getPartitionsToReset(
  group: string,
  { allTopics, topic = [] }: OffsetResetOptions,
  service: KafkaConsumerGroupService,
): Promise<TopicPartition[]> {
  if (allTopics) return [...(await service.listGroupOffsets(group)).keys()]
  if (topic.length === 0) {
    throw new IllegalArgumentException('give a scope: --all-topics or --topic')
  }
  const partitions: TopicPartition[] = []
  for (const text of topic) {
    const [name = '', numbers] = text.split(':')
    if (numbers !== undefined) {
      for (const number of numbers.split(',')) {
        partitions.push(new TopicPartition(name, parseWhole(number, text)))
      }
      continue
    }
    const leaders = await service.client.leadersOf([name])
    for (const number of leaders.get(name)?.keys() ?? []) {
      partitions.push(new TopicPartition(name, number))
    }
  }
  return partitions
}

/**
 * Moves offsets that lie outside the log to its nearer end.
 *
 * @kafka core/src/main/scala/kafka/admin/ConsumerGroupCommand.scala#checkOffsetsRange
 */
async function checkOffsetsRange(
  requested: TopicPartitionMap<number>,
  { service, warn }: OffsetResetContext,
): Promise<TopicPartitionMap<number>> {
  const partitions = [...requested.keys()]
  const starts = await listOffsets(service.client, partitions, EARLIEST_TIMESTAMP)
  const ends = await listOffsets(service.client, partitions, LATEST_TIMESTAMP)
  return fill(partitions, (tp) => {
    const offset = requested.get(tp) ?? 0
    const inside = Math.min(Math.max(offset, starts.get(tp) ?? 0), ends.get(tp) ?? 0)
    if (inside !== offset) {
      warn(`Offset ${offset} lies outside ${tp}; it becomes ${inside}.`)
    }
    return inside
  })
}

/**
 * Reads a plan as `--export` writes it.
 *
 * @kafka core/src/main/scala/kafka/admin/ConsumerGroupCommand.scala#parseResetPlan
 */
export function parseResetPlan(text: string): TopicPartitionMap<number> {
  const plan = new TopicPartitionMap<number>()
  for (const line of text.split('\n')) {
    if (line.trim() === '') continue
    const [topic = '', partition = '', offset = '', ...rest] = line.split(',')
    if (rest.length > 0) {
      throw new IllegalArgumentException(`${line}: expected topic,partition,offset`)
    }
    const tp = new TopicPartition(topic.trim(), parseWhole(partition, line))
    plan.set(tp, parseWhole(offset, line))
  }
  return plan
}

/** Reads a point in time, in UTC unless it names a zone. @returns ms since 1970 */
export function parseDatetime(text: string): number {
  const zoned = /T.*(?:Z|[+-]\d\d(?::?\d\d)?)$/.test(text) ? text : `${text}Z`
  const time = Date.parse(zoned)
  if (!/^\d{4}-\d\d-\d\dT/.test(text) || Number.isNaN(time)) {
    throw new IllegalArgumentException(`${text}: expected YYYY-MM-DDTHH:mm:SS.sss`)
  }
  return time
}

/** Reads a length of time as ISO 8601 writes it, `P1DT2H30M`. @returns ms */
export function parseDuration(text: string): number {
  const form = /^P(?:(\d+)D)?(?:T(?:(\d+)H)?(?:(\d+)M)?(?:(\d+(?:\.\d+)?)S)?)?$/
  const match = form.exec(text)
  const [days, hours, minutes, seconds] = (match ?? [])
    .slice(1)
    .map((n) => Number(n ?? 0))
  if (!match || /^PT?$/.test(text) || text.endsWith('T')) {
    throw new IllegalArgumentException(`${text}: expected PnDTnHnMnS`)
  }
  const inHours = (days ?? 0) * 24 + (hours ?? 0)
  return ((inHours * 60 + (minutes ?? 0)) * 60 + (seconds ?? 0)) * 1000
}

function parseWhole(text: string, whole: string): number {
  const value = Number(text)
  if (/^\s*\d+\s*$/.test(text) && Number.isSafeInteger(value)) return value
  throw new IllegalArgumentException(
    `${whole}: ${JSON.stringify(text)} is no whole number`,
  )
}

function fill(
  partitions: readonly TopicPartition[],
  offsetOf: (partition: TopicPartition) => number,
): TopicPartitionMap<number> {
  const offsets = new TopicPartitionMap<number>()
  for (const partition of partitions) offsets.set(partition, offsetOf(partition))
  return offsets
}
