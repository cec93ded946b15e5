/** What the guard is told at its start. */
export interface GuardOrder {
  /** Of the change that it guards, as in `pendingFile`. */
  readonly id: string
  readonly seconds: number
  /** JSON with an `id`; gone or another's once the change is settled. */
  readonly pendingFile: string
  readonly rolledBackFile: string
  /** One transaction of netlink that brings the rules before back, as base64. */
  readonly transaction: string
}

export const GUARD_READY = 'ready'
export const GUARD_STOP = 'stop'
