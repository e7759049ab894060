/**
 * # A chaos run
 *
 * Brokers and ZooKeeper as processes, producers and consumers here, and between them
 * proxies that can harm every link. Faults for a while, then none; then the check.
 *
 *     producers, consumers ─▶ proxy ─▶ broker ─▶ proxy ─▶ ZooKeeper
 *                               ▲                            ▲
 *         another broker ───────┘          observer ─────────┘
 *
 * @module
 */
import { SeededRandom } from '../../base/platform/memory/SeededRandom.ts'
import { nodePlatform } from '../../base/platform/node/node-platform.ts'
import type { Platform } from '../../base/platform/Platform.ts'
import { CreateTopics } from '../../protocol/messages/CreateTopics.ts'
import { HistoryCheck, type Placed } from '../faults/history-check.ts'
import { BrokerProcess, canFillDisks } from './BrokerProcess.ts'
import { ChaosConsumer } from './ChaosConsumer.ts'
import { ChaosProducer } from './ChaosProducer.ts'
import { ClusterClient } from './ClusterClient.ts'
import { ClusterObserver } from './ClusterObserver.ts'
import { FaultInjector, type World, ZOOKEEPER_PARTY } from './FaultInjector.ts'
import { freePorts } from './free-ports.ts'
import { KafkaParties, LinkProxy } from './LinkProxy.ts'
import { readStoredBatches } from './stored-replicas.ts'
import { ZooKeeperProcess } from './ZooKeeperProcess.ts'

/** What kind of run. */
export interface ChaosOptions {
  /** How long faults go on, in seconds. */
  readonly seconds: number
  /** At least 3: so many copies has each partition. */
  readonly brokers: number
  readonly seed: number
  /** Where all data is kept; the caller removes it. */
  readonly home: string
  /** Told what happens, as it happens. */
  readonly onEvent: (message: string) => void
}

/** What came of a run. */
export interface ChaosResult {
  /** How often each kind of fault was done. */
  readonly faults: ReadonlyMap<string, number>
  readonly acknowledged: number
  readonly consumed: number
  readonly leaderElections: number
  readonly controllerElections: number
  /** From the end of the faults until all was whole, in ms; undefined: not in time. */
  readonly healedMs: number | undefined
  /** What went wrong, a line each; empty when nothing did. */
  readonly violations: readonly string[]
}

const TOPIC = 'chaos'
const PARTITIONS = 4
const REPLICAS = 3
const PRODUCERS = 2
const CONSUMERS = 2
const SESSION_TIMEOUT_MS = 3000

/** Within this all must be whole again after the faults, in ms. */
const HEAL_TIMEOUT_MS = 60_000

/** Within this each later step must be done, in ms. */
const STEP_TIMEOUT_MS = 30_000

/** Quick to notice, quick to give up: a run is short. Small segments, so that logs roll. */
const SETTINGS: Readonly<Record<string, string>> = {
  'zookeeper.session.timeout.ms': String(SESSION_TIMEOUT_MS),
  'zookeeper.connection.timeout.ms': '10000',
  'replica.lag.time.max.ms': '2000',
  'replica.socket.timeout.ms': '2500',
  'replica.fetch.wait.max.ms': '200',
  'replica.fetch.backoff.ms': '100',
  'replica.high.watermark.checkpoint.interval.ms': '1000',
  'controller.socket.timeout.ms': '3000',
  'controlled.shutdown.retry.backoff.ms': '300',
  'leader.imbalance.check.interval.seconds': '5',
  'unclean.leader.election.enable': 'false',
  'min.insync.replicas': '2',
  'log.segment.bytes': '200000',
  'group.initial.rebalance.delay.ms': '0',
}

/** All that runs. */
interface Stage extends World {
  readonly ports: readonly number[]
  readonly history: HistoryCheck
  readonly platform: Platform
  /** What went wrong beside the history. */
  readonly troubles: string[]
  readonly options: ChaosOptions
}

