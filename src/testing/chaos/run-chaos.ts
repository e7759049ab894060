/**
 * # A chaos run
 *
 * Brokers and ZooKeeper as processes, producers and consumers here, and between them
 * proxies that can harm every link. Faults for a while, then none; then the check.
 *
 *     producers, consumers, a group ─▶ proxy ─▶ broker ─▶ proxy ─▶ ZooKeeper
 *                               ▲                            ▲
 *         another broker ───────┘          observer ─────────┘
 *
 * @module
 */
import { readFileSync } from 'node:fs'
import { SeededRandom } from '../../base/platform/memory/SeededRandom.ts'
import { nodePlatform } from '../../base/platform/node/node-platform.ts'
import type { Platform } from '../../base/platform/Platform.ts'
import { GroupCheck } from '../faults/group-check.ts'
import { HistoryCheck, type Placed } from '../faults/history-check.ts'
import { BrokerProcess, canFillDisks } from './BrokerProcess.ts'
import { ChaosConsumer } from './ChaosConsumer.ts'
import { ChaosGroup, GROUP, GROUP_SETTINGS } from './ChaosGroup.ts'
import { ChaosProducer } from './ChaosProducer.ts'
import { ClusterObserver } from './ClusterObserver.ts'
import { createTopic } from './create-topic.ts'
import { FaultInjector, type World, ZOOKEEPER_PARTY } from './FaultInjector.ts'
import { freePorts } from './free-ports.ts'
import { KafkaParties, LinkProxy } from './LinkProxy.ts'
import { readStoredBatches } from './stored-replicas.ts'
import { clusterClient } from './TopicLeaders.ts'
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
  /** What the members of the group got, each record counted once. */
  readonly delivered: number
  /** Commits of the group, a partition each, and its generations. */
  readonly commits: number
  readonly rebalances: number
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
const MEMBERS = 2
const SESSION_TIMEOUT_MS = 3000

/** Within this all must be whole again after the faults, in ms. */
const HEAL_TIMEOUT_MS = 60_000

/** Within this each later step must be done, in ms. */
const STEP_TIMEOUT_MS = 30_000

/** Of a broker that does not start: how much of its log is shown. */
const LINES_TOLD = 10

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
  ...GROUP_SETTINGS,
}

