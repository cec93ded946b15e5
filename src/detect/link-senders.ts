/** Hot: runs per probe and per handshake. Allocates nothing. */
import type { Hosts } from '#model/host.ts'
import type { Packet } from '#model/packet.ts'
import { Neighbours } from './neighbours.ts'

const CARRIERS = 1_024
const ETHERNET_HEADER = 14
const IPV4_TYPE = 0x0800

/**
 * Which neighbour puts an address on the wire: the MAC that a host's probes came with, against the MAC that ARP gives
 * for that address. Whoever lends himself other addresses sends them all with one MAC, and ARP knows whose that is.
 * IPv4 on Ethernet only.
 */
export class LinkSenders {
  readonly #hosts: Hosts
  readonly #macHigh: Uint16Array
  readonly #macLow: Int32Array
  readonly #neighbours = new Neighbours()
  /** MACs that brought a proven host: that host (its identity), and whether they brought several. */
  readonly #carriedHigh = new Uint16Array(CARRIERS)
  readonly #carriedLow = new Int32Array(CARRIERS)
  readonly #carried = new Int32Array(CARRIERS)
  readonly #isShared = new Uint8Array(CARRIERS)

  constructor(hosts: Hosts) {
    this.#hosts = hosts
    this.#macHigh = new Uint16Array(hosts.capacity)
    this.#macLow = new Int32Array(hosts.capacity)
  }

  /** Notes with which MAC a probe came. */
  probe(packet: Packet): void {
    const at = senderAt(packet)
    this.#macHigh[packet.source] = at < 0 ? 0 : packet.view.getUint16(at)
    this.#macLow[packet.source] = at < 0 ? 0 : packet.view.getInt32(at + 2)
  }

  arp(packet: Packet): void {
    if (packet.source0 === 0) return
    this.#neighbours.see(packet.source0, packet.arpSenderMacHigh, packet.arpSenderMacLow, packet.at)
  }

  /** A packet whose sender is proven: a MAC that brings several such hosts is a router's. */
  proven(packet: Packet): void {
    const at = senderAt(packet)
    if (at < 0 || packet.source < 0) return
    const high = packet.view.getUint16(at)
    const low = packet.view.getInt32(at + 2)
    const place = (Math.imul(low ^ high, 0x9e3779b1) >>> 22) & (CARRIERS - 1)
    // What the table of hosts has too: the packet is in the caches.
    const host = packet.source0
    if (this.#carriedHigh[place] !== high || this.#carriedLow[place] !== low) {
      this.#carriedHigh[place] = high
      this.#carriedLow[place] = low
      this.#carried[place] = host
      this.#isShared[place] = 0
    } else if (this.#carried[place] !== host) {
      this.#isShared[place] = 1
    }
  }

  /** True when both sent their probes with the same MAC. */
  isSame(host: number, other: number): boolean {
    return this.#macHigh[host] === this.#macHigh[other] && this.#macLow[host] === this.#macLow[other]
  }

  /** True when ARP gives this host the very MAC that its probes came with, and that is not a router's. */
  isOwn(host: number): boolean {
    if (this.#hosts.isIpv6(host)) return false
    const [high, low] = [this.#macHigh[host] as number, this.#macLow[host] as number]
    if (high === 0 && low === 0) return false
    const row = this.#neighbours.find(this.#hosts.word(host, 0))
    if (row < 0) return false
    if (this.#neighbours.macHigh[row] !== high || this.#neighbours.macLow[row] !== low) return false
    return !this.#bringsOthers(high, low)
  }

  #bringsOthers(high: number, low: number): boolean {
    const place = (Math.imul(low ^ high, 0x9e3779b1) >>> 22) & (CARRIERS - 1)
    const isKnown = this.#carriedHigh[place] === high && this.#carriedLow[place] === low
    return isKnown && this.#isShared[place] === 1
  }
}

/** Where the sender's MAC is in the frame; -1 without an Ethernet header right before the IPv4 header. */
function senderAt(packet: Packet): number {
  const start = packet.networkStart - ETHERNET_HEADER
  if (packet.version !== 4 || packet.tunnels > 0 || packet.reassembled === 1 || start < 0) return -1
  return packet.view.getUint16(packet.networkStart - 2) === IPV4_TYPE ? start + 6 : -1
}
