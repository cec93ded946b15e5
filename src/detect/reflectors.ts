/** Hot: runs per UDP packet. Allocates nothing. */
import type { Packet } from '#model/packet.ts'

/** Services that answer small forged questions with large answers (CISA TA14-017A, and what was abused since), by their port. */
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
  { port: 17, name: 'qotd' },
  { port: 69, name: 'tftp' },
  { port: 137, name: 'netbios' },
  { port: 520, name: 'rip' },
  { port: 1434, name: 'mssql' },
  { port: 3283, name: 'remote-desktop' },
  { port: 5353, name: 'mdns' },
  { port: 5683, name: 'coap' },
  { port: 37_810, name: 'dvr' },
]

/** An NTP answer has 48 bytes, a usual DNS answer hardly more than this. */
const LARGE_BYTES = 200

const byPort = new Int8Array(65_536).fill(-1)
for (const [index, { port }] of REFLECTORS.entries()) byPort[port] = index

/** Whose large answer a UDP packet is, if nobody asked for it: an index into REFLECTORS, else -1. */
export function reflectorOf(packet: Packet): number {
  if (packet.forward === 0 || packet.payloadLength < LARGE_BYTES) return -1
  const from = byPort[packet.sourcePort] as number
  // What comes to the same service is a question, of a server to another; to any other it was forged so.
  return from === (byPort[packet.targetPort] as number) ? -1 : from
}
