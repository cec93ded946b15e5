import type { RuleDirection, RulePolicy } from '#model/rule.ts'

/** What became of one line of a foreign ruleset. `note`: why not, or what differs. */
export interface ImportedLine {
  /** From 1. */
  readonly line: number
  readonly text: string
  readonly outcome: 'mapped' | 'changed' | 'skipped'
  readonly note?: string
}

/** Keys and values of a rule as our file has them. */
export type WrittenRule = Readonly<Record<string, unknown>>

/** What another firewall's rules come to. Nothing of it is in force. */
export interface Imported {
  readonly defaults: Partial<Record<RuleDirection, RulePolicy>>
  readonly lists: Readonly<Record<string, readonly (string | number)[]>>
  readonly rules: readonly WrittenRule[]
  readonly lines: readonly ImportedLine[]
}

/** What a foreign rule asks for, by our keys; `inLink` and `outLink` become what they mean in a direction. */
export interface ForeignConditions {
  protocol?: unknown
  from?: unknown
  to?: unknown
  port?: unknown
  sourcePort?: unknown
  icmpType?: unknown
  state?: unknown
  user?: unknown
  inLink?: unknown
  outLink?: unknown
}

export type ForeignTarget =
  | { readonly kind: 'allow' | 'deny' | 'reject' | 'record' | 'return' }
  | { readonly kind: 'jump'; readonly to: string; readonly isGoto: boolean }

/** One rule of a chain, as iptables and nft have them. */
export interface ForeignRule {
  readonly line: number
  readonly text: string
  readonly conditions: ForeignConditions
  readonly target: ForeignTarget
  readonly comment?: string
  /** `6/30s`, and how many at once: beyond it the rule does not match. */
  readonly rate?: { readonly rate: string; readonly burst?: number }
}

export interface ForeignChain {
  /** Of a chain that packets come to by themselves. */
  readonly direction?: RuleDirection
  readonly policy?: RulePolicy
  readonly rules: ForeignRule[]
}

const MAX_DEPTH = 16
const MAX_RULES = 20_000

/** Puts the chains into one order. Chains that others jump to are written out where the jump is. */
export class ForeignRuleset {
  readonly chains = new Map<string, ForeignChain>()
  readonly lists: Record<string, (string | number)[]> = {}
  readonly defaults: Partial<Record<RuleDirection, RulePolicy>> = {}
  readonly #lines = new Map<number, ImportedLine>()
  readonly #rules: WrittenRule[] = []

  /** Says what became of a line; what is worse stays said. */
  say(line: number, text: string, outcome: ImportedLine['outcome'], note?: string): void {
    const before = this.#lines.get(line)
    if (before && RANK[before.outcome] >= RANK[outcome]) return
    this.#lines.set(line, { line, text: text.trim(), outcome, ...(note !== undefined && { note }) })
  }

  finish(): Imported {
    for (const chain of this.chains.values()) {
      if (chain.direction === undefined) continue
      if (chain.policy !== undefined) this.#addDefault(chain.direction, chain.policy)
      this.#walk(chain, chain.direction, [])
    }
    for (const { rules } of this.chains.values()) {
      for (const { line, text } of rules) {
        if (!this.#lines.has(line)) this.say(line, text, 'skipped', 'no chain that is mapped leads here')
      }
    }
    const lines = [...this.#lines.values()].sort((a, b) => a.line - b.line)
    return { defaults: this.defaults, lists: this.lists, rules: this.#rules, lines }
  }

  /** Of several chains at one place the strictest. */
  #addDefault(direction: RuleDirection, policy: RulePolicy): void {
    if (this.defaults[direction] === undefined || policy !== 'allow') this.defaults[direction] = policy
  }

  /** `way`: the jumps that lead here, the outermost first. */
  #walk(chain: ForeignChain, direction: RuleDirection, way: readonly ForeignRule[]): void {
    for (const rule of chain.rules) {
      if (rule.target.kind === 'jump') this.#jump(rule, rule.target, direction, way)
      else this.#add(rule, direction, way)
    }
  }

  #jump(
    rule: ForeignRule,
    { to, isGoto }: Extract<ForeignTarget, { kind: 'jump' }>,
    direction: RuleDirection,
    way: readonly ForeignRule[],
  ): void {
    const chain = this.chains.get(to)
    const skip = (note: string): void => this.say(rule.line, rule.text, 'skipped', note)
    if (!chain) return skip(`there is no chain ${to} here`)
    if (way.length >= MAX_DEPTH || way.includes(rule)) return skip('chains lead round in a circle')
    const returns = chain.rules.some(({ target }) => target.kind === 'return')
    if (returns) return skip(`the chain ${to} returns from its middle, which first-match rules cannot`)
    if (rule.rate) return skip('a jump within a rate has no equal here')
    if (isGoto)
      this.say(rule.line, rule.text, 'changed', `what ${to} does not decide goes on with the next rules`)
    else this.say(rule.line, rule.text, 'mapped')
    this.#walk(chain, direction, [...way, rule])
  }

