/**
 * # Api
 *
 * One kind of request with its response: a number on the wire, a name, and a schema for
 * each direction. The 43 of Kafka 1.1.1 stand in `messages/`, a file each; `ApiKeys`
 * lists them.
 *
 * @kafka clients/src/main/java/org/apache/kafka/common/protocol/ApiKeys.java#ApiKeys
 * @module
 */

import type { Decoded, Encodable, Fields } from './fields.ts'
import { Schema } from './Schema.ts'

/**
 * An API in all its versions.
 *
 * `Req` and `Res` are what decoding gives; `ReqIn` and `ResIn` what encoding takes,
 * with fields that have a default left out at will.
 *
 * @kafka clients/src/main/java/org/apache/kafka/common/protocol/ApiKeys.java#ApiKeys
 */
export interface Api<Req, Res, ReqIn = Req, ResIn = Res> {
  /** The int16 that stands first in a request. */
  readonly key: number

  /** Kafka's name, such as `Produce`. */
  readonly name: string

  /** The oldest version served: 0 for all. */
  readonly minVersion: 0

  /** The newest version of Kafka 1.1.1. */
  readonly maxVersion: number

  /** Whether only brokers may send it: it needs ClusterAction on the cluster. */
  readonly clusterAction: boolean

  /** The record format that brokers must share for the API to be offered: 0, or 2. */
  readonly minRequiredInterBrokerMagic: number

  /** The request's fields, behind the header. */
  readonly request: Schema<Req, ReqIn>

  /** The response's fields, behind the header. */
  readonly response: Schema<Res, ResIn>
}

/** Any API, where the types of its messages do not matter. */
// biome-ignore lint/suspicious/noExplicitAny: stands for every instantiation
export type AnyApi = Api<any, any, any, any>

/** What a decoded request of the API is. */
export type RequestOf<A extends AnyApi> = ReturnType<A['request']['decode']>

/** What a decoded response of the API is. */
export type ResponseOf<A extends AnyApi> = ReturnType<A['response']['decode']>

/** What its request is encoded from. */
export type RequestInputOf<A extends AnyApi> = Parameters<A['request']['encode']>[1]

/** What its response is encoded from. */
export type ResponseInputOf<A extends AnyApi> = Parameters<A['response']['encode']>[1]

/** The page of one API: what its file passes to {@link defineApi}. */
export interface ApiDefinition<Q extends Fields, R extends Fields> {
  readonly key: number
  readonly name: string
  readonly maxVersion: number
  readonly clusterAction?: true
  readonly minRequiredInterBrokerMagic?: 2
  readonly request: Q
  readonly response: R
}

/**
 * Makes an API of its page, with the types of both messages inferred.
 *
 * @param page - key, name, newest version, and the two tables of fields
 */
export function defineApi<const Q extends Fields, const R extends Fields>(
  page: ApiDefinition<Q, R>,
): Api<Decoded<Q>, Decoded<R>, Encodable<Q>, Encodable<R>> {
  const { key, name, maxVersion, clusterAction, minRequiredInterBrokerMagic } = page
  return {
    key,
    name,
    minVersion: 0,
    maxVersion,
    clusterAction: clusterAction ?? false,
    minRequiredInterBrokerMagic: minRequiredInterBrokerMagic ?? 0,
    request: Schema.of(`${name} request`, page.request, maxVersion),
    response: Schema.of(`${name} response`, page.response, maxVersion),
  }
}
