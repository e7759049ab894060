/**
 * The command `start`, from its options to its exit code.
 */
import { existsSync, readFileSync, renameSync, writeFileSync } from 'node:fs'
import net from 'node:net'
import { constants } from 'node:os'
import { afterEach, beforeEach, describe, expect, it } from 'vitest'
import { createTopic, fetchTexts, produce } from '../server/clients.ts'
import {
  runCommand,
  runNode,
  StartedCommand,
  TemporaryDirectory,
} from './running-command.ts'

const { SIGINT, SIGTERM } = constants.signals

let home: TemporaryDirectory

beforeEach(() => {
  home = new TemporaryDirectory()
})

afterEach(() => home[Symbol.dispose]())

describe('start', () => {
  for (const signal of ['SIGTERM', 'SIGINT'] as const) {
    it(`shuts down in order at ${signal}, and recovers nothing at its next start`, async () => {
      const dataDir = `${home.path}/data`
      const marker = `${dataDir}/kafka-0/.kafka_cleanshutdown`
      const first = await StartedCommand.start({ dataDir })
      const client = first.client()
      await createTopic(client, 'kept')
      await produce(client, 'kept', ['a', 'b'])
      client.close()
      expect(existsSync(marker)).toBe(false)
      expect(await first.end(signal)).toEqual({ code: 0, signal: null })
      expect(existsSync(marker)).toBe(true)

      // A log that is not recovered is not read: a broken batch at its end is not seen.
      const file = `${dataDir}/kafka-0/kept-0/00000000000000000000.log`
      const whole = readFileSync(file)
      writeFileSync(file, Buffer.concat([whole, Buffer.alloc(100, 0x55)]))
      const second = await StartedCommand.start({ dataDir })
      expect(existsSync(marker)).toBe(false)
      expect(readFileSync(file)).toHaveLength(whole.length + 100)
      await second.end('SIGKILL')

      // After a kill it is read, and cut.
      await using third = await StartedCommand.start({ dataDir })
      const reader = third.client()
      expect(await fetchTexts(reader, 'kept', 0)).toEqual(['a', 'b'])
      reader.close()
      expect(readFileSync(file)).toHaveLength(whole.length)
    })
  }

  it('ends with 1 when its only disk is gone', async () => {
    const dataDir = `${home.path}/data`
    const args = ['--override', 'log.segment.bytes=1000']
    await using broker = await StartedCommand.start({ dataDir, args })
    const client = broker.client()
    await createTopic(client, 't')

    // The next segment cannot be made. What the client is told is another test's affair.
    renameSync(`${dataDir}/kafka-0`, `${dataDir}/elsewhere`)
    for (let i = 0; i < 3; i++) {
      await produce(client, 't', ['x'.repeat(600)]).catch(() => undefined)
    }
    expect(await broker.ended).toEqual({ code: 1, signal: null })
    expect(broker.stderr).toContain('all log dirs in')
    client.close()
  })

  it('says who stands in its way when its id is taken', async () => {
    await using first = await StartedCommand.start({ dataDir: `${home.path}/a` })
    const others = ['--zookeeper', first.zookeeperConnect, '--port', '0']
    const { code, stderr } = await runCommand(
      ...['start', '--data-dir', `${home.path}/b`, ...others],
    )
    expect(code).toBe(1)
    expect(stderr).toMatch(/\/brokers\/ids\/0 belongs to session 0x[0-9a-f]+/)
    expect(stderr).toContain('a broker with this id runs')
  })

  it('ends at once at a second signal', async () => {
    await using broker = await StartedCommand.start({ dataDir: home.path })

    // While it stands still both arrive: it meets the second one before it has shut down.
    broker.signal('SIGSTOP')
    broker.signal('SIGTERM')
    broker.signal('SIGINT')
    broker.signal('SIGCONT')
    const { code } = await broker.ended
    expect(code).toBeOneOf([128 + SIGINT, 128 + SIGTERM])
  })

  it('takes settings from a file, and overrides on top', async () => {
    const config = `${home.path}/server.properties`
    writeFileSync(config, 'num.partitions=3\n# a comment\nmessage.max.bytes=2000\n')
    const args = ['--config', config, '--override', 'message.max.bytes=100']
    await using broker = await StartedCommand.start({ dataDir: home.path, args })
    const client = broker.client()
    await createTopic(client, 't')
    const { errorCode } = await produce(client, 't', ['x'.repeat(1000)])
    expect(errorCode).toBe(10)
    client.close()
  })

  it('runs several brokers on ports side by side', async () => {
    await using cluster = await StartedCommand.start({
      dataDir: home.path,
      args: ['--brokers', '2'],
    })
    expect(cluster.bootstrapServers.split(',')).toHaveLength(2)
    expect(await cluster.end('SIGINT')).toEqual({ code: 0, signal: null })
  })

  it('says which setting is wrong, and ends with 1', async () => {
    const started = await runCommand(
      ...['start', '--port', '0', '--data-dir', home.path],
      ...['--override', 'num.partitions=many'],
    )
    expect(started).toMatchObject({ code: 1, stdout: '' })
    expect(started.stderr).toMatch(/^annotated-kafka: .*many.*num\.partitions/m)
  })

  it('says that its port is taken, and ends with 1', async () => {
    const taken = net.createServer()
    await new Promise<void>((resolve) => taken.listen(0, '127.0.0.1', resolve))
    const { port } = taken.address() as net.AddressInfo
    const args = ['start', '--port', `${port}`, '--data-dir', home.path]
    const started = await runCommand(...args)
    taken.close()
    expect(started).toMatchObject({ code: 1, stdout: '' })
    expect(started.stderr).toMatch(
      new RegExp(`^annotated-kafka: .*cannot bind 127\\.0\\.0\\.1:${port}`, 'm'),
    )
  })

  it('says that its data directory is in use, and ends with 1', async () => {
    await using _first = await StartedCommand.start({ dataDir: home.path })
    const args = ['start', '--port', '0', '--data-dir', home.path]
    const second = await runCommand(...args)
    expect(second).toMatchObject({ code: 1, stdout: '' })
    expect(second.stderr).toMatch(/^annotated-kafka: /m)
  })

  it('ends with 2 when it is called the wrong way', async () => {
    for (const args of [
      ['start', '--port', 'ninety'],
      ['start', '--override', 'without-a-value'],
      ['start', '--nonsense'],
      ['nonsense'],
    ]) {
      const { code, stdout, stderr } = await runCommand(...args)
      expect({ args, code, stdout }).toEqual({ args, code: 2, stdout: '' })
      expect(stderr).toMatch(/^error: /)
    }
  })
})

describe('annotated-kafka/testing', () => {
  it('leaves nothing that would keep a process alive', async () => {
    const script = `
      import { startCluster } from 'annotated-kafka/testing'
      const cluster = await startCluster({ brokers: 2 })
      await cluster.close()
      console.log('closed')
    `
    const ended = await runNode('--input-type=module', '-e', script)
    expect(ended).toEqual({ code: 0, signal: null, stdout: 'closed\n', stderr: '' })
  })
})
