import { type Ip, isIpv6, isRange } from '#model/address.ts'
import type { AllowEntry } from '#model/allow.ts'
import type { Connection } from '#model/flow.ts'
import type { PacketFacts, RuleBook } from '#model/rule.ts'
import { judge } from '#policy/rules/judge.ts'
import { programFactsOf } from './program-facts.ts'

/** A packet that this machine, or the person at it, lives on. */
export interface VitalPacket {
  readonly what: string
  readonly facts: PacketFacts
}

export interface VitalParts {
  /** Who must stay reachable (enforce/surroundings.ts): sessions, DNS servers, gateways, own addresses. */
  readonly entries: readonly AllowEntry[]
  readonly connections: readonly Connection[]
  /** The link of the default route. */
  readonly link: string | undefined
  readonly pagePort: number
  readonly at: number
  /** Names that rules by domain know of an address. */
  readonly namesOf?: (address: Ip) => readonly string[]
}

const [TCP, UDP, ICMPV6] = [6, 17, 58]
const [SSH, DNS, NTP, DHCP_SERVER, DHCP_CLIENT] = [22, 53, 123, 67, 68]
const NEIGHBOUR_SOLICITATION = 135
const HIGH_PORT = 50_000

/** What rules must not cut: login sessions, the page, DNS, time, DHCP, the neighbours, loopback; both ways each. */
export function vitalTraffic(parts: VitalParts): VitalPacket[] {
  const namesOf = parts.namesOf ?? (() => [])
  return [
    ...parts.entries.flatMap((entry) => entryPackets(entry, parts)),
    ...parts.connections.flatMap((connection) => connectionPackets(connection, parts)),
    ...loopbackPackets(parts.at),
  ].map(({ what, facts }) => {
    const names = { sourceNames: namesOf(facts.source), targetNames: namesOf(facts.target) }
    return { what, facts: { ...facts, ...names } }
  })
}

/** Of what is vital, what `draft` would stop and `current` lets through. */
export function cutsOf(
  draft: RuleBook,
  current: RuleBook,
  vital: readonly VitalPacket[],
): { readonly what: string; readonly because: string }[] {
  const cuts = new Map<string, string>()
  for (const { what, facts } of vital) {
    const verdict = judge(draft, facts)
    if (passes(verdict.action) || !passes(judge(current, facts).action) || cuts.has(what)) continue
    cuts.set(what, verdict.because)
  }
  return [...cuts].map(([what, because]) => ({ what, because }))
}

/** Rules of a lockdown. Established connections are put to the rules too: only those with a session go on. */
export const lockdownText = (sessions: readonly Ip[]): string =>
  JSON.stringify({
    defaults: { inbound: 'deny', outbound: 'deny', forward: 'deny' },
    established: 'judge',
    rules: sessions.flatMap((address) => [
      { action: 'allow', direction: 'inbound', from: address },
      { action: 'allow', direction: 'outbound', to: address },
    ]),
  })

const passes = (action: string): boolean => action === 'allow' || action === 'limit'

function entryPackets({ target, source, note }: AllowEntry, parts: VitalParts): VitalPacket[] {
  if (isRange(target)) return []
  const own = ownAddress(target, parts.entries)
  switch (source) {
    case 'session': {
      const session = sessionOf(target, parts.connections)
      const facts = callIn(target, own, session?.localPort ?? SSH, parts)
      return bothWays(note, { ...facts, program: programFactsOf(session?.owner) })
    }
    case 'dns':
      return [UDP, TCP].flatMap((protocol) =>
        bothWays(note, callOut(own, target, { protocol, port: DNS }, parts)),
      )
    case 'gateway':
      return isIpv6(target)
        ? neighbourPackets(note, target, own, parts)
        : dhcpPackets(note, target, own, parts)
    default:
      return []
  }
}

/** Sessions of the page from elsewhere, and the clocks that are asked for the time. */
function connectionPackets(
  { direction, protocol, peer, localPort, peerPort, source, target, owner }: Connection,
  parts: VitalParts,
): VitalPacket[] {
  const program = programFactsOf(owner)
  if (direction === 'inbound' && protocol === TCP && localPort === parts.pagePort)
    return bothWays(`the page as ${peer} has it open`, { ...callIn(peer, target, localPort, parts), program })
  if (direction === 'outbound' && protocol === UDP && peerPort === NTP)
    return bothWays(`the time from ${peer}`, {
      ...callOut(source, peer, { protocol, port: NTP }, parts),
      program,
    })
  return []
}

