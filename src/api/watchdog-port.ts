import type { Outcome } from '#contract/schemas.ts'
import type { WatchedProgram, WatchRequest } from '#contract/watchdog.ts'
import type { Actor } from './port.ts'

/** Programs that are kept off the network. Refusals are thrown as `Refused`. */
export interface Watchdog {
  list(): WatchedProgram[]
  add(request: WatchRequest, actor: Actor): Promise<Outcome>
  /** Named as `list` does. */
  remove(program: string, dryRun: boolean, actor: Actor): Promise<Outcome>
}
