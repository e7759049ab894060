/**
 * # ConsumerGroupCommand
 *
 * `annotated-kafka groups`: lists, describes and deletes groups and resets their offsets,
 * with the flags of `kafka-consumer-groups.sh` and its output.
 *
 *     annotated-kafka groups --bootstrap-server localhost:9092 --describe --group billing
 *
 *     TOPIC           PARTITION  CURRENT-OFFSET  LOG-END-OFFSET  LAG  …
 *     orders          0          1841            1903            62
 *
 * @kafka core/src/main/scala/kafka/admin/ConsumerGroupCommand.scala#ConsumerGroupCommand
 * @differs the exit code is 1 when something failed; 1.1.1 exits with 0
 * @module
 */
import { IllegalArgumentException, IllegalStateException } from '../../base/errors.ts'
import type {
  ConsumerGroupService,
  PartitionAssignmentState,
} from './ConsumerGroupService.ts'
import {
  byPartition,
  type GroupSummary,
  KafkaConsumerGroupService,
} from './KafkaConsumerGroupService.ts'
import {
  type OffsetResetContext,
  type OffsetResetOptions,
  prepareOffsetsToReset,
} from './offset-reset.ts'

/** The flags. Exactly one of the first four is set. */
export interface ConsumerGroupCommandOptions extends OffsetResetOptions {
  readonly list?: boolean
  readonly describe?: boolean
  readonly delete?: boolean
  readonly resetOffsets?: boolean
  readonly group?: readonly string[]
  readonly members?: boolean
  readonly verbose?: boolean
  readonly offsets?: boolean
  readonly state?: boolean
  readonly execute?: boolean
  readonly dryRun?: boolean
  readonly export?: boolean
}

/** What the command prints with. */
export interface ConsumerGroupOutput {
  readonly print: (line: string) => void
  /** What is about the output and not part of it. */
  readonly note: (line: string) => void
}

/** Stands for what is not known. */
const MISSING_COLUMN_VALUE = '-'

/** Carries out one command. */
export class ConsumerGroupCommand {
  readonly #service: ConsumerGroupService
  readonly #output: ConsumerGroupOutput
  readonly #context: Pick<OffsetResetContext, 'now' | 'readFile'>

  constructor(
    service: ConsumerGroupService,
    output: ConsumerGroupOutput,
    context: Pick<OffsetResetContext, 'now' | 'readFile'>,
  ) {
    this.#service = service
    this.#output = output
    this.#context = context
  }

