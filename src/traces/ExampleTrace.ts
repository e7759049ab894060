/**
 * # ExampleTrace
 *
 * One runnable example: a small program on a real in-process cluster, and the part of it
 * that is recorded. Each heading of the notes has one.
 *
 * @module
 */
import { nodeAsyncContext } from '../base/platform/node/async-context.ts'
import type { KafkaCluster } from '../testing/start-cluster.ts'
import type { Frame } from '../trace/Recorder.ts'
import { type Recording, recordRun } from '../trace/record-run.ts'

import { actors, describe, skip } from './recording-options.ts'
import { ClusterWatch } from './watches.ts'

/**
 * Records what its argument runs. An example calls it once.
 *
 * @param cluster what is there already; undefined when the body starts it.
 */
export type Record = (
  body: () => Promise<void>,
  cluster?: KafkaCluster,
) => Promise<void>

/** A runnable example. */
export interface ExampleTrace {
  /** The name on the command line. */
  readonly name: string
  /** One sentence that a reader sees above the tree. */
  readonly title: string
  /** A paragraph on what happens and why; absent when a chapter tells it. */
  readonly about?: string
  /** The heading of the notes that it follows. */
  readonly heading: string
  /** Frames that the printed tree begins at: everything else is background. */
  readonly roots: readonly string[]
  /** Sets the stage, records, clears the stage. */
  run(record: Record): Promise<void>
}

/** Runs an example and gives back its recording. */
export async function runExample(example: ExampleTrace): Promise<Recording> {
  const context = nodeAsyncContext<Frame>()
  let recording: Recording | undefined
  const watch = new ClusterWatch()
  const options = {
    ...{ context, actors, describe, skip, watches: watch.watches },
    monotonic: () => performance.now(),
  }
  try {
    await example.run(async (body, cluster) => {
      const before = cluster ? [...watch.seeCluster(cluster)] : []
      recording = await recordRun(example.name, options, async (recorder) => {
        recorder.note(before)
        await body()
      })
    })
  } finally {
    context.disable()
  }
  if (!recording) throw new Error(`trace ${example.name} recorded nothing`)
  return recording
}
