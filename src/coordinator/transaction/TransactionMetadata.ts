/**
 * # TransactionMetadata
 *
 * What the coordinator knows of one transactional id: the producer behind it, its epoch,
 * and how its transaction stands. A change takes three steps, so that nobody acts on what
 * a crash could take back:
 *
 *     prepare… ─▶ pendingState set, nothing else    TxnTransitMetadata: how it will be
 *     appended to the log with all copies
 *     completeTransitionTo ─▶ the new state holds, pendingState clear
 *
 * Invariants: while a change is pending no other begins; each state follows one that
 * {@link TransactionStates} allows; the epoch of a producer id never goes back.
 *
 * What became of the lock: each object carried one. A look and the change that follows from
 * it are one synchronous stretch here.
 *
 * @kafka core/src/main/scala/kafka/coordinator/transaction/TransactionMetadata.scala#TransactionMetadata
 * @module
 */
import { IllegalArgumentException, IllegalStateException } from '../../base/errors.ts'
import type { TopicPartition } from '../../base/TopicPartition.ts'
import { TopicPartitionSet } from '../../base/TopicPartitionMap.ts'
import { isValidTransition, type TransactionState } from './TransactionState.ts'

/** The epoch of a producer that has none yet. */
export const NO_PRODUCER_EPOCH = -1

/** The largest epoch that fits its field. */
const MAX_EPOCH = 32767

/**
 * How a transactional id will be once a change is in the log.
 *
 * @kafka core/src/main/scala/kafka/coordinator/transaction/TransactionMetadata.scala#TxnTransitMetadata
 */
export interface TxnTransitMetadata {
  readonly producerId: bigint
  readonly producerEpoch: number
  readonly txnTimeoutMs: number
  readonly txnState: TransactionState
  readonly topicPartitions: TopicPartitionSet
  /** Wall time in ms; -1 when no transaction has begun. */
  readonly txnStartTimestamp: number
  readonly txnLastUpdateTimestamp: number
}

/** What a transactional id starts from. */
export interface TransactionMetadataOptions {
  readonly transactionalId: string
  readonly producerId: bigint
  /** -1 for a producer that has just come to be. */
  readonly producerEpoch: number
  readonly txnTimeoutMs: number
  readonly state: TransactionState
  readonly topicPartitions?: Iterable<TopicPartition>
  /** Wall time in ms; -1, the default, before the first transaction. */
  readonly txnStartTimestamp?: number
  readonly txnLastUpdateTimestamp: number
}

/** One transactional id. */
export class TransactionMetadata {
  readonly transactionalId: string
  producerId: bigint
  producerEpoch: number
  txnTimeoutMs: number
  state: TransactionState
  /** Partitions of the transaction; while it ends, those without a marker yet. */
  readonly topicPartitions: TopicPartitionSet
  txnStartTimestamp: number
  txnLastUpdateTimestamp: number
  /** Where it is about to go; set from a `prepare…` to the answer of the log. */
  pendingState: TransactionState | undefined

  constructor(options: TransactionMetadataOptions) {
    this.transactionalId = options.transactionalId
    this.producerId = options.producerId
    this.producerEpoch = options.producerEpoch
    this.txnTimeoutMs = options.txnTimeoutMs
    this.state = options.state
    this.topicPartitions = new TopicPartitionSet(options.topicPartitions)
    this.txnStartTimestamp = options.txnStartTimestamp ?? -1
    this.txnLastUpdateTimestamp = options.txnLastUpdateTimestamp
  }

  /** True while a change is on its way into the log. */
  get pendingTransitionInProgress(): boolean {
    return this.pendingState !== undefined
  }

  /** True when the next epoch must stay free: with it the last producer is fenced. */
  get isProducerEpochExhausted(): boolean {
    return this.producerEpoch >= MAX_EPOCH - 1
  }

  /** Takes a partition off whose marker is written, or not needed. */
  removePartition(topicPartition: TopicPartition): void {
    if (this.state !== 'PrepareCommit' && this.state !== 'PrepareAbort') {
      throw new IllegalStateException(`${this} has no partition to take off`)
    }
    this.topicPartitions.delete(topicPartition)
  }

