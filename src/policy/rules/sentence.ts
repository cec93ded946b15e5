import { reputationOver } from '#model/reputation-name.ts'
import type { Condition, ConditionKind, Rule, RuleAction } from '#model/rule.ts'

const BEFORE: Readonly<Record<ConditionKind, string>> = {
  protocol: 'protocol',
  source: 'from',
  target: 'to',
  sourcePort: 'from port',
  targetPort: 'port',
  icmpType: 'ICMP',
  interface: 'on',
  toInterface: 'leaving by',
  state: 'state',
  user: 'user',
  hopLimit: 'hop limit',
  country: 'country',
  asn: 'asn',
  domain: 'domain',
  program: 'program',
  sha256: 'program with SHA-256',
  package: 'package',
  unit: 'unit',
  container: 'container',
  owner: 'known by',
  confidence: 'as sure as',
}

/** `port 22`, `not from office`. */
export const conditionText = (condition: Condition): string =>
  `${condition.not ? 'not ' : ''}${'end' in condition ? END_WORDS[condition.end] : ''}${wordOf(condition)} ${condition.text}`

const wordOf = (condition: Condition): string =>
  condition.kind === 'domain' && condition.domains.some(({ name }) => reputationOver(name) !== undefined)
    ? 'reputation'
    : BEFORE[condition.kind]

const END_WORDS = { source: 'from ', target: 'to ', peer: '' } as const

/** One line that says what the rule does. */
export function ruleText(rule: Rule): string {
  const { directions, conditions, action } = rule
  const where = directions.length === 3 ? [] : [directions.join(' and ')]
  const times = [
    ...(rule.schedule ? [`at ${rule.schedule.text}`] : []),
    ...(rule.expiresAt === undefined ? [] : [`until ${new Date(rule.expiresAt).toISOString()}`]),
  ]
  return [actionText(action), ...where, ...conditions.map(conditionText), ...times].join(' ')
}

function actionText(action: RuleAction): string {
  if (action.kind === 'audit') return action.would ? `record (would ${action.would})` : 'record'
  if (action.kind !== 'limit') return action.kind
  const { limit } = action
  const each = limit.per === 'source' ? ' per source' : ''
  return limit.kind === 'rate'
    ? `limit to ${limit.packets} per ${limit.perSeconds} s${each}`
    : `limit to ${limit.connections} connections${each}`
}
