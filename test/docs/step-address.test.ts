/** Addresses of steps: each step has its own, and another run's still leads there. */
import { describe, expect, it } from 'vitest'
import { transcriptOf } from '../../docs/.vitepress/weave/transcript.ts'
import { ENTER, LEAVE, type Playback } from '../../src/traces/playback.ts'
import { stepAddresses, stepOfAddress } from '../../src/traces/step-address.ts'

const playback: Playback = {
  actors: ['main', 'broker 0'],
  functions: ['bread', 'Oven.bake', 'new Oven', 'Clock.tick'],
  files: [],
  sentences: ['Warm up', 'Turn it, twice'],
  frames: [
    [0, -1, 0, '', ''],
    [2, 0, 1, '', ''],
    [1, 0, 1, 'loaf: 1', '→ bread'],
    [1, 0, 1, 'loaf: 2', ''],
  ],
  steps: [
    [0, ENTER],
    [1, ENTER],
    [2, ENTER],
    [2, 0],
    [2, 1],
    [2, 1],
    [2, LEAVE],
    [3, ENTER],
  ],
  changes: [],
  messages: [[0, 2, 0, 1, 'Bake request', 41]],
}

/** The same run, in which a clock ticked first and between. */
const later: Playback = {
  ...playback,
  frames: [[3, -1, 0, '', ''], ...playback.frames.map(shifted), [3, 3, 0, '', '']],
  steps: [
    [0, ENTER],
    ...playback.steps
      .slice(0, 3)
      .map(([frame, what]): [number, number] => [frame + 1, what]),
    [5, ENTER],
    ...playback.steps
      .slice(3)
      .map(([frame, what]): [number, number] => [frame + 1, what]),
  ],
}

function shifted([fn, parent, ...rest]: Playback['frames'][number]) {
  return [fn, parent < 0 ? parent : parent + 1, ...rest] as const
}

describe('stepAddresses()', () => {
  const addresses = stepAddresses(playback)

  it('says function, paragraph and way, and no two alike', () => {
    const names = addresses.map((address) => address.split('~')[0])
    expect(names).toEqual([
      ...['bread', 'new-Oven', 'Oven.bake', 'Oven.bake/warm-up'],
      ...['Oven.bake/turn-it-twice', 'Oven.bake/turn-it-twice.2', 'Oven.bake/end'],
      'Oven.bake',
    ])
    expect(new Set(addresses).size).toBe(playback.steps.length)
  })

  it('is the same in a run that takes other steps elsewhere', () => {
    const others = stepAddresses(later)
    expect(others.filter((address) => !address.startsWith('Clock.tick'))).toEqual(
      addresses,
    )
    expect(addresses.map((address) => stepOfAddress(others, address))).toEqual([
      1, 2, 3, 5, 6, 7, 8, 9,
    ])
  })
})

describe('stepOfAddress()', () => {
  const addresses = stepAddresses(playback)

  it('falls back to function and paragraph, and reads a number', () => {
    expect(stepOfAddress(addresses, 'Oven.bake/turn-it-twice.7~000000')).toBe(4)
    expect(stepOfAddress(addresses, 'Oven.roast~000000')).toBeUndefined()
    expect(stepOfAddress(addresses, '3')).toBe(2)
    expect(stepOfAddress(addresses, '99')).toBe(7)
  })
})

describe('transcriptOf()', () => {
  it('has a line a step, with values and messages', () => {
    const lines = transcriptOf('bread', 'a loaf is baked', playback).split('\n')
    expect(lines[0]).toBe('bread: a loaf is baked')
    expect(lines.slice(3, 7)).toEqual([
      'program        ▸ bread',
      'program          ~ Bake request, 41 bytes leaves: program → broker 0',
      'broker 0         ▸ new Oven',
      'broker 0         ▸ Oven.bake  (loaf: 1)',
    ])
  })
})
