/**
 * The plug is pulled while two logs are appended to, rolled, cleaned, truncated and aged
 * out. Here at some points of the disk's changes; `npm run test:fuzz` takes all of them.
 */
import { expect, it } from 'vitest'
import { cutEverywhere, cutLoading } from './every-crash-point.ts'

it('a log that was cut off opens as a valid prefix of what it was', async () => {
  const stride = Number(process.env.CRASH_STRIDE ?? 23)
  const report = await cutEverywhere({ stride, rounds: 1 })
  console.info(
    `${report.points} points, every ${stride}th taken, ${report.disks} disks opened`,
  )
  expect(report.failures).toEqual([])
  expect(report.disks).toBeGreaterThan(80)
}, 120_000)

it('a log whose recovery was cut off, too, opens as a valid prefix', async () => {
  const report = await cutLoading({ stride: 301, loadingStride: 29 })
  console.info(`loading cut at ${report.points} changes, ${report.disks} disks opened`)
  expect(report.failures).toEqual([])
  expect(report.disks).toBeGreaterThan(20)
}, 120_000)
