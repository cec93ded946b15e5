import type { Target } from './address.ts'

export type DecisionKind =
  | 'block'
  | 'limit'
  | 'unblock'
  | 'expire'
  | 'adopt'
  | 'spare'
  | 'refuse'
  | 'playbook'
  | 'allow'
  | 'disallow'
  | 'watch'
  | 'unwatch'
  /** A whole threat list was put into the kernel, or taken out of it. */
  | 'load'
  | 'unload'
  /** Another program changed a table of ours, and it was put back. */
  | 'repair'
  | 'setting'
  /** Rules came in force for good; `target` is their version. */
  | 'rules'
  /** Rules came in force for a time, unless somebody confirms them; or they went back. */
  | 'trial'
  | 'rollback'
  /** All shut, or all open, for a time. */
  | 'lockdown'
  | 'pause'
  /** A threat list was switched, or its held version decided. */
  | 'feed'
  | 'close-port'
  | 'open-port'
  /** A SYN proxy stands before a port, or for some sources; or no more. */
  | 'shield'
  | 'unshield'
  /** Who may sign in on the page changed. */
  | 'account'
  /** Connections were closed: nothing takes that back. */
  | 'close'

/** One act of a person or of the machine, as the log keeps it. */
export interface Decision {
  readonly id: number
  readonly at: number
  readonly kind: DecisionKind
  readonly target: Target
  /** A detector's id, a person's name, or `gatehouse` for what it does by itself. */
  readonly actor: string
  readonly reason: string
  readonly forSeconds?: number
  readonly alertId?: number
  /** The decision that this one took back. */
  readonly undoes?: number
}
