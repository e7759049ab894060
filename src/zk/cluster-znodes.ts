/**
 * # cluster-znodes
 *
 * The znodes that say which cluster this is, which brokers are alive and which of them is
 * the controller.
 *
 *     /cluster/id   /controller   /controller_epoch   /brokers/ids/<id>   /brokers/seqid
 *
 * Numbers are written as JSON numbers or as strings exactly where Kafka 1.1.1 does so:
 * other implementations read these nodes.
 *
 * @kafka core/src/main/scala/kafka/zk/ZkData.scala
 * @module
 */

import { Broker, BrokerInfo } from './Broker.ts'
import { EndPoint } from './EndPoint.ts'
import { encodeText, parentZNode, type ZNodeObject } from './znode.ts'
import { encodeJson, malformed, ZNodeJson } from './znode-json.ts'

/** The parent of {@link ClusterIdZNode}. */
export const ClusterZNode = {
  ...parentZNode('/cluster'),
  writer: 'the first broker, with the cluster id',
} satisfies ZNodeObject

/**
 * The name of the cluster, made once.
 *
 * @kafka core/src/main/scala/kafka/zk/ZkData.scala#ClusterIdZNode
 */
export const ClusterIdZNode = {
  pattern: '/cluster/id',
  kind: 'persistent',
  payload: '{"version":"1","id":"5xpQY5ZkTFuOzdJm6yV7Ww"}',
  writer: 'the first broker to start; who loses the race reads the winner’s',
  watchers: 'none',
  deleted: 'never',

  path(): string {
    return '/cluster/id'
  },

  /** The version is a string here, and nowhere else. */
  encode(id: string): Buffer {
    return encodeJson({ version: '1', id })
  },

  decode(data: Buffer): string {
    return new ZNodeJson('/cluster/id', data).string('id')
  },
} satisfies ZNodeObject

/**
 * Who is controller now.
 *
 * @kafka core/src/main/scala/kafka/zk/ZkData.scala#ControllerZNode
 */
export const ControllerZNode = {
  pattern: '/controller',
  kind: 'ephemeral',
  payload: '{"version":1,"brokerid":1,"timestamp":"1530000000000"}',
  writer: 'the broker that wins the election',
  watchers: 'every broker: created or changed, look who it is; deleted, elect again',
  deleted: 'when the session of the controller ends, or when it gives up',

  path(): string {
    return '/controller'
  },

  /** The timestamp, in wall-clock milliseconds, is a string. */
  encode(brokerId: number, timestamp: number): Buffer {
    return encodeJson({
      version: 1,
      brokerid: brokerId,
      timestamp: String(timestamp),
    })
  },

  decode(data: Buffer): number {
    return new ZNodeJson('/controller', data).int('brokerid')
  },
} satisfies ZNodeObject

/**
 * How many controllers there have been: each takes the next number, and brokers refuse
 * orders under a lower one.
 *
 * @kafka core/src/main/scala/kafka/zk/ZkData.scala#ControllerEpochZNode
 */
export const ControllerEpochZNode = {
  pattern: '/controller_epoch',
  kind: 'persistent',
  payload: '7',
  writer: 'each new controller, if the version is still the one it read',
  watchers: 'none',
  deleted: 'never',

  path(): string {
    return '/controller_epoch'
  },

  /** Decimal text, not JSON. */
  encode(epoch: number): Buffer {
    return encodeText(String(epoch))
  },

  decode(data: Buffer): number {
    const text = data.toString()
    if (!/^-?\d+$/.test(text)) throw malformed('/controller_epoch', 'not a number')
    return Number(text)
  },
} satisfies ZNodeObject

/** The parent of the broker registrations; its children are the live brokers. */
export const BrokerIdsZNode = {
  ...parentZNode(
    '/brokers/ids',
    'the controller; an old consumer that found no broker',
  ),

  /** Broker ids from the names of the children, ascending. */
  decode(children: readonly string[]): number[] {
    return children.map(Number).sort((a, b) => a - b)
  },
} satisfies ZNodeObject

/**
 * One live broker and its addresses.
 *
 * @kafka core/src/main/scala/kafka/zk/ZkData.scala#BrokerIdZNode
 */
