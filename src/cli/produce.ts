/**
 * # annotated-kafka produce
 *
 * Sends each line of standard input, with the flags of `kafka-console-producer.sh`; with
 * `--old-producer`, by the producer of the notes.
 *
 * @kafka core/src/main/scala/kafka/tools/ConsoleProducer.scala#ConsoleProducer
 * @differs the prompt is for a terminal alone, and the exit code is 1 when a message was
 *   lost; 1.1.1 writes `>` into any output, and exits with 0
 * @module
 */
import { readFileSync } from 'node:fs'
import { createInterface } from 'node:readline'
import {
  IllegalArgumentException,
  KafkaException,
  TimeoutException,
} from '../base/errors.ts'
import { logger } from '../base/logger.ts'
import { nodePlatform } from '../base/platform/node/node-platform.ts'
import { RecordSender, type RecordSenderOptions } from '../clients/RecordSender.ts'
import { KeyedMessage } from '../producer/KeyedMessage.ts'
import { Producer } from '../producer/Producer.ts'
import { ProducerConfig } from '../producer/ProducerConfig.ts'
import { CompressionType } from '../record/CompressionType.ts'
import { KafkaConfig } from '../server/KafkaConfig.ts'
import { keyValues } from './key-value.ts'
import { clusterClient } from './on-cluster.ts'
import { type ConsoleMessage, LineMessageReader } from './tools/LineMessageReader.ts'
import { exitCodeOf, untilSignal } from './until-signal.ts'

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
  readonly maxBlockMs: number
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

  // A signal is the end of the input: what was typed is delivered.
  const lines = createInterface({ input: process.stdin })
  void untilSignal().then((signal) => {
    process.exitCode = exitCodeOf(signal)
    lines.close()
  })

  // A user who types wants a prompt.
  const prompt = process.stdin.isTTY ? '>' : ''
  process.stdout.write(prompt)
  try {
    for await (const line of lines) {
      await sink.send(reader.readMessage(line))
      if (prompt !== '') process.stdout.write(prompt)
    }
  } finally {
    await sink.close()
  }
}

/**
 * Sends as today's producers do. What cannot be delivered is told of and the next line
 * taken, unless each line is waited for.
 */
function newSink(brokers: string, options: ProduceOptions): Sink {
  const platform = nodePlatform()
  const { clock } = platform
  const { topic, sync } = options
  tellUnused(Object.keys(propertiesOf(options)))
  let lost = 0
  const onFailure: RecordSenderOptions['onFailure'] = (records, error) => {
    lost += records.length
    for (const { key = null, value = null } of records) {
      log.error(
        `a message to ${topic} with key: ${sizeOf(key)}, value: ${sizeOf(value)} ` +
          `is lost: ${error instanceof Error ? error.message : error}`,
      )
    }
  }
  const client = clusterClient(platform, brokers)
  const sender = new RecordSender({
    ...{ client, clock, topic },
    compressionType: CompressionType.forName(codecOf(options)),
    acks: acksOf(options.requestRequiredAcks),
    batchBytes: options.maxPartitionMemoryBytes,
    lingerMs: sync ? 0 : options.timeout,
    requestTimeoutMs: options.requestTimeoutMs,
    retries: options.messageSendMaxRetries,
    retryBackoffMs: options.retryBackoffMs,
    bufferMemoryBytes: options.maxMemoryBytes,
    maxBlockMs: options.maxBlockMs,
    ...(sync ? {} : { onFailure }),
  })
  return {
    async send({ key, value }) {
      try {
        await sender.send(key, value)
      } catch (error) {
        if (sync || !(error instanceof TimeoutException)) throw error
        onFailure([{ key, value, timestamp: clock.now() }], error)
      }
      if (sync) await sender.flush()
    },
    async close() {
      try {
        await sender.flush()
      } finally {
        client.close()
      }
      if (lost > 0) throw new KafkaException(`messages that are lost: ${lost}`)
    },
  }
}

const log = logger('ConsoleProducer')

/** Settings that a flag stands for. It wins, given or not, as in 1.1.1. */
const setByFlags: ReadonlySet<string> = new Set([
  ...['bootstrap.servers', 'compression.type', 'send.buffer.bytes', 'retry.backoff.ms'],
  ...['metadata.max.age.ms', 'max.block.ms', 'acks', 'request.timeout.ms', 'retries'],
  ...['linger.ms', 'buffer.memory', 'batch.size', 'client.id'],
  ...['key.serializer', 'value.serializer'],
])

/** Says which settings do nothing. */
function tellUnused(names: readonly string[]): void {
  for (const name of names) {
    if (setByFlags.has(name)) log.warn(`${name} is set by a flag, which wins`)
    else log.warn(`${name} is not used: this producer has its flags alone`)
  }
}

function sizeOf(bytes: Buffer | null): string {
  return bytes === null ? 'null' : `${bytes.length} bytes`
}

/** Sends as the notes do. */
function oldSink(brokers: string, options: ProduceOptions): Sink {
  const config = new ProducerConfig({
    ...propertiesOf(options),
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

/** The settings of the producer: those on the command line before those of a file. */
function propertiesOf(options: ProduceOptions): Readonly<Record<string, string>> {
  const file = options['producer.config'] ?? options.producerConfig
  return {
    ...(file && KafkaConfig.parseProperties(readFileSync(file, 'utf8'))),
    ...keyValues(options.producerProperty),
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
