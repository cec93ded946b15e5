import type { Condition, PacketFacts, Rule, RuleBook } from '#model/rule.ts'
import { allRules } from './essentials.ts'
import { holds, type Judgement, judge, nameOf } from './judge.ts'
import { isInForce } from './schedule.ts'
import { conditionText, ruleText } from './sentence.ts'

/** One rule on the way of a packet, and why it did or did not speak. */
export interface ExplainedStep {
  readonly number: number
  readonly id: string
  readonly rule: string
  readonly outcome: 'decides' | 'records' | 'passes'
  readonly conditions: readonly { readonly text: string; readonly holds: boolean }[]
}

export interface Explanation {
  readonly judgement: Judgement
  /** In order, up to the rule that decides. */
  readonly steps: readonly ExplainedStep[]
  /** The smallest change that would turn the verdict round. */
  readonly flip: string
}

/** What is known of a packet that bears on a condition, such as where its address is. */
export type Remark = (condition: Condition, facts: PacketFacts) => string | undefined

const noRemark: Remark = () => undefined

/** The path of a packet through the rules, each condition passed or failed. */
export function explain(book: RuleBook, facts: PacketFacts, remark = noRemark): Explanation {
  const judgement = judge(book, facts)
  const rules = allRules(book)
  const decider = judgement.rule ? rules.indexOf(judgement.rule) : rules.length
  const steps = rules.slice(0, decider + 1).map((rule) => stepOf(rule, facts, remark))
  return { judgement, steps, flip: flipOf(rules.slice(0, decider), facts, judgement) }
}

function stepOf(rule: Rule, facts: PacketFacts, remark: Remark): ExplainedStep {
  const conditions = [
    { text: `direction ${rule.directions.join(' or ')}`, holds: rule.directions.includes(facts.direction) },
    ...(isInForce(rule, facts.at) ? [] : [{ text: notInForce(rule), holds: false }]),
    ...rule.conditions.map((condition) => ({
      text: withRemark(conditionText(condition), remark(condition, facts)),
      holds: holds(condition, facts),
    })),
  ]
  const speaks = conditions.every((condition) => condition.holds)
  const outcome = !speaks ? 'passes' : rule.action.kind === 'audit' ? 'records' : 'decides'
  return { number: rule.number, id: rule.id, rule: ruleText(rule), outcome, conditions }
}

const withRemark = (text: string, remark: string | undefined): string =>
  remark === undefined ? text : `${text} (${remark})`

const notInForce = ({ enabled, schedule }: Rule): string =>
  !enabled ? 'switched on' : schedule ? `within ${schedule.text} and not expired` : 'not expired'

const lets = (action: string): boolean => action === 'allow' || action === 'limit'

/** The nearest miss among the rules that say the opposite; else a rule of its own, or the decider itself. */
function flipOf(before: readonly Rule[], facts: PacketFacts, judgement: Judgement): string {
  const passes = lets(judgement.action)
  const wanted = passes ? 'denied' : 'allowed'
  const misses = before
    .filter(({ number, action }) => number > 0 && action.kind !== 'audit' && lets(action.kind) !== passes)
    .map((rule) => ({ rule, missing: rule.conditions.filter((condition) => !holds(condition, facts)) }))
    .filter(
      ({ rule, missing }) =>
        missing.length === 1 && rule.directions.includes(facts.direction) && isInForce(rule, facts.at),
    )
  const [miss] = misses
  if (miss)
    return `It would be ${wanted} if this held of ${nameOf(miss.rule)}: ${conditionText(miss.missing[0] as Condition)}.`
  const own = `gatehouse rule add "${passes ? 'deny' : 'allow'} ${shortForm(facts)}" --at ${judgement.rule?.number || 1}`
  if (judgement.rule && judgement.rule.number > 0)
    return `It would be judged otherwise without ${nameOf(judgement.rule)}, or ${wanted} by: ${own}`
  return judgement.rule
    ? `${nameOf(judgement.rule)} comes first; essentials: judge or established: judge puts it to the rules.`
    : `It would be ${wanted} by: ${own}`
}

const DIRECTION_WORD = { inbound: 'in', outbound: 'out', forward: 'forward' } as const
const PROTOCOL_WORD: Readonly<Record<number, string>> = { 6: 'tcp', 17: 'udp' }

function shortForm({ direction, protocol, targetPort, source, target }: PacketFacts): string {
  const spoken = PROTOCOL_WORD[protocol]
  const what = targetPort !== undefined && spoken ? `${targetPort}/${spoken}` : `proto ${protocol}`
  const end = direction === 'outbound' ? `to ${target}` : `from ${source}`
  return `${DIRECTION_WORD[direction]} ${what} ${end}`
}
