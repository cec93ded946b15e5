import type { RulesCheck } from '#contract/rules.ts'
import type { RuleBook } from '#model/rule.ts'

/** Rules that are younger may still be met. */
const WAITED_MS = 86_400_000
const MOST = 100

/**
 * Rules in force that no packet met, though they were counted for a day at least.
 * @param since when the counting began, in milliseconds since the epoch
 */
export function unusedRules(
  { rules }: RuleBook,
  counts: ReadonlyMap<string, { readonly packets: number }>,
  { since, now }: { readonly since: number; readonly now: number },
): RulesCheck['remarks'] {
  if (now - since < WAITED_MS) return []
  const days = Math.floor((now - since) / WAITED_MS)
  const text = `no packet met it in ${days === 1 ? 'a day' : `${days} days`}, as long as it was counted`
  return rules
    .filter(({ enabled, id }) => enabled && (counts.get(id)?.packets ?? 0) === 0)
    .slice(0, MOST)
    .map(({ number, id }) => ({ number, id, kind: 'unused', text }))
}
