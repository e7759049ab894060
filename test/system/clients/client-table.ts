/**
 * The table of clients by feature, `docs/clients.json`, of which the site makes its page.
 * A run is compared with it; with `UPDATE_CLIENTS=1` it writes it.
 */
import { readFileSync, writeFileSync } from 'node:fs'
import { join } from 'node:path'
import { expect } from 'vitest'

const golden = join(import.meta.dirname, '../../../docs/clients.json')

/** A client's version, and what became of each feature. */
export interface Outcome {
  readonly version: string
  readonly features: Readonly<Record<string, string>>
}

/** Holds a run against the table, or writes it there. */
export function compareWithTable(client: string, outcome: Outcome): void {
  const table = JSON.parse(readFileSync(golden, 'utf8')) as Record<string, Outcome>
  if (process.env.UPDATE_CLIENTS === '1') {
    const next = { ...table, [client]: outcome }
    writeFileSync(golden, `${JSON.stringify(next, null, 2)}\n`)
  } else {
    expect(outcome.features).toEqual(table[client]?.features)
  }
}
