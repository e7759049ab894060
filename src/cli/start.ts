/**
 * # annotated-kafka start
 *
 * Runs brokers until it is told to end. Prints one line when they serve:
 *
 *     ready bootstrap.servers=127.0.0.1:9092 zookeeper.connect=127.0.0.1:43210
 *
 * @module
 */
import { readFileSync } from 'node:fs'
import { isAbortError } from '../base/async/abort.ts'
import { KafkaConfig } from '../server/KafkaConfig.ts'
import {
  type KafkaCluster,
  type StartClusterOptions,
  startBrokers,
} from '../testing/start-cluster.ts'
import { untilSignal } from './until-signal.ts'

/** Options of the command. */
export interface StartOptions {
  readonly brokers: number
  readonly port: number
  readonly dataDir?: string
  readonly zookeeper?: string
  readonly zookeeperPort: number
  readonly config?: string
  readonly override: readonly string[]
  /** Where the first broker's metrics are served; 0 lets the system choose. */
  readonly metricsPort?: number
}

/** What Kafka's own sample of `server.properties` sets for a few brokers. */
function sampleDefaults(brokers: number): Record<string, string> {
  const replicas = String(Math.min(brokers, 3))
  return {
    'offsets.topic.replication.factor': replicas,
    'transaction.state.log.replication.factor': replicas,
    'transaction.state.log.min.isr': '1',
    'group.initial.rebalance.delay.ms': '0',
  }
}

/**
 * Runs the command; resolves after a signal and a controlled shutdown. A signal that comes
 * before the brokers serve gives the start up.
 *
 * @throws when a broker ended by itself: what Kafka does by halting its process
 */
export async function start(options: StartOptions): Promise<void> {
  // Loading the modules is part of the time a user waits; it is told apart.
  const loadingMs = Math.round(performance.now())
  const ending = new AbortController()
  const stopped = untilSignal().then((signal) => {
    ending.abort()
    return signal
  })
  const file = options.config
    ? KafkaConfig.parseProperties(readFileSync(options.config, 'utf8'))
    : {}
  const overrides = Object.fromEntries(options.override.map(splitOverride))
  const zookeeperConnect = options.zookeeper ?? file['zookeeper.connect']
  const cluster = await unlessEnded(ending.signal, {
    ...{ brokers: options.brokers, port: options.port, zookeeperFsync: true },
    zookeeperPort: options.zookeeperPort,
    config: { ...sampleDefaults(options.brokers), ...file, ...overrides },
    ...(options.dataDir ? { dataDir: options.dataDir } : {}),
    ...(zookeeperConnect ? { zookeeperConnect } : {}),
  })
  if (cluster === undefined) return
  const metrics = await serveMetricsOf(cluster, options.metricsPort)
  const { bootstrapServers, zookeeperConnect: zk } = cluster
  process.stdout.write(
    `ready bootstrap.servers=${bootstrapServers} zookeeper.connect=${zk} ` +
      `${metrics.ports}loading.ms=${loadingMs}\n`,
  )
  const signal = await Promise.race([stopped, firstToEnd(cluster)])
  metrics.close()
  await cluster.close()
  if (signal === undefined) throw new Error('a broker gave itself up, see above')
}

/**
 * Starts the brokers; `undefined` when the signal was faster. Recovering the logs of a
 * crash can take long, and who starts it may think better of it: the directories are left
 * as they were, and the next start begins again.
 */
async function unlessEnded(
  signal: AbortSignal,
  options: StartClusterOptions,
): Promise<KafkaCluster | undefined> {
  try {
    return await startBrokers({ ...options, signal })
  } catch (error) {
    if (signal.aborted && isAbortError(error)) return undefined
    throw error
  }
}

/** Serves the metrics of each broker, if a port is given. */
async function serveMetricsOf({ brokers }: KafkaCluster, port: number | undefined) {
  if (port === undefined) return { ports: '', close: () => {} }
  const { serveMetrics } = await import('./serve-metrics.ts')
  const servers = await Promise.all(
    brokers.map(({ brokerMetrics }, i) => {
      return serveMetrics(brokerMetrics, port === 0 ? 0 : port + i)
    }),
  )
  return {
    ports: `metrics.ports=${servers.map((server) => server.port)} `,
    close: () => {
      for (const server of servers) server.close()
    },
  }
}

/** Resolves, with nothing, when a broker has ended and nobody had asked for it. */
async function firstToEnd({ brokers }: KafkaCluster): Promise<undefined> {
  await Promise.race(brokers.map((broker) => broker.awaitShutdown()))
  return undefined
}

function splitOverride(text: string): [string, string] {
  const at = text.indexOf('=')
  return [text.slice(0, at), text.slice(at + 1)]
}
