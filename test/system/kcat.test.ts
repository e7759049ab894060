/**
 * A text goes to a broker and comes back the same, by kcat: with every codec, and with
 * the protocol of clients back to 0.8.2.
 */
import { afterAll, beforeAll, describe, expect, it } from 'vitest'
import { hasKcat, kcatConsume, kcatProduce } from './kcat.ts'
import { StartedCommand, TemporaryDirectory } from './running-command.ts'
import { type TextFile, writeTextFile } from './text-file.ts'

const FULL = process.env.SYSTEM_FULL === '1'
const MINUTES = 60_000

/** A client that does not ask for versions and takes those of an older Kafka. */
const old = (version: string) => [
  ...['-X', 'api.version.request=false'],
  ...['-X', `broker.version.fallback=${version}`],
]

const clients: readonly (readonly [name: string, flags: readonly string[]])[] = [
  ['as of today', []],
  ['of 0.10.0', old('0.10.0.0')],
  ['of 0.9.0', old('0.9.0.1')],
  ['of 0.8.2', old('0.8.2')],
]

describe.skipIf(!hasKcat)('kcat', () => {
  let home: TemporaryDirectory
  let broker: StartedCommand
  let text: TextFile

  beforeAll(async () => {
    home = new TemporaryDirectory()
    text = writeTextFile(`${home.path}/text`, 50_000)
    broker = await StartedCommand.start({ dataDir: `${home.path}/data` })
  })

  afterAll(async () => {
    await broker?.[Symbol.asyncDispose]()
    home?.[Symbol.dispose]()
  })

  for (const [name, flags] of clients) {
    for (const codec of ['none', 'gzip', 'snappy', 'lz4']) {
      it.concurrent(`brings a text there and back, ${codec}, client ${name}`, async () => {
        const topic = `text-${codec}-${name.replaceAll(/[^a-z0-9]/g, '-')}`
        await kcatProduce(
          broker.bootstrapServers,
          topic,
          text.path,
          ...flags,
          '-z',
          codec,
        )
        const sha256 = await kcatConsume(broker.bootstrapServers, topic, ...flags)
        expect(sha256).toBe(text.sha256)
      })
    }
  }

  it.concurrent('reads with a new client what an old one wrote, and the other way round', async () => {
    const { bootstrapServers } = broker
    await kcatProduce(bootstrapServers, 'old-to-new', text.path, ...old('0.8.2'))
    expect(await kcatConsume(bootstrapServers, 'old-to-new')).toBe(text.sha256)
    await kcatProduce(bootstrapServers, 'new-to-old', text.path, '-z', 'gzip')
    const sha256 = await kcatConsume(bootstrapServers, 'new-to-old', ...old('0.9.0.1'))
    expect(sha256).toBe(text.sha256)
  })

  it.runIf(FULL)(
    'brings 1,000,000 lines there and back',
    async () => {
      const { bootstrapServers } = broker
      const whole = writeTextFile(`${home.path}/whole`, 1_000_000)
      expect(whole.bytes).toBeGreaterThanOrEqual(100_000_000)
      const began = performance.now()
      await kcatProduce(bootstrapServers, 'whole', whole.path)
      const produced = performance.now()
      expect(await kcatConsume(bootstrapServers, 'whole')).toBe(whole.sha256)
      const consumed = performance.now()
      console.info(
        `kcat, ${whole.lines} lines, ${whole.bytes} bytes: ` +
          `produced in ${Math.round(produced - began)} ms, ` +
          `consumed in ${Math.round(consumed - produced)} ms`,
      )
    },
    5 * MINUTES,
  )
})
