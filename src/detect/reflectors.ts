/** Hot: runs per UDP packet. Allocates nothing. */
import type { Packet } from '#model/packet.ts'

/** Services that answer small forged questions with large answers (CISA TA14-017A), by their port. */
export const REFLECTORS: readonly { readonly port: number; readonly name: string }[] = [
  { port: 53, name: 'dns' },
  { port: 123, name: 'ntp' },
  { port: 1900, name: 'ssdp' },
  { port: 11211, name: 'memcached' },
  { port: 389, name: 'cldap' },
  { port: 161, name: 'snmp' },
  { port: 19, name: 'chargen' },
  { port: 111, name: 'portmap' },
  { port: 3702, name: 'ws-discovery' },
]

/** An NTP answer has 48 bytes, a usual DNS answer hardly more than this. */
const LARGE_BYTES = 200

const byPort = new Int8Array(65_536).fill(-1)
for (const [index, { port }] of REFLECTORS.entries()) byPort[port] = index

/** Whose large answer a UDP packet is, if nobody asked for it: an index into REFLECTORS, else -1. */
export function reflectorOf(packet: Packet): number {
  if (packet.forward === 0 || packet.payloadLength < LARGE_BYTES) return -1
  // What comes to such a service is a question, wherever it comes from.
  return (byPort[packet.targetPort] as number) < 0 ? (byPort[packet.sourcePort] as number) : -1
}
