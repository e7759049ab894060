/**
 * # controlledShutdown
 *
 * Before a broker stops it asks the controller to give its partitions to others, so that
 * clients move over instead of running into a closed door. It tries a few times, then
 * stops anyway.
 *
 * @kafka core/src/main/scala/kafka/server/KafkaServer.scala#KafkaServer.controlledShutdown
 * @module
 */
import { Errors } from '../base/errors.ts'
import { logger } from '../base/logger.ts'
import type { Platform } from '../base/platform/Platform.ts'
import { NetworkClient } from '../network/NetworkClient.ts'
import { ControlledShutdown } from '../protocol/messages/ControlledShutdown.ts'
import type { KafkaZkClient } from '../zk/KafkaZkClient.ts'
import type { KafkaConfig } from './KafkaConfig.ts'

const log = logger('KafkaServer')

/**
 * Asks until the controller has moved everything, or tries are used up.
 *
 * @kafka core/src/main/scala/kafka/server/KafkaServer.scala#KafkaServer.controlledShutdown
 */
export async function controlledShutdown(
  config: KafkaConfig,
  platform: Platform,
  zkClient: KafkaZkClient,
): Promise<boolean> {
  let tries = config.controlledShutdownMaxRetries
  while (tries-- > 0) {
    try {
      if (await askController(config, platform, zkClient)) return true
    } catch (error) {
      log.warn('the controller could not be asked', error)
    }
    if (tries > 0) await platform.clock.sleep(config.controlledShutdownRetryBackoffMs)
  }
  log.warn('stopping without a controlled shutdown')
  return false
}

async function askController(
  config: KafkaConfig,
  { clock, network }: Platform,
  zkClient: KafkaZkClient,
): Promise<boolean> {
  // Find the controller, wherever it is by now.
  const controllerId = await zkClient.getControllerId()
  if (controllerId === undefined) return false
  const broker = await zkClient.getBroker(controllerId)
  if (!broker) return false
  const { host, port } = broker.brokerEndPoint(config.interBrokerListenerName)

  const client = new NetworkClient({
    ...{ host, port, clientId: String(config.brokerId), network, clock },
    requestTimeoutMs: config.controllerSocketTimeoutMs,
  })
  try {
    const body = { brokerId: config.brokerId }
    const response = await client.sendAndReceive(ControlledShutdown, 1, body)
    const { errorCode, remainingPartitions } = response
    if (errorCode === Errors.NONE.code && remainingPartitions.length === 0) return true
    const error = Errors.forCode(errorCode).name
    log.info(`${remainingPartitions.length} partitions remain, error ${error}`)
    return false
  } finally {
    client.close()
  }
}
