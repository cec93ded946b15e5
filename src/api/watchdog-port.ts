import type { Outcome } from '#contract/schemas.ts'
import type { WatchedProgram, WatchRequest } from '#contract/watchdog.ts'

/** Programs that are kept off the network. `actor` is the name of who acts. Refusals are thrown as `Refused`. */
export interface Watchdog {
  list(): WatchedProgram[]
  add(request: WatchRequest, actor: string): Promise<Outcome>
  /** Named as `list` does. */
  remove(program: string, dryRun: boolean, actor: string): Promise<Outcome>
}
