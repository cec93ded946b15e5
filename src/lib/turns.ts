import { setImmediate as nextTurn } from 'node:timers/promises'

/** So long a piece of work may keep everything else waiting. */
const TURN_MS = 6

/** Lets long work go on in turns: between them the event loop does what else there is to do. */
export interface Turns {
  /** Resolves at once while the turn lasts, else in the next. Ask it once for each small piece of work. */
  rest(): Promise<void> | undefined
}

/** `clock` in milliseconds. */
export function createTurns(clock: () => number = () => performance.now(), turnMs = TURN_MS): Turns {
  let began = clock()
  return {
    rest() {
      if (clock() - began < turnMs) return undefined
      return nextTurn().then(() => {
        began = clock()
      })
    },
  }
}
