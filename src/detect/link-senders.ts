/** Hot: runs per flow. Allocates nothing. */
import { readWords } from '#lib/address-words.ts'
import type { Ip } from '#model/address.ts'
import type { Hosts } from '#model/host.ts'
import { type Packet, PROTOCOL } from '#model/packet.ts'
import type { Watcher } from '#model/watcher.ts'
import { identityOf, identityOfSender, identityOfWords } from './host-rows.ts'
import { NEIGHBOUR, NeighbourMessage } from './neighbour-message.ts'
import { Neighbours } from './neighbours.ts'
import { Twins } from './twins.ts'

const CARRIERS = 1_024
const ETHERNET_HEADER = 14
const IPV4_TYPE = 0x0800
const IPV6_TYPE = 0x86dd
/** The lowest bit of the first byte: no host has such a MAC of its own (IEEE 802). */
const GROUP_BIT = 0x0100

/**
 * Which neighbour puts an address on the wire: the MAC that a host's probes came with, against the MAC that ARP or
 * neighbour discovery gives for that address. Whoever lends himself other addresses sends them all with one MAC, and
 * those messages say whose that is. One for all detectors; Ethernet only.
 */
export class LinkSenders {
  /** What it learns by itself; whom to keep in mind as a sender the detectors tell it. */
  readonly watcher: Watcher
  readonly #hosts: Hosts
  readonly #macHigh: Uint16Array
  readonly #macLow: Int32Array
  readonly #neighbours4 = new Neighbours()
  readonly #neighbours6 = new Neighbours()
  readonly #carriers4 = new Carriers()
  readonly #carriers6 = new Carriers()
  readonly #message = new NeighbourMessage()
  readonly #twins = new Twins()
  readonly #words = new Uint32Array(4)

  constructor(hosts: Hosts) {
    this.#hosts = hosts
    this.#macHigh = new Uint16Array(hosts.capacity)
    this.#macLow = new Int32Array(hosts.capacity)
    this.watcher = {
      protocols: [PROTOCOL.icmpv6],
      arp: (packet) => this.#arp(packet),
      packet: (packet) => this.#neighbour(packet),
      flowOpened: (_flow, packet) => this.#opened(packet),
      flowAnswered: (_flow, packet) => this.#proven(packet),
    }
  }

  /** Notes with which MAC a probe came. */
  probe(packet: Packet): void {
    const at = senderAt(packet)
    this.#macHigh[packet.source] = at < 0 ? 0 : packet.view.getUint16(at)
    this.#macLow[packet.source] = at < 0 ? 0 : packet.view.getInt32(at + 2)
  }

  /** True when the numbers of their packets show that one sender made those of both. */
  areTwins(host: number, other: number, now: number): boolean {
    const family = this.#twins.familyOf(identityOf(this.#hosts, host), now)
    return family !== 0 && family === this.#twins.familyOf(identityOf(this.#hosts, other), now)
  }

