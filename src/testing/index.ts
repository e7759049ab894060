/**
 * # annotated-kafka/testing
 *
 * A cluster for tests.
 *
 * @module
 */
export {
  type KafkaCluster,
  type StartClusterOptions,
  startCluster,
} from './start-cluster.ts'
