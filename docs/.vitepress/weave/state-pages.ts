/**
 * # The page of state machines
 *
 * Five things of Kafka are in one of a few states. Which may follow which stands in tables
 * that the program itself looks into; here they become diagrams.
 *
 * @module
 */
import { PartitionStates } from '../../../src/controller/PartitionStateMachine.ts'
import { ReplicaStates } from '../../../src/controller/ReplicaStateMachine.ts'
import { validPreviousStates as groupStates } from '../../../src/coordinator/group/GroupMetadata.ts'
import { TransactionStates } from '../../../src/coordinator/transaction/TransactionState.ts'
import { BrokerStates, previousBrokerStates } from '../../../src/server/BrokerStates.ts'
import { type Inline, page, table } from './pointer-pages.ts'

/** A state: what may go before it, and what else its table says. */
export interface StateRow {
  readonly name: string
  readonly previous: readonly string[]
  /** The number by which logs or monitors know it. */
  readonly id?: number
  /** What entering it does. */
  readonly action?: string
}

/** One machine, under its heading. */
export interface Machine {
  readonly title: string
  readonly text: string
  readonly start: string
  readonly rows: readonly StateRow[]
}

/** All machines, from the tables of the source. */
export const machines: readonly Machine[] = [
  {
    title: 'Broker',
    text: 'What a broker is doing. Nothing refuses a move: the state tells monitors, and `KafkaServer` goes its way.',
    start: 'NotRunning',
    rows: Object.entries(previousBrokerStates).map(([name, previous]) => ({
      name,
      previous,
      id: BrokerStates[name as keyof typeof BrokerStates],
    })),
  },
  {
    title: 'Partition',
    text: 'What the controller thinks of a partition; see `PartitionStateMachine`. An illegal move is logged and left out.',
    start: 'NonExistentPartition',
    rows: rowsOf(PartitionStates),
  },
  {
    title: 'Replica',
    text: 'What the controller thinks of a replica; see `ReplicaStateMachine`. An illegal move is logged and left out.',
    start: 'NonExistentReplica',
    rows: rowsOf(ReplicaStates),
  },
  {
    title: 'Group',
    text: 'Where a group of consumers is with its rebalance; see `GroupMetadata`. An illegal move is an exception.',
    start: 'Empty',
    rows: Object.entries(groupStates).map(([name, previous]) => ({ name, previous })),
  },
  {
    title: 'Transaction',
    text: 'What a transactional id is going through; see `TransactionStates`. An illegal move is an exception.',
    start: 'Empty',
    rows: Object.entries(TransactionStates).map(
      ([name, { id, validPreviousStates }]) => ({
        name,
        id,
        previous: validPreviousStates,
      }),
    ),
  },
]

/** The page of all state machines. */
export function statesPage(inline: Inline): string {
  return page('State machines', [
    'A broker, a partition, a replica, a group and a transactional id are each in one of a',
    'few states. The arrows below are those that the source allows, no more and no fewer.',
    '',
    ...machines.flatMap(({ title, text, start, rows }) => [
      ...[`## ${title}`, '', `<p v-pre>${inline(text)}</p>`, ''],
      ...['```mermaid', stateDiagram(start, rows), '```', ''],
      ...[statesTable(rows, inline), ''],
    ]),
  ])
}

/** The diagram of one machine, in Mermaid's language. */
export function stateDiagram(start: string, rows: readonly StateRow[]): string {
  const moves = rows.flatMap(({ name, previous }) =>
    previous.map((from) => `  ${from} --> ${name}`),
  )
  return ['stateDiagram-v2', `  [*] --> ${start}`, ...moves].join('\n')
}

function statesTable(rows: readonly StateRow[], inline: Inline): string {
  const hasId = rows.some(({ id }) => id !== undefined)
  const hasAction = rows.some(({ action }) => action !== undefined)
  const head = ['state', ...(hasId ? ['number'] : []), 'after']
  return table(
    hasAction ? [...head, 'what entering it does'] : head,
    rows.map(({ name, id, previous, action }) => {
      const cells = [
        `<code>${name}</code>`,
        ...(hasId ? [String(id)] : []),
        previous.map((from) => `<code>${from}</code>`).join(', '),
        ...(hasAction ? [inline(action ?? '')] : []),
      ]
      return `<tr>${cells.map((cell) => `<td>${cell}</td>`).join('')}</tr>`
    }),
  )
}

function rowsOf(
  states: Readonly<
    Record<
      string,
      {
        readonly state: number
        readonly validPreviousStates: readonly string[]
        readonly action: string
      }
    >
  >,
): StateRow[] {
  return Object.entries(states).map(([name, row]) => ({
    name,
    id: row.state,
    previous: row.validPreviousStates,
    action: row.action,
  }))
}