/** Runs a cluster, harms it, and judges what came of it. */
export async function runChaos(options: ChaosOptions): Promise<ChaosResult> {
  const stage = await setUp(options)
  const injector = new FaultInjector(stage, canFillDisks())
  try {
    await Promise.all(stage.brokers.map((broker) => startFirst(broker)))
    await createTopic(stage)
    const { zookeeper, history, clock } = stage
    const observer = await ClusterObserver.open({
      ...{ zookeeperPort: zookeeper.port, topic: TOPIC, partitions: PARTITIONS },
      ...{ history, clock },
    })
    try {
      return await play(stage, injector, observer)
    } finally {
      await observer.close()
    }
  } finally {
    injector.close()
    for (const broker of stage.brokers) broker.thaw()
    await Promise.all(stage.brokers.map((broker) => broker.kill()))
    await stage.zookeeper.kill()
    for (const proxy of [...stage.brokerProxies, ...stage.zookeeperProxies])
      await proxy.close()
  }
}

async function play(
  stage: Stage,
  injector: FaultInjector,
  observer: ClusterObserver,
): Promise<ChaosResult> {
  const { history, clock, options, troubles } = stage
  const client = { ports: stage.ports, topic: TOPIC, partitions: PARTITIONS }
  const producers = Array.from({ length: PRODUCERS }, (_, at) => {
    const platform = { ...stage.platform, random: new SeededRandom(options.seed + at) }
    const onTrouble = (message: string) => troubles.push(message)
    const clientId = `producer-${at}`
    return new ChaosProducer({ ...client, clientId, platform, history, onTrouble })
  })
  const { platform } = stage
  const onRecord = history.consumed.bind(history)
  const consumers = Array.from({ length: CONSUMERS }, (_, at) => {
    return new ChaosConsumer({
      ...client,
      clientId: `consumer-${at}`,
      platform,
      onRecord,
    })
  })
  try {
    // Do harm while they work.
    await Promise.all(producers.map((producer) => producer.started()))
    await injector.run(options.seconds * 1000)
    stage.onEvent('no more faults')

    // Let all become whole.
    const mended = clock.monotonic()
    const whole = await observer.allWhole(REPLICAS, HEAL_TIMEOUT_MS)
    const healedMs = whole ? clock.monotonic() - mended : undefined
    judgeStates(stage, observer)
    for (const producer of producers) {
      const left = await producer.drain(STEP_TIMEOUT_MS)
      if (left > 0) troubles.push(`${left} batches could not be delivered after all`)
    }

    // Look at what there is in the end.
    const ends = await readFinalLog(stage)
    for (const consumer of consumers) {
      if (await consumer.readTo(ends, STEP_TIMEOUT_MS)) continue
      troubles.push(`a consumer stopped at ${consumer.positions}, the ends are ${ends}`)
    }
    await endBrokers(stage)
    judgeReplicas(stage, ends)
    return {
      faults: injector.counts,
      acknowledged: history.acknowledgedCount,
      consumed: history.consumedCount,
      leaderElections: observer.leaderElections,
      controllerElections: observer.controllerElections,
      healedMs,
      violations: [...troubles, ...history.report().split('\n').filter(Boolean)],
    }
  } finally {
    await Promise.all(producers.map((producer) => producer.drain(0)))
    await Promise.all(consumers.map((consumer) => consumer.close()))
  }
}

// ── Before ──────────────────────────────────────────────────────────────────────────────

async function setUp(options: ChaosOptions): Promise<Stage> {
  const { home, seed } = options
  const platform = nodePlatform()
  const zookeeper = new ZooKeeperProcess(home)
  await zookeeper.start()

  // One door before each broker, one before ZooKeeper for each broker.
  const ids = Array.from({ length: options.brokers }, (_, id) => id)
  const brokerPorts = await freePorts(ids.length)
  const brokerProxies = await Promise.all(
    ids.map((id) =>
      LinkProxy.listen({
        targetPort: () => brokerPorts[id] as number,
        partyOf: KafkaParties.of,
      }),
    ),
  )
  const zookeeperProxies = await Promise.all(
    ids.map(() =>
      LinkProxy.listen({
        targetPort: () => zookeeper.port,
        partyOf: () => ZOOKEEPER_PARTY,
      }),
    ),
  )

  const troubles: string[] = []
  const history = new HistoryCheck()
  const brokers = ids.map((id) => {
    const broker = new BrokerProcess({
      ...{ id, home, port: brokerPorts[id] as number, config: SETTINGS },
      advertisedPort: brokerProxies[id]?.port as number,
      zookeeperPort: zookeeperProxies[id]?.port as number,
    })
    broker.onUnexpectedEnd = ({ code, signal }) => {
      troubles.push(`broker ${id} ended by itself: ${signal ?? `code ${code}`}`)
    }
    return broker
  })
  return {
    ...{ brokers, brokerProxies, zookeeperProxies, zookeeper, platform, troubles },
    ...{ options, ports: brokerProxies.map(({ port }) => port) },
    ...{ clock: platform.clock, random: new SeededRandom(seed) },
    ...{ sessionTimeoutMs: SESSION_TIMEOUT_MS, history },
    onEvent: (message) =>
      options.onEvent(`${message}, ${history.acknowledgedCount} records acknowledged`),
  }
}