  /**
   * Does what the flags say.
   *
   * @throws IllegalArgumentException (rejects) when flags are missing or contradict
   * @throws IllegalStateException (rejects) when there is no such group, when a group could
   *   not be deleted, and when offsets are to be reset under an active member
   * @kafka core/src/main/scala/kafka/admin/ConsumerGroupCommand.scala#main
   */
  async run(options: ConsumerGroupCommandOptions): Promise<void> {
    const { list, describe, resetOffsets, group = [] } = options
    const actions = [list, describe, options.delete, resetOffsets].filter(Boolean)
    if (actions.length !== 1) {
      throw new IllegalArgumentException(
        'give exactly one of --list, --describe, --delete and --reset-offsets',
      )
    }
    checkArgs(options, this.#service)
    if (list) {
      for (const name of await this.#service.listGroups()) this.#output.print(name)
      return
    }
    const [name = ''] = group
    if (options.delete) await this.deleteGroups(group, options.topic?.[0])
    else if (describe) await this.describeGroup(name, options)
    else await this.resetOffsets(name, options)
  }

  /** @kafka core/src/main/scala/kafka/admin/ConsumerGroupCommand.scala#describeGroup */
  async describeGroup(
    group: string,
    options: ConsumerGroupCommandOptions,
  ): Promise<void> {
    const { members, state } = options
    if (!members && !state) {
      const found = await this.#service.collectGroupOffsets(group)
      if (this.#tellState(group, found.state, found.rows?.length)) {
        this.#printOffsets(found.rows ?? [])
      }
      return
    }
    const summary = await this.#coordinated('--members and --state').describeGroup(
      group,
    )
    const count = members ? summary.members.length : 1
    if (!this.#tellState(group, summary.state, count)) return
    if (members) this.#printMembers(summary, options.verbose ?? false)
    else this.#printState(summary)
  }

  /** @kafka core/src/main/scala/kafka/admin/ConsumerGroupCommand.scala#deleteGroups */
  async deleteGroups(groups: readonly string[], topic?: string): Promise<void> {
    const outcome =
      topic === undefined
        ? await this.#service.deleteGroups(groups)
        : ((await this.#service.deleteGroupsInfoForTopic?.(topic, groups)) ?? [])
    const failed = outcome.filter(({ problem }) => problem !== undefined)
    const gone = outcome.filter(({ problem }) => problem === undefined)
    const names = gone.map(({ group }) => `'${group}'`).join(', ')
    if (failed.length === 0) {
      this.#output.print(
        topic === undefined
          ? `Deletion of requested consumer groups (${names}) was successful.`
          : `Deletion of what consumer groups (${names}) keep of ${topic} was successful.`,
      )
      return
    }
    for (const { group, problem } of failed) {
      this.#output.print(`* Group '${group}' could not be deleted due to: ${problem}`)
    }
    if (gone.length > 0) {
      this.#output.print(`These consumer groups were deleted successfully: ${names}`)
    }
    throw new IllegalStateException('deletion of some consumer groups failed')
  }

  /** @kafka core/src/main/scala/kafka/admin/ConsumerGroupCommand.scala#resetOffsets */
  async resetOffsets(
    group: string,
    options: ConsumerGroupCommandOptions,
  ): Promise<void> {
    // A member would overwrite what is set behind its back.
    const service = this.#coordinated('--reset-offsets')
    const { state } = await service.describeGroup(group)
    if (state !== 'Empty' && state !== 'Dead') {
      throw new IllegalStateException(
        `offsets can only be reset while nobody is in the group; '${group}' is ${state}`,
      )
    }

    // Plan, and carry the plan out if told to.
    if (!options.execute && !options.dryRun && !options.export) {
      this.#output.note('Note: this is only the plan; --execute carries it out.')
    }
    const plan = await prepareOffsetsToReset(group, options, {
      ...{ service, warn: this.#output.note },
      ...this.#context,
    })
    if (options.execute) await service.commitOffsets(group, plan)
    const rows = [...plan].sort(([a], [b]) => byPartition(a, b))
    if (options.export) {
      for (const [{ topic, partition }, offset] of rows) {
        this.#output.print(`${topic},${partition},${offset}`)
      }
      return
    }
    this.#output.print('')
    this.#output.print(columns(['TOPIC', 30], ['PARTITION', 10], ['NEW-OFFSET', 15]))
    for (const [{ topic, partition }, offset] of rows) {
      this.#output.print(columns([topic, 30], [partition, 10], [offset, 15]))
    }
  }

  /** The service, when it is that of coordinators. */
  #coordinated(flag: string): KafkaConsumerGroupService {
    if (this.#service instanceof KafkaConsumerGroupService) return this.#service
    throw new IllegalArgumentException(`${flag} needs --bootstrap-server`)
  }

  /** Says what is special about a group. @returns whether there is more to print */
  #tellState(
    group: string,
    state: string | undefined,
    rows: number | undefined,
  ): boolean {
    if (rows === undefined || state === 'Dead') {
      throw new IllegalStateException(`consumer group '${group}' does not exist`)
    }
    if (state === 'Empty') {
      this.#output.note(`Consumer group '${group}' has no active members.`)
    }
    if (state === 'PreparingRebalance' || state === 'CompletingRebalance') {
      this.#output.note(`Warning: Consumer group '${group}' is rebalancing.`)
    }
    return rows > 0
  }

  #printOffsets(rows: readonly PartitionAssignmentState[]): void {
    const topicWidth = widest(rows.map(({ topic }) => topic))
    const idWidth = widest(rows.map(({ consumerId }) => consumerId))
    const hostWidth = widest(rows.map(({ host }) => host))
    const line = (
      values: readonly (string | number | undefined)[],
      clientId: string | undefined,
    ) => {
      const widths = [topicWidth, 10, 15, 15, 15, idWidth, hostWidth]
      const cells = values.map((value, i) => [value, widths[i] ?? 0] as const)
      if (!this.#service.hasHosts) return `${columns(...cells.slice(0, 6))} `
      return `${columns(...cells)} ${clientId ?? MISSING_COLUMN_VALUE}`
    }
    this.#output.print('')
    const ends = ['CURRENT-OFFSET', 'LOG-END-OFFSET', 'LAG', 'CONSUMER-ID', 'HOST']
    this.#output.print(line(['TOPIC', 'PARTITION', ...ends], 'CLIENT-ID'))
    for (const row of rows) {
      const { offset, logEndOffset } = row
      const known = offset !== undefined && logEndOffset !== undefined
      const lag = known ? logEndOffset - offset : undefined
      const { topic, partition, consumerId, host, clientId } = row
      this.#output.print(
        line([topic, partition, offset, logEndOffset, lag, consumerId, host], clientId),
      )
    }
  }

  #printMembers({ members }: GroupSummary, verbose: boolean): void {
    const widths = [
      widest(members.map(({ consumerId }) => consumerId)),
      widest(members.map(({ host }) => host)),
      widest(members.map(({ clientId }) => clientId)),
      15,
    ]
    const line = (values: readonly (string | number)[], last: string) =>
      `${columns(...values.map((value, i) => [value, widths[i] ?? 0] as const))} ${last}`
    this.#output.print('')
    const head = ['CONSUMER-ID', 'HOST', 'CLIENT-ID', '#PARTITIONS']
    this.#output.print(line(head, verbose ? 'ASSIGNMENT' : ''))
    for (const { consumerId, host, clientId, assignment } of members) {
      const byTopic = new Map<string, number[]>()
      for (const { topic, partition } of assignment) {
        byTopic.set(topic, [...(byTopic.get(topic) ?? []), partition])
      }
      const texts = [...byTopic]
        .map(([topic, ids]) => `${topic}(${ids.sort((a, b) => a - b).join(',')})`)
        .sort()
      const shown = texts.length > 0 ? texts.join(', ') : MISSING_COLUMN_VALUE
      const values = [consumerId, host, clientId, assignment.length]
      this.#output.print(line(values, verbose ? shown : ''))
    }
  }

  #printState({ coordinator, assignmentStrategy, state, members }: GroupSummary): void {
    const { host, port, nodeId } = coordinator
    const where = `${host}:${port} (${nodeId})`
    const width = Math.max(25, where.length)
    const line = (...[a, b, c, d]: [string, string, string, string | number]) =>
      `${columns([a, width], [b, 25], [c, 20])} ${d}`
    this.#output.print('')
    this.#output.print(
      line('COORDINATOR (ID)', 'ASSIGNMENT-STRATEGY', 'STATE', '#MEMBERS'),
    )
    this.#output.print(line(where, assignmentStrategy, state, members.length))
  }
}

