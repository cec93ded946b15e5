import { ipBytes, parseIp } from '#model/address.ts'
import { PROTOCOL } from '#model/packet.ts'
import { ethernet, fields, icmp, ipv4, ipv6, join } from './frames.ts'

/** Messages of protocols that self-tests speak, as bytes. */

const addressBytes = (text: string): Uint8Array => {
  const address = parseIp(text)
  if (address === undefined) throw new Error(`not an address: ${text}`)
  return ipBytes(address)
}

const NO_SUCH_NAME = 0x8183
const QUESTION = 0x0100

/** DNS (RFC 1035 §4): a question for the address of a name, or the answer that there is no such name. */
export const dnsQuestion = (name: string): Uint8Array => dnsMessage(name, QUESTION)
export const dnsMissing = (name: string): Uint8Array => dnsMessage(name, NO_SUCH_NAME)

function dnsMessage(name: string, flags: number): Uint8Array {
  const labels = name.split('.').flatMap((label) => [label.length, ...Buffer.from(label)])
  return join(
    fields([7, 2], [flags, 2], [1, 2], [0, 4], [0, 2]),
    Uint8Array.from(labels),
    fields([0, 1], [1, 2], [1, 2]),
  )
}

/** The reply of a DHCP server (RFC 2131, RFC 2132): `acknowledges` a lease, with its router and DNS server. */
export function dhcpAcknowledgement(server: string, router: string, dns: string): Uint8Array {
  const option = (code: number, address: string) => [code, 4, ...addressBytes(address)]
  const options = [53, 1, 5, ...option(54, server), ...option(3, router), ...option(6, dns), 255]
  return Uint8Array.from([2, ...new Uint8Array(235), ...fields([0x63825363, 4]), ...options])
}

const linkOption = (type: number, mac: readonly number[]): Uint8Array => Uint8Array.from([type, 1, ...mac])
const NEIGHBOUR_HOP_LIMIT = 255

/** A frame to all nodes of the link, as neighbour discovery (RFC 4861) sends them. */
const toAllNodes = (source: string, type: number, word: number, rest: Uint8Array): Uint8Array =>
  ethernet(
    ipv6(icmp(type, 0, rest, word), {
      ...{ source, target: 'ff02::1', protocol: PROTOCOL.icmpv6, ttl: NEIGHBOUR_HOP_LIMIT },
    }),
  )

/** Says whose link address an IPv6 address has. */
export const neighbourAdvertisement = (address: string, mac: readonly number[]): Uint8Array =>
  toAllNodes(address, 136, 0x60000000, join(addressBytes(address), linkOption(2, mac)))

/** Says that its sender is a router, for half an hour. */
export const routerAdvertisement = (router: string, mac: readonly number[]): Uint8Array =>
  toAllNodes(router, 134, 0x40000000 + 1800, join(new Uint8Array(8), linkOption(1, mac)))

/** ICMP redirect (RFC 792): send by way of `gateway`. */
export const redirect = (router: string, client: string, gateway: string): Uint8Array => {
  const word = addressBytes(gateway).reduce((sum, byte) => sum * 256 + byte, 0)
  const layer = { source: router, target: client, protocol: PROTOCOL.icmp }
  return ethernet(ipv4(icmp(5, 1, new Uint8Array(28), word), layer))
}

const INIT_BYTES = 20

/** An SCTP packet (RFC 9260) with one chunk: 1 is INIT, 2 its acknowledgement, 6 ABORT. */
export const sctp = (sourcePort: number, targetPort: number, chunk: number): Uint8Array =>
  join(
    fields([sourcePort, 2], [targetPort, 2], [0, 4], [0, 4], [chunk, 1], [0, 1], [INIT_BYTES, 2]),
    new Uint8Array(INIT_BYTES - 4),
  )

/** A bare IPv4 packet of any protocol. */
export const anyProtocol = (
  source: string,
  target: string,
  protocol: number,
  body: Uint8Array = new Uint8Array(8),
): Uint8Array => ethernet(ipv4(body, { source, target, protocol }))