  #add(rule: ForeignRule, direction: RuleDirection, way: readonly ForeignRule[]): void {
    const { line, text, target, rate } = rule
    if (target.kind === 'return') {
      this.say(line, text, 'skipped', 'a return has no equal here: the first match decides')
      return
    }
    const conditions = mergedConditions([...way, rule].map((one) => one.conditions))
    if (conditions === undefined) {
      this.say(line, text, 'skipped', 'this and the jumps that lead here ask for one thing twice')
      return
    }
    const written = writtenRule(rule, direction, conditions)
    if ('note' in written) {
      this.say(line, text, 'skipped', written.note)
      return
    }
    if (this.#rules.length >= MAX_RULES) {
      this.say(line, text, 'skipped', `more than ${MAX_RULES} rules`)
      return
    }
    this.#rules.push(written.rule)
    if (rate && target.kind === 'allow')
      this.say(line, text, 'changed', 'beyond the rate it is denied; there the next rules decided')
    else this.say(line, text, 'mapped')
  }
}

const RANK = { mapped: 0, changed: 1, skipped: 2 } as const

/** Undefined when two of them ask for the same thing, so that both would have to hold. */
function mergedConditions(all: readonly ForeignConditions[]): ForeignConditions | undefined {
  const merged: Record<string, unknown> = {}
  for (const conditions of all) {
    for (const [key, value] of Object.entries(conditions)) {
      if (merged[key] !== undefined && JSON.stringify(merged[key]) !== JSON.stringify(value)) return undefined
      merged[key] = value
    }
  }
  return merged
}

function writtenRule(
  { target, comment, rate }: ForeignRule,
  direction: RuleDirection,
  conditions: ForeignConditions,
): { readonly rule: WrittenRule } | { readonly note: string } {
  const { inLink, outLink, user, ...rest } = conditions
  if (inLink !== undefined && direction === 'outbound') return { note: 'outbound packets arrive nowhere' }
  if (outLink !== undefined && direction === 'inbound') return { note: 'inbound packets leave nowhere' }
  if (user !== undefined && direction !== 'outbound') return { note: 'only outbound packets have a user' }
  if (rate && target.kind !== 'allow') return { note: `${target.kind} within a rate has no equal here` }
  const action = target.kind === 'record' ? 'audit' : rate ? 'limit' : target.kind
  const link = direction === 'outbound' ? outLink : inLink
  const text = comment?.slice(0, MAX_COMMENT)
  return {
    rule: {
      action,
      direction,
      ...rest,
      ...(link !== undefined && { interface: link }),
      ...(direction === 'forward' && outLink !== undefined && { toInterface: outLink }),
      ...(user !== undefined && { user }),
      ...(rate && { limit: { ...rate, per: 'rule' } }),
      ...(text && { comment: text }),
    },
  }
}

const MAX_COMMENT = 200
