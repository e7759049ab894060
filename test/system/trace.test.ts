/** The command `trace`: what it says besides the traces. */
import { spawnSync } from 'node:child_process'
import { describe, expect, it } from 'vitest'

function trace(names: readonly string[], level?: string) {
  const { ANNOTATED_KAFKA_LOG: _, ...env } = process.env
  if (level !== undefined) env.ANNOTATED_KAFKA_LOG = level
  const args = ['dist/cli/main.js', 'trace', ...names]
  return spawnSync(process.execPath, args, { env, encoding: 'utf8' })
}

describe('several traces', () => {
  it('keep to themselves what they log of things that they break', () => {
    const { status, stdout, stderr } = trace(['log-dir-failure', 'find-offset'])
    expect({ status, stderr }).toEqual({ status: 0, stderr: '' })
    expect(stdout).toContain('## log-dir-failure')
    expect(stdout).toContain('## find-offset')
  }, 60_000)

  it('say it when asked', () => {
    const { stderr } = trace(['log-dir-failure', 'find-offset'], 'warn')
    expect(stderr).toContain('its partitions go offline')
  }, 60_000)
})

describe('one trace', () => {
  it('says it as well', () => {
    const { stderr } = trace(['log-dir-failure'])
    expect(stderr).toContain('its partitions go offline')
  }, 60_000)
})
