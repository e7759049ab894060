/**
 * kcat, the client of librdkafka (`apt-get install kcat`).
 */
import { spawn, spawnSync } from 'node:child_process'
import { createHash } from 'node:crypto'

/** Whether it is here. */
export const hasKcat = spawnSync('kcat', ['-V']).error === undefined

if (!hasKcat) console.warn('skipped: tests with kcat, which is not installed')

/** A file's lines as messages, one a line, in one partition. */
export async function kcatProduce(
  bootstrapServers: string,
  topic: string,
  file: string,
  ...flags: readonly string[]
): Promise<void> {
  const place = ['-P', '-b', bootstrapServers, '-t', topic, '-p', '0']
  await kcat([...place, ...flags, '-l', file], () => {})
}

/** Reads a partition from its beginning to its end. @returns the SHA-256 of the lines */
export async function kcatConsume(
  bootstrapServers: string,
  topic: string,
  ...flags: readonly string[]
): Promise<string> {
  const hash = createHash('sha256')
  const place = ['-C', '-b', bootstrapServers, '-t', topic, '-p', '0']
  const all = [...place, ...flags, '-o', 'beginning', '-e', '-q']
  await kcat(all, (chunk) => hash.update(chunk))
  return hash.digest('hex')
}

/** Runs kcat to its end. @throws with what it said when it fails. */
export async function kcat(
  args: readonly string[],
  onOutput: (chunk: Buffer) => void,
): Promise<void> {
  const child = spawn('kcat', args, { stdio: ['ignore', 'pipe', 'pipe'] })
  let said = ''
  child.stdout.on('data', onOutput)
  child.stderr.on('data', (chunk) => {
    said += chunk
  })
  const code = await new Promise((resolve) => child.once('close', resolve))
  if (code !== 0) throw new Error(`kcat ${args.join(' ')} ended with ${code}:\n${said}`)
}
