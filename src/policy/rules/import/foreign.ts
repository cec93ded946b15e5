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
    const why = whyNotInto(chain, rule, way)
    if (!chain || why !== undefined) {
      this.say(rule.line, rule.text, 'skipped', why ?? `there is no chain ${to} here`)
      return
    }
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
    if (rate) this.say(line, text, 'changed', RATE_NOTE[written.rule['action'] as keyof typeof RATE_NOTE])
    else this.say(line, text, 'mapped')
  }
}

const RATE_NOTE = {
  limit: 'beyond the rate it is denied; there the next rules decided',
  audit: 'the rate of the log is bounded as a whole: report.packetsPerSecond',
} as const

function whyNotInto(
  chain: ForeignChain | undefined,
  { rate }: ForeignRule,
  way: readonly ForeignRule[],
): string | undefined {
  if (way.length >= MAX_DEPTH) return 'chains lead round in a circle, or too deep'
  if (rate) return 'a jump within a rate has no equal here'
  const returns = chain?.rules.some(({ target }) => target.kind === 'return')
  return returns ? 'the chain returns from its middle, which first-match rules cannot' : undefined
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
  const note = whyNotHere(direction, conditions) ?? whyNoRate(target, rate)
  if (note !== undefined) return { note }
  const { inLink, outLink, ...rest } = conditions
  const isLimit = rate && target.kind === 'allow'
  const rule = {
    action: isLimit ? 'limit' : target.kind === 'record' ? 'audit' : target.kind,
    direction,
    ...rest,
    interface: direction === 'outbound' ? outLink : inLink,
    toInterface: direction === 'forward' ? outLink : undefined,
    limit: isLimit ? { ...rate, per: 'rule' } : undefined,
    comment: comment?.slice(0, MAX_COMMENT) || undefined,
  }
  return { rule: Object.fromEntries(Object.entries(rule).filter(([, value]) => value !== undefined)) }
}

/** What no packet of this direction has. */
function whyNotHere(
  direction: RuleDirection,
  { inLink, outLink, user }: ForeignConditions,
): string | undefined {
  if (inLink !== undefined && direction === 'outbound') return 'outbound packets arrive nowhere'
  if (outLink !== undefined && direction === 'inbound') return 'inbound packets leave nowhere'
  return user !== undefined && direction !== 'outbound' ? 'only outbound packets have a user' : undefined
}

const whyNoRate = (target: ForeignTarget, rate: ForeignRule['rate']): string | undefined =>
  rate && target.kind !== 'allow' && target.kind !== 'record'
    ? `${target.kind} within a rate has no equal here`
    : undefined

const MAX_COMMENT = 200
