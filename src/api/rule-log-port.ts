import type { RuleLog } from '#contract/rule-log.ts'

/** What rules, blocks and lists turned away of late, and what rules recorded. */
export interface RuleLogPort {
  /** The last `limit`, and only those that came after the packet `after`. */
  latest(limit: number, after: number): RuleLog
}
