/**
 * What clients that others wrote can do with our brokers: a table, client by feature. The
 * run is compared with `docs/clients.json`, of which the site makes its page; with
 * `UPDATE_CLIENTS=1` it writes it.
 */
import { spawn, spawnSync } from 'node:child_process'
import { readFileSync, writeFileSync } from 'node:fs'
import { join } from 'node:path'
import { afterAll, beforeAll, describe, expect, it } from 'vitest'
import { type KafkaCluster, startCluster } from '../../src/testing/start-cluster.ts'
import { kafkajsFeatures, kafkajsVersion } from './clients/kafkajs-client.ts'

const TIMEOUT_MS = 120_000

const here = import.meta.dirname
const golden = join(here, '../../docs/clients.json')
const update = process.env.UPDATE_CLIENTS === '1'

/** A client's version, and what became of each feature. */
interface Outcome {
  readonly version: string
  readonly features: Readonly<Record<string, string>>
}

let cluster: KafkaCluster

beforeAll(async () => {
  cluster = await startCluster({ brokers: 3 })
})

afterAll(async () => {
  await cluster.close()
})

/** Holds a run against the table, or writes it there. */
function compare(client: string, outcome: Outcome): void {
  const table = JSON.parse(readFileSync(golden, 'utf8')) as Record<string, Outcome>
  if (update) {
    const next = { ...table, [client]: outcome }
    writeFileSync(golden, `${JSON.stringify(next, null, 2)}\n`)
  } else {
    expect(outcome.features).toEqual(table[client]?.features)
  }
}

describe('kafkajs', () => {
  it('does what the table says', { timeout: TIMEOUT_MS }, async () => {
    const features: Record<string, string> = {}
    const checks = kafkajsFeatures(cluster.bootstrapServers)
    for (const [feature, check] of Object.entries(checks)) {
      const said = await check()
      features[feature] = typeof said === 'string' ? said : 'passed'
    }
    compare('kafkajs', { version: kafkajsVersion, features })
  })
})

// Debian's own Python sees Debian's packages; another one on the path may not.
const PYTHON = '/usr/bin/python3'

describe.each([
  ['kafka-python', 'kafka, snappy, lz4', 'kafka_python_client.py'],
  ['confluent-kafka', 'confluent_kafka', 'confluent_client.py'],
])('%s', (client, modules, script) => {
  const isHere = spawnSync(PYTHON, ['-c', `import ${modules}`]).status === 0
  if (!isHere) console.warn(`skipped: ${client}, which is not installed`)

  it.skipIf(!isHere)('does what the table says', { timeout: TIMEOUT_MS }, async () => {
    const args = ['-B', join(here, 'clients', script), cluster.bootstrapServers]
    const [version, ...results] = (await python(args)).trim().split('\n')
    const features: Record<string, string> = {}
    for (const line of results) {
      const { feature, result } = JSON.parse(line)
      features[feature] = result
    }
    compare(client, { version: JSON.parse(version ?? '').version, features })
  })
})

/** Runs Python. @returns what it printed @throws with its errors unless it ended well */
function python(args: readonly string[]): Promise<string> {
  return new Promise((resolve, reject) => {
    const child = spawn(PYTHON, args)
    let out = ''
    let err = ''
    child.stdout.on('data', (chunk) => {
      out += chunk
    })
    child.stderr.on('data', (chunk) => {
      err += chunk
    })
    child.on('error', reject)
    child.on('close', (status) =>
      status === 0 ? resolve(out) : reject(new Error(`${status}\n${out}${err}`)),
    )
  })
}
