/**
 * # QuotaEntity
 *
 * Whom a quota is for. Quotas can be set for users, for client ids, for a client id of a
 * user, and for all of them that have none of their own. For a client `c` of user `u` the
 * first of these that is set holds:
 *
 *     1  users/u/clients/c
 *     2  users/u/clients/<default>
 *     3  users/u
 *     4  users/<default>/clients/c
 *     5  users/<default>/clients/<default>
 *     6  users/<default>
 *     7  clients/c
 *     8  clients/<default>
 *     9  quota.producer.default, quota.consumer.default
 *
 * Which one it is also says who shares it: by 3 and 6 all clients of the user together, by
 * 7, 8 and 9 all that call themselves `c` together, whoever they are, by the others only
 * the clients `c` of `u`.
 *
 * @kafka core/src/main/scala/kafka/server/ClientQuotaManager.scala#QuotaEntity
 * @module
 */
import { Quota } from '../base/metrics/Quota.ts'
import { Sanitizer } from '../base/Sanitizer.ts'
import { ConfigEntityName } from '../zk/admin-znodes.ts'

/**
 * A user, a client id, or both; names as they stand in ZooKeeper.
 *
 * @kafka core/src/main/scala/kafka/server/ClientQuotaManager.scala#QuotaId
 */
export interface QuotaId {
  readonly sanitizedUser?: string | undefined
  readonly sanitizedClientId?: string | undefined
}

/** A client, and the quota that it shares with others of the same user or client id. */
export interface QuotaEntity {
  /** Who shares it: empty where all users do. */
  readonly sanitizedUser: string
  /** Empty where all clients of the user do. */
  readonly clientId: string
  readonly quota: Quota
}

/**
 * Levels at which quotas were set since the broker started, as bits.
 *
 * @kafka core/src/main/scala/kafka/server/ClientQuotaManager.scala#QuotaTypes
 */
export const QuotaTypes = {
  NoQuotas: 0,
  ClientIdQuotaEnabled: 1,
  UserQuotaEnabled: 2,
  UserClientIdQuotaEnabled: 4,
} as const

const { Default } = ConfigEntityName

/** The place of an id below `/config`: where its quota is kept, and its key here. */
export function quotaPath({ sanitizedUser, sanitizedClientId }: QuotaId): string {
  const user = sanitizedUser === undefined ? [] : ['users', sanitizedUser]
  const client = sanitizedClientId === undefined ? [] : ['clients', sanitizedClientId]
  return [...user, ...client].join('/')
}

/** The level of an id, one of {@link QuotaTypes}. */
export function quotaTypeOf({ sanitizedUser, sanitizedClientId }: QuotaId): number {
  if (sanitizedUser === undefined) {
    const none = sanitizedClientId === undefined
    return none ? QuotaTypes.NoQuotas : QuotaTypes.ClientIdQuotaEnabled
  }
  return sanitizedClientId === undefined
    ? QuotaTypes.UserQuotaEnabled
    : QuotaTypes.UserClientIdQuotaEnabled
}

/** The quotas that are set, of one kind. */
export class QuotaOverrides {
  readonly #staticQuota: Quota
  readonly #byPath = new Map<string, Quota>()
  #typesEnabled: number = QuotaTypes.NoQuotas

  /** @param staticQuota - of a client id for which nothing is set; unlimited if large */
  constructor(staticQuota: number) {
    this.#staticQuota = Quota.upperBound(staticQuota)
    if (staticQuota < Number.MAX_SAFE_INTEGER) {
      this.#typesEnabled = QuotaTypes.ClientIdQuotaEnabled
    }
  }

  /** Whether any quota is, or was, set since the broker started. */
  get quotasEnabled(): boolean {
    return this.#typesEnabled !== QuotaTypes.NoQuotas
  }

  /** Sets the quota of an id, or takes it away. */
  update(id: QuotaId, quota: Quota | undefined): void {
    if (quota === undefined) {
      this.#byPath.delete(quotaPath(id))
      return
    }
    this.#byPath.set(quotaPath(id), quota)
    this.#typesEnabled |= quotaTypeOf(id)
  }

  /**
   * Finds the quota of a client.
   *
   * @kafka core/src/main/scala/kafka/server/ClientQuotaManager.scala#ClientQuotaManager.quotaEntity
   */
  quotaEntity(user: string, clientId: string): QuotaEntity {
    const client = Sanitizer.sanitize(clientId)
    const types = this.#typesEnabled
    const both = { sanitizedUser: user, clientId }
    const userOnly = { sanitizedUser: user, clientId: '' }
    const clientOnly = { sanitizedUser: '', clientId }

    // Look for what is set for this user, then for users in general.
    for (const u of [user, Default]) {
      if ((types & ~QuotaTypes.ClientIdQuotaEnabled) === 0) break
      const quota =
        this.#byPath.get(`users/${u}/clients/${client}`) ??
        this.#byPath.get(`users/${u}/clients/${Default}`)
      if (quota) return { ...both, quota }
      const userQuota = this.#byPath.get(`users/${u}`)
      if (userQuota) return { ...userOnly, quota: userQuota }
    }

    // Fall back to the client id, and to what the file of settings says.
    const quota =
      this.#byPath.get(`clients/${client}`) ??
      this.#byPath.get(`clients/${Default}`) ??
      this.#staticQuota

    // Measure the unlimited by what they would be limited by.
    if (types === QuotaTypes.UserQuotaEnabled) return { ...userOnly, quota }
    if (types === QuotaTypes.UserClientIdQuotaEnabled) return { ...both, quota }
    return { ...clientOnly, quota }
  }
}
