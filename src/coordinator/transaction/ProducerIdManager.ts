/**
 * # ProducerIdManager
 *
 * Hands out producer ids: 64-bit numbers that no other producer of the cluster ever had.
 * A broker takes a thousand at a time, by one conditional write, and deals them out of
 * memory; those left over when it stops are lost.
 *
 *     /latest_producer_id_block   0–999 by broker 1   1000–1999 by broker 2   …
 *
 * Invariant: a block is dealt from only after ZooKeeper has accepted it as ours.
 *
 * @kafka core/src/main/scala/kafka/coordinator/transaction/ProducerIdManager.scala#ProducerIdManager
 * @differs The first block is taken with the first id, not with the start of the broker:
 *   a broker that no such producer talks to takes none.
 * @module
 */
import { Mutex } from '../../base/async/Mutex.ts'
import { KafkaException } from '../../base/errors.ts'
import { logger } from '../../base/logger.ts'
import { type ProducerIdBlock, ProducerIdBlockZNode } from '../../zk/cluster-znodes.ts'
import type { ConditionalUpdate, DataAndStat } from '../../zk/ZNodeAccess.ts'

const log = logger('ProducerIdManager')

const PID_BLOCK_SIZE = 1000n
const LARGEST_ID = 2n ** 63n - 1n

/** What the manager needs of ZooKeeper. */
export interface ProducerIdZkClient {
  getDataAndVersion(path: string): Promise<DataAndStat | undefined>
  makeSurePersistentPathExists(path: string): Promise<void>
  conditionalUpdatePath(
    path: string,
    data: Buffer,
    expectVersion: number,
    optionalChecker?: (existing: DataAndStat) => number | undefined,
  ): Promise<ConditionalUpdate>
}

/** Hands out producer ids. */
export class ProducerIdManager {
  readonly brokerId: number
  readonly zkClient: ProducerIdZkClient
  readonly #oneAtATime = new Mutex()
  #currentProducerIdBlock: ProducerIdBlock | undefined
  #nextProducerId = 0n

  constructor(brokerId: number, zkClient: ProducerIdZkClient) {
    this.brokerId = brokerId
    this.zkClient = zkClient
  }

  /**
   * Draws an id.
   *
   * @throws KafkaException when all ids have been handed out.
   */
  generateProducerId(): Promise<bigint> {
    return this.#oneAtATime.runExclusive(async () => {
      const block = this.#currentProducerIdBlock
      if (!block || this.#nextProducerId > block.end) {
        const fresh = await this.getNewProducerIdBlock()
        this.#currentProducerIdBlock = fresh
        this.#nextProducerId = fresh.start
      }
      const id = this.#nextProducerId
      this.#nextProducerId += 1n
      return id
    })
  }

  /** Takes the block behind the last one that any broker took. */
  async getNewProducerIdBlock(): Promise<ProducerIdBlock> {
    const path = ProducerIdBlockZNode.path()
    for (;;) {
      // Read who took which block last.
      const node = await this.zkClient.getDataAndVersion(path)
      if (!node) {
        await this.zkClient.makeSurePersistentPathExists(path)
        continue
      }
      const hasBlock = node.data !== null && node.data.length > 0
      const last = hasBlock ? ProducerIdBlockZNode.decode(node.data) : undefined
      const block = this.#blockAfter(last)

      // Write ours, if nobody was faster; else read again.
      const data = ProducerIdBlockZNode.encode(block)
      const { updated } = await this.zkClient.conditionalUpdatePath(
        path,
        data,
        node.stat.version,
        (existing) => (existing.data?.equals(data) ? existing.stat.version : undefined),
      )
      if (updated) {
        log.info(`took producer ids ${block.start} to ${block.end}`)
        return block
      }
    }
  }

  #blockAfter(last: ProducerIdBlock | undefined): ProducerIdBlock {
    const start = last ? last.end + 1n : 0n
    if (start > LARGEST_ID - PID_BLOCK_SIZE) {
      throw new KafkaException('all producer ids have been handed out')
    }
    return { brokerId: this.brokerId, start, end: start + PID_BLOCK_SIZE - 1n }
  }
}
