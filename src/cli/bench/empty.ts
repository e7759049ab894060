/**
 * A program that does nothing but say so: what a Node process costs by itself.
 *
 * @module
 */
process.stdout.write('ready\n')
setInterval(() => {}, 1 << 30)
