/**
 * # The Node platform
 *
 * Real time, sockets, files and chance.
 *
 * @module
 */
import { randomBytes, randomUUID } from 'node:crypto'
import os from 'node:os'
import type { Platform, Random } from '../Platform.ts'
import { HostClock } from './host-clock.ts'
import { NodeNetwork } from './NodeNetwork.ts'
import { NodeStorage } from './NodeStorage.ts'
import { nodeProcess } from './node-process.ts'

/** @returns the platform of the machine on which this process runs */
export function nodePlatform(): Platform {
  return {
    clock: new HostClock(),
    network: new NodeNetwork(),
    storage: new NodeStorage(),
    random: hostRandom,
    hostName: os.hostname(),
    processView: nodeProcess,
  }
}

const hostRandom: Random = {
  next: () => Math.random(),
  nextInt: (bound) => Math.floor(Math.random() * bound),
  bytes: (n) => randomBytes(n),
  uuid: () => randomUUID(),
}
