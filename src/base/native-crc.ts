/**
 * # Native CRC
 *
 * Finds the checksum routines written in machine code, where the host can load them.
 * In a browser, or where the package has no build for the machine, there are none and
 * `crc.ts` uses its own.
 *
 * @module
 */

/** Checksums over whole buffers, continued from `initial`. */
export interface NativeCrc {
  crc32(input: Uint8Array, initial?: number): number
  crc32c(input: Uint8Array, initial?: number): number
}

interface HostProcess {
  getBuiltinModule?(id: string): unknown
}

interface ModuleModule {
  createRequire(from: string): (id: string) => unknown
}

/** @returns the native routines, or `undefined` where there are none */
export function loadNativeCrc(): NativeCrc | undefined {
  const host = (globalThis as { process?: HostProcess }).process
  const module = host?.getBuiltinModule?.('node:module') as ModuleModule | undefined
  if (module === undefined) return undefined
  try {
    return module.createRequire(import.meta.url)('@node-rs/crc32') as NativeCrc
  } catch {
    return undefined
  }
}
