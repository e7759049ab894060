/**
 * Plays the scenario and cuts it at its points.
 *
 * @module
 */

import type {
  MemoryStorage,
  StorageChange,
} from '../../../src/base/platform/memory/MemoryStorage.ts'
import { SeededRandom } from '../../../src/base/platform/memory/SeededRandom.ts'
import { checkAfterCrash, openDisk } from './crash-checks.ts'
import { type CrashPoint, CrashScenario } from './crash-scenario.ts'

const sectorBytes = 512

/** What was done. */
export interface CrashReport {
  /** Changes of the disk in the scenario. */
  readonly points: number
  /** Disks that were opened: each point in all its ways. */
  readonly disks: number
  /** What went wrong, at most twenty of it. */
  readonly failures: readonly string[]
}

/** One way in which a point can end: what becomes of the bytes. */
interface Ending {
  readonly name: string
  readonly isAllKept: boolean
  make(): MemoryStorage
}

/**
 * Cuts the scenario at its points, opens what is left, and checks it.
 *
 * @param stride 1 for every point, n for every n-th
 */
export async function cutEverywhere(options: {
  readonly stride: number
  readonly rounds: number
}): Promise<CrashReport> {
  // Play it once, and keep the disk at every point.
  const points: CrashPoint[] = []
  await new CrashScenario((point) => points.push(point)).play(options.rounds)

  // Let every point end in every way.
  const failures: string[] = []
  let disks = 0
  for (let i = 0; i < points.length; i += options.stride) {
    const point = points[i] as CrashPoint
    for (const ending of endings(point, i)) {
      disks += 1
      try {
        await checkAfterCrash(point, ending.make(), ending.isAllKept)
      } catch (error) {
        const { operation, path } = point.change
        const place = `point ${i} (${point.act.name}: ${operation} ${path})`
        if (failures.length < 20)
          failures.push(`${place}, ${ending.name}: ${told(error)}`)
      }
    }
  }
  return { points: points.length, disks, failures }
}

/**
 * Cuts the scenario at some of its points, and then the loading of what is left at some of
 * its own changes: the plug is pulled a second time before everything is recovered.
 *
 * @param stride every n-th point of the scenario
 * @param loadingStride every n-th change that loading makes
 */
export async function cutLoading(options: {
  readonly stride: number
  readonly loadingStride: number
}): Promise<CrashReport> {
  const points: CrashPoint[] = []
  await new CrashScenario((point) => points.push(point)).play(1)
  const failures: string[] = []
  let cuts = 0
  let disks = 0
  for (let i = options.stride - 1; i < points.length; i += options.stride) {
    const point = points[i] as CrashPoint
    for (const first of endings(point, i)) {
      // Open it, and keep the disk at every change.
      const inner: { change: StorageChange; disk: MemoryStorage }[] = []
      await openDisk(first.make(), point.now, (change, before) => {
        inner.push({ change, disk: before.fork() })
      })

      // Let some of them end in every way.
      for (let j = i % options.loadingStride; j < inner.length; ) {
        const cut = inner[j] as (typeof inner)[number]
        cuts += 1
        for (const second of endings(cut, j)) {
          disks += 1
          try {
            const isAllKept = first.isAllKept && second.isAllKept
            await checkAfterCrash(point, second.make(), isAllKept)
          } catch (error) {
            const { operation, path } = cut.change
            const place = `point ${i} (${point.act.name}), ${first.name}, then ${j}`
            if (failures.length >= 20) continue
            const what = `${operation} ${path}, ${second.name}`
            failures.push(`${place} (${what}): ${told(error)}`)
          }
        }
        j += options.loadingStride
      }
    }
  }
  return { points: cuts, disks, failures }
}

function endings(point: Pick<CrashPoint, 'disk' | 'change'>, seed: number): Ending[] {
  const { disk, change } = point
  const after = (tail: 'drop' | 'keep' | 'tear') => () => {
    const copy = disk.fork(undefined, new SeededRandom(seed))
    copy.crash(tail)
    return copy
  }
  const all: Ending[] = [
    { name: 'all written stays', isAllKept: true, make: after('keep') },
    { name: 'what is not flushed is lost', isAllKept: false, make: after('drop') },
    { name: 'some of it is lost', isAllKept: false, make: after('tear') },
  ]
  if (change.operation !== 'write') return all

  // The write itself is cut at a sector, and something else may be in its place.
  for (let kept = 0; kept < change.data.length; kept += sectorBytes) {
    if (kept === 0 && change.data.length > sectorBytes) continue
    const missing = change.data.length - kept
    const rests = {
      nothing: undefined,
      zeros: Buffer.alloc(missing),
      noise: noise(missing),
    }
    for (const [name, rest] of Object.entries(rests)) {
      const make = () => {
        const copy = after('keep')()
        copy.tear(change, kept, rest)
        return copy
      }
      all.push({ name: `${kept} bytes, then ${name}`, isAllKept: false, make })
    }
  }
  return all
}

/** The message, and where in the sources it came from, if it did. */
function told(error: unknown): string {
  const { message, stack = '' } = error as Error
  const frame = stack.split('\n').find((line) => line.includes('/src/')) ?? ''
  return `${message} ${frame.trim()}`
}

/** Bytes that mean nothing, the same every time. */
function noise(length: number): Buffer {
  const random = new SeededRandom(length)
  return Buffer.from(Array.from({ length }, () => random.nextInt(256)))
}
