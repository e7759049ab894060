/**
 * # What a recording is told about Kafka
 *
 * The recorder knows nothing of what it records. Here stands which object belongs to which
 * actor, how a value of ours looks in one short form, and which calls are too small or too
 * many to keep.
 *
 * @module
 */
import { TopicPartition } from '../base/TopicPartition.ts'
import type { ActorOf } from '../trace/Recorder.ts'

/** What is read of an object of whatever class. */
interface Owned {
  readonly name: string
  readonly config?: { readonly brokerId?: number }
  readonly [field: string]: unknown
}

const broker = (read: (self: Owned) => unknown): ActorOf =>
  ((self: unknown) => {
    const id = read(self as Owned)
    return typeof id === 'number' && id >= 0 ? `broker ${id}` : undefined
  }) as ActorOf

const ofConfig = broker((self) => self.config?.brokerId)

/** Threads that outlive a recording's beginning say by their name whose they are. */
const ofName = (pattern: RegExp): ActorOf =>
  broker((self) => {
    const id = pattern.exec(self.name)?.[1]
    return id === undefined ? undefined : Number(id)
  })

const ofConsumer = ((self: { readonly config?: { consumerId?: string } }) =>
  `consumer ${self.config?.consumerId ?? ''}`.trim()) as ActorOf

/** A consumer's loop that outlives a recording's beginning: `group_c1-leader-finder-thread`. */
const ofConsumerName = (pattern: RegExp): ActorOf =>
  ((self: { readonly name: string }, caller: string) => {
    const id = pattern.exec(self.name)?.[1]
    return caller === 'main' && id !== undefined ? `consumer ${id}` : undefined
  }) as ActorOf

const owners = new WeakMap<object, string>()

/** What one actor was seen to use is its own, also when the network calls it back. */
const ofUser = ((self: object, caller: string) => {
  if (caller === 'main') return owners.get(self)
  owners.set(self, caller)
  return caller
}) as ActorOf

/**
 * A loop that waits since before the recording is in no call when it sends. Its client says
 * whose it is: `1` is the controller on broker 1, `broker-1-fetcher-0` a follower.
 */
const ofClient = ((self: { readonly clientId: string }, caller: string) => {
  const id = /^(?:broker-)?(\d+)(?:-fetcher-\d+|-txn-marker-sender)?$/.exec(
    self.clientId,
  )?.[1]
  return caller === 'main' && id !== undefined ? `broker ${id}` : undefined
}) as ActorOf

/** Says whose an object is that was in use before the recording began. */
export function adopt(thing: object, actor: string): void {
  owners.set(thing, actor)
}

/** Class name → the actor that an instance is or belongs to. */
export const actors: Readonly<Record<string, ActorOf>> = {
  KafkaServer: ofConfig,
  KafkaApis: ofConfig,
  KafkaController: ofConfig,
  ReplicaManager: ofConfig,
  SocketServer: ofConfig,
  GroupCoordinator: ofUser,
  AdminManager: ofConfig,
  NetworkClient: ofClient,
  KafkaRequestHandler: broker((self) => self.brokerId),
  ControllerEventThread: ofName(/-(\d+)$/),
  TransactionMarkerChannelManager: ofName(/^TxnMarkerSenderThread-(\d+)$/),
  TransactionCoordinator: ofUser,
  TransactionStateManager: ofUser,
  GroupMetadataManager: ofUser,
  RequestSendThread: ofName(/^Controller-(\d+)-/),
  ReplicaFetcherThread: ofUser,
  CleanerThread: ofUser,
  LogManager: ofUser,
  DynamicConfigManager: ofUser,
  ZooKeeperClient: ofUser,
  NodeZookeeperClientSession: ofUser,
  InProcessSession: ofUser,
  ZooKeeperServer: (() => 'zookeeper') as ActorOf,
  ZookeeperConsumerConnector: ofConsumer,
  ZKRebalancerListener: ofConsumer,
  ZKTopicPartitionChangeListener: ((
    self: { readonly loadBalancerListener: never },
    caller: string,
  ) => ofConsumer(self.loadBalancerListener, caller)) as ActorOf,
  LeaderFinderThread: ofConsumerName(/_([^_]+)-leader-finder-thread$/),
  ConsumerFetcherThread: ofConsumerName(/_([^_]+)-\d+-\d+$/),
  // Within a connector it is the connector's; alone it is a consumer of its own.
  SimpleConsumer: ((self: { readonly clientId?: string }, caller: string) =>
    caller === 'main'
      ? `consumer ${self.clientId ?? ''}`.trim()
      : undefined) as ActorOf,
  SyncProducer: (() => 'producer') as ActorOf,
  Producer: (() => 'producer') as ActorOf,
  ProducerSendThread: (() => 'producer') as ActorOf,

  // What a controller works off may have waited since before the recording.
  '*': ((self: { readonly controller?: never }, caller: string) =>
    caller === 'main' && self?.controller !== undefined
      ? ofConfig(self.controller, caller)
      : undefined) as ActorOf,
}

/** Short forms of our own values. */
export function describe(value: unknown): string | undefined {
  if (value instanceof TopicPartition) return value.key
  if (Array.isArray(value) && value.length > 0 && value.length <= 4) {
    const parts = value.map((item) => describeScalar(item))
    if (parts.every((part) => part !== undefined)) return `[${parts.join(', ')}]`
  }
  if (typeof value === 'object' && value !== null) {
    if (value.constructor?.name === 'Request') return describeRequest(value)
    if (isApi(value)) return value.name
    return describeByText(value)
  }
  return undefined
}

function describeScalar(item: unknown): string | undefined {
  if (item instanceof TopicPartition) return item.key
  return typeof item === 'number' || typeof item === 'string' ? String(item) : undefined
}

function describeRequest(request: object): string | undefined {
  const { api } = request as { readonly api?: { readonly name?: unknown } }
  return typeof api?.name === 'string' ? `${api.name} request` : undefined
}

/** Values that know how they look: keys, end points, thread ids. */
function describeByText(value: object): string | undefined {
  if (Array.isArray(value) || value instanceof Uint8Array) return undefined
  if (value.toString === Object.prototype.toString) return undefined
  const text = String(value)
  return text.length <= 80 ? text : undefined
}

function isApi(value: object): value is { readonly name: string } {
  return 'maxVersion' in value && 'name' in value && typeof value.name === 'string'
}

/** Bytes and value objects; queues, locks and timers. */
const SKIPPED = new RegExp(
  `^(new )?(${[
    'ByteReader|ByteWriter|JuteReader|JuteWriter|Schema|FrameParser|RequestHeader',
    'ResponseHeader|TopicPartition\\w*|LogOffsetMetadata|EndPoint|ZNodeJson|Errors',
    'AsyncQueue|Waiters|Mutex|Deferred|Condition|CountDownLatch|Timer\\w*|TimingWheel',
    'SystemTimer|DelayQueue|FramedConnection|ServerCnxn|Selector|KafkaChannel',
    'filenamePrefixFromOffset|parseTopicPartitionName|abs|toPositive|murmur2',
    'incrementSequence|generateUuidAsBase64|(de)?serialize(Subscription|Assignment)',
  ].join('|')})(\\.|$)`,
)

/** Calls that are not kept: readers, writers, value objects, the wheel's inner steps. */
export function skip(name: string): boolean {
  return SKIPPED.test(name)
}
