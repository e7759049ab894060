/**
 * # The error codes of an answer
 *
 * What the broker counts of each answer it sends, `0` included: one code where the answer
 * has one for the whole request, else one for each partition, topic or group in it.
 *
 *     { errorCode: 16, … }                              ─▶ 16
 *     { topics: [{ partitions: [{ errorCode: 0 }, …] }] } ─▶ 0, …
 *
 * @kafka clients/src/main/java/org/apache/kafka/common/requests/AbstractResponse.java#AbstractResponse.errorCounts
 * @module
 */
import type { AnyApi } from '../protocol/Api.ts'
import { ApiKeys } from '../protocol/ApiKeys.ts'

/** APIs that have a code for the whole, and are counted by their partitions all the same. */
const countedByPartition: ReadonlySet<AnyApi> = new Set<AnyApi>([
  ApiKeys.FETCH,
  ApiKeys.LEADER_AND_ISR,
  ApiKeys.STOP_REPLICA,
])

/**
 * Reads the codes off the body of an answer.
 *
 * @param body - as it is encoded
 * @returns one code for each thing that the answer speaks of, in its order
 */
export function errorCodesOf(api: AnyApi, body: object): number[] {
  const codes: number[] = []
  if (countedByPartition.has(api)) addOfLists(body, codes)
  else addOf(body, codes)
  return codes
}

/** The first code on the way down speaks for what is below it. */
function addOf(part: object, codes: number[]): void {
  const own = part as { errorCode?: number; partitionErrorCode?: number }
  const code = own.errorCode ?? own.partitionErrorCode
  if (code === undefined) addOfLists(part, codes)
  else codes.push(code)
}

function addOfLists(part: object, codes: number[]): void {
  for (const list of Object.values(part)) {
    if (!Array.isArray(list)) continue
    for (const item of list) {
      if (typeof item === 'object' && item !== null) addOf(item, codes)
    }
  }
}
