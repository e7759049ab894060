/**
 * # security-znodes
 *
 * Who may do what, and the tokens that stand for a login. Only brokers with an authorizer,
 * or with a master key for tokens, make these znodes.
 *
 *     /kafka-acl/<type>/<name>   /kafka-acl-changes/acl_changes_<n>
 *     /delegation_token/tokens/<id>   /delegation_token/token_changes/token_change_<n>
 *
 * @kafka core/src/main/scala/kafka/zk/ZkData.scala
 * @module
 */

import { parentZNode, type ZNodeObject } from './znode.ts'
import { encodeJson, ZNodeJson } from './znode-json.ts'

/** One rule about one resource, as text. */
export interface AclEntry {
  /** `User:` and a name, or `User:*`. */
  readonly principal: string

  /** Whether the rule allows or denies. */
  readonly permissionType: string

  /** Such as `Read`, `Write` or `All`. */
  readonly operation: string

  /** The address the principal connects from; `*` for any. */
  readonly host: string
}

/** The parent of all access rules. */
export const AclZNode = {
  ...parentZNode('/kafka-acl'),
  writer: 'the authorizer when it is configured',
} satisfies ZNodeObject

/** The parent of the rules of one type of resource. */
export const ResourceTypeZNode = {
  pattern: '/kafka-acl/<type>',
  kind: 'persistent',
  payload: 'null',
  writer: 'the authorizer when it is configured',
  watchers: 'none',
  deleted: 'never',

  path(resourceType: string): string {
    return `/kafka-acl/${resourceType}`
  },
} satisfies ZNodeObject

/**
 * The access rules of one resource.
 *
 * @kafka core/src/main/scala/kafka/zk/ZkData.scala#ResourceZNode
 */
export const ResourceZNode = {
  pattern: '/kafka-acl/<type>/<name>',
  kind: 'persistent',
  payload:
    '{"version":1,"acls":[{"principal":"User:a","permissionType":"Allow",' +
    '"operation":"Read","host":"*"}]}',
  writer: 'the authorizer, if the version is the one it read',
  watchers: 'none: a note tells brokers to read it',
  deleted: 'with its last rule',

  path(resourceType: string, resourceName: string): string {
    return `/kafka-acl/${resourceType}/${resourceName}`
  },

  encode(acls: readonly AclEntry[]): Buffer {
    return encodeJson({ version: 1, acls })
  },

  decode(path: string, data: Buffer | null): AclEntry[] {
    if (data === null) return []
    return new ZNodeJson(path, data).objects('acls').map((acl) => ({
      principal: acl.string('principal'),
      permissionType: acl.string('permissionType'),
      operation: acl.string('operation'),
      host: acl.string('host'),
    }))
  },
} satisfies ZNodeObject

/** A note: the rules of this resource changed. */
export const AclChangeNotificationSequenceZNode = {
  pattern: '/kafka-acl-changes/acl_changes_<n>',
  kind: 'persistent sequential',
  payload: 'Topic:t',
  writer: 'the authorizer, after the rules themselves',
  watchers: 'every broker with an authorizer, through the parent',
  deleted: 'by any broker when it is more than 15 minutes old',
  SequenceNumberPrefix: 'acl_changes_',

  createPath(): string {
    return '/kafka-acl-changes/acl_changes_'
  },
} satisfies ZNodeObject

/** One delegation token; the secret itself is computed, never stored. */
export const DelegationTokenInfoZNode = {
  pattern: '/delegation_token/tokens/<id>',
  kind: 'persistent',
  payload:
    '{"version":1,"owner":"User:a","renewers":["User:b"],' +
    '"issueTimestamp":1,"maxTimestamp":3,"expiryTimestamp":2,"tokenId":"x"}',
  writer: 'the token manager of the controller',
  watchers: 'none: a note tells brokers to read it',
  deleted: 'when the token expires, or on request',

  path(tokenId: string): string {
    return `/delegation_token/tokens/${tokenId}`
  },
} satisfies ZNodeObject

/** A note: this delegation token changed. */
export const DelegationTokenChangeNotificationSequenceZNode = {
  pattern: '/delegation_token/token_changes/token_change_<n>',
  kind: 'persistent sequential',
  payload: 'x',
  writer: 'the token manager, after the token itself',
  watchers: 'every broker with tokens, through the parent',
  deleted: 'by any broker when it is more than 15 minutes old',
  SequenceNumberPrefix: 'token_change_',

  createPath(): string {
    return '/delegation_token/token_changes/token_change_'
  },
} satisfies ZNodeObject
