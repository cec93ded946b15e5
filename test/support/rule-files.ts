import { type Dice, PORTS, type TrialAddresses, USERS } from './rule-packets.ts'
import { COUNTRIES, DOMAINS, LONG_LIST, NETWORKS, PROGRAMS, UNITS } from './rule-trial-world.ts'

const DAYS = ['mon', 'tue', 'wed', 'thu', 'fri', 'sat', 'sun'] as const
const HOUR_MS = 3_600_000

/** A rules file as a person could write it, in YAML's JSON form; conditions and values by chance. */
export function randomRuleFile(dice: Dice, addresses: TrialAddresses, at: number): string {
  const lists = {
    friends: dice.some(
      [...addresses.strangers4, ...addresses.strangers6, '198.51.100.0/26', '2001:db8:1::/48'],
      4,
    ),
    foes: dice.some([...addresses.strangers4, ...addresses.strangers6, '192.0.2.1-192.0.2.5'], 3),
    services: dice.some([...PORTS, '8000-8100', '1-1023'], 4),
    [LONG_LIST]: { file: '/crowd' },
  }
  const file = {
    defaults: Object.fromEntries(
      ['inbound', 'outbound', 'forward'].map((direction) => [
        direction,
        dice.pick(['allow', 'deny', 'reject']),
      ]),
    ),
    ...(dice.chance(40) && { established: 'judge' }),
    ...(dice.chance(40) && { essentials: 'judge' }),
    lists,
    rules: dice.chance(30)
      ? alikeRules(dice, addresses)
      : Array.from({ length: dice.roll(13) }, () => randomRule(dice, addresses, at)),
  }
  return JSON.stringify(file, undefined, 1)
}

/** Many rules of one kind, as files have them that a program wrote: such rows become trees. */
function alikeRules(dice: Dice, addresses: TrialAddresses): Written[] {
  const asks = dice.pick(['from', 'port', 'to'])
  const more: readonly (readonly [percent: number, key: string, value: () => unknown])[] = [
    [90, asks, () => (asks === 'port' ? somePorts(dice) : someAddresses(dice, addresses))],
    [20, 'country', () => turned(dice, dice.some(COUNTRIES, 2))],
    [20, 'domain', () => turned(dice, dice.some(DOMAINS, 2))],
    [50, 'port', () => somePorts(dice)],
    [50, 'protocol', () => dice.pick(['tcp', 'udp'])],
  ]
  return Array.from({ length: 10 + dice.roll(30) }, () => ({
    ...randomAction(dice),
    direction: dice.some(['inbound', 'outbound', 'forward'], 3),
    ...Object.fromEntries(
      more.filter(([percent]) => dice.chance(percent)).map(([, key, value]) => [key, value()]),
    ),
  }))
}

type Written = Record<string, unknown>

function randomRule(dice: Dice, addresses: TrialAddresses, at: number): Written {
  const direction = dice.chance(70) ? { direction: dice.some(['inbound', 'outbound', 'forward'], 2) } : {}
  const rule: Written = { ...randomAction(dice), ...direction }
  const directions = (direction.direction ?? ['inbound', 'outbound', 'forward']) as string[]
  for (const [percent, add] of CONDITIONS) {
    if (dice.chance(percent)) add(rule, dice, { addresses, at, directions })
  }
  return rule
}

function randomAction(dice: Dice): Written {
  const action = dice.pick(['allow', 'allow', 'deny', 'deny', 'reject', 'limit', 'audit'])
  if (dice.chance(8)) return { action, audit: true }
  if (action !== 'limit') return { action }
  // Wide enough that nothing is beyond it: what is beyond depends on time, and has a test of its own.
  const limit = dice.chance(50) ? { rate: '5000/second', burst: 5000 } : { connections: 100_000 }
  return { action, limit: { ...limit, per: dice.pick(['source', 'rule']) } }
}

interface Surroundings {
  readonly addresses: TrialAddresses
  readonly at: number
  readonly directions: readonly string[]
}

type Add = (rule: Written, dice: Dice, around: Surroundings) => void

