import { formatIpv4, formatIpv6 } from '#model/address.ts'
import { RULE_DIRECTIONS } from '#model/rule.ts'
import {
  CONNECTION_BITS,
  type ProgramLimit,
  type ProgramMap,
  type ProgramRow,
  type ProgramSet,
  type ProgramStep,
  type ProgramTest,
  type RuleProgram,
} from '#model/rule-program.ts'
import { MAX_METERED, PRIORITY, REFUSE } from './rule-table.ts'

const HOOK_WORD = { inbound: 'input', forward: 'forward', outbound: 'output' } as const

type SetsByName = ReadonlyMap<string, ProgramSet>

/**
 * The program as `nft -f` reads it: for people who look, and for machines without Gatehouse. What is written about
 * packets is left out, and so is all that is filled while Gatehouse runs: those sets are there, and empty.
 */
export function rulesetText(table: string, program: RuleProgram): string {
  const sets: SetsByName = new Map(program.sets.map((set) => [set.name, set]))
  const how = { sets, mask: program.markMask ?? 0 }
  const chain = (name: string, rows: readonly ProgramRow[], head: readonly string[] = []): string =>
    block(`chain ${name}`, [...head, ...rows.map((row) => rowText(row, how))])
  const parts = [
    ...program.sets.flatMap((set) => setText(set)),
    ...(program.named ?? []).map(({ name, family }) =>
      block(`set ${name}`, [`type ${TYPE[`address${family}`]}`, 'flags timeout']),
    ),
    ...program.meters.map(({ name, family, lastsSeconds }) =>
      block(`set ${name}`, [
        `type ${TYPE[`address${family}`]}`,
        `size ${MAX_METERED}`,
        lastsSeconds === undefined ? 'flags dynamic' : 'flags dynamic, timeout',
        ...(lastsSeconds === undefined ? [] : [`timeout ${lastsSeconds}s`]),
      ]),
    ),
    block(`chain ${REFUSE}`, [
      `meta l4proto tcp reject with tcp reset comment "${REFUSE}"`,
      `reject with icmpx port-unreachable comment "${REFUSE}"`,
    ]),
    ...program.branches.map(({ name, rows }) => chain(name, rows)),
    ...(program.maps ?? []).map(mapText),
    ...RULE_DIRECTIONS.map((direction) =>
      chain(direction, program.chains[direction], [
        `type filter hook ${HOOK_WORD[direction]} priority ${PRIORITY}; policy accept`,
      ]),
    ),
  ]
  const body = parts.map((part) => part.replaceAll(/^(?=.)/gm, '\t')).join('\n')
  return `table inet ${table}\ndelete table inet ${table}\ntable inet ${table} {\n${body}}\n`
}

const block = (head: string, lines: readonly string[]): string =>
  `${head} {\n${lines.map((line) => `\t${line}\n`).join('')}}\n`

const TYPE = { address4: 'ipv4_addr', address6: 'ipv6_addr', mark: 'mark', port: 'inet_service' } as const

/** Protocols, types of ICMP and times stand where they are asked for: nft would tell their types apart. */
function setText(set: ProgramSet): string[] {
  if (set.holds === 'byte' || set.holds === 'time') return []
  const flags = 'isSingles' in set && set.isSingles ? [] : ['flags interval']
  return [block(`set ${set.name}`, [`type ${TYPE[set.holds]}`, ...flags, ...elementsOf(spansOf(set))])]
}

const elementsOf = (elements: readonly string[]): string[] =>
  elements.length === 0 ? [] : [`elements = { ${elements.join(', ')} }`]

function mapText({ name, on, ways }: ProgramMap): string {
  const holds = MAP_HOLDS[on]
  const elements = ways.flatMap(({ branch, spans }) =>
    pairs(spans).map(([first, last]) => `${spanText(first, last, VALUE[holds])} : jump ${branch}`),
  )
  return block(`map ${name}`, [`type ${TYPE[holds]} : verdict`, 'flags interval', ...elementsOf(elements)])
}

const MAP_HOLDS = {
  source4: 'address4',
  target4: 'address4',
  source6: 'address6',
  target6: 'address6',
  sourcePort: 'port',
  targetPort: 'port',
} as const

const FIELD_WORDS = {
  source4: 'ip saddr',
  target4: 'ip daddr',
  source6: 'ip6 saddr',
  target6: 'ip6 daddr',
  sourcePort: 'th sport',
  targetPort: 'th dport',
  icmpType: '@th,0,8',
  hopLimit6: 'ip6 hoplimit',
  protocol: 'meta l4proto',
  time: 'meta time',
} as const

interface HowToWrite {
  readonly sets: SetsByName
  readonly mask: number
}

