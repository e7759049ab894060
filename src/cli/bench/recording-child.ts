/**
 * # One run of `bench recording`
 *
 * Sends small produces one after the other to a cluster in this process, and prints the
 * median time of one. The plain build, the traced build with its switch off, and with it
 * on run this same file.
 *
 * @module
 */
import { nodeAsyncContext } from '../../base/platform/node/async-context.ts'
import type { Frame } from '../../trace/Recorder.ts'
import { recordRun } from '../../trace/record-run.ts'
import { actors, describe, skip } from '../../traces/recording-options.ts'
import {
  createTopic,
  onStage,
  produceRequest,
  producerFor,
} from '../../traces/stage.ts'
import { percentile } from './windows.ts'

const REQUESTS = 1500
const on = process.argv[2] === 'on'

/** Times single requests, the first third left out. */
async function measure(): Promise<number> {
  const times: number[] = []
  await onStage('node', async (stage) => {
    const producer = producerFor(stage)
    await createTopic(producer, stage.cluster.platform)
    for (let i = 0; i < REQUESTS; i++) {
      const begin = performance.now()
      await producer.send(produceRequest('hello'))
      times.push(performance.now() - begin)
    }
    await producer.close()
  })
  return percentile(times.slice(REQUESTS / 3), 0.5)
}

let median = 0
if (on) {
  const context = nodeAsyncContext<Frame>()
  const monotonic = () => performance.now()
  const options = { context, monotonic, actors, describe, skip, maxFrames: 1e6 }
  await recordRun('bench', options, async () => {
    median = await measure()
  })
} else {
  median = await measure()
}
process.stdout.write(`${median * 1000}\n`)
