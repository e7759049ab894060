/**
 * # The check of a history
 *
 * Holds what the clients of a cluster saw, while brokers died and links broke, against
 * what Kafka promises. It knows no platform: a simulation in memory and a harness that
 * kills processes tell it the same facts and get the same verdict.
 *
 *     producers ─ sent, acknowledged ─┐
 *     consumers ─ consumed ───────────┼─▶ HistoryCheck ─▶ violations
 *     ZooKeeper ─ partitionState … ───┤
 *     the end   ─ finalLog, replicas ─┘
 *
 * What is promised holds for topics with replication factor 3, `min.insync.replicas=2`,
 * unclean election off and producers with `acks=all`, as long as at least one in-sync
 * replica keeps what it acknowledged. Values must be unique over the whole history: that
 * is how the check tells a repeated message from two that look alike.
 *
 * Invariant: facts are only added; a violation once found stays.
 *
 * @module
 */

/** What a history can violate. */
export type Rule =
  /** An acknowledged value is not in the final log. */
  | 'acknowledged-lost'
  /** A value that a consumer got is not in the final log. */
  | 'consumed-lost'
  /** Two values were seen at one offset of one partition. */
  | 'value-changed'
  /** A consumer got a record at or above the high watermark told with it. */
  | 'past-high-watermark'
  /** A value came from nowhere. */
  | 'never-sent'
  /** A value that must be written once stands in the log twice. */
  | 'duplicate'
  /** Values that keep their order stand in the log in another. */
  | 'out-of-order'
  /** Offsets of the final log are not consecutive. */
  | 'gap'
  /** Two replicas hold different bytes below the high watermark. */
  | 'replicas-differ'
  /** A leader epoch or controller epoch fell, or had two holders. */
  | 'epoch'
  /** After the faults ended a partition has no leader, or its ISR is not full. */
  | 'not-healed'

/** One broken promise, for a reader. */
export interface Violation {
  readonly rule: Rule
  readonly message: string
}

/** A value on its way out. */
export interface Sent {
  /** `topic-partition`. */
  readonly partition: string
  readonly value: string
  /** Whose it is; a producer that got a new producer id counts as a new one. */
  readonly producer: string
  /** Whether it must stand in the log at most once, in the order of sending. */
  readonly once: boolean
}

/** A value at its place. */
export interface Placed {
  readonly partition: string
  readonly offset: number
  readonly value: string
}

/** A value as a consumer got it. */
export interface Consumed extends Placed {
  readonly consumer: string
  /** The high watermark in the same answer. */
  readonly highWatermark: number
}

/** What a partition's state znode says, each time that it is read. */
export interface PartitionStateSeen {
  readonly partition: string
  readonly leader: number
  readonly leaderEpoch: number
  readonly controllerEpoch: number
  readonly isr: readonly number[]
  /** The znode's own version; states are ordered by it. */
  readonly zkVersion: number
}

/** A partition after the faults have ended. */
export interface PartitionAtEnd {
  readonly partition: string
  /** Broker id; -1 for none. */
  readonly leader: number
  readonly isr: readonly number[]
  readonly replicas: readonly number[]
}

/** A batch on a replica's disk. */
export interface StoredBatch {
  readonly baseOffset: number
  readonly lastOffset: number
  readonly leaderEpoch: number
  /** Stands for all its bytes: equal when they are equal. */
  readonly digest: string
}

/** A replica after the faults have ended. */
export interface ReplicaAtEnd {
  readonly partition: string
  readonly broker: number
  readonly highWatermark: number
  readonly batches: readonly StoredBatch[]
}

/** How often each rule is reported in full; the rest is counted. */
const MESSAGES_PER_RULE = 5

/** Collects facts and says which promises they break. One for each history. */
export class HistoryCheck {
  readonly #violations: Violation[] = []
  readonly #counts = new Map<Rule, number>()
  readonly #sent = new Map<string, Sent & { readonly index: number }>()
  /** Partition → offset → the value first seen there. */
  readonly #placed = new Map<string, Map<number, string>>()
  readonly #acknowledged: (Omit<Placed, 'offset'> & { offset: number | undefined })[] =
    []
  readonly #consumed = new Map<string, Consumed>()
  readonly #states = new Map<string, PartitionStateSeen>()
  readonly #leaders = new Map<string, number>()
  readonly #controllers = new Map<number, number>()
  readonly #told = new Map<string, number>()
  #controllerEpoch = -1

  /** What was found so far; at most a few of each rule. */
  get violations(): readonly Violation[] {
    return this.#violations
  }

  /** Values acknowledged so far. */
  get acknowledgedCount(): number {
    return this.#acknowledged.length
  }

  /** Different (partition, offset) that consumers got so far. */
  get consumedCount(): number {
    return this.#consumed.size
  }

  /** A producer hands a value out, for the first time. */
  sent(fact: Sent): void {
    this.#sent.set(fact.value, { ...fact, index: this.#sent.size })
  }

