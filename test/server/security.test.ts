/** What a broker without security answers to those who ask for some. */
import { afterAll, beforeAll, describe, expect, it } from 'vitest'
import { Errors } from '../../src/base/errors.ts'
import type { NetworkClient } from '../../src/network/NetworkClient.ts'
import { ApiKeys } from '../../src/protocol/ApiKeys.ts'
import { ApiVersions } from '../../src/protocol/messages/ApiVersions.ts'
import { CreateAcls } from '../../src/protocol/messages/CreateAcls.ts'
import { CreateDelegationToken } from '../../src/protocol/messages/CreateDelegationToken.ts'
import { DeleteAcls } from '../../src/protocol/messages/DeleteAcls.ts'
import { DescribeAcls } from '../../src/protocol/messages/DescribeAcls.ts'
import { DescribeDelegationToken } from '../../src/protocol/messages/DescribeDelegationToken.ts'
import { ExpireDelegationToken } from '../../src/protocol/messages/ExpireDelegationToken.ts'
import { RenewDelegationToken } from '../../src/protocol/messages/RenewDelegationToken.ts'
import { SaslAuthenticate } from '../../src/protocol/messages/SaslAuthenticate.ts'
import { SaslHandshake } from '../../src/protocol/messages/SaslHandshake.ts'
import { type KafkaCluster, startCluster } from '../../src/testing/start-cluster.ts'
import { clientOf } from './clients.ts'

let cluster: KafkaCluster
let client: NetworkClient

beforeAll(async () => {
  cluster = await startCluster({ platform: 'memory' })
  client = clientOf(cluster)
})

afterAll(async () => {
  client.close()
  await cluster.close()
})

const disabled = { errorCode: Errors.SECURITY_DISABLED.code }
const notAllowed = { errorCode: Errors.DELEGATION_TOKEN_REQUEST_NOT_ALLOWED.code }
const illegalState = { errorCode: Errors.ILLEGAL_SASL_STATE.code }

describe('a broker without security', () => {
  it('serves every API of 1.1, as one of Kafka does', async () => {
    const { apiKeys } = await client.sendAndReceive(ApiVersions, 1, {})
    expect(apiKeys.map((api) => api.apiKey)).toEqual(
      [...ApiKeys.all].map(({ key }) => key),
    )
  })

  it('says that nobody keeps access rules, once for each that is named', async () => {
    const any = { resourceNameFilter: null, principalFilter: null, hostFilter: null }
    const filter = { resourceTypeFilter: 1, ...any, operation: 1, permissionType: 1 }
    const described = await client.sendAndReceive(DescribeAcls, 0, filter)
    expect(described).toMatchObject({ ...disabled, resources: [] })
    const rule = { resourceType: 2, resourceName: 't', principal: 'User:a', host: '*' }
    const creation = { ...rule, operation: 3, permissionType: 3 }
    const created = await client.sendAndReceive(CreateAcls, 0, {
      creations: [creation, creation],
    })
    expect(created.results).toMatchObject([disabled, disabled])
    const deleted = await client.sendAndReceive(DeleteAcls, 0, { filters: [filter] })
    expect(deleted.filterResults).toMatchObject([{ ...disabled, matchingAcls: [] }])
  })

  it('begins no proof of identity, and keeps the connection', async () => {
    const mechanism = 'PLAIN'
    const handshake = await client.sendAndReceive(SaslHandshake, 1, { mechanism })
    expect(handshake).toMatchObject({ ...illegalState, mechanisms: [] })
    const authBytes = Buffer.from('\0user\0secret')
    const proof = await client.sendAndReceive(SaslAuthenticate, 0, { authBytes })
    expect(proof).toMatchObject(illegalState)
  })

  it('gives no delegation token, and names who asked', async () => {
    const created = await client.sendAndReceive(CreateDelegationToken, 0, {
      renewers: [],
      maxLifetimeMs: -1,
    })
    const owner = { principalType: 'User', principalName: 'ANONYMOUS' }
    expect(created).toMatchObject({ ...notAllowed, ...owner, tokenId: '' })
    const hmac = Buffer.from('token')
    const renewed = await client.sendAndReceive(RenewDelegationToken, 0, {
      ...{ hmac, renewPeriodMs: 1000 },
    })
    expect(renewed).toMatchObject({ ...notAllowed, expiryTimestampMs: -1 })
    const expired = await client.sendAndReceive(ExpireDelegationToken, 0, {
      ...{ hmac, expiryTimePeriodMs: 1000 },
    })
    expect(expired).toMatchObject({ ...notAllowed, expiryTimestampMs: -1 })
    const owners = null
    const listed = await client.sendAndReceive(DescribeDelegationToken, 0, { owners })
    expect(listed).toMatchObject({ ...notAllowed, tokens: [] })
  })
})
