import { describe, expect, it } from 'vitest'
import { GroupCheck } from '../../src/testing/faults/group-check.ts'

const record = (offset: number, value = `v${offset}`) => {
  return { partition: 't-0', offset, value }
}

/** A group that did everything right, before `harm` is done to it. */
function judge(harm: (check: GroupCheck) => void): readonly string[] {
  const check = new GroupCheck()
  check.rebalanced(1)
  check.committed('t-0', 1)
  check.committed('t-0', 2)
  for (const offset of [0, 1]) check.delivered(record(offset))
  harm(check)
  check.atEnd('t-0', [record(0), record(1), record(2)])
  return check.report()
}

describe('GroupCheck', () => {
  it('is content with a group that got everything, some of it twice', () => {
    const found = judge((check) => {
      check.delivered(record(1))
      check.delivered(record(2))
      check.committed('t-0', 3)
    })
    expect(found).toEqual([])
  })

  it('misses a record that nobody got', () => {
    expect(judge(() => {})).toEqual(['group: v2 at t-0@2 never came'])
  })

  it('sees two values at one place', () => {
    expect(judge((check) => check.delivered(record(2, 'other')))).toHaveLength(1)
  })

  it('lets an offset go back over a rebalance only', () => {
    const harm = (generation: number) => (check: GroupCheck) => {
      check.delivered(record(2))
      check.rebalanced(generation)
      check.committed('t-0', 1)
    }
    expect(judge(harm(1))).toEqual([
      'group: the offset of t-0 went from 2 to 1 in generation 1',
    ])
    expect(judge(harm(2))).toEqual([])
  })

  it('refuses a commit past the end of the log', () => {
    const found = judge((check) => {
      check.delivered(record(2))
      check.committed('t-0', 4)
    })
    expect(found).toEqual(['group: committed 4 of t-0, which ends at 3'])
  })
})
