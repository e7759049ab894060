/**
 * # The broker in a tab
 *
 * Brings what a browser lacks, Node's `Buffer`, and then the whole cluster: controller,
 * brokers, ZooKeeper, producer and consumers from `src/`, unchanged. It is loaded when a
 * reader opens the playground, and not before.
 *
 * @module
 */
import { Buffer } from 'buffer/'

/** Loads what the playground page needs of `src/`. */
export async function loadPlayground() {
  // The modules of the broker use `Buffer` while they load, so it has to be there first.
  Object.assign(globalThis, { Buffer })
  const [{ Playground }, { setLogSink }, actions] = await Promise.all([
    import('../../../src/testing/playground/Playground.ts'),
    import('../../../src/base/logger.ts'),
    import('../../../src/testing/playground/actions.ts'),
  ])

  // The page tells what happens; the console is the reader's own.
  setLogSink(() => {})
  return { Playground, ...actions }
}
