/**
 * # The trace `controller-election`
 *
 * The controller leaves. The others see its node vanish, each tries to make it anew, one
 * succeeds, takes the next epoch, reads the cluster from ZooKeeper and tells all brokers.
 *
 * @module
 */
import type { KafkaServer } from '../../server/KafkaServer.ts'
import type { ExampleTrace } from '../ExampleTrace.ts'
import { controllerOf, onReplicatedStage } from '../replicated-stage.ts'

/** The office of the controller goes to another broker. */
export const controllerElection: ExampleTrace = {
  name: 'controller-election',
  title: 'the controller is gone, and the first of the others to notice takes office',
  heading: '# KafkaServer',
  roots: ['Reelect.process', 'KafkaApis.handleUpdateMetadataRequest'],

  async run(record, world) {
    await onReplicatedStage(world, async (cluster) => {
      await record(async () => {
        const former = controllerOf(cluster)
        const others = cluster.brokers.filter((broker) => broker !== former)
        const told = Promise.all(others.map((broker) => hearsOfAnother(broker, former)))
        await former.shutdown(false)
        await told
      }, cluster)
    })
  },
}

/** Resolves when a broker was told of a controller that is not `former`. */
function hearsOfAnother(broker: KafkaServer, former: KafkaServer): Promise<void> {
  const { metadataCache } = broker
  return new Promise((resolve) => {
    const stop = metadataCache.onUpdate(() => {
      const id = metadataCache.getControllerId()
      if (id === undefined || id === former.config.brokerId) return
      stop()
      resolve()
    })
  })
}