  /** A broker said that a value is kept. `offset` is undefined when it did not say where. */
  acknowledged(fact: {
    readonly partition: string
    readonly offset: number | undefined
    readonly value: string
  }): void {
    const { partition, offset, value } = fact
    this.#acknowledged.push({ partition, offset, value })
    if (offset !== undefined) this.#place({ partition, offset, value }, 'acknowledged')
  }

  /** A consumer got a value. */
  consumed(fact: Consumed): void {
    const { partition, offset, value, consumer, highWatermark } = fact
    if (offset >= highWatermark) {
      const where = `${consumer} got ${partition}@${offset} (${value})`
      this.#found('past-high-watermark', `${where}, high watermark ${highWatermark}`)
    }
    if (!this.#sent.has(value)) {
      this.#found('never-sent', `${consumer} got ${value} at ${partition}@${offset}`)
    }
    this.#place(fact, `got by ${consumer}`)
    this.#consumed.set(`${partition}@${offset}`, fact)
  }

  /** Somebody read a partition's state znode. Any order, any number of times. */
  partitionState(state: PartitionStateSeen): void {
    const { partition, leader, leaderEpoch, controllerEpoch } = state
    const last = this.#states.get(partition)
    const [before, after] =
      last && last.zkVersion > state.zkVersion ? [state, last] : [last, state]
    this.#states.set(partition, after)

    // Compare with the neighbour that was seen; both epochs only rise.
    for (const epoch of ['leaderEpoch', 'controllerEpoch'] as const) {
      if (before === undefined || before[epoch] <= after[epoch]) continue
      const versions = `zkVersion ${before.zkVersion} to ${after.zkVersion}`
      const fall = `${epoch} ${before[epoch]} to ${after[epoch]}`
      this.#found('epoch', `${partition}: ${fall} from ${versions}`)
    }
    this.#raiseControllerEpoch(controllerEpoch)
    if (leader >= 0) this.leads({ partition, leader, leaderEpoch })
  }

  /** A broker leads a partition in an epoch; one epoch has one leader. */
  leads(fact: {
    readonly partition: string
    readonly leader: number
    readonly leaderEpoch: number
  }): void {
    const key = `${fact.partition} in leader epoch ${fact.leaderEpoch}`
    const other = this.#leaders.get(key)
    if (other === undefined) this.#leaders.set(key, fact.leader)
    else if (other !== fact.leader)
      this.#found('epoch', `${key}: brokers ${other} and ${fact.leader} both lead`)
  }

  /**
   * A broker's process knows of a leader epoch. What it tells clients never goes back: a
   * controller that was replaced must not be heard after the one that came later.
   *
   * @param fact - `broker` names one process: after a restart it is another
   */
  tells(fact: {
    readonly broker: string
    readonly partition: string
    readonly leaderEpoch: number
  }): void {
    const key = `${fact.broker} of ${fact.partition}`
    const before = this.#told.get(key) ?? -1
    this.#told.set(key, fact.leaderEpoch)
    if (before > fact.leaderEpoch)
      this.#found('epoch', `${key}: told epoch ${before}, then ${fact.leaderEpoch}`)
  }