  /** Is about to fence the producer, by an epoch that is given to nobody. */
  prepareFenceProducerEpoch(): TxnTransitMetadata {
    if (this.producerEpoch === MAX_EPOCH) {
      throw new IllegalStateException(`${this} has no epoch left to fence with`)
    }
    return this.#prepareTransitionTo('PrepareEpochFence', {
      producerEpoch: this.producerEpoch + 1,
    })
  }

  /** Is about to give a producer that starts the next epoch. */
  prepareIncrementProducerEpoch(
    newTxnTimeoutMs: number,
    updateTimestamp: number,
  ): TxnTransitMetadata {
    if (this.isProducerEpochExhausted) {
      throw new IllegalStateException(`${this} has no epoch left`)
    }
    return this.#prepareTransitionTo('Empty', {
      producerEpoch: this.producerEpoch + 1,
      txnTimeoutMs: newTxnTimeoutMs,
      topicPartitions: new TopicPartitionSet(),
      txnStartTimestamp: -1,
      txnLastUpdateTimestamp: updateTimestamp,
    })
  }

  /** Is about to go on under another producer id, from epoch 0. */
  prepareProducerIdRotation(
    newProducerId: bigint,
    newTxnTimeoutMs: number,
    updateTimestamp: number,
  ): TxnTransitMetadata {
    return this.#prepareTransitionTo('Empty', {
      producerId: newProducerId,
      producerEpoch: 0,
      txnTimeoutMs: newTxnTimeoutMs,
      topicPartitions: new TopicPartitionSet(),
      txnStartTimestamp: -1,
      txnLastUpdateTimestamp: updateTimestamp,
    })
  }

  /** Is about to take partitions in; the first ones begin the transaction. */
  prepareAddPartitions(
    addedTopicPartitions: Iterable<TopicPartition>,
    updateTimestamp: number,
  ): TxnTransitMetadata {
    const begins = this.state !== 'Ongoing'
    return this.#prepareTransitionTo('Ongoing', {
      topicPartitions: new TopicPartitionSet([
        ...this.topicPartitions,
        ...addedTopicPartitions,
      ]),
      txnStartTimestamp: begins ? updateTimestamp : this.txnStartTimestamp,
      txnLastUpdateTimestamp: updateTimestamp,
    })
  }

  /** Is about to decide how the transaction ends. */
  prepareAbortOrCommit(
    newState: 'PrepareCommit' | 'PrepareAbort',
    updateTimestamp: number,
  ): TxnTransitMetadata {
    return this.#prepareTransitionTo(newState, {
      txnLastUpdateTimestamp: updateTimestamp,
    })
  }

  /** Is about to be done; to be completed when every partition has its marker. */
  prepareComplete(updateTimestamp: number): TxnTransitMetadata {
    const newState = this.state === 'PrepareCommit' ? 'CompleteCommit' : 'CompleteAbort'
    return this.#prepareTransitionTo(newState, {
      topicPartitions: new TopicPartitionSet(),
      txnLastUpdateTimestamp: updateTimestamp,
    })
  }

  /** Is about to be forgotten. */
  prepareDead(): TxnTransitMetadata {
    return this.#prepareTransitionTo('Dead', {
      topicPartitions: new TopicPartitionSet(),
    })
  }

  // What a change does not name stays as it is.
  #prepareTransitionTo(
    newState: TransactionState,
    changes: Partial<Omit<TxnTransitMetadata, 'txnState'>>,
  ): TxnTransitMetadata {
    if (this.pendingState !== undefined) {
      throw new IllegalStateException(`${this} cannot go to ${newState} meanwhile`)
    }
    const transit: TxnTransitMetadata = {
      producerId: this.producerId,
      producerEpoch: this.producerEpoch,
      txnTimeoutMs: this.txnTimeoutMs,
      topicPartitions: new TopicPartitionSet(this.topicPartitions),
      txnStartTimestamp: this.txnStartTimestamp,
      txnLastUpdateTimestamp: this.txnLastUpdateTimestamp,
      ...changes,
      txnState: newState,
    }
    if (transit.producerId < 0n || transit.producerEpoch < 0) {
      const producer = `${transit.producerId} in epoch ${transit.producerEpoch}`
      throw new IllegalArgumentException(`producer ${producer} cannot be`)
    }
    if (!isValidTransition(this.state, newState)) {
      throw new IllegalStateException(`${this} cannot go to ${newState}`)
    }
    this.pendingState = newState
    return transit
  }

  /**
   * Makes a change hold that is in the log now.
   *
   * @throws IllegalStateException when it does not fit what is known: a mistake of ours
   */
  completeTransitionTo(transit: TxnTransitMetadata): void {
    const toState = this.pendingState
    if (toState === undefined || toState !== transit.txnState) this.#misfit(transit)
    switch (toState) {
      case 'Empty':
        this.#completeInit(transit)
        break
      case 'Ongoing':
        this.#completeAddPartitions(transit)
        break
      case 'PrepareCommit':
      case 'PrepareAbort':
        this.#completeDecision(transit)
        break
      case 'CompleteCommit':
      case 'CompleteAbort':
        this.#completeMarkers(transit)
        break
      default:
        // Nobody completes these two: a fence turns into an abort, an id that expires
        // is taken out of the cache.
        this.#misfit(transit)
    }
    this.txnLastUpdateTimestamp = transit.txnLastUpdateTimestamp
    this.pendingState = undefined
    this.state = transit.txnState
  }

  #completeInit(transit: TxnTransitMetadata): void {
    const sameEpoch = transit.producerEpoch === this.producerEpoch
    const nextEpoch = transit.producerEpoch === this.producerEpoch + 1
    const newId = transit.producerEpoch === 0 && transit.producerId !== this.producerId
    const blank = transit.topicPartitions.size === 0 && transit.txnStartTimestamp === -1
    if (!blank || !(sameEpoch || nextEpoch || newId)) this.#misfit(transit)
    this.txnTimeoutMs = transit.txnTimeoutMs
    this.producerEpoch = transit.producerEpoch
    this.producerId = transit.producerId
    this.topicPartitions.clear()
    this.txnStartTimestamp = -1
  }

  #completeAddPartitions(transit: TxnTransitMetadata): void {
    const keepsAll = [...this.topicPartitions].every((tp) =>
      transit.topicPartitions.has(tp),
    )
    const goesOn =
      this.state !== 'Ongoing' || transit.txnStartTimestamp === this.txnStartTimestamp
    if (!this.#sameProducer(transit) || !keepsAll || !goesOn) this.#misfit(transit)
    this.txnStartTimestamp = transit.txnStartTimestamp
    for (const topicPartition of transit.topicPartitions) {
      this.topicPartitions.add(topicPartition)
    }
  }

  #completeDecision(transit: TxnTransitMetadata): void {
    const samePartitions =
      this.topicPartitions.size === transit.topicPartitions.size &&
      [...this.topicPartitions].every((tp) => transit.topicPartitions.has(tp))
    const sameStart = this.txnStartTimestamp === transit.txnStartTimestamp
    if (!this.#sameProducer(transit) || !samePartitions || !sameStart) {
      this.#misfit(transit)
    }
  }

  #completeMarkers(transit: TxnTransitMetadata): void {
    const begun = transit.txnStartTimestamp !== -1
    if (!this.#sameProducer(transit) || !begun) this.#misfit(transit)
    this.txnStartTimestamp = transit.txnStartTimestamp
    this.topicPartitions.clear()
  }

  #sameProducer(transit: TxnTransitMetadata): boolean {
    return (
      transit.producerId === this.producerId &&
      transit.producerEpoch === this.producerEpoch &&
      transit.txnTimeoutMs === this.txnTimeoutMs
    )
  }

  #misfit({ txnState, producerId, producerEpoch }: TxnTransitMetadata): never {
    const change = `${txnState} of producer ${producerId} in epoch ${producerEpoch}`
    throw new IllegalStateException(`${this} cannot complete ${change}`)
  }

  /** The id, the producer, the state and where it is about to go. */
  toString(): string {
    const { transactionalId, producerId, producerEpoch, state, pendingState } = this
    const pending = pendingState ? ` ─▶ ${pendingState}` : ''
    return `${transactionalId} (${producerId}/${producerEpoch}, ${state}${pending})`
  }
}
