import type { ProgramQuestion } from '#model/program-question.ts'
import {
  type Condition,
  type IpFamily,
  RULE_DIRECTIONS,
  type Rule,
  type RuleBook,
  type RuleDirection,
  type RuleLimit,
} from '#model/rule.ts'
import {
  BEYOND_PREFIX,
  CONNECTION_BITS,
  type ProgramLimit,
  type ProgramRow,
  type ProgramStep,
  type ProgramVerdict,
  type RuleProgram,
} from '#model/rule-program.ts'
import { ADDRESS_KINDS, addressChoices, addressesAsked } from './address-steps.ts'
import { allRules, defaultId } from './essentials.ts'
import { ProgramSets } from './program-sets.ts'
import { RowTree, USUAL_FANOUT } from './row-tree.ts'
import { windowsOf } from './schedule.ts'
import { PORT_PROTOCOLS } from './words.ts'

const DAY_MS = 86_400_000
/** Schedules are written out so far ahead: they hold that long without us. */
const AHEAD_MS = 15 * DAY_MS
const FRESH_MS = DAY_MS
/** Who is quiet for so long begins anew, beyond what the limit itself looks back. */
const METER_SECONDS = 60

const VERDICT = {
  allow: 'accept',
  deny: 'drop',
  reject: 'reject',
  audit: 'continue',
  limit: 'accept',
} as const

/** What a packet filter has to run so that it decides as `judge` does, from `at` on. `fanout`: rows in one chain. */
export function compile(book: RuleBook, at: number, fanout = USUAL_FANOUT): RuleProgram {
  const sets = new ProgramSets()
  const tree = new RowTree(sets, fanout)
  const rules = allRules(book).filter(({ enabled, expiresAt }) => enabled && (expiresAt ?? at + 1) > at)
  const chainOf = (direction: RuleDirection): ProgramRow[] => [
    ...tree.grow(
      rules
        .filter(({ directions }) => directions.includes(direction))
        .flatMap((rule) => rowsOf(rule, direction, sets, at)),
    ),
    { id: defaultId(direction), steps: [], verdict: VERDICT[book.defaults[direction]] },
  ]
  const [inbound, outbound, forward] = RULE_DIRECTIONS.map(chainOf) as [
    ProgramRow[],
    ProgramRow[],
    ProgramRow[],
  ]
  return {
    sets: sets.all,
    meters: sets.meters,
    named: sets.named,
    classes: sets.classes,
    maps: tree.maps,
    branches: tree.branches,
    chains: { inbound, outbound, forward },
    ...(rules.some(({ schedule }) => schedule) && { freshUntil: at + FRESH_MS }),
  }
}

/** Rows that share no packet, and together match what the rule matches. */
function rowsOf(rule: Rule, direction: RuleDirection, sets: ProgramSets, at: number): ProgramRow[] {
  const perSource = rule.action.kind === 'limit' && rule.action.limit.per === 'source'
  const choices = choicesOf(rule.conditions, direction, sets)
  if (choices === undefined) return []
  const timed = timeSteps(rule, sets, at)
  const families = familiesOf(rule.conditions, perSource)
  return families.flatMap((family) => {
    const addresses = addressChoices(
      rule.conditions.flatMap((condition) => addressesAsked(condition, direction)),
      family,
      // A limit is that of one row.
      { sets, isOneRow: rule.action.kind === 'limit' },
    )
    if (addresses === undefined) return []
    const familyStep: ProgramStep[] = family === undefined ? [] : [{ on: 'family', family }]
    return combinations([...choices, ...addresses]).flatMap((steps) =>
      decided(rule, [...familyStep, ...steps, ...timed], sets, family),
    )
  })
}

/** Addresses, hop limits and limits per source are of one family; all else is of both. */
function familiesOf(conditions: readonly Condition[], perSource: boolean): readonly (IpFamily | undefined)[] {
  if (conditions.some(({ kind }) => kind === 'hopLimit')) return [6]
  const hasAddress = conditions.some(({ kind }) => ADDRESS_KINDS.includes(kind))
  return hasAddress || perSource ? [4, 6] : [undefined]
}

