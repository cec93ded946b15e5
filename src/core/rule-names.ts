import type { Rule, RuleBook, RuleDirection } from '#model/rule.ts'
import { BEYOND_PREFIX } from '#model/rule-program.ts'
import type { ByRule } from '#model/ruled-packet.ts'
import { defaultId } from '#policy/rules/essentials.ts'

interface Known {
  readonly book: RuleBook
  readonly rules: ReadonlyMap<string, Rule>
}

/** What the ids mean that rules have in the kernel: of the rules in force, and of those just before. */
export class RuleNames {
  readonly #read: () => RuleBook
  #known: readonly Known[] = []

  /** `read` gives the book in force. */
  constructor(read: () => RuleBook) {
    this.#read = read
  }

  /** Undefined for an id that no rule has. */
  ruleOf(id: string, direction: RuleDirection): ByRule | undefined {
    this.#refresh()
    for (const known of this.#known) {
      const because = becauseOf(known, id, direction)
      if (because) return because
    }
    return undefined
  }

  /** Packets of the rules before are still under way for a moment. */
  #refresh(): void {
    const book = this.#read()
    if (this.#known[0]?.book === book) return
    const rules = new Map(book.rules.map((rule) => [rule.id, rule]))
    this.#known = [{ book, rules }, ...this.#known.slice(0, 1)]
  }
}

function becauseOf({ book, rules }: Known, id: string, direction: RuleDirection): ByRule | undefined {
  if (id === defaultId(direction)) {
    const policy = book.defaults[direction]
    if (policy === 'allow') return undefined
    return { rule: { number: 0, id }, outcome: policy, isBeyondLimit: false }
  }
  const isBeyondLimit = id.startsWith(BEYOND_PREFIX)
  const rule = rules.get(isBeyondLimit ? id.slice(BEYOND_PREFIX.length) : id)
  const outcome = rule && outcomeOf(rule)
  if (!rule || !outcome) return undefined
  const { number, comment } = rule
  return { rule: { number, id: rule.id, ...(comment !== undefined && { comment }) }, outcome, isBeyondLimit }
}

function outcomeOf({ action }: Rule): ByRule['outcome'] | undefined {
  if (action.kind === 'limit') return action.limit.beyond
  return action.kind === 'allow' ? undefined : action.kind
}
