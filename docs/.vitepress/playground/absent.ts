/**
 * # What a tab does not have
 *
 * Stands in for the parts of Node that the broker asks for and the playground never uses:
 * compression by native packages, and the library that prints metrics.
 *
 * @module
 */

/** @throws when somebody uses what is not there after all */
function absent(): never {
  throw new Error('this part of the broker is not there in a browser')
}

/** For `node:module`: nothing can be required. */
export const createRequire = () => absent

/** For `node:zlib`. */
export const gzipSync = absent

/** For `node:zlib`. */
export const gunzipSync = absent

/** For `prom-client`. */
export const Registry = absent
