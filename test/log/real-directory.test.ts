import fs from 'node:fs'
import os from 'node:os'
import path from 'node:path'
import { afterEach, beforeEach, describe, expect, it } from 'vitest'
import { KafkaScheduler } from '../../src/base/async/KafkaScheduler.ts'
import { nodePlatform } from '../../src/base/platform/node/node-platform.ts'
import { TopicPartition } from '../../src/base/TopicPartition.ts'
import { LogConfig } from '../../src/log/LogConfig.ts'
import { LogDirFailureChannel } from '../../src/log/LogDirFailureChannel.ts'
import { LogManager } from '../../src/log/LogManager.ts'
import { batchOf, readAll } from './log-fixture.ts'

let dir = ''
beforeEach(() => {
  dir = fs.mkdtempSync(path.join(os.tmpdir(), 'log-'))
})
afterEach(() => {
  fs.rmSync(dir, { recursive: true, force: true })
})

async function start(props: Record<string, number> = {}) {
  const platform = nodePlatform()
  const scheduler = new KafkaScheduler(platform.clock)
  scheduler.startup()
  const config = new LogConfig({ 'segment.bytes': 2000, ...props })
  const manager = new LogManager({
    logDirs: [dir],
    topicConfigs: new Map(),
    initialDefaultConfig: config,
    config: {
      logCleanupIntervalMs: 300_000,
      logFlushSchedulerIntervalMs: 1_000_000,
      logFlushOffsetCheckpointIntervalMs: 60_000,
      logFlushStartOffsetCheckpointIntervalMs: 60_000,
      numRecoveryThreadsPerDataDir: 1,
      transactionIdExpirationMs: 604_800_000,
    },
    scheduler,
    platform,
    logDirFailureChannel: new LogDirFailureChannel(1),
  })
  await manager.loadLogs()
  const stop = async () => {
    await scheduler.shutdown()
    await manager.shutdown()
  }
  return { manager, config, stop }
}

describe('a log on a real disk', () => {
  const orders = new TopicPartition('orders', 0)

  it('has the files of Kafka, and is served again after a restart', async () => {
    const first = await start()
    const log = first.manager.getOrCreateLog(orders, first.config)
    for (let i = 0; i < 60; i++) log.appendAsLeader(batchOf(`v${i}`), 0)
    await first.stop()
    const second = await start()
    expect(readAll(second.manager.getLog(orders)!)).toHaveLength(60)
    const names = fs.readdirSync(path.join(dir, 'orders-0'))
    expect(names.filter((name) => name.endsWith('.log'))).toHaveLength(3)
    expect(names).toContain('leader-epoch-checkpoint')
    expect(names).toContain('00000000000000000000.timeindex')
    await second.stop()
  })

  it('is cut at a torn tail when the marker is missing', async () => {
    const first = await start()
    const log = first.manager.getOrCreateLog(orders, first.config)
    for (let i = 0; i < 60; i++) log.appendAsLeader(batchOf(`v${i}`), 0)
    const last = log.activeSegment.log.path
    await first.stop()
    fs.unlinkSync(path.join(dir, '.kafka_cleanshutdown'))
    fs.truncateSync(last, fs.statSync(last).size - 5)
    const second = await start()
    expect(readAll(second.manager.getLog(orders)!)).toHaveLength(59)
    await second.stop()
  })
})