export const BrokerIdZNode = {
  pattern: '/brokers/ids/<id>',
  kind: 'ephemeral',
  payload:
    '{"version":4,"host":"kafka1","port":9092,"jmx_port":-1,' +
    '"timestamp":"1530000000000","endpoints":["PLAINTEXT://kafka1:9092"],' +
    '"rack":"r1","listener_security_protocol_map":{"PLAINTEXT":"PLAINTEXT"}}',
  writer: 'the broker at its start, at a change of its listeners, in a new session',
  watchers: 'the controller: acts when the end points changed',
  deleted: 'when the session of the broker ends',

  path(id: number): string {
    return `/brokers/ids/${id}`
  },

  /**
   * Writes a registration.
   *
   * @param info - the broker, and the layout to write
   * @param timestamp - wall-clock milliseconds
   */
  encode({ broker, version, jmxPort }: BrokerInfo, timestamp: number): Buffer {
    // Name one plaintext address for readers of the first layout.
    const plaintext = broker.endPoints.find((e) => e.securityProtocol === 'PLAINTEXT')
    const fields: Record<string, unknown> = {
      version,
      host: plaintext?.host ?? null,
      port: plaintext?.port ?? -1,
      jmx_port: jmxPort,
      timestamp: String(timestamp),
      endpoints: broker.endPoints.map((e) => e.connectionString),
    }

    // Add what later layouts brought.
    if (version >= 3 && broker.rack !== undefined) fields.rack = broker.rack
    if (version >= 4) {
      fields.listener_security_protocol_map = Object.fromEntries(
        broker.endPoints.map((e) => [e.listenerName, e.securityProtocol]),
      )
    }
    return encodeJson(fields)
  },

  /**
   * Reads a registration of any layout.
   *
   * @throws KafkaException naming the path when it makes no sense
   */
  decode(id: number, data: Buffer): BrokerInfo {
    // Check the layout.
    const path = BrokerIdZNode.path(id)
    const json = new ZNodeJson(path, data)
    const version = json.int('version')
    if (version < 1) throw malformed(path, `version ${version} is not supported`)
    const jmxPort = json.int('jmx_port')

    // Read the end points, or the one address of layout 1.
    if (version === 1) {
      const only = [
        new EndPoint(json.string('host'), json.int('port'), 'PLAINTEXT', 'PLAINTEXT'),
      ]
      return new BrokerInfo(new Broker(id, only), version, jmxPort)
    }
    const protocols = json.has('listener_security_protocol_map')
      ? json.stringMap('listener_security_protocol_map')
      : undefined
    const endPoints = json
      .strings('endpoints')
      .map((text) => readEndPoint(path, text, protocols))
    const broker = new Broker(id, endPoints, json.optionalString('rack'))
    return new BrokerInfo(broker, version, jmxPort)
  },
} satisfies ZNodeObject

/** A counter: the version of this node numbers brokers that have no id of their own. */
export const BrokerSequenceIdZNode = {
  ...parentZNode('/brokers/seqid'),
  payload: 'no bytes',
  writer: 'a broker without id: each write raises the version, which becomes its id',
} satisfies ZNodeObject

/** The range of producer ids that was handed out last. */
export interface ProducerIdBlock {
  /** Broker that took the block. */
  readonly brokerId: number

  /** First id of the block. */
  readonly start: bigint

  /** Last id of the block, inclusive. */
  readonly end: bigint
}

/**
 * Which producer ids have been handed out to brokers, a thousand at a time.
 *
 * @kafka core/src/main/scala/kafka/coordinator/transaction/ProducerIdManager.scala#ProducerIdManager
 */
export const ProducerIdBlockZNode = {
  ...parentZNode('/latest_producer_id_block'),
  payload: '{"version":1,"broker":1,"block_start":"0","block_end":"999"}',
  writer: 'a broker that needs producer ids, if the version is the one it read',

  /** Both ends are strings: they may not fit a JSON number. */
  encode({ brokerId, start, end }: ProducerIdBlock): Buffer {
    return encodeJson({
      version: 1,
      broker: brokerId,
      block_start: String(start),
      block_end: String(end),
    })
  },

  decode(data: Buffer): ProducerIdBlock {
    // Read the three fields.
    const path = '/latest_producer_id_block'
    const json = new ZNodeJson(path, data)
    const start = json.string('block_start')
    const end = json.string('block_end')

    // Accept decimal numbers only.
    for (const text of [start, end]) {
      if (!/^\d+$/.test(text)) throw malformed(path, `${text} is not a producer id`)
    }
    return { brokerId: json.int('broker'), start: BigInt(start), end: BigInt(end) }
  },
} satisfies ZNodeObject

function readEndPoint(
  path: string,
  text: string,
  protocols: ReadonlyMap<string, string> | undefined,
): EndPoint {
  try {
    return EndPoint.createEndPoint(text, protocols)
  } catch (e) {
    throw malformed(path, `end point ${text} cannot be used`, e)
  }
}
