import type { RuleEnforcer } from '#enforce/rules.ts'

type Counts = ReadonlyMap<string, { readonly packets: number; readonly bytes: number }>

/** What each rule counted, also over a table that was put in place anew. */
export class RuleCounts {
  readonly #enforcer: Pick<RuleEnforcer, 'counts'>
  /** When the counting began, in milliseconds since the epoch. */
  since = 0
  /** What rows counted before they were put in place anew. */
  #before: Counts = new Map()

  constructor(enforcer: Pick<RuleEnforcer, 'counts'>) {
    this.#enforcer = enforcer
  }

  /** By the id of the rule. */
  all(): Counts {
    const counts = new Map(this.#before)
    for (const [id, { packets, bytes }] of this.#enforcer.counts()) {
      const before = counts.get(id) ?? { packets: 0, bytes: 0 }
      counts.set(id, { packets: before.packets + packets, bytes: before.bytes + bytes })
    }
    return counts
  }

  /** The table begins to count anew, from these; from nothing, the counting begins at `at`. */
  goOnFrom(before: Counts, at: number): void {
    if (before.size === 0) this.since = at
    this.#before = before
  }
}
