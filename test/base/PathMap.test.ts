import { describe, expect, it } from 'vitest'
import { PathMap } from '../../src/base/platform/memory/PathMap.ts'

describe('PathMap', () => {
  const filled = () => {
    const map = new PathMap<number>()
    for (const [i, path] of ['/a', '/a/b', '/a/b/c', '/ab', 'here', 'x/y'].entries()) {
      map.set(path, i)
    }
    return map
  }

  it('namesIn() has what lies in a directory, and not below', () => {
    const map = filled()
    expect(map.namesIn('/')).toEqual(['a', 'ab'])
    expect(map.namesIn('/a/')).toEqual(['b'])
    expect(map.namesIn('x/')).toEqual(['y'])
    expect(map.namesIn('/ab/')).toEqual([])
  })

  it('below() has all of it', () => {
    expect(filled().below('/a/')).toEqual([
      ['/a/b', 1],
      ['/a/b/c', 2],
    ])
  })

  it('delete() takes a name away, and set() of one that is there adds none', () => {
    const map = filled()
    map.set('/a/b', 9)
    expect(map.namesIn('/a/')).toEqual(['b'])
    expect(map.delete('/a/b')).toBe(true)
    expect(map.delete('/a/b')).toBe(false)
    expect(map.namesIn('/a/')).toEqual([])
    expect(map.get('/a/b/c')).toBe(2)
  })
})
