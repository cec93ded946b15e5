/** Hot: runs per packet. Allocates nothing. */
import type { Packet } from '#model/packet.ts'
import { decodeArp } from './arp.ts'
import { Cursor } from './cursor.ts'
import type { Fragments } from './fragments.ts'
import { decodeIpv4 } from './ipv4.ts'
import { decodeIpv6 } from './ipv6.ts'
import { decodeEthernet, decodeLink, ETHERTYPE_ETHERNET, ETHERTYPE_IPV4, ETHERTYPE_IPV6 } from './link.ts'
import { NEXT, TUNNEL } from './outcome.ts'
import { decodeTransport } from './transport.ts'

const LINK_ETHERNET = 1

/** Reads frames into one packet, layer by layer, down to the innermost packet of tunnels. */
export class PacketDecoder {
  readonly #packet: Packet
  readonly #fragments: Fragments
  readonly #cursor = new Cursor()

  constructor(packet: Packet, fragments: Fragments) {
    this.#packet = packet
    this.#fragments = fragments
  }

  /**
   * Answers an outcome (outcome.ts): PACKET, ARP, HELD or why not. `packet.at`, `vlan` and `length` must be set
   * by the caller. Reads bytes [offset, offset + captured) of `view`, whatever the lengths in them say.
   */
  decode(view: DataView, offset: number, captured: number, length: number, linkType: number): number {
    const cursor = this.#cursor
    const packet = this.#packet
    cursor.view = view
    cursor.at = offset
    cursor.end = offset + captured
    cursor.wireEnd = offset + Math.max(length, captured)
    packet.tunnels = 0
    packet.reassembled = 0
    packet.tcpFlags = 0
    packet.quotedProtocol = 0
    packet.arpOperation = 0
    let outcome =
      linkType === LINK_ETHERNET ? decodeEthernet(cursor, packet) : decodeLink(cursor, packet, linkType)
    // Bounded: each turn enters a tunnel, and tunnel.ts lets only so many in.
    while (outcome === NEXT) {
      outcome = this.#decodeNetwork()
      if (outcome === NEXT) outcome = decodeTransport(cursor, packet)
      if (outcome === TUNNEL) {
        outcome = cursor.etherType === ETHERTYPE_ETHERNET ? decodeEthernet(cursor, packet) : NEXT
      }
    }
    packet.view = cursor.view
    return outcome
  }

  #decodeNetwork(): number {
    const cursor = this.#cursor
    if (cursor.etherType === ETHERTYPE_IPV4) return decodeIpv4(cursor, this.#packet, this.#fragments)
    if (cursor.etherType === ETHERTYPE_IPV6) return decodeIpv6(cursor, this.#packet, this.#fragments)
    return decodeArp(cursor, this.#packet)
  }
}
