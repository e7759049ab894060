/** Questions that brokers ask each other, and those about security. */
import { ApiVersions } from '../../../src/protocol/messages/ApiVersions.ts'
import { ControlledShutdown } from '../../../src/protocol/messages/ControlledShutdown.ts'
import { CreateAcls } from '../../../src/protocol/messages/CreateAcls.ts'
import { CreateDelegationToken } from '../../../src/protocol/messages/CreateDelegationToken.ts'
import { DeleteAcls } from '../../../src/protocol/messages/DeleteAcls.ts'
import { DescribeAcls } from '../../../src/protocol/messages/DescribeAcls.ts'
import { DescribeDelegationToken } from '../../../src/protocol/messages/DescribeDelegationToken.ts'
import { ExpireDelegationToken } from '../../../src/protocol/messages/ExpireDelegationToken.ts'
import { LeaderAndIsr } from '../../../src/protocol/messages/LeaderAndIsr.ts'
import { Metadata } from '../../../src/protocol/messages/Metadata.ts'
import { RenewDelegationToken } from '../../../src/protocol/messages/RenewDelegationToken.ts'
import { SaslAuthenticate } from '../../../src/protocol/messages/SaslAuthenticate.ts'
import { SaslHandshake } from '../../../src/protocol/messages/SaslHandshake.ts'
import { StopReplica } from '../../../src/protocol/messages/StopReplica.ts'
import { UpdateMetadata } from '../../../src/protocol/messages/UpdateMetadata.ts'
import { type BrokerPair, versionsOf } from './BrokerPair.ts'

/** Asks what brokers ask: of a controller before this one, and of this one. */
export async function brokers(pair: BrokerPair): Promise<void> {
  await pair.createTopics(['moved'])
  await pair.compare('of all', ApiVersions, {})
  const state = (topicName: string, leader: number, leaderEpoch: number) => ({
    ...{ topicName, partition: 0, controllerEpoch: 1, leader, leaderEpoch },
    ...{ isr: [leader], partitionEpoch: 0, replicas: [leader], isNew: false },
  })
  for (const controllerEpoch of [0, 1]) {
    const from = { controllerId: 0, controllerEpoch }
    const name = (what: string) => `${what}, controller epoch ${controllerEpoch}`
    for (const [what, states] of [
      ['of nothing', []],
      ['of an old leader epoch', [state('moved', 0, -1)]],
      ['of the same leader epoch', [state('moved', 0, 0)]],
      ['of a replica elsewhere', [state('elsewhere', 5, 1)]],
    ] as const) {
      const body = { ...from, ungroupedPartitionStates: states, liveLeaders: [] }
      await pair.compare(name(what), LeaderAndIsr, body)
    }
    for (const [what, deletePartitions, topics] of [
      ['of nothing', false, []],
      ['of an unknown replica', true, ['elsewhere']],
      ['of an unknown replica that stays', false, ['elsewhere']],
    ] as const) {
      const ungroupedPartitions = topics.map((topicName) => ({
        topicName,
        partition: 0,
      }))
      const body = { ...from, deletePartitions, ungroupedPartitions }
      await pair.compare(name(what), StopReplica, body)
    }
  }
  const old = { controllerId: 0, controllerEpoch: 0 }
  await pair.compare(
    'of a controller before',
    UpdateMetadata,
    { ...old, ungroupedPartitionStates: [], liveBrokers: [] },
    versionsOf(UpdateMetadata, 1),
  )
  await pair.compare('of an unknown broker', ControlledShutdown, { brokerId: 77 })

  // Stopped and deleted: nobody leads it any more, and the topic is still known.
  await pair.compare('of a replica that is deleted', StopReplica, {
    ...{ controllerId: 0, controllerEpoch: 1, deletePartitions: true },
    ungroupedPartitions: [{ topicName: 'moved', partition: 0 }],
  })
  await pair.compare('of a stopped replica', Metadata, { topics: [{ name: 'moved' }] })
}

/** Asks about security, where none is configured. */
export async function security(pair: BrokerPair): Promise<void> {
  const rule = { principal: 'User:a', host: '*', operation: 3, permissionType: 3 }
  const creations = [{ resourceType: 2, resourceName: 't', ...rule }]
  const filter = { resourceTypeFilter: 1, resourceNameFilter: null }
  const who = { principalFilter: null, hostFilter: null }
  const any = { ...filter, ...who, operation: 1, permissionType: 1 }
  await pair.compare('of any', DescribeAcls, any)
  for (const [field, value] of [
    ...([
      ['operation', 0],
      ['operation', 99],
      ['permissionType', 0],
    ] as const),
    ...([
      ['resourceTypeFilter', 0],
      ['resourceTypeFilter', -1],
    ] as const),
  ]) {
    await pair.compare(`with ${field} ${value}`, DescribeAcls, {
      ...any,
      [field]: value,
    })
  }
  await pair.compare('of one', CreateAcls, { creations })
  await pair.compare('of none', CreateAcls, { creations: [] })
  await pair.compare('of any', DeleteAcls, { filters: [any] })
  await pair.compare('of none', DeleteAcls, { filters: [] })

  await pair.compare('for nobody', CreateDelegationToken, {
    ...{ renewers: [], maxLifetimeMs: -1 },
  })
  const hmac = Buffer.from('x')
  await pair.compare('unknown', RenewDelegationToken, { hmac, renewPeriodMs: -1 })
  await pair.compare('unknown', ExpireDelegationToken, { hmac, expiryTimePeriodMs: -1 })
  for (const owners of [null, [], [{ principalType: 'User', principalName: 'a' }]]) {
    const name = `of ${owners?.length ?? 'all'}`
    await pair.compare(name, DescribeDelegationToken, { owners })
  }
  for (const mechanism of ['PLAIN', '']) {
    await pair.compare(`"${mechanism}"`, SaslHandshake, { mechanism })
  }
  await pair.compare('unasked', SaslAuthenticate, { authBytes: Buffer.from('x') })
}
