/**
 * The same questions to a broker of Apache Kafka 1.1.1 and to one of ours, and the answers
 * compared: all 43 APIs in all versions, asked right, oddly and wrongly.
 *
 * A difference is either wanted, and stands in `answers/wanted-differences.ts` with its
 * reason, or it is a mistake. One that is wanted and no longer there fails, too.
 */
import { afterAll, beforeAll, describe, expect, it } from 'vitest'
import { BrokerPair } from './answers/BrokerPair.ts'
import { brokers, security } from './answers/brokers.ts'
import { configs } from './answers/configs.ts'
import { frames } from './answers/frames.ts'
import { groups } from './answers/groups.ts'
import { reading } from './answers/reading.ts'
import { records } from './answers/records.ts'
import { topics } from './answers/topics.ts'
import { transactions } from './answers/transactions.ts'
import { wantedDifferences } from './answers/wanted-differences.ts'
import { missing } from './fetch-jars.ts'

const reason = missing()
const name = reason === undefined ? 'answers' : `answers (${reason})`

describe.skipIf(reason !== undefined)(name, () => {
  let pair: BrokerPair

  beforeAll(async () => {
    pair = await BrokerPair.start()
  })
  afterAll(async () => {
    await pair?.close()
  })

  // In this order: who reads finds what was produced, and a replica is stopped at last.
  it.each([
    ['topics', topics],
    ['settings', configs],
    ['records', records],
    ['reading', reading],
    ['groups', groups],
    ['transactions', transactions],
    ['frames', frames],
    ['security', security],
    ['brokers', brokers],
  ])('%s are answered as Kafka 1.1.1 answers', async (subject, ask) => {
    pair.asked = 0
    pair.takeDifferences()
    await ask(pair)
    expect(pair.asked, 'questions').toBeGreaterThan(20)

    // Take away what is wanted; what is left is a mistake, here or there.
    const differences = pair.takeDifferences()
    const wanted = wantedDifferences.filter((each) => each.subject === subject)
    const rest = differences.filter(
      (line) => !wanted.some(({ line: is }) => is.test(line)),
    )
    expect(rest).toEqual([])
    const stale = wanted.filter(
      ({ line: is }) => !differences.some((line) => is.test(line)),
    )
    expect(stale, 'differences that are no more').toEqual([])
  })
})
