/**
 * # Macrotask
 *
 * A turn of the event loop. All microtasks that are due run before it, so awaiting one
 * lets everything settle that can settle without time passing. Works in Node and in
 * browsers.
 *
 * @module
 */

/** Waits for the next turn of the event loop. */
export function nextMacrotask(): Promise<void> {
  return new Promise((resolve) => {
    if (typeof setImmediate === 'function') {
      setImmediate(resolve)
      return
    }

    // In a browser a message to oneself comes without the delay of a timer.
    const { port1, port2 } = new MessageChannel()
    const receiver = port1 as unknown as { onmessage: () => void }
    receiver.onmessage = () => {
      port1.close()
      resolve()
    }
    port2.postMessage(undefined)
  })
}
