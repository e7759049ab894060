/**
 * # The broker of a chaos run
 *
 * The command that a user would type, in a process that ends with its parent: when that is
 * killed, the channel between the two closes. Nobody else would end it.
 *
 * @module
 */
process.once('disconnect', () => process.exit(1))

// Whoever waits for the parent's end does not keep the process alive.
process.channel?.unref()
await import('../../cli/main.ts')
