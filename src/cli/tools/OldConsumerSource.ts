/**
 * # OldConsumerSource
 *
 * The consumer of the notes, as a source of the console consumer: one stream of all topics
 * that a filter allows.
 *
 * @kafka core/src/main/scala/kafka/consumer/BaseConsumer.scala#OldConsumer
 * @module
 */
import { onAbort } from '../../base/async/abort.ts'
import { ConsumerTimeoutException } from '../../base/errors.ts'
import type { Deliver, RecordSource } from '../../clients/fetched-record.ts'
import type { ConsumerConfig } from '../../consumer/ConsumerConfig.ts'
import { Consumer, type ConsumerEnvironment } from '../../consumer/ConsumerConnector.ts'
import { DefaultDecoder } from '../../consumer/Decoder.ts'
import type { TopicFilter } from '../../consumer/TopicFilter.ts'

/** A connector that prints. */
export class OldConsumerSource implements RecordSource {
  readonly #config: ConsumerConfig
  readonly #environment: ConsumerEnvironment
  readonly #filter: TopicFilter

  constructor(
    config: ConsumerConfig,
    environment: ConsumerEnvironment,
    filter: TopicFilter,
  ) {
    this.#config = config
    this.#environment = environment
    this.#filter = filter
  }

  async run(deliver: Deliver, signal: AbortSignal): Promise<void> {
    // Shutting down ends the stream, and with it the loop.
    const connector = await Consumer.create(this.#config, this.#environment)
    const decoder = new DefaultDecoder()
    let ending: Promise<void> | undefined
    const forget = onAbort(signal, () => {
      ending ??= connector.shutdown()
    })
    try {
      const [stream] = await connector.createMessageStreamsByFilter(
        ...([this.#filter, 1, decoder, decoder] as const),
      )
      if (!stream) return
      for await (const message of stream) {
        const { topic, partition, offset, rawMessage } = message
        await deliver([
          {
            ...{ topic, partition, offset },
            timestamp: rawMessage.timestamp,
            timestampType: rawMessage.timestampType,
            key: message.key(),
            value: message.message(),
          },
        ])
        if (signal.aborted) break
      }
    } catch (error) {
      if (!(error instanceof ConsumerTimeoutException)) throw error
    } finally {
      forget()
      await (ending ?? connector.shutdown())
    }
  }
}
