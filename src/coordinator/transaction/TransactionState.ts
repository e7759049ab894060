/**
 * # TransactionState
 *
 * What a transactional id can be going through, as a table: the number under which a state
 * is written, and the states that it may follow.
 *
 *     Empty ─▶ Ongoing ─▶ PrepareCommit ─▶ CompleteCommit ─┐
 *       ▲        │  ▲ ▲                                    │
 *       │        │  │ └────────────────────────────────────┤
 *       │        ▼  └───────────────────────────────────┐  │
 *       │     PrepareAbort ─────────────▶ CompleteAbort ┴──┴─▶ Empty, Dead
 *
 * PrepareCommit and PrepareAbort are the decision; once one of them is in the log there is
 * no way back, only the markers are left to write. Dead and PrepareEpochFence are never
 * entered: they only stand as *pending* while an id expires, or an older producer is
 * fenced.
 *
 * @kafka core/src/main/scala/kafka/coordinator/transaction/TransactionMetadata.scala#TransactionState
 * @module
 */
import { IllegalStateException } from '../../base/errors.ts'

/** The states: how they are written, and what they may follow. */
export const TransactionStates = {
  Empty: { id: 0, validPreviousStates: ['Empty', 'CompleteCommit', 'CompleteAbort'] },
  Ongoing: {
    id: 1,
    validPreviousStates: ['Ongoing', 'Empty', 'CompleteCommit', 'CompleteAbort'],
  },
  PrepareCommit: { id: 2, validPreviousStates: ['Ongoing'] },
  PrepareAbort: { id: 3, validPreviousStates: ['Ongoing', 'PrepareEpochFence'] },
  CompleteCommit: { id: 4, validPreviousStates: ['PrepareCommit'] },
  CompleteAbort: { id: 5, validPreviousStates: ['PrepareAbort'] },
  Dead: { id: 6, validPreviousStates: ['Empty', 'CompleteAbort', 'CompleteCommit'] },
  PrepareEpochFence: { id: 7, validPreviousStates: ['Ongoing'] },
} as const

/** The name of a state. */
export type TransactionState = keyof typeof TransactionStates

/** How a transaction ends. */
export type TransactionResult = 'COMMIT' | 'ABORT'

const names = Object.keys(TransactionStates) as TransactionState[]

/** Whether one state may follow another. */
export function isValidTransition(
  oldState: TransactionState,
  newState: TransactionState,
): boolean {
  const previous: readonly string[] = TransactionStates[newState].validPreviousStates
  return previous.includes(oldState)
}

/** The state that is written as a number. @throws IllegalStateException for no state's */
export function byteToState(byte: number): TransactionState {
  const state = names.find((name) => TransactionStates[name].id === byte)
  if (state) return state
  throw new IllegalStateException(`no state of a transaction is written as ${byte}`)
}
