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

/**
 * What a broker was doing before. Nothing refuses another move: the state tells monitors,
 * and `KafkaServer` goes its way. A start that fails ends in a shutdown, too.
 */
export const previousBrokerStates: Readonly<
  Record<BrokerStateName, readonly BrokerStateName[]>
> = {
  NotRunning: ['BrokerShuttingDown'],
  Starting: ['NotRunning'],
  RecoveringFromUncleanShutdown: ['Starting', 'RecoveringFromUncleanShutdown'],
  RunningAsBroker: ['Starting', 'RecoveringFromUncleanShutdown'],
  PendingControlledShutdown: ['RunningAsBroker'],
  BrokerShuttingDown: [
    'Starting',
    'RecoveringFromUncleanShutdown',
    'RunningAsBroker',
    'PendingControlledShutdown',
  ],
}

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
