import { Refused } from '#api/port.ts'
import type { RuleDrafting } from '#api/rule-drafting-port.ts'
import { RULES_TEXT_LIMIT } from '#contract/http.ts'
import type { ReadRule, RuleEditing, RulesRead, RulesStanding, RulesUse } from '#contract/rule-drafting.ts'
import type { PendingRules, RulesCheck } from '#contract/rules.ts'
import { type PlacedYaml, parsePlacedYaml } from '#lib/placed-yaml.ts'
import { visibleJson } from '#lib/visible-text.ts'
import type { Rule, RuleBook } from '#model/rule.ts'
import { edited } from '#policy/rules/edit.ts'
import { ruleText } from '#policy/rules/sentence.ts'
import { parseShortForm } from '#policy/rules/short-form.ts'

/** The part of the rule desk that drafting leans on. */
export interface DraftedDesk {
  readonly standing: {
    readonly text: string
    readonly draft: string | undefined
    readonly pending: PendingRules | undefined
  }
  check(text: string): RulesCheck
  draft(text: string): RulesCheck
  read(text: string): { readonly book?: RuleBook; readonly yaml: PlacedYaml }
  state(): { readonly rules: readonly { readonly id: string; readonly packets: number }[] }
}

export interface RuleDraftingDesk extends RuleDrafting {
  /** A few times a second: tells when anything changed, whoever did it, and watches the counters. */
  look(): void
}

const USE_EVERY_MS = 5_000
/** Ten thousand rules take a while to count: no more than this share of the time goes into it. */
const USE_SHARE = 0.01

/** Answers what the API asks about drafts, and watches the rules for the pages. */
export function createRuleDrafting(parts: {
  readonly desk: DraftedDesk
  readonly now: () => number
  readonly told: (standing: RulesStanding) => void
}): RuleDraftingDesk {
  const { desk, now, told } = parts
  const use = createRuleUse(desk, now)
  let seen = desk.standing
  let revision = 1

  function standing(): RulesStanding {
    const { text, draft, pending } = desk.standing
    return {
      isEnforced: true,
      revision,
      hasDraft: draft !== undefined && draft !== text,
      ...(pending && { pending: withoutText(pending) }),
    }
  }

  return {
    standing,
    read: (text) => readText(desk, text, desk.check(text)),
    edit({ text, edits, dryRun }: RuleEditing) {
      const before = text ?? desk.standing.draft ?? desk.standing.text
      const after = editedBy(before, edits)
      return readText(desk, after, dryRun ? desk.check(after) : desk.draft(after))
    },
    use: () => use.seen(),
    look() {
      use.look()
      const current = desk.standing
      const isSame =
        current.text === seen.text && current.draft === seen.draft && current.pending === seen.pending
      if (isSame) return
      seen = current
      revision++
      told(standing())
    },
  }
}

const withoutText = ({ text: _, ...pending }: PendingRules) => pending

function editedBy(text: string, edits: RuleEditing['edits']): string {
  const [fault] = parsePlacedYaml(text).faults
  if (fault) throw new Refused(409, `The draft cannot be read: ${fault.message}.`, 'Correct its text first.')
  const after = edits.reduce((before, edit) => {
    const next = edited(before, edit)
    if (next !== undefined) return next
    throw new Refused(409, 'There is no such rule any more.', 'Somebody else edited the draft: look again.')
  }, text)
  if (after.length <= RULES_TEXT_LIMIT) return after
  const hint = 'Edit the file itself, then: gatehouse apply FILE'
  throw new Refused(400, 'The draft would be too long to be edited here.', hint)
}

function readText(desk: DraftedDesk, text: string, check: RulesCheck): RulesRead {
  const { book, yaml } = desk.read(text)
  const values = (yaml.values ?? {}) as Readonly<Record<string, unknown>>
  const written = Array.isArray(values['rules']) ? (values['rules'] as readonly unknown[]) : []
  const rules = written.map((rule, at) => readRule(rule, at + 1, book?.rules[at]))
  const lists = Object.keys((values['lists'] ?? {}) as object)
  return { text, rules, defaults: defaultsOf(values['defaults']), lists, check }
}

function readRule(written: unknown, number: number, rule: Rule | undefined): ReadRule {
  const short = typeof written === 'string' ? parseShortForm(written) : undefined
  const keys = keysOf(short && 'rule' in short ? short.rule : written)
  const comment = typeof keys['comment'] === 'string' ? keys['comment'] : undefined
  return {
    number,
    id: rule?.id ?? (typeof keys['id'] === 'string' ? keys['id'] : `rule-${number}`),
    enabled: keys['enabled'] !== false,
    action: String(keys['action'] ?? ''),
    text: rule ? ruleText(rule) : typeof written === 'string' ? written : visibleJson(written),
    ...(comment !== undefined && { comment }),
    ...(rule?.expiresAt !== undefined && { expiresAt: rule.expiresAt }),
    keys,
    isShort: typeof written === 'string',
  }
}

const keysOf = (value: unknown): Record<string, unknown> =>
  typeof value === 'object' && value !== null && !Array.isArray(value)
    ? (value as Record<string, unknown>)
    : {}

function defaultsOf(value: unknown): RulesRead['defaults'] {
  const of = (direction: string): string => {
    const policy = keysOf(value)[direction]
    return typeof policy === 'string' ? policy : 'allow'
  }
  return { inbound: of('inbound'), outbound: of('outbound'), forward: of('forward') }
}

/** Remembers when each counter was last seen to grow. */
function createRuleUse(desk: DraftedDesk, now: () => number) {
  const since = now()
  let counted = new Map<string, number>()
  let lastAt = new Map<string, number>()
  let nextAt = since
  return {
    look(): void {
      const at = now()
      if (at < nextAt) return
      const begun = performance.now()
      const { rules } = desk.state()
      const used = new Map<string, number>()
      for (const { id, packets } of rules) {
        const before = counted.get(id)
        const last = packets > (before ?? 0) ? at : lastAt.get(id)
        if (last !== undefined) used.set(id, last)
      }
      counted = new Map(rules.map(({ id, packets }) => [id, packets]))
      lastAt = used
      nextAt = at + Math.max(USE_EVERY_MS, (performance.now() - begun) / USE_SHARE)
    },
    seen: (): RulesUse => ({ since, used: [...lastAt].map(([id, at]) => ({ id, lastAt: at })) }),
  }
}