async function startFirst(broker: BrokerProcess): Promise<void> {
  if (await broker.start()) return
  throw new Error(`broker ${broker.id} does not start, see ${broker.logFile}`)
}

async function createTopic({ ports, platform, options }: Stage): Promise<void> {
  const client = new ClusterClient({ clientId: 'admin', topic: TOPIC, ports, platform })
  const assignments = Array.from({ length: PARTITIONS }, (_, partition) => ({
    partition,
    brokerIds: Array.from(
      { length: REPLICAS },
      (_, at) => (partition + at) % options.brokers,
    ),
  }))
  try {
    // Only the controller takes it; the others say so.
    for (const broker of ports.keys()) {
      const { topics } = await client.lineTo(broker).sendAndReceive(CreateTopics, 2, {
        topics: [
          {
            ...{ name: TOPIC, numPartitions: -1, replicationFactor: -1 },
            ...{ assignments, configs: [] },
          },
        ],
        timeoutMs: STEP_TIMEOUT_MS,
        validateOnly: false,
      })
      if (topics[0]?.errorCode === 0) return
    }
  } finally {
    client.close()
  }
  throw new Error('no broker would create the topic')
}

// ── Afterwards ──────────────────────────────────────────────────────────────────────────

function judgeStates({ history, options }: Stage, observer: ClusterObserver): void {
  for (let partition = 0; partition < PARTITIONS; partition++) {
    const { leader = -1, isr = [] } = observer.states.get(partition) ?? {}
    const replicas = Array.from(
      { length: REPLICAS },
      (_, at) => (partition + at) % options.brokers,
    )
    history.partitionAtEnd({ partition: nameOf(partition), leader, isr, replicas })
  }
}

/** Reads every partition from its beginning. @returns the end of each */
async function readFinalLog({
  history,
  ports,
  platform,
  troubles,
}: Stage): Promise<number[]> {
  const logs = Array.from({ length: PARTITIONS }, () => [] as Placed[])
  const reader = new ChaosConsumer({
    ...{ clientId: 'final-reader', topic: TOPIC, partitions: PARTITIONS, ports },
    platform,
    onRecord: (record) => {
      logs[Number(record.partition.split('-')[1])]?.push(record)
    },
  })
  if (!(await reader.readTo(undefined, STEP_TIMEOUT_MS)))
    troubles.push('the logs could not be read to their ends')
  const ends = [...reader.positions]
  await reader.close()
  for (const [partition, records] of logs.entries())
    history.finalLog(nameOf(partition), records)
  return ends
}

async function endBrokers({ brokers, clock, troubles }: Stage): Promise<void> {
  for (const broker of brokers) {
    const patience = new AbortController()
    const late = clock.sleep(STEP_TIMEOUT_MS, patience.signal).catch(() => undefined)
    const end = await Promise.race([broker.terminate(), late])
    patience.abort()
    if (end?.code === 0) continue
    const how = end ? `${end.signal ?? `code ${end.code}`}` : 'not at all'
    troubles.push(`broker ${broker.id} was told to end and ended ${how}`)
  }
}

/** Compares the files of all replicas, now that nobody writes to them. */
function judgeReplicas({ brokers, history }: Stage, ends: readonly number[]): void {
  for (const [partition, highWatermark] of ends.entries()) {
    const name = nameOf(partition)
    const replicas = Array.from({ length: REPLICAS }, (_, at) => {
      const broker = brokers[(partition + at) % brokers.length] as BrokerProcess
      const batches = readStoredBatches(broker.logDir, name)
      return { partition: name, broker: broker.id, highWatermark, batches }
    })
    history.replicasAtEnd(replicas)
  }
}

function nameOf(partition: number): string {
  return `${TOPIC}-${partition}`
}