function rowText({ id, steps, beyond, verdict }: ProgramRow, how: HowToWrite): string {
  const words = [
    ...steps.map((step) => stepText(step, how)),
    ...(beyond ? [beyondText(beyond)] : []),
    ...(typeof verdict === 'object'
      ? [`${FIELD_WORDS[verdict.on]} vmap @${verdict.map}`]
      : ['counter', ...VERDICT_WORDS[verdict]]),
    ...(id === '' ? [] : [`comment "${id}"`]),
  ]
  return words.join(' ')
}

const VERDICT_WORDS = {
  accept: ['accept'],
  drop: ['drop'],
  reject: [`goto ${REFUSE}`],
  continue: [],
} as const

/** nft counts in whole units of time; what does not fit is rounded up to packets in an hour. */
function beyondText(beyond: NonNullable<ProgramRow['beyond']>): string {
  const limit = limitText(beyond)
  if (!beyond.meter) return limit
  const { set, family } = beyond.meter
  const verb = beyond.kind === 'rate' ? 'update' : 'add'
  return `${verb} @${set} { ${FIELD_WORDS[`source${family}`]} ${limit} }`
}

function limitText(limit: ProgramLimit): string {
  if (limit.kind === 'connections') return `ct count over ${limit.connections}`
  const { packets, perSeconds, burst } = limit
  const unit = UNITS[perSeconds]
  const rate = unit === undefined ? `${Math.ceil((packets * 3600) / perSeconds)}/hour` : `${packets}/${unit}`
  return `limit rate over ${rate} burst ${burst} packets`
}

const UNITS: Readonly<Record<number, string>> = {
  1: 'second',
  60: 'minute',
  3600: 'hour',
  86400: 'day',
  604800: 'week',
}

function stepText(step: ProgramStep, { sets, mask }: HowToWrite): string {
  switch (step.on) {
    case 'family':
      return `meta nfproto ipv${step.family}`
    case 'user':
      return `meta skuid ${step.not ? '!= ' : ''}${step.uid}`
    case 'state':
      return stateText(step.bits, step.not)
    case 'sender':
    case 'receiver':
      return `${step.on === 'sender' ? 'meta' : 'socket'} mark & 0x${mask.toString(16)} @${step.set}`
    case 'fromInterface':
    case 'toInterface':
      return `${step.on === 'fromInterface' ? 'iifname' : 'oifname'} ${step.not ? '!= ' : ''}"${step.name}"`
    default:
      return `${FIELD_WORDS[step.on]} ${testText(step.test, step.on, sets)}`
  }
}

function stateText(bits: number, not: boolean): string {
  const states = Object.entries(CONNECTION_BITS).flatMap(([name, bit]) => ((bits & bit) === 0 ? [] : [name]))
  return not ? `ct state & (${states.join(' | ')}) == 0` : `ct state ${states.join(',')}`
}

function testText(
  test: ProgramTest<number> | ProgramTest<bigint>,
  on: keyof typeof FIELD_WORDS,
  sets: SetsByName,
): string {
  const not = test.not ? '!= ' : ''
  if (test.is === 'within') return `${not}${spanText(test.first, test.last, VALUE_OF[on])}`
  const set = sets.get(test.set)
  if (!set || setText(set).length > 0) return `${not}@${test.set}`
  return `${not}{ ${spansOf(set).join(', ')} }`
}

type Value = number | bigint

const plain = (value: Value): string => String(value)
const ipv4 = (value: Value): string => formatIpv4(Number(value))
const ipv6 = (value: Value): string => {
  const words = [96n, 64n, 32n, 0n].map((shift) => Number((BigInt(value) >> shift) & 0xffff_ffffn))
  return formatIpv6(...(words as [number, number, number, number]))
}
/** In quotes a number is seconds since the epoch (nft's datatype time). */
const seconds = (value: Value): string => `"${BigInt(value) / 1_000_000_000n}"`

const VALUE = {
  address4: ipv4,
  address6: ipv6,
  port: plain,
  byte: plain,
  mark: plain,
  time: seconds,
} as const
const VALUE_OF = {
  ...{ source4: ipv4, target4: ipv4, source6: ipv6, target6: ipv6 },
  ...{ sourcePort: plain, targetPort: plain, icmpType: plain, hopLimit6: plain, protocol: plain },
  time: seconds,
} as const

const spansOf = (set: ProgramSet): string[] =>
  pairs(set.spans).map(([first, last]) => spanText(first, last, VALUE[set.holds]))

function spanText(first: Value, last: Value, show: (value: Value) => string): string {
  const [from, to] = [show(first), show(last)]
  return from === to ? from : `${from}-${to}`
}

function pairs(flat: ArrayLike<Value>): (readonly [Value, Value])[] {
  return Array.from({ length: flat.length / 2 }, (_, at) => [
    flat[at * 2] as Value,
    flat[at * 2 + 1] as Value,
  ])
}