/** What of a rule is one of several: each choice is a list of steps. */
type Choices = readonly (readonly ProgramStep[])[]

/** Undefined: no packet of this direction matches. */
function choicesOf(
  conditions: readonly Condition[],
  direction: RuleDirection,
  sets: ProgramSets,
): readonly Choices[] | undefined {
  const transport = transportChoices(conditions, sets)
  const others = conditions.flatMap((condition) => plainChoices(condition, direction, sets))
  return transport.length === 0 || others.some((choices) => choices.length === 0)
    ? undefined
    : [transport, ...others]
}

const combinations = (all: readonly Choices[]): ProgramStep[][] =>
  all.reduce<ProgramStep[][]>(
    (sofar, choices) => sofar.flatMap((steps) => choices.map((choice) => [...steps, ...choice])),
    [[]],
  )

/** Protocol, ports and types hang together: a port is only there in some protocols, a type in two. */
function transportChoices(conditions: readonly Condition[], sets: ProgramSets): Choices {
  const protocols = protocolsOf(conditions)
  if (protocols.length === 0) return []
  const types = conditions.filter((condition) => condition.kind === 'icmpType')
  if (types.length > 0) {
    return protocols.flatMap((protocol) => {
      const steps = icmpSteps(types, protocol, sets)
      return steps ? [[{ on: 'protocol', test: sets.bytes([protocol], false) } as const, ...steps]] : []
    })
  }
  const ports = conditions.flatMap((condition): ProgramStep[] =>
    condition.kind === 'sourcePort' || condition.kind === 'targetPort'
      ? [{ on: condition.kind, test: sets.ports(condition.spans, condition.not) }]
      : [],
  )
  return [[...protocolSteps(protocols, sets), ...ports]]
}

const ALL_PROTOCOLS = Array.from({ length: 256 }, (_, number) => number)
const ICMP_PROTOCOLS = [1, 58]

/** Those that all conditions leave. */
function protocolsOf(conditions: readonly Condition[]): readonly number[] {
  return ALL_PROTOCOLS.filter((protocol) =>
    conditions.every((condition) => {
      if (condition.kind === 'protocol') return condition.protocols.includes(protocol) !== condition.not
      if (condition.kind === 'sourcePort' || condition.kind === 'targetPort')
        return PORT_PROTOCOLS.includes(protocol)
      if (condition.kind === 'icmpType') return ICMP_PROTOCOLS.includes(protocol)
      return true
    }),
  )
}

function protocolSteps(protocols: readonly number[], sets: ProgramSets): ProgramStep[] {
  if (protocols.length === ALL_PROTOCOLS.length) return []
  if (protocols.length <= ALL_PROTOCOLS.length / 2)
    return [{ on: 'protocol', test: sets.bytes(protocols, false) }]
  const others = ALL_PROTOCOLS.filter((protocol) => !protocols.includes(protocol))
  return [{ on: 'protocol', test: sets.bytes(others, true) }]
}

/** Undefined: no type of this protocol is asked for. */
function icmpSteps(
  conditions: readonly Extract<Condition, { readonly kind: 'icmpType' }>[],
  protocol: number,
  sets: ProgramSets,
): ProgramStep[] | undefined {
  const steps: ProgramStep[] = []
  for (const { types, not } of conditions) {
    const wanted = types.filter((one) => one.protocol === protocol).map(({ type }) => type)
    if (wanted.length === 0 && !not) return undefined
    if (wanted.length > 0) steps.push({ on: 'icmpType', test: sets.bytes(wanted, not) })
    // Whatever the type: it must be there at all.
    else steps.push({ on: 'icmpType', test: { is: 'within', first: 0, last: 255, not: false } })
  }
  return steps
}