/** @kafka core/src/main/scala/kafka/admin/ConsumerGroupCommand.scala#checkArgs */
function checkArgs(
  options: ConsumerGroupCommandOptions,
  service: ConsumerGroupService,
): void {
  const { list, describe, resetOffsets, group = [], topic = [] } = options
  const refuse = (text: string) => new IllegalArgumentException(text)
  const several = (flags: Readonly<Record<string, unknown>>) =>
    Object.entries(flags).flatMap(([flag, value]) =>
      value === undefined || value === false ? [] : [flag],
    )

  // Look at who it is about.
  if (list && group.length > 0) throw refuse('--group is not for --list')
  if (topic.length > 0 && (list || describe)) {
    throw refuse('--topic is for --delete and --reset-offsets')
  }
  if (options.delete && topic.length > 0 && !service.deleteGroupsInfoForTopic) {
    throw refuse('--delete with --topic needs --zookeeper')
  }
  if (!list && group.length === 0 && !(options.delete && topic.length > 0)) {
    throw refuse('give a --group')
  }

  // Look at what is to be described, and at how offsets are to be reset.
  const shown = several({
    '--members': options.members,
    '--offsets': options.offsets,
    '--state': options.state,
  })
  if (shown.length > 1) throw refuse(`give only one of ${shown.join(', ')}`)
  if (!describe && (shown.length > 0 || options.verbose)) {
    throw refuse(`${shown[0] ?? '--verbose'} is for --describe`)
  }
  if (!resetOffsets) return
  if (options.execute && options.dryRun) {
    throw refuse('give only one of --execute and --dry-run')
  }
  const scenarios = several({
    '--to-offset': options.toOffset,
    '--to-earliest': options.toEarliest,
    '--to-latest': options.toLatest,
    '--to-current': options.toCurrent,
    '--shift-by': options.shiftBy,
    '--to-datetime': options.toDatetime,
    '--by-duration': options.byDuration,
    '--from-file': options.fromFile,
  })
  if (scenarios.length > 1) throw refuse(`give only one of ${scenarios.join(', ')}`)
}

/** Puts values in columns; what is not known becomes a dash. */
function columns(
  ...cells: readonly (readonly [string | number | undefined, number])[]
): string {
  return cells
    .map(([value, width]) => String(value ?? MISSING_COLUMN_VALUE).padEnd(width))
    .join(' ')
}

/** Width of a column: 15, or what its longest value needs. */
function widest(values: readonly (string | undefined)[]): number {
  return Math.max(15, ...values.map((value) => value?.length ?? 1))
}
