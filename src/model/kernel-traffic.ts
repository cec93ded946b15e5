import type { Connection } from './flow.ts'
import type { Owner } from './owner.ts'
import { PROTOCOL } from './packet.ts'

/** The kernel itself: what it answers, announces and carries for others. */
export const KERNEL: Owner = {
  pid: 0,
  path: 'kernel',
  name: 'kernel',
  commandLine: '',
  uid: 0,
  source: 'kernel',
  confidence: 0.9,
}

/** IGMP, IPv4 and IPv6 in IP, GRE, ESP, AH: no program sends them, unless it has a raw socket for them. */
const TUNNELS = new Set([2, 4, 41, 47, 50, 51])
/** What programs ask by ICMP: echo, time stamp, information, mask (RFC 792, RFC 950); echo and routers (RFC 4443, 4861). */
const ASKED: Readonly<Record<number, ReadonlySet<number>>> = {
  [PROTOCOL.icmp]: new Set([8, 13, 15, 17]),
  [PROTOCOL.icmpv6]: new Set([128, 133, 134]),
}

/** Whether the kernel makes packets of this protocol by itself. */
export const isKernelProtocol = (protocol: number): boolean =>
  ASKED[protocol] !== undefined || TUNNELS.has(protocol)

/**
 * Whether only the kernel can be behind it: it answers and announces by ICMP. What this machine asks by ICMP, a program
 * may have asked by a raw socket. The first port of an ICMP flow is its type.
 */
export function isKernels({ protocol, direction, sourcePort }: Connection): boolean {
  if (direction === 'forward') return false
  const asked = ASKED[protocol]
  return asked !== undefined && (direction === 'inbound' || !asked.has(sourcePort))
}
