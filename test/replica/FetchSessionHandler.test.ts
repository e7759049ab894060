import { describe, expect, it } from 'vitest'
import { Errors } from '../../src/base/errors.ts'
import { SeededRandom } from '../../src/base/platform/memory/SeededRandom.ts'
import { VirtualClock } from '../../src/base/platform/memory/VirtualClock.ts'
import { TopicPartition } from '../../src/base/TopicPartition.ts'
import { TopicPartitionMap } from '../../src/base/TopicPartitionMap.ts'
import type { FetchResponse } from '../../src/protocol/messages/Fetch.ts'
import {
  FetchSessionHandler,
  type SessionPartition,
} from '../../src/replica/FetchSessionHandler.ts'
import { FetchManager } from '../../src/server/FetchManager.ts'
import { FetchSessionCache } from '../../src/server/FetchSession.ts'

/** Partitions of topic t at offsets. */
function at(offsets: Readonly<Record<number, number>>) {
  const map = new TopicPartitionMap<SessionPartition>()
  for (const [partition, fetchOffset] of Object.entries(offsets))
    map.set(new TopicPartition('t', Number(partition)), {
      fetchOffset,
      logStartOffset: 0,
    })
  return map
}

/** An answer about partitions of topic t. */
function answer(
  sessionId: number,
  partitions: readonly number[],
  errorCode = 0,
): FetchResponse {
  const nothing = { abortedTransactions: null, records: null }
  const marks = { highWatermark: 0, lastStableOffset: 0, logStartOffset: 0 }
  return {
    ...{ throttleTimeMs: 0, errorCode, sessionId },
    responses: [
      {
        topic: 't',
        partitions: partitions.map((partition) => {
          return { partition, errorCode: 0, ...marks, ...nothing }
        }),
      },
    ],
  } as FetchResponse
}

/** Opens session 7 with partitions 0 and 1. */
function opened() {
  const handler = new FetchSessionHandler(1)
  handler.build(at({ 0: 0, 1: 0 }))
  expect(handler.handleResponse(answer(7, [0, 1]))).toBe(true)
  return handler
}

const keys = (partitions: Iterable<TopicPartition>) => [...partitions].map(String)

