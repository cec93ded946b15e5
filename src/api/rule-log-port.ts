import type { RuleLog } from '#contract/rule-log.ts'

/** What rules turned away or recorded of late. */
export interface RuleLogPort {
  /** The last `limit`, and only those that came after the packet `after`. */
  latest(limit: number, after: number): RuleLog
}
