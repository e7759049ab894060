/**
 * # Who this broker is
 *
 * A broker's id is in its configuration, or on its disks, or made. Where two of them speak
 * they must agree: a disk of another broker is never written to.
 *
 * @kafka core/src/main/scala/kafka/server/KafkaServer.scala#KafkaServer.getBrokerIdAndOfflineDirs
 * @module
 */
import {
  GenerateBrokerIdException,
  InconsistentBrokerIdException,
} from '../base/errors.ts'
import { logger } from '../base/logger.ts'
import type { Storage } from '../base/platform/Platform.ts'
import { join } from '../base/platform/path.ts'
import { BrokerMetadataCheckpoint } from '../log/BrokerMetadataCheckpoint.ts'
import type { KafkaZkClient } from '../zk/KafkaZkClient.ts'
import { KafkaConfig } from './KafkaConfig.ts'

const log = logger('KafkaServer')

/** The file of a log directory that names its broker. */
export const META_PROPERTIES = 'meta.properties'

/** A configuration with an id in it, and the directories that could not be read. */
export interface BrokerIdentity {
  readonly config: KafkaConfig
  readonly offlineDirs: readonly string[]
}

/**
 * Finds the broker's id.
 *
 * @kafka core/src/main/scala/kafka/server/KafkaServer.scala#KafkaServer.getBrokerIdAndOfflineDirs
 * @throws InconsistentBrokerIdException when disks and configuration name different ids
 * @throws GenerateBrokerIdException when one should be made, and could not
 */
export async function getBrokerIdAndOfflineDirs(
  config: KafkaConfig,
  storage: Storage,
  zkClient: KafkaZkClient,
): Promise<BrokerIdentity> {
  const found = new Set<number>()
  const offlineDirs: string[] = []
  for (const dir of config.logDirs) {
    try {
      const checkpoint = new BrokerMetadataCheckpoint(
        storage,
        join(dir, META_PROPERTIES),
      )
      const metadata = checkpoint.read()
      if (metadata) found.add(metadata.brokerId)
    } catch (error) {
      log.error(`${dir} cannot be read and stays offline`, error)
      offlineDirs.push(dir)
    }
  }
  if (found.size > 1) {
    throw new InconsistentBrokerIdException(
      `the log directories name several brokers: ${[...found].join(', ')}`,
    )
  }

  // Hold what the disks say against the configuration.
  const [stored] = found
  const { brokerId } = config
  if (brokerId >= 0 && stored !== undefined && stored !== brokerId) {
    throw new InconsistentBrokerIdException(
      `broker.id is ${brokerId}, but the log directories belong to broker ${stored}`,
    )
  }
  if (brokerId >= 0) return { config, offlineDirs }
  const id = stored ?? (await generateBrokerId(config, zkClient))
  const withId = new KafkaConfig({
    ...config.originals,
    'broker.id': String(id),
    // A made id lies above what may be configured.
    'reserved.broker.max.id': String(Math.max(id, config.maxReservedBrokerId)),
  })
  return { config: withId, offlineDirs }
}

/**
 * Takes the next id of the sequence that ZooKeeper keeps.
 *
 * @kafka core/src/main/scala/kafka/server/KafkaServer.scala#KafkaServer.generateBrokerId
 */
async function generateBrokerId(
  { maxReservedBrokerId }: KafkaConfig,
  zkClient: KafkaZkClient,
): Promise<number> {
  try {
    return (await zkClient.generateBrokerSequenceId()) + maxReservedBrokerId
  } catch (cause) {
    throw new GenerateBrokerIdException('no broker id could be made', { cause })
  }
}