/** All that runs. */
interface Stage extends World {
  readonly bootstrapServers: string
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
    await createTheTopic(stage)
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
  const { bootstrapServers } = stage
  const client = { bootstrapServers, topic: TOPIC, partitions: PARTITIONS }
  const onTrouble = (message: string) => troubles.push(message)
  const producers = Array.from({ length: PRODUCERS }, (_, at) => {
    const platform = { ...stage.platform, random: new SeededRandom(options.seed + at) }
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
  const groupCheck = new GroupCheck()
  const group = new ChaosGroup({
    ...{ ...client, platform, onTrouble, members: MEMBERS, check: groupCheck },
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

    await judgeEnd(stage, consumers, group, groupCheck)
    return {
      faults: injector.counts,
      acknowledged: history.acknowledgedCount,
      consumed: history.consumedCount,
      delivered: groupCheck.deliveredCount,
      commits: groupCheck.commitCount,
      rebalances: groupCheck.rebalanceCount,
      leaderElections: observer.leaderElections,
      controllerElections: observer.controllerElections,
      healedMs,
      violations: [
        ...troubles,
        ...history.report().split('\n').filter(Boolean),
        ...groupCheck.report(),
      ],
    }
  } finally {
    await Promise.all(producers.map((producer) => producer.drain(0)))
    await Promise.all(consumers.map((consumer) => consumer.close()))
    await group.close()
  }
}

/** Looks at what there is in the end: all logs, what readers got, the files. */
async function judgeEnd(
  stage: Stage,
  consumers: readonly ChaosConsumer[],
  group: ChaosGroup,
  groupCheck: GroupCheck,
): Promise<void> {
  // Read all logs, and wait for those who read all the time.
  const { troubles } = stage
  const logs = await readFinalLog(stage)
  const ends = logs.map(({ length }) => length)
  for (const consumer of consumers) {
    if (await consumer.readTo(ends, STEP_TIMEOUT_MS)) continue
    troubles.push(`a consumer stopped at ${consumer.positions}, the ends are ${ends}`)
  }
  if (!(await group.readTo(ends, STEP_TIMEOUT_MS)))
    troubles.push('the group did not get to the ends of the logs')

  // Hold what the group committed against them.
  await group.close()
  await group.readCommits()
  for (const [at, records] of logs.entries()) groupCheck.atEnd(nameOf(at), records)
  await endBrokers(stage)
  judgeReplicas(stage, ends)
}

// ── Before ──────────────────────────────────────────────────────────────────────────────

async function setUp(options: ChaosOptions): Promise<Stage> {
  const { home, seed } = options
  const platform = nodePlatform()
  const [zookeeperPort = 0, ...brokerPorts] = await freePorts(1 + options.brokers)
  const zookeeper = new ZooKeeperProcess(home, zookeeperPort)
  await zookeeper.start()

  // One door before each broker, one before ZooKeeper for each broker.
  const ids = Array.from({ length: options.brokers }, (_, id) => id)
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
    ...{ options, bootstrapServers: addresses(brokerProxies) },
    ...{ clock: platform.clock, random: new SeededRandom(seed) },
    ...{ sessionTimeoutMs: SESSION_TIMEOUT_MS, history },
    onEvent: (message) =>
      options.onEvent(`${message}, ${history.acknowledgedCount} records acknowledged`),
  }
}

async function startFirst(broker: BrokerProcess): Promise<void> {
  if (await broker.start()) return
  const lines = readFileSync(broker.logFile, 'utf8').trimEnd().split('\n')
  const last = lines.slice(-LINES_TOLD).join('\n')
  throw new Error(
    `broker ${broker.id} does not start, see ${broker.logFile}; its last words:\n${last}`,
  )
}

async function createTheTopic(stage: Stage): Promise<void> {
  const client = clusterClient({ ...stage, clientId: 'admin' }, STEP_TIMEOUT_MS)
  const partitions = Array.from({ length: PARTITIONS }, (_, at) => at)
  try {
    await createTopic(client, TOPIC, partitions.map(replicasIn(stage)))

    // The first question for a coordinator makes the topic of offsets: before the faults.
    await client.coordinatorOf(GROUP)
  } finally {
    client.close()
  }
}

/** Where the replicas of a partition are. */
function replicasIn({ options }: Stage): (partition: number) => readonly number[] {
  const replicas = Array.from({ length: REPLICAS }, (_, at) => at)
  return (partition) => replicas.map((at) => (partition + at) % options.brokers)
}

// ── Afterwards ──────────────────────────────────────────────────────────────────────────

function judgeStates(stage: Stage, observer: ClusterObserver): void {
  const { history } = stage
  for (let partition = 0; partition < PARTITIONS; partition++) {
    const { leader = -1, isr = [] } = observer.states.get(partition) ?? {}
    const replicas = replicasIn(stage)(partition)
    history.partitionAtEnd({ partition: nameOf(partition), leader, isr, replicas })
  }
}

/** Reads every partition from its beginning. @returns its records */
async function readFinalLog({
  history,
  bootstrapServers,
  platform,
  troubles,
}: Stage): Promise<readonly (readonly Placed[])[]> {
  const logs = Array.from({ length: PARTITIONS }, () => [] as Placed[])
  const reader = new ChaosConsumer({
    ...{ clientId: 'final-reader', topic: TOPIC, partitions: PARTITIONS },
    bootstrapServers,
    platform,
    onRecord: (record) => {
      logs[Number(record.partition.split('-')[1])]?.push(record)
    },
  })
  if (!(await reader.readTo(undefined, STEP_TIMEOUT_MS)))
    troubles.push('the logs could not be read to their ends')
  await reader.close()
  for (const [partition, records] of logs.entries())
    history.finalLog(nameOf(partition), records)
  return logs
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

function addresses(proxies: readonly LinkProxy[]): string {
  return proxies.map(({ port }) => `127.0.0.1:${port}`).join()
}