describe('FetchSessionHandler', () => {
  it('build() names all, then what changed, is new, or went', () => {
    const handler = new FetchSessionHandler(1)
    const full = handler.build(at({ 0: 0, 1: 0 }))
    expect([full.sessionId, full.sessionEpoch]).toEqual([0, 0])
    expect(keys(full.toSend.keys())).toEqual(['t-0', 't-1'])
    handler.handleResponse(answer(7, [0, 1]))
    const next = handler.build(at({ 0: 0, 1: 5, 2: 0 }))
    expect([next.sessionId, next.sessionEpoch]).toEqual([7, 1])
    expect(keys(next.toSend.keys())).toEqual(['t-1', 't-2'])
    expect(keys(next.sessionPartitions.keys())).toEqual(['t-0', 't-1', 't-2'])
    handler.handleResponse(answer(7, [2]))
    const last = handler.build(at({ 1: 5, 2: 0 }))
    expect([last.sessionId, last.sessionEpoch]).toEqual([7, 2])
    expect(last.toSend.size).toBe(0)
    expect(keys(last.toForget)).toEqual(['t-0'])
  })

  it('handleResponse() starts anew when the leader does not know the session', () => {
    const handler = opened()
    handler.build(at({ 0: 0, 1: 0 }))
    const error = Errors.FETCH_SESSION_ID_NOT_FOUND.code
    expect(handler.handleResponse(answer(0, [], error))).toBe(false)
    const next = handler.build(at({ 0: 0, 1: 0 }))
    expect([next.sessionId, next.sessionEpoch, next.toSend.size]).toEqual([0, 0, 2])
  })

  it('closes the session it had after a wrong epoch, and after no answer', () => {
    for (const harm of [
      (handler: FetchSessionHandler) =>
        handler.handleResponse(answer(0, [], Errors.INVALID_FETCH_SESSION_EPOCH.code)),
      (handler: FetchSessionHandler) => handler.handleError(),
    ]) {
      const handler = opened()
      handler.build(at({ 0: 0, 1: 0 }))
      harm(handler)
      const next = handler.build(at({ 0: 0, 1: 0 }))
      expect([next.sessionId, next.sessionEpoch, next.toSend.size]).toEqual([7, 0, 2])
    }
  })

  it('goes without a session when the leader grants none', () => {
    const handler = new FetchSessionHandler(1)
    for (let i = 0; i < 3; i++) {
      const { sessionEpoch, toSend } = handler.build(at({ 0: i }))
      expect([sessionEpoch, toSend.size]).toEqual([0, 1])
      expect(handler.handleResponse(answer(0, [0]))).toBe(true)
    }
  })

  it('handleResponse() refuses an answer about what was not asked, or without all', () => {
    const handler = new FetchSessionHandler(1)
    handler.build(at({ 0: 0, 1: 0 }))
    expect(handler.handleResponse(answer(7, [0]))).toBe(false)
    handler.build(at({ 0: 0, 1: 0 }))
    expect(handler.handleResponse(answer(7, [0, 1]))).toBe(true)
    handler.build(at({ 0: 0, 1: 0 }))
    expect(handler.handleResponse(answer(7, [5]))).toBe(false)
    expect(handler.build(at({ 0: 0 })).sessionEpoch).toBe(0)
  })

  it('keeps the leader knowing the same partitions, whatever is lost, seeds 1 to 50', () => {
    for (let seed = 1; seed <= 50; seed++) {
      const random = new SeededRandom(seed)
      const cache = new FetchSessionCache(2, 1, new SeededRandom(seed))
      const leader = new FetchManager(new VirtualClock(), cache)
      const handler = new FetchSessionHandler(1)
      let understood = 0
      for (let round = 0; round < 60; round++) {
        // Follow other partitions from other offsets.
        const offsets: Record<number, number> = {}
        for (let p = 0; p < 6; p++)
          if (random.nextInt(3) > 0) offsets[p] = random.nextInt(3)
        const wanted = at(offsets)
        const sent = handler.build(wanted)
        if (sent.sessionPartitions.size === 0 && sent.toForget.length === 0) continue

        // Lose requests, answers, and sessions.
        const loss = random.nextInt(10)
        if (loss === 0) {
          handler.handleError()
          continue
        }
        if (loss === 1) cache.remove(sent.sessionId)
        const fetchData = new TopicPartitionMap<
          SessionPartition & { maxBytes: number }
        >()
        for (const [tp, fetch] of sent.toSend)
          fetchData.set(tp, { ...fetch, maxBytes: 1 })
        const { sessionId, sessionEpoch: epoch } = sent
        const context = leader.newContext(
          ...([{ sessionId, epoch }, fetchData, sent.toForget, true] as const),
        )
        const served = new Map<string, number>()
        context.foreachPartition((tp, fetch) => {
          served.set(tp.key, fetch.fetchOffset)
        })
        if (loss === 2) {
          handler.handleError()
          continue
        }
        const data = {
          errorCode: 0,
          highWatermark: 0,
          logStartOffset: 0,
          records: null,
        }
        const result = context.updateAndGenerateResponseData(
          [...served.keys()].map(
            (key) => [new TopicPartition('t', Number(key.slice(2))), data] as const,
          ),
        )
        const ok = handler.handleResponse(
          answer(
            result.sessionId,
            result.partitions.map(([tp]) => tp.partition),
            result.error.code,
          ),
        )
        if (!ok) continue

        // An answer that counts is about exactly what was wanted.
        const expected = [...wanted].map(([tp, { fetchOffset }]) => [
          tp.key,
          fetchOffset,
        ])
        expect([seed, [...served].sort()]).toEqual([seed, expected.sort()])
        understood++
      }
      expect(understood).toBeGreaterThan(20)
    }
  })
})