  /** True when somebody else's packets were numbered like those of this address. For reports. */
  hasTwin(address: Ip, now: number): boolean {
    readWords(address, this.#words)
    return this.#twins.familyOf(identityOfWords(this.#words), now) !== 0
  }

  /** True when both sent their probes with the same MAC. */
  isSame(host: number, other: number): boolean {
    return this.#macHigh[host] === this.#macHigh[other] && this.#macLow[host] === this.#macLow[other]
  }

  /**
   * True when this host says of itself, and always said, that it has the very MAC that its probes came with, and that
   * MAC brings nobody else: it is no router's.
   */
  isOwn(host: number): boolean {
    const [high, low] = [this.#macHigh[host] as number, this.#macLow[host] as number]
    if (high === 0 && low === 0) return false
    const isIpv6 = this.#hosts.isIpv6(host)
    const neighbours = isIpv6 ? this.#neighbours6 : this.#neighbours4
    const identity = identityOf(this.#hosts, host)
    if (!has(neighbours, identity, high, low)) return false
    const row = neighbours.find(identity)
    if (neighbours.oldMacHigh[row] !== 0 || neighbours.oldMacLow[row] !== 0) return false
    return !(isIpv6 ? this.#carriers6 : this.#carriers4).bringsOthers(high, low, identity)
  }

  #opened(packet: Packet): void {
    if (packet.protocol !== PROTOCOL.tcp) return
    const at = senderAt(packet)
    if (at >= 0) this.#twins.opened(packet, packet.view.getUint16(at), packet.view.getInt32(at + 2))
  }

  #arp(packet: Packet): void {
    if (packet.source0 === 0) return
    this.#neighbours4.see(packet.source0, packet.arpSenderMacHigh, packet.arpSenderMacLow, packet.at)
  }

  #neighbour(packet: Packet): void {
    if (packet.protocol !== PROTOCOL.icmpv6) return
    const message = this.#message
    if (!message.read(packet) || (message.macHigh & GROUP_BIT) !== 0) return
    // Who looks whether an address is free has none yet (RFC 4862 §5.4).
    if ((message.word0 | message.word1 | message.word2 | message.word3) === 0) return
    this.#neighbours6.see(message.identity, message.macHigh, message.macLow, packet.at)
    const isRouter = packet.sourcePort === NEIGHBOUR.routerAdvertises && message.routerSeconds > 0
    if (isRouter) this.#carriers6.share(message.macHigh, message.macLow)
  }

  /** A packet whose sender is proven: a MAC that brings somebody else's is a router's. */
  #proven(packet: Packet): void {
    // What looks like an answer by ICMPv6 is soon made: neighbours ask and answer in one flow.
    if (packet.protocol === PROTOCOL.icmpv6) return
    const at = senderAt(packet)
    if (at < 0) return
    const high = packet.view.getUint16(at)
    const low = packet.view.getInt32(at + 2)
    if (packet.version === 4) {
      // What the table of hosts has too: the packet is in the caches.
      this.#carriers4.carry(high, low, packet.source0)
      return
    }
    // A host has many IPv6 addresses: those that it tells its neighbours are its own.
    const identity = identityOfSender(packet)
    if (!has(this.#neighbours6, identity, high, low)) this.#carriers6.carry(high, low, identity)
  }
}

/** MACs that brought a proven host: that host (its identity), and whether they brought several. */
class Carriers {
  readonly #high = new Uint16Array(CARRIERS)
  readonly #low = new Int32Array(CARRIERS)
  readonly #carried = new Int32Array(CARRIERS)
  readonly #isShared = new Uint8Array(CARRIERS)

  carry(high: number, low: number, identity: number): void {
    const place = placeOf(high, low)
    if (this.#isAt(place, high, low)) {
      if (this.#carried[place] !== identity) this.#isShared[place] = 1
      return
    }
    this.#high[place] = high
    this.#low[place] = low
    this.#carried[place] = identity
    this.#isShared[place] = 0
  }

  share(high: number, low: number): void {
    this.carry(high, low, 0)
    this.#isShared[placeOf(high, low)] = 1
  }

  bringsOthers(high: number, low: number, identity: number): boolean {
    const place = placeOf(high, low)
    if (!this.#isAt(place, high, low)) return false
    return this.#isShared[place] === 1 || this.#carried[place] !== identity
  }

  #isAt(place: number, high: number, low: number): boolean {
    return this.#high[place] === high && this.#low[place] === low
  }
}

const placeOf = (high: number, low: number): number =>
  (Math.imul(low ^ high, 0x9e3779b1) >>> 22) & (CARRIERS - 1)

function has(neighbours: Neighbours, identity: number, high: number, low: number): boolean {
  const row = neighbours.find(identity)
  return row >= 0 && neighbours.macHigh[row] === high && neighbours.macLow[row] === low
}

/** Where the sender's MAC is in the frame; -1 without an Ethernet header right before the IP header. */
function senderAt(packet: Packet): number {
  const start = packet.networkStart - ETHERNET_HEADER
  if (packet.tunnels > 0 || packet.reassembled === 1 || start < 0) return -1
  const type = packet.view.getUint16(packet.networkStart - 2)
  return type === (packet.version === 4 ? IPV4_TYPE : IPV6_TYPE) ? start + 6 : -1
}
