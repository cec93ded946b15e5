import { PROTOCOL } from '#model/packet.ts'
import type { PortSpan, RulePolicy } from '#model/rule.ts'

/** Protocols that a rule may name (IANA "Assigned Internet Protocol Numbers"); all others by number. */
export const PROTOCOL_WORDS: Readonly<Record<string, readonly number[]>> = {
  icmp: [PROTOCOL.icmp],
  igmp: [2],
  ipip: [PROTOCOL.ipip],
  tcp: [PROTOCOL.tcp],
  udp: [PROTOCOL.udp],
  dccp: [33],
  ipv6: [PROTOCOL.ipv6],
  gre: [PROTOCOL.gre],
  esp: [50],
  ah: [51],
  icmpv6: [PROTOCOL.icmpv6],
  ospf: [89],
  pim: [103],
  vrrp: [112],
  sctp: [PROTOCOL.sctp],
  udplite: [136],
}

/** Whose ports stand in the first four bytes of their header. */
export const PORT_PROTOCOLS: readonly number[] = [PROTOCOL.tcp, PROTOCOL.udp, 33, PROTOCOL.sctp, 136]

interface Service {
  readonly port: number
  /** What it is spoken over, where only one makes sense. */
  readonly protocol?: 'tcp' | 'udp'
}

/** Services that people name instead of their ports (IANA "Service Name and Transport Protocol Port Number"). */
export const SERVICES: Readonly<Record<string, Service>> = {
  ftp: { port: 21, protocol: 'tcp' },
  ssh: { port: 22, protocol: 'tcp' },
  telnet: { port: 23, protocol: 'tcp' },
  smtp: { port: 25, protocol: 'tcp' },
  domain: { port: 53 },
  dns: { port: 53 },
  tftp: { port: 69, protocol: 'udp' },
  http: { port: 80, protocol: 'tcp' },
  kerberos: { port: 88 },
  pop3: { port: 110, protocol: 'tcp' },
  ntp: { port: 123, protocol: 'udp' },
  imap: { port: 143, protocol: 'tcp' },
  snmp: { port: 161, protocol: 'udp' },
  ldap: { port: 389, protocol: 'tcp' },
  https: { port: 443 },
  smb: { port: 445, protocol: 'tcp' },
  syslog: { port: 514, protocol: 'udp' },
  submission: { port: 587, protocol: 'tcp' },
  ipp: { port: 631, protocol: 'tcp' },
  ldaps: { port: 636, protocol: 'tcp' },
  imaps: { port: 993, protocol: 'tcp' },
  pop3s: { port: 995, protocol: 'tcp' },
  openvpn: { port: 1194, protocol: 'udp' },
  mqtt: { port: 1883, protocol: 'tcp' },
  nfs: { port: 2049, protocol: 'tcp' },
  mysql: { port: 3306, protocol: 'tcp' },
  rdp: { port: 3389, protocol: 'tcp' },
  postgresql: { port: 5432, protocol: 'tcp' },
  mdns: { port: 5353, protocol: 'udp' },
  redis: { port: 6379, protocol: 'tcp' },
  wireguard: { port: 51_820, protocol: 'udp' },
}

const ICMP_WORDS: Readonly<Record<string, number>> = {
  'echo-reply': 0,
  unreachable: 3,
  redirect: 5,
  'echo-request': 8,
  'router-advertisement': 9,
  'router-solicitation': 10,
  'time-exceeded': 11,
  'parameter-problem': 12,
  'timestamp-request': 13,
  'timestamp-reply': 14,
}

const ICMPV6_WORDS: Readonly<Record<string, number>> = {
  unreachable: 1,
  'packet-too-big': 2,
  'time-exceeded': 3,
  'parameter-problem': 4,
  'echo-request': 128,
  'echo-reply': 129,
  'router-solicitation': 133,
  'router-advertisement': 134,
  'neighbour-solicitation': 135,
  'neighbour-advertisement': 136,
  redirect: 137,
}

export const ICMP_TYPE_WORDS: readonly string[] = [
  ...new Set([...Object.keys(ICMP_WORDS), ...Object.keys(ICMPV6_WORDS), 'ping']),
]

/** The types that a word names, in either family (IANA "ICMP Type Numbers", "ICMPv6 Parameters"). */
export function icmpTypesOf(word: string): { readonly protocol: number; readonly type: number }[] {
  const name = word === 'ping' ? 'echo-request' : word
  return (
    [
      [PROTOCOL.icmp, ICMP_WORDS[name]],
      [PROTOCOL.icmpv6, ICMPV6_WORDS[name]],
    ] as const
  ).flatMap(([protocol, type]) => (type === undefined ? [] : [{ protocol, type }]))
}

export const ACTION_WORDS = ['allow', 'deny', 'reject', 'limit', 'audit'] as const
export const POLICY_WORDS: readonly RulePolicy[] = ['allow', 'deny', 'reject']
export const DAY_WORDS = ['sun', 'mon', 'tue', 'wed', 'thu', 'fri', 'sat'] as const

/** Sorted, and joined where they share or touch. */
export function joinPorts(spans: readonly PortSpan[]): PortSpan[] {
  const joined: { first: number; last: number }[] = []
  for (const { first, last } of [...spans].sort((a, b) => a.first - b.first)) {
    const before = joined.at(-1)
    if (before && first <= before.last + 1) before.last = Math.max(before.last, last)
    else joined.push({ first, last })
  }
  return joined
}

export const holdsPort = (spans: readonly PortSpan[], port: number): boolean =>
  spans.some(({ first, last }) => port >= first && port <= last)
