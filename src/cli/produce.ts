/**
 * # annotated-kafka produce
 *
 * Sends each line of standard input, with the flags of `kafka-console-producer.sh`; with
 * `--old-producer`, by the producer of the notes.
 *
 * @module
 */
import { readFileSync } from 'node:fs'
import { createInterface } from 'node:readline'
import { IllegalArgumentException } from '../base/errors.ts'
import { nodePlatform } from '../base/platform/node/node-platform.ts'
import { RecordSender } from '../clients/RecordSender.ts'
import { KeyedMessage } from '../producer/KeyedMessage.ts'
import { Producer } from '../producer/Producer.ts'
import { ProducerConfig } from '../producer/ProducerConfig.ts'
import { CompressionType } from '../record/CompressionType.ts'
import { KafkaConfig } from '../server/KafkaConfig.ts'
import { keyValues } from './key-value.ts'
import { clusterClient } from './on-cluster.ts'
import { type ConsoleMessage, LineMessageReader } from './tools/LineMessageReader.ts'

/** The flags. */
export interface ProduceOptions {
  readonly topic: string
  readonly brokerList?: string
  readonly bootstrapServer?: string
  readonly sync?: boolean
  /** True: gzip. */
  readonly compressionCodec?: string | true
  readonly batchSize: number
  readonly messageSendMaxRetries: number
  readonly retryBackoffMs: number
  readonly timeout: number
  readonly queueSize: number
  readonly queueEnqueuetimeoutMs: number
  readonly requestRequiredAcks: string
  readonly requestTimeoutMs: number
  readonly maxMemoryBytes: number
  readonly maxPartitionMemoryBytes: number
  readonly oldProducer?: boolean
  /** `name=value` each. */
  readonly property: readonly string[]
  readonly producerProperty: readonly string[]
  readonly producerConfig?: string
  readonly 'producer.config'?: string
  readonly keySerializer: string
  readonly valueSerializer: string
  readonly metadataExpiryMs: number
  readonly socketBufferSize: number
}

/** Where records go. */
interface Sink {
  send(message: ConsoleMessage): Promise<void>
  /** Delivers what is left. */
  close(): Promise<void>
}

/**
 * Runs the command; resolves when all lines are delivered.
 *
 * @throws (rejects) when flags are missing or wrong, or a line cannot be delivered
 */
export async function produce(options: ProduceOptions): Promise<void> {
  const brokers = options.brokerList ?? options.bootstrapServer
  if (brokers === undefined)
    throw new IllegalArgumentException('--broker-list is needed')
  const reader = new LineMessageReader(keyValues(options.property))
  const sink = options.oldProducer
    ? oldSink(brokers, options)
    : newSink(brokers, options)

  // A user who types wants a prompt.
  const prompt = process.stdin.isTTY ? '>' : ''
  process.stdout.write(prompt)
  try {
    for await (const line of createInterface({ input: process.stdin })) {
      await sink.send(reader.readMessage(line))
      if (prompt !== '') process.stdout.write(prompt)
    }
  } finally {
    await sink.close()
  }
}

/** Sends as today's producers do. */
function newSink(brokers: string, options: ProduceOptions): Sink {
  const platform = nodePlatform()
  const client = clusterClient(platform, brokers)
  const sender = new RecordSender({
    ...{ client, clock: platform.clock, topic: options.topic },
    compressionType: CompressionType.forName(codecOf(options)),
    acks: acksOf(options.requestRequiredAcks),
    batchBytes: options.maxPartitionMemoryBytes,
    lingerMs: options.sync ? 0 : options.timeout,
    requestTimeoutMs: options.requestTimeoutMs,
    retries: options.messageSendMaxRetries,
    retryBackoffMs: options.retryBackoffMs,
    bufferMemoryBytes: options.maxMemoryBytes,
  })
  return {
    async send({ key, value }) {
      await sender.send(key, value)
      if (options.sync) await sender.flush()
    },
    async close() {
      try {
        await sender.flush()
      } finally {
        client.close()
      }
    },
  }
}

/** Sends as the notes do. */
function oldSink(brokers: string, options: ProduceOptions): Sink {
  const file = options['producer.config'] ?? options.producerConfig
  const config = new ProducerConfig({
    ...(file && KafkaConfig.parseProperties(readFileSync(file, 'utf8'))),
    ...keyValues(options.producerProperty),
    ...{ 'metadata.broker.list': brokers, 'client.id': 'console-producer' },
    'producer.type': options.sync ? 'sync' : 'async',
    'compression.codec': codecOf(options),
    'batch.num.messages': String(options.batchSize),
    'message.send.max.retries': String(options.messageSendMaxRetries),
    'retry.backoff.ms': String(options.retryBackoffMs),
    'queue.buffering.max.ms': String(options.timeout),
    'queue.buffering.max.messages': String(options.queueSize),
    'queue.enqueue.timeout.ms': String(options.queueEnqueuetimeoutMs),
    'request.required.acks': String(acksOf(options.requestRequiredAcks)),
    'request.timeout.ms': String(options.requestTimeoutMs),
    'key.serializer.class': options.keySerializer,
    'serializer.class': options.valueSerializer,
    'send.buffer.bytes': String(options.socketBufferSize),
    'topic.metadata.refresh.interval.ms': String(options.metadataExpiryMs),
  })
  const producer = new Producer<Buffer, Buffer>(config, nodePlatform())
  return {
    send: ({ key, value }) =>
      producer.send(new KeyedMessage(options.topic, value, key ?? undefined)),
    close: () => producer.close(),
  }
}

function codecOf({ compressionCodec }: ProduceOptions): string {
  if (compressionCodec === undefined) return 'none'
  return compressionCodec === true ? 'gzip' : compressionCodec
}

function acksOf(text: string): number {
  const acks = text === 'all' ? -1 : Number(text)
  if ([0, 1, -1].includes(acks)) return acks
  throw new IllegalArgumentException(
    `--request-required-acks ${text}, expected 0, 1, -1 or all`,
  )
}
