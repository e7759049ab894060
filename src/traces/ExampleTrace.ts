/**
 * # ExampleTrace
 *
 * One runnable example: a small program on a cluster in this process, and the part of it
 * that is recorded. Each heading of the notes has one.
 *
 * It runs in one of two worlds. In memory, time is virtual and all chance comes from a seed,
 * so each run gives the same recording, step by step: the pages are made of those, and a
 * test holds them against what is kept of an earlier run. On real sockets and files the
 * same program takes its real time, and what happens at once comes in any order.
 *
 * @module
 */
import {
  type MemoryPlatform,
  memoryPlatform,
} from '../base/platform/memory/memory-platform.ts'
import { nodeAsyncContext } from '../base/platform/node/async-context.ts'
import type { KafkaCluster } from '../testing/start-cluster.ts'
import type { Frame } from '../trace/Recorder.ts'
import { type Recording, recordRun } from '../trace/record-run.ts'

import { actors, describe, skip } from './recording-options.ts'
import { ClusterWatch } from './watches.ts'

/** Longest that an example may take, in ms of virtual time. */
const LIMIT_MS = 600_000

/** How long a packet is on its way in memory, in ms. */
const LATENCY_MS = 1

/** Where an example runs: on real sockets and files, or in memory. */
export type World = 'node' | MemoryPlatform

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
  /** What its diagram shows besides lines of the notes; most have enough of those. */
  readonly drawn?: readonly string[]
  /** Whether its diagram shows what goes to ZooKeeper, which is too much for most. */
  readonly drawsZooKeeper?: boolean
  /** True for one that needs what only the platform in memory can do. */
  readonly isInMemoryOnly?: boolean
  /** Sets the stage, records, clears the stage. */
  run(record: Record, world: World): Promise<void>
}

/**
 * Runs an example and gives back its recording.
 *
 * @param where `memory`: each run is the same. `node`: on real sockets and files.
 */
export async function runExample(
  example: ExampleTrace,
  where: 'memory' | 'node' = 'memory',
): Promise<Recording> {
  if (where === 'node') return recordExample(example, 'node')
  const world = memoryPlatform()
  world.fabric.latency = () => LATENCY_MS
  return world.virtualClock.runUntil(recordExample(example, world), LIMIT_MS)
}

async function recordExample(example: ExampleTrace, world: World): Promise<Recording> {
  const context = nodeAsyncContext<Frame>()
  let recording: Recording | undefined
  const watch = new ClusterWatch()
  const options = {
    ...{ context, actors, describe, skip, watches: watch.watches },
    monotonic: () => (world === 'node' ? performance.now() : world.clock.monotonic()),
    isVirtual: world !== 'node',
  }
  try {
    await example.run(async (body, cluster) => {
      const before = cluster ? [...watch.seeCluster(cluster)] : []
      recording = await recordRun(example.name, options, async (recorder) => {
        recorder.note(before)
        await body()
      })
    }, world)
  } finally {
    context.disable()
  }
  if (!recording) throw new Error(`trace ${example.name} recorded nothing`)
  return recording
}