  /** A broker acts as controller in an epoch; one epoch has one controller. */
  controls(fact: { readonly broker: number; readonly epoch: number }): void {
    const other = this.#controllers.get(fact.epoch)
    if (other === undefined) this.#controllers.set(fact.epoch, fact.broker)
    else if (other !== fact.broker)
      this.#found(
        'epoch',
        `controller epoch ${fact.epoch}: brokers ${other} and ${fact.broker}`,
      )
  }

  /** The controller epoch as ZooKeeper has it, in the order of reading. */
  controllerEpochSeen(epoch: number): void {
    if (epoch < this.#controllerEpoch)
      this.#found('epoch', `controller epoch ${this.#controllerEpoch} to ${epoch}`)
    this.#raiseControllerEpoch(epoch)
  }

  #raiseControllerEpoch(epoch: number): void {
    this.#controllerEpoch = Math.max(this.#controllerEpoch, epoch)
  }

  /**
   * Judges a partition's whole log as a consumer reads it from the beginning after the
   * faults have ended. Once for each partition, after all other facts.
   *
   * @param records - in the order of offsets
   */
  finalLog(partition: string, records: readonly Placed[]): void {
    const offsetsOf = new Map<string, number[]>()
    let expected = records[0]?.offset ?? 0
    for (const record of records) {
      if (record.offset !== expected)
        this.#found(
          'gap',
          `${partition}: ${record.offset} stands where ${expected} should`,
        )
      expected = record.offset + 1
      this.#place(record, 'in the final log')
      if (!this.#sent.has(record.value))
        this.#found(
          'never-sent',
          `${record.value} stands at ${partition}@${record.offset}`,
        )
      const offsets = offsetsOf.get(record.value)
      if (offsets === undefined) offsetsOf.set(record.value, [record.offset])
      else offsets.push(record.offset)
    }
    this.#checkKept(partition, new Map(records.map((r) => [r.offset, r])), offsetsOf)
    this.#checkOnce(partition, offsetsOf)
  }

  /** Whatever was promised or shown is still there. */
  #checkKept(
    partition: string,
    finalByOffset: ReadonlyMap<number, Placed>,
    offsetsOf: ReadonlyMap<string, readonly number[]>,
  ): void {
    for (const { offset, value, ...of } of this.#acknowledged) {
      if (of.partition !== partition || offsetsOf.has(value)) continue
      const where = `${partition}@${offset ?? '?'}`
      this.#found('acknowledged-lost', `${value}, acknowledged at ${where}, is gone`)
    }
    for (const { offset, value, consumer, ...of } of this.#consumed.values()) {
      if (of.partition !== partition || finalByOffset.has(offset)) continue
      const what = `${value}, got by ${consumer} at ${partition}@${offset}`
      this.#found('consumed-lost', `${what}, is gone`)
    }
  }

  /** Values of idempotent producers: at one offset each, in the order of sending. */
  #checkOnce(
    partition: string,
    offsetsOf: ReadonlyMap<string, readonly number[]>,
  ): void {
    const lastIndex = new Map<string, { index: number; value: string }>()
    for (const [value, offsets] of offsetsOf) {
      const sent = this.#sent.get(value)
      if (!sent?.once) continue
      if (offsets.length > 1)
        this.#found(
          'duplicate',
          `${value} stands in ${partition} at ${offsets.join(', ')}`,
        )
      const last = lastIndex.get(sent.producer)
      if (last !== undefined && last.index > sent.index)
        this.#found('out-of-order', `${partition}: ${value} after ${last.value}`)
      lastIndex.set(sent.producer, { index: sent.index, value })
    }
  }

  /** Judges the replicas of one partition against each other, after the faults. */
  replicasAtEnd(replicas: readonly ReplicaAtEnd[]): void {
    const highWatermark = Math.max(0, ...replicas.map((r) => r.highWatermark))
    const below = (replica: ReplicaAtEnd) =>
      replica.batches.filter((batch) => batch.lastOffset < highWatermark)
    const [first, ...others] = replicas
    if (first === undefined) return

    // Leader epochs of a log rise from batch to batch, too.
    for (const { partition, broker, batches } of replicas) {
      let epoch = -1
      for (const batch of batches) {
        if (batch.leaderEpoch < epoch)
          this.#found(
            'epoch',
            `${partition} on ${broker}: batch ${batch.baseOffset} of epoch ${batch.leaderEpoch} after ${epoch}`,
          )
        epoch = Math.max(epoch, batch.leaderEpoch)
      }
    }

    // Name the first batch in which two replicas differ.
    const model = below(first)
    for (const other of others) {
      const batches = below(other)
      const length = Math.max(model.length, batches.length)
      for (let i = 0; i < length; i++) {
        if (sameBatch(model[i], batches[i])) continue
        const what = `${first.partition} below ${highWatermark}`
        const here = `broker ${first.broker} has ${describe(model[i])}`
        const there = `broker ${other.broker} has ${describe(batches[i])}`
        this.#found('replicas-differ', `${what}: ${here}, ${there}`)
        break
      }
    }
  }

  /** Judges whether a partition is whole again, after the time that it may take. */
  partitionAtEnd({ partition, leader, isr, replicas }: PartitionAtEnd): void {
    if (leader < 0 || !isr.includes(leader))
      this.#found('not-healed', `${partition} has leader ${leader}, ISR ${isr}`)
    const missing = replicas.filter((id) => !isr.includes(id))
    if (missing.length > 0)
      this.#found('not-healed', `${partition}: ${missing} not in the ISR ${isr}`)
  }

  /** @returns the verdict for a reader: one line a violation; empty when all is well */
  report(): string {
    const lines = this.#violations.map(({ rule, message }) => `${rule}: ${message}`)
    for (const [rule, count] of this.#counts) {
      const more = count - MESSAGES_PER_RULE
      if (more > 0) lines.push(`${rule}: … and ${more} more`)
    }
    return lines.join('\n')
  }

  /** Notes a value at its offset; whoever saw another there saw it change. */
  #place({ partition, offset, value }: Placed, how: string): void {
    let values = this.#placed.get(partition)
    if (values === undefined) {
      values = new Map()
      this.#placed.set(partition, values)
    }
    const before = values.get(offset)
    if (before === undefined) values.set(offset, value)
    else if (before !== value)
      this.#found(
        'value-changed',
        `${partition}@${offset}: ${before}, then ${value} (${how})`,
      )
  }

  #found(rule: Rule, message: string): void {
    const count = (this.#counts.get(rule) ?? 0) + 1
    this.#counts.set(rule, count)
    if (count <= MESSAGES_PER_RULE) this.#violations.push({ rule, message })
  }
}

function sameBatch(a: StoredBatch | undefined, b: StoredBatch | undefined): boolean {
  return (
    a?.baseOffset === b?.baseOffset &&
    a?.lastOffset === b?.lastOffset &&
    a?.leaderEpoch === b?.leaderEpoch &&
    a?.digest === b?.digest
  )
}

function describe(batch: StoredBatch | undefined): string {
  if (batch === undefined) return 'nothing'
  const { baseOffset, lastOffset, leaderEpoch } = batch
  return `${baseOffset}-${lastOffset} of epoch ${leaderEpoch}`
}
