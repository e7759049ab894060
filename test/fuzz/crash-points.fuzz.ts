/**
 * Cuts the scenario of `test/log/crash` at every change of the disk, in every way.
 *
 *     CRASH_STRIDE=5 npx vitest run --config test/fuzz/vitest.config.ts crash-points
 */
import { expect, it } from 'vitest'
import { cutEverywhere, cutLoading } from '../log/crash/every-crash-point.ts'

/** Points of the scenario between two whose recovery is cut off, at most. */
const MOST_STRIDE = 256

const stride = Number(process.env.CRASH_STRIDE ?? 1)

it('a log that was cut off anywhere opens as a valid prefix of what it was', async () => {
  const report = await cutEverywhere({ stride, rounds: 2 })
  console.log(`${report.points} points, ${report.disks} disks opened`)
  expect(report.failures).toEqual([])
  expect(report.disks).toBeGreaterThan(report.points / stride)
}, 3_600_000)

it('a log whose recovery was cut off, too, opens as a valid prefix', async () => {
  // However short the run, some recoveries are cut off.
  const report = await cutLoading({
    stride: Math.min(16 * stride, MOST_STRIDE),
    loadingStride: 3,
  })
  console.log(`loading cut at ${report.points} changes, ${report.disks} disks opened`)
  expect(report.failures).toEqual([])
  expect(report.disks).toBeGreaterThan(report.points)
}, 3_600_000)