const SSH_SERVER = /^(sshd|sshd-session|dropbear)$/

/** The connection by which somebody is logged in, as far as it is seen. */
const sessionOf = (peer: string, connections: readonly Connection[]): Connection | undefined =>
  connections.find(
    (connection) =>
      connection.peer === peer &&
      connection.direction === 'inbound' &&
      connection.protocol === TCP &&
      SSH_SERVER.test(connection.owner?.name ?? ''),
  )

function ownAddress(like: string, entries: readonly AllowEntry[]): Ip {
  const own = entries.find(({ source, target }) => source === 'own' && isIpv6(target) === like.includes(':'))
  return (own?.target ?? (like.includes(':') ? '::2' : '192.0.2.2')) as Ip
}

interface LinkAndTime {
  readonly link: string | undefined
  readonly at: number
}

// Who, whom, which port, and where: each is another thing.
const callIn = (source: Ip, target: Ip, port: number, { link, at }: LinkAndTime): PacketFacts => ({
  direction: 'inbound',
  protocol: TCP,
  source,
  target,
  sourcePort: HIGH_PORT,
  targetPort: port,
  ...(link !== undefined && { fromInterface: link }),
  state: 'new',
  at,
})

const callOut = (
  source: Ip,
  target: Ip,
  { protocol, port }: { readonly protocol: number; readonly port: number },
  { link, at }: LinkAndTime,
): PacketFacts => ({
  direction: 'outbound',
  protocol,
  source,
  target,
  sourcePort: HIGH_PORT,
  targetPort: port,
  ...(link !== undefined && { toInterface: link }),
  uid: 0,
  state: 'new',
  at,
})

/** The packet, and the answer to it. */
const bothWays = (what: string, facts: PacketFacts): VitalPacket[] => [
  { what, facts },
  { what, facts: answerTo(facts) },
]

function answerTo({
  direction,
  source,
  target,
  sourcePort,
  targetPort,
  fromInterface,
  toInterface,
  ...rest
}: PacketFacts): PacketFacts {
  return {
    ...rest,
    direction: direction === 'inbound' ? 'outbound' : 'inbound',
    source: target,
    target: source,
    ...(targetPort !== undefined && { sourcePort: targetPort }),
    ...(sourcePort !== undefined && { targetPort: sourcePort }),
    ...(fromInterface !== undefined && { toInterface: fromInterface }),
    ...(toInterface !== undefined && { fromInterface: toInterface }),
    state: 'established',
  }
}

function dhcpPackets(note: string, gateway: Ip, own: Ip, parts: LinkAndTime): VitalPacket[] {
  const what = `DHCP (${note})`
  const question = callOut(own, '255.255.255.255' as Ip, { protocol: UDP, port: DHCP_SERVER }, parts)
  const answer = { ...callIn(gateway, own, DHCP_CLIENT, parts), protocol: UDP, sourcePort: DHCP_SERVER }
  return [
    { what, facts: { ...question, sourcePort: DHCP_CLIENT } },
    { what, facts: answer },
  ]
}

/** Without them the gateway is not found at all. */
function neighbourPackets(note: string, gateway: Ip, own: Ip, { link, at }: LinkAndTime): VitalPacket[] {
  const what = `neighbour discovery (${note})`
  const common = {
    protocol: ICMPV6,
    icmpType: NEIGHBOUR_SOLICITATION,
    hopLimit: 255,
    state: 'untracked',
    at,
  } as const
  const [arriving, leaving] = link === undefined ? [{}, {}] : [{ fromInterface: link }, { toInterface: link }]
  return [
    { what, facts: { ...common, ...arriving, direction: 'inbound', source: gateway, target: own } },
    { what, facts: { ...common, ...leaving, direction: 'outbound', source: own, target: gateway, uid: 0 } },
  ]
}

/** The page, the local resolver, databases: half of what runs on a machine talks to itself. */
function loopbackPackets(at: number): VitalPacket[] {
  const what = 'what programs of this machine say to each other'
  const home = '127.0.0.1' as Ip
  const facts = callIn(home, home, HIGH_PORT, { link: 'lo', at })
  return [...bothWays(what, facts), { what, facts: { ...answerTo(facts), state: 'new', uid: 0 } }]
}