const CONDITIONS: readonly (readonly [percent: number, add: Add])[] = [
  [
    45,
    (rule, dice) => {
      rule['protocol'] = turned(dice, dice.some(['tcp', 'udp', 'icmp', 'icmpv6', 50, 'ospf'], 2))
    },
  ],
  [
    35,
    (rule, dice, { addresses }) => {
      rule['from'] = turned(dice, someAddresses(dice, addresses))
    },
  ],
  [
    25,
    (rule, dice, { addresses }) => {
      rule['to'] = turned(dice, someAddresses(dice, addresses))
    },
  ],
  [
    20,
    (rule, dice) => {
      rule[dice.pick(['country', 'fromCountry', 'toCountry'])] = turned(dice, dice.some(COUNTRIES, 2))
    },
  ],
  [
    12,
    (rule, dice) => {
      rule[dice.pick(['asn', 'fromAsn', 'toAsn'])] = turned(dice, dice.some(NETWORKS, 2))
    },
  ],
  [
    20,
    (rule, dice) => {
      rule[dice.pick(['domain', 'fromDomain', 'toDomain'])] = turned(dice, dice.some(DOMAINS, 2))
    },
  ],
  [
    30,
    (rule, dice) => {
      rule['port'] = turned(dice, somePorts(dice))
    },
  ],
  [
    10,
    (rule, dice) => {
      rule['sourcePort'] = turned(dice, somePorts(dice))
    },
  ],
  [
    10,
    (rule, dice) => {
      const types = [
        'ping',
        'echo-reply',
        'unreachable',
        'time-exceeded',
        'icmp/13',
        'icmpv6/135',
        'icmpv6/143',
      ]
      rule['icmpType'] = turned(dice, dice.some(types, 3))
    },
  ],
  [
    12,
    (rule, dice) => {
      rule['interface'] = turned(dice, dice.some(['gh0', 'gh*', 'eth0', 'wg*', 'beyond0'], 2))
    },
  ],
  [
    8,
    (rule, dice, { directions }) => {
      if (directions.some((direction) => direction !== 'inbound'))
        rule['toInterface'] = turned(dice, ['beyond*'])
    },
  ],
  [
    15,
    (rule, dice) => {
      rule['state'] = turned(dice, dice.some(['new', 'established', 'related', 'invalid', 'untracked'], 3))
    },
  ],
  [
    15,
    (rule, dice, { directions }) => {
      if (directions.includes('outbound')) rule['user'] = turned(dice, dice.some([...USERS, 4242], 2))
    },
  ],
  [
    15,
    (rule, dice, { directions }) => {
      if (directions.includes('outbound')) rule['program'] = turned(dice, dice.some(PROGRAMS, 2))
    },
  ],
  [
    10,
    (rule, dice, { directions }) => {
      if (directions.includes('outbound')) rule['unit'] = turned(dice, dice.some(UNITS, 2))
    },
  ],
  [
    6,
    (rule, dice, { at }) => {
      rule['expires'] = new Date(at + dice.pick([-1, 1]) * HOUR_MS).toISOString().replace(/\.\d+Z$/, 'Z')
    },
  ],
  [
    6,
    (rule, dice) => {
      const clock = (): string => `${dice.roll(24)}:${String(dice.roll(60)).padStart(2, '0')}`
      rule['schedule'] = { days: dice.some(DAYS, 7), from: clock(), to: clock() }
    },
  ],
  [
    3,
    (rule) => {
      rule['enabled'] = false
    },
  ],
]

const turned = (dice: Dice, value: unknown): unknown => (dice.chance(25) ? { not: value } : value)

const someAddresses = (
  dice: Dice,
  { strangers4, strangers6, own4, own6, beyond4, beyond6 }: TrialAddresses,
): unknown =>
  dice.chance(35)
    ? dice.pick(['friends', 'foes', LONG_LIST])
    : dice.some(
        [
          ...strangers4,
          ...strangers6,
          own4,
          own6,
          ...beyond4,
          ...beyond6,
          'friends',
          '192.0.2.0/29',
          '198.51.100.0/24',
          '203.0.113.5-203.0.113.90',
          '0.0.0.0/0',
          '::/0',
          '2001:db8::/32',
          '2001:db8:1::1-2001:db8:1::ff',
          'fe80::/10',
        ],
        3,
      )

const somePorts = (dice: Dice): unknown =>
  dice.chance(25) ? 'services' : dice.some([...PORTS, 'ssh', '1-1023', '8000-8080', '1024-65535'], 3)
