/**
 * # BrokerStates
 *
 * What a broker is doing, from birth to death.
 *
 * @kafka core/src/main/scala/kafka/server/BrokerStates.scala#BrokerStates
 * @module
 */

/** The states and the numbers that monitors know them by. */
export const BrokerStates = {
  NotRunning: 0,
  Starting: 1,
  RecoveringFromUncleanShutdown: 2,
  RunningAsBroker: 3,
  PendingControlledShutdown: 6,
  BrokerShuttingDown: 7,
} as const

/** The name of a state. */
export type BrokerStateName = keyof typeof BrokerStates

/** The state of one broker. */
export class BrokerState {
  #current: BrokerStateName = 'NotRunning'

  get currentState(): BrokerStateName {
    return this.#current
  }

  newState(state: BrokerStateName): void {
    this.#current = state
  }
}