/** None for conditions that are done elsewhere; one without choices where nothing can match. */
function plainChoices(condition: Condition, direction: RuleDirection, sets: ProgramSets): Choices[] {
  switch (condition.kind) {
    case 'interface':
      return [namesOf(direction === 'outbound' ? 'toInterface' : 'fromInterface', condition)]
    case 'toInterface':
      return [direction === 'inbound' ? [] : namesOf('toInterface', condition)]
    case 'user':
      return [direction === 'outbound' ? usersOf(condition) : []]
    case 'state': {
      const bits = condition.states.reduce((sum, state) => sum | CONNECTION_BITS[state], 0)
      return [[[{ on: 'state', not: condition.not, bits }]]]
    }
    case 'hopLimit':
      return [[[{ on: 'hopLimit6', test: sets.bytes([condition.hopLimit], condition.not) }]]]
    default:
      return 'values' in condition ? [programOf(condition, direction, sets)] : []
  }
}

/** One name after the other where each must not be; else one choice each. */
function namesOf(
  on: 'fromInterface' | 'toInterface',
  { names, not }: { readonly names: readonly string[]; readonly not: boolean },
): Choices {
  const steps = names.map((name): ProgramStep => ({ on, not, name }))
  return not ? [steps] : steps.map((step) => [step])
}

function programOf(
  condition: ProgramQuestion & { readonly not: boolean },
  direction: RuleDirection,
  sets: ProgramSets,
): Choices {
  if (direction === 'forward') return []
  const set = sets.programs(condition, !condition.not)
  return [[{ on: direction === 'outbound' ? 'sender' : 'receiver', set }]]
}

function usersOf({ uids, not }: { readonly uids: readonly number[]; readonly not: boolean }): Choices {
  const steps = uids.map((uid): ProgramStep => ({ on: 'user', not, uid }))
  return not ? [steps] : steps.map((step) => [step])
}

const NANOSECONDS = 1_000_000n

function timeSteps({ expiresAt, schedule }: Rule, sets: ProgramSets, at: number): ProgramStep[] {
  const steps: ProgramStep[] = []
  if (expiresAt !== undefined) {
    const last = BigInt(Math.ceil(expiresAt)) * NANOSECONDS - 1n
    steps.push({ on: 'time', test: { is: 'within', first: 0n, last, not: false } })
  }
  if (schedule) {
    const windows = windowsOf(schedule, at, at + AHEAD_MS).flatMap(({ first, end }) => [
      BigInt(first) * NANOSECONDS,
      BigInt(end) * NANOSECONDS - 1n,
    ])
    steps.push({ on: 'time', test: sets.times(windows) })
  }
  return steps
}

/** The rows that decide, once all steps hold. */
function decided(
  { id, action }: Rule,
  steps: readonly ProgramStep[],
  sets: ProgramSets,
  family: IpFamily | undefined,
): ProgramRow[] {
  const verdict: ProgramVerdict = VERDICT[action.kind]
  if (action.kind !== 'limit') return [{ id, steps, verdict }]
  const { limit } = action
  const meter =
    limit.per === 'source' && family
      ? { set: sets.meter(id, family, lastsSeconds(limit)), family }
      : undefined
  return [
    {
      id: `${BEYOND_PREFIX}${id}`,
      steps,
      beyond: { ...programLimit(limit), ...(meter && { meter }) },
      verdict: VERDICT[limit.beyond],
    },
    { id, steps, verdict },
  ]
}

/** A source's own count of connections ends with the last of them; its rate is forgotten some time after. */
const lastsSeconds = (limit: RuleLimit): number | undefined =>
  limit.kind === 'rate'
    ? METER_SECONDS + Math.ceil((limit.perSeconds / limit.packets) * limit.burst)
    : undefined

function programLimit(limit: RuleLimit): ProgramLimit {
  if (limit.kind === 'connections') return { kind: 'connections', connections: limit.connections }
  const { packets, perSeconds, burst } = limit
  // nft can only show whole units: six in half a minute are twelve in a minute.
  const unit = UNITS.find((seconds) => seconds >= perSeconds && (packets * seconds) % perSeconds === 0)
  if (unit === undefined) return { kind: 'rate', packets, perSeconds, burst }
  return { kind: 'rate', packets: (packets * unit) / perSeconds, perSeconds: unit, burst }
}

const UNITS = [1, 60, 3600, 86_400, 604_800]
