/**
 * # ZooKeeperProcess
 *
 * The ZooKeeper of a chaos run, as seen by its parent.
 *
 * @module
 */
import { type ChildProcess, fork } from 'node:child_process'
import { closeSync, openSync } from 'node:fs'
import { join } from 'node:path'
import { fileURLToPath } from 'node:url'

/** A ZooKeeper in a process of its own; the same one through many lives. */
export class ZooKeeperProcess {
  readonly #home: string
  #child: ChildProcess | undefined
  /** The port it listens on; stays over restarts. */
  readonly port: number

  /**
   * @param home - directory for its data and its log file
   * @param port - one that is free, and stays so while it is away
   */
  constructor(home: string, port: number) {
    this.#home = home
    this.port = port
  }

  /** Starts it. Resolves when it serves. @throws when it ends before that */
  async start(): Promise<void> {
    const extension = import.meta.url.endsWith('.ts') ? 'ts' : 'js'
    const script = new URL(`./zookeeper-child.${extension}`, import.meta.url)
    const stderr = openSync(join(this.#home, 'zookeeper.log'), 'a')
    const args = [join(this.#home, 'zookeeper'), String(this.port)]
    const child = fork(fileURLToPath(script), args, {
      stdio: ['ignore', 'ignore', stderr, 'ipc'],
    })
    closeSync(stderr)
    this.#child = child
    await new Promise<void>((resolve, reject) => {
      child.once('message', () => resolve())
      child.once('exit', (code) => reject(new Error(`ZooKeeper ended with ${code}`)))
    })
  }

  /** Ends it without a warning. Resolves when it is gone. */
  kill(): Promise<void> {
    const child = this.#child
    this.#child = undefined
    if (child === undefined || child.exitCode !== null) return Promise.resolve()
    return new Promise((resolve) => {
      child.once('exit', () => resolve())
      child.kill('SIGKILL')
    })
  }

  /** Ends the session that holds an ephemeral node, if there is one. */
  expireOwner(path: string): void {
    if (this.#child?.connected) this.#child.send(path)
  }
}
