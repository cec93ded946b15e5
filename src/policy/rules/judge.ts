import { isOfDomain } from '#model/domain.ts'
import { answerTo } from '#model/program-question.ts'
import type { Condition, PacketFacts, Rule, RuleBook, RuleLimit, RulePolicy } from '#model/rule.ts'
import { familyOfAddress, holdsAddress } from './address-spans.ts'
import { allRules, defaultId } from './essentials.ts'
import { endOf } from './rule-end.ts'
import { isInForce } from './schedule.ts'
import { holdsPort, PORT_PROTOCOLS } from './words.ts'

/** What the rules say about one packet, and which of them says so. */
export interface Judgement {
  /** `limit`: allowed as long as it is within. */
  readonly action: RulePolicy | 'limit'
  readonly limit?: RuleLimit
  /** The rule that decided; absent where the default did. */
  readonly rule?: Rule
  /** The rule's id, or `default-inbound` and so on. */
  readonly id: string
  readonly because: string
  /** Ids of the rules that only recorded it on the way. */
  readonly audited: readonly string[]
}

/** First match wins. Pure: the kernel does the same with what `compile` makes of the book (test/kernel/rules). */
export function judge(book: RuleBook, facts: PacketFacts): Judgement {
  const audited: string[] = []
  for (const rule of allRules(book)) {
    if (!concerns(rule, facts)) continue
    if (rule.action.kind === 'audit') {
      audited.push(rule.id)
      continue
    }
    const { kind } = rule.action
    const limit = rule.action.kind === 'limit' ? { limit: rule.action.limit } : {}
    return { action: kind, ...limit, rule, id: rule.id, because: `${nameOf(rule)} says ${kind}`, audited }
  }
  const action = book.defaults[facts.direction]
  return {
    action,
    id: defaultId(facts.direction),
    because: `no rule decides; the default of ${facts.direction} is ${action}`,
    audited,
  }
}

/** How people call a rule: by its number, with its id where it has one of its own. */
export const nameOf = ({ number, id }: Pick<Rule, 'number' | 'id'>): string =>
  number === 0
    ? `the built-in rule ${id}`
    : id === `rule-${number}`
      ? `rule ${number}`
      : `rule ${number} (${id})`

/** Whether the rule decides (or records) a packet like that. */
const concerns = (rule: Rule, facts: PacketFacts): boolean =>
  rule.directions.includes(facts.direction) &&
  isInForce(rule, facts.at) &&
  rule.conditions.every((condition) => holds(condition, facts))

/** Whether a condition holds. A packet that lacks what is asked about never does, turned round or not. */
export function holds(condition: Condition, facts: PacketFacts): boolean {
  const plain = isSo(condition, facts)
  return plain !== undefined && plain !== condition.not
}

/** `undefined`: the packet has no such thing. */
function isSo(condition: Condition, facts: PacketFacts): boolean | undefined {
  switch (condition.kind) {
    case 'protocol':
      return condition.protocols.includes(facts.protocol)
    case 'source':
    case 'target':
      return holdsAddress(condition.spans, facts[condition.kind])
    case 'sourcePort':
    case 'targetPort':
      return portIsSo(condition.spans, facts.protocol, facts[condition.kind])
    case 'icmpType':
      return icmpIsSo(condition.types, facts)
    case 'interface':
      return nameIsSo(condition.names, interfaceOf(facts))
    case 'toInterface':
      return nameIsSo(condition.names, facts.direction === 'inbound' ? undefined : facts.toInterface)
    default:
      return restIsSo(condition, facts)
  }
}

function restIsSo(condition: Condition, facts: PacketFacts): boolean | undefined {
  switch (condition.kind) {
    case 'country':
    case 'asn': {
      const address = facts[endOf(condition.end, facts.direction)]
      return holdsAddress(condition.known, address) ? holdsAddress(condition.spans, address) : undefined
    }
    case 'domain': {
      const names = facts[`${endOf(condition.end, facts.direction)}Names`] ?? []
      return names.some((name) => condition.domains.some((domain) => isOfDomain(name, domain)))
    }
    case 'state':
      return condition.states.includes(facts.state)
    case 'user':
      if (facts.direction !== 'outbound' || facts.uid === undefined) return undefined
      return condition.uids.includes(facts.uid)
    case 'hopLimit':
      if (facts.hopLimit === undefined || familyOfAddress(facts.source) !== 6) return undefined
      return facts.hopLimit === condition.hopLimit
    case 'owner':
    case 'confidence':
      return isKnownSo(condition, facts)
    default:
      return programIsSo(condition, facts)
  }
}

/** What nobody knows the program of meets neither this nor its opposite. */
function isKnownSo(
  condition: Extract<Condition, { readonly kind: 'owner' | 'confidence' }>,
  { direction, program }: PacketFacts,
): boolean | undefined {
  if (direction === 'forward' || program === undefined) return undefined
  const { known } = program
  if (known === undefined) return true
  if (condition.kind === 'owner') return condition.sources.includes(known.source)
  return known.confidence === undefined ? undefined : known.confidence >= condition.atLeast
}

/** What is forwarded is of no program of this machine. */
function programIsSo(condition: Condition, { direction, program = {} }: PacketFacts): boolean | undefined {
  return direction === 'forward' || !('values' in condition) ? undefined : answerTo(condition, program)
}

const ICMP = 1
const ICMPV6 = 58

function portIsSo(
  spans: Parameters<typeof holdsPort>[0],
  protocol: number,
  port: number | undefined,
): boolean | undefined {
  return port === undefined || !PORT_PROTOCOLS.includes(protocol) ? undefined : holdsPort(spans, port)
}

function icmpIsSo(
  types: readonly { readonly protocol: number; readonly type: number }[],
  { protocol, icmpType }: PacketFacts,
): boolean | undefined {
  if (icmpType === undefined || (protocol !== ICMP && protocol !== ICMPV6)) return undefined
  return types.some((one) => one.protocol === protocol && one.type === icmpType)
}

const interfaceOf = ({ direction, fromInterface, toInterface }: PacketFacts): string | undefined =>
  direction === 'outbound' ? toInterface : fromInterface

function nameIsSo(names: readonly string[], name: string | undefined): boolean | undefined {
  if (name === undefined) return undefined
  return names.some((wanted) =>
    wanted.endsWith('*') ? name.startsWith(wanted.slice(0, -1)) : name === wanted,
  )
}
