import type { NamedAddress, NameMemory } from '#enforce/named-sets.ts'
import { type Ip, ip } from '#model/address.ts'
import type { Connection } from '#model/flow.ts'
import type { PacketFacts, RuleBook } from '#model/rule.ts'
import type { RuleWorld } from '#policy/rules/rule-reader.ts'
import { simulate } from '../../src/core/rule-simulation.ts'
import { EMPTY_BOOK } from '../../src/policy/rules/parse.ts'
import { aConnection } from './connections.ts'
import { madeUpPlaces } from './made-up-places.ts'

/** Places, names and a long list of the trial. Some addresses have no place, some no name, one has two names. */
const places = madeUpPlaces(
  {
    DE: ['192.0.2.0/29', '2001:db8::/48', '10.99.0.5'],
    FR: ['192.0.2.128-192.0.2.255', '2001:db8:1::/112', '203.0.113.0/24'],
    NO: ['198.51.100.0/25', 'fd99::5'],
  },
  { 64500: ['192.0.2.0/24', '198.51.100.64/26'], 64501: ['2001:db8:1::/48', '203.0.113.0/28'] },
)

const NAMES: Readonly<Record<string, readonly string[]>> = {
  '192.0.2.1': ['ads.example'],
  '192.0.2.4': ['x.ads.example', 'news.example'],
  '198.51.100.7': ['news.example'],
  '203.0.113.9': ['track.example'],
  '10.99.0.9': ['y.x.ads.example'],
  '2001:db8::1': ['ads.example'],
  '2001:db8:2::7': ['badads.example'],
}

export const DOMAINS = ['ads.example', '.ads.example', '*.x.ads.example', 'news.example', 'track.example']
export const COUNTRIES = ['DE', 'FR', 'NO']
export const PROGRAMS = ['/usr/bin/sender', '/opt/*', '*/run', '/usr/bin/absent']
export const UNITS = ['web', 'shop.slice']
export const NETWORKS = [64500, 'AS64501']
export const LONG_LIST = 'crowd'

/** Some of the trial's addresses among thousands of others, alone, in short ranges and in long ones. */
const CROWD = [
  ...Array.from({ length: 1_050 }, (_, at) => `11.${at >> 8}.${at & 255}.${at % 7}`),
  ...Array.from({ length: 1_050 }, (_, at) => `2001:db8:9::${at.toString(16)}:1`),
  '192.0.2.4',
  '198.51.100.98-198.51.100.100',
  '203.0.113.0/26',
  '2001:db8:1::9',
  '2001:db8:2::/64',
].join('\n')

export const trialWorld: RuleWorld = { uidOf: () => undefined, listText: () => CROWD, places }

export const namesOf = (address: Ip): readonly string[] => NAMES[address] ?? []

export const withNames = (facts: PacketFacts): PacketFacts => ({
  ...facts,
  sourceNames: namesOf(facts.source),
  targetNames: namesOf(facts.target),
})

const UNTIL_MS = 3_600_000

/** Half of the names are known before rules come into force; `late` are the others. */
export function trialNames(now: () => number): { readonly memory: NameMemory; late(): NamedAddress[] } {
  const all = (isLate: boolean): NamedAddress[] =>
    Object.entries(NAMES).flatMap(([address, names], at) =>
      (at % 2 === 1) === isLate
        ? names.map((name) => ({ name, address: ip(address), until: now() + UNTIL_MS }))
        : [],
    )
  return { memory: { now, entries: () => all(false) }, late: () => all(true) }
}

const SENDER = {
  pid: 1,
  name: 'sender',
  commandLine: 'sender',
  source: 'ebpf',
} as const

/** A flow as it would be remembered; undefined for packets of which a flow does not say enough. */
export function rememberedFlow(facts: PacketFacts): Connection | undefined {
  const { direction, source, target, protocol, state, uid, program } = facts
  const [path = 'unreadable'] = program?.paths ?? []
  const [unit] = program?.units ?? []
  const peer = direction === 'inbound' ? source : target
  const [name, ...more] = namesOf(peer)
  if (direction === 'forward' || state !== 'new' || more.length > 0) return undefined
  return aConnection({
    direction,
    protocol,
    source,
    target,
    peer,
    sourcePort: facts.sourcePort ?? facts.icmpType ?? 0,
    targetPort: facts.targetPort ?? 0,
    interfaceName: 'gh0',
    openedAt: facts.at,
    ...(name !== undefined && { name }),
    ...(uid !== undefined && {
      owner: { ...SENDER, path, uid, ...(unit !== undefined && { unit }) },
    }),
  })
}

/** Whether a simulation of the rules says that the flow would have been stopped. */
export async function isStoppedInSimulation(draft: RuleBook, flow: Connection): Promise<boolean> {
  const store = { flows: () => Promise.resolve({ items: [flow] }) }
  const { changed } = await simulate({ draft, current: EMPTY_BOOK }, store, { since: 0 })
  return changed === 1
}
