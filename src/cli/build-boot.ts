/**
 * # The boot bundle
 *
 * Makes `dist/boot/start.js`: the command `start` with everything it imports in one file.
 * It is the same code; but Node finds, reads and links three hundred files in the time in
 * which a user wants a broker to serve, and one file in a fifth of it. Run by
 * `npm run build`; without it `start` works from the plain build, slower.
 *
 * @module
 */
import { dirname, join } from 'node:path'
import { fileURLToPath } from 'node:url'
import { buildSync } from 'esbuild'

const dist = join(dirname(fileURLToPath(import.meta.url)), '..')

// Packages in machine code stay outside; CommonJS packages inside need a `require`.
buildSync({
  entryPoints: [join(dist, 'cli', 'start.js')],
  outfile: join(dist, 'boot', 'start.js'),
  bundle: true,
  platform: 'node',
  format: 'esm',
  minify: true,
  keepNames: true,
  legalComments: 'none',
  logLevel: 'error',
  external: ['@node-rs/crc32', 'snappy', 'lz4-napi'],
  banner: {
    js: "import { createRequire as $cr } from 'node:module'; const require = $cr(import.meta.url);",
  },
})
