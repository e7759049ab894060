/**
 * # The metrics of the session with ZooKeeper
 *
 * @kafka core/src/main/scala/kafka/zookeeper/ZooKeeperClient.scala#ZooKeeperClient
 * @module
 */
import { counter, type MetricDefinition, word } from './metric-definition.ts'

/** How often the session with ZooKeeper came into a state. */
const sessionCounters: readonly MetricDefinition[] = (
  [
    ['Disconnects', 'connecting', 'times that the connection to ZooKeeper was lost'],
    ['SyncConnects', 'connected', 'times that ZooKeeper was reached'],
    ['AuthFailures', 'authFailed', 'times that ZooKeeper refused who we are'],
    ['Expires', 'expired', 'sessions that ZooKeeper gave up'],
  ] as const
).map(([event, state, help]) =>
  counter(
    `kafka.server:type=SessionExpireListener,name=ZooKeeper${event}PerSec`,
    help,
    ({ zkClient }) => zkClient.stateCounts.get(state) ?? 0,
  ),
)

const requestLatencyMs: MetricDefinition = {
  mbean: 'kafka.server:type=ZooKeeperClientMetrics,name=ZooKeeperRequestLatencyMs',
  help: 'time that ZooKeeper takes to answer',
  ...{ type: 'histogram', labels: [] },
  collect: ({ zkClient }) => [{ value: zkClient.requestLatencyMs }],
}

/** What is told of ZooKeeper. */
export const zookeeperMetrics: readonly MetricDefinition[] = [
  ...sessionCounters,
  word(
    'kafka.server:type=SessionExpireListener,name=SessionState',
    'where the session with ZooKeeper stands',
    'state',
    ({ zkClient }) => zkClient.connectionState,
  ),
  requestLatencyMs,
]
