import type { PendingRules, RulesState, ShownRule } from '#contract/rules.ts'
import type { RuleBook, RuleProblem } from '#model/rule.ts'
import { BEYOND_PREFIX } from '#model/rule-program.ts'
import { allRules, defaultId } from '#policy/rules/essentials.ts'
import { ruleText } from '#policy/rules/sentence.ts'

type Counts = ReadonlyMap<string, { readonly packets: number; readonly bytes: number }>

/** The rules as the API shows them: those that Gatehouse brings along first, with number 0. */
export function rulesState({
  file,
  inForce: { text, book },
  counts,
  problems,
  pending,
  draft,
}: {
  readonly file: string
  readonly inForce: { readonly text: string; readonly book: RuleBook }
  readonly counts: Counts
  readonly problems: readonly RuleProblem[]
  readonly pending: PendingRules | undefined
  readonly draft: string | undefined
}): RulesState {
  const packetsOf = (id: string): number => counts.get(id)?.packets ?? 0
  return {
    file,
    text,
    defaults: book.defaults,
    rules: allRules(book).map((rule): ShownRule => {
      const { number, id, enabled, action, comment, tags, expiresAt } = rule
      return {
        number,
        id,
        enabled,
        action: action.kind,
        text: ruleText(rule),
        tags,
        packets: packetsOf(id),
        bytes: counts.get(id)?.bytes ?? 0,
        ...(action.kind === 'limit' && { beyondPackets: packetsOf(`${BEYOND_PREFIX}${id}`) }),
        ...(comment !== undefined && { comment }),
        ...(expiresAt !== undefined && { expiresAt }),
      }
    }),
    undecided: {
      inbound: packetsOf(defaultId('inbound')),
      outbound: packetsOf(defaultId('outbound')),
      forward: packetsOf(defaultId('forward')),
    },
    problems,
    ...(pending && { pending }),
    ...(draft !== undefined && { draft }),
  }
}
