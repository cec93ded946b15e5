/** Hot: runs per packet. Allocates nothing. */
import { BitSet } from '#lib/bit-set.ts'
import { FLOW_STATES, type Flows } from '#model/flow.ts'
import { type Packet, TCP } from '#model/packet.ts'
import type { PacketWishes } from '#model/watcher.ts'

/** What a packet shows, one bit each; the names are those of the wishes. `every` is for who wished nothing. */
const SIGN = {
  every: 1,
  syn: 2,
  loose: 4,
  reassembled: 8,
  opening: 16,
  fromPort: 32,
  toPort: 64,
  followed: 128,
}

/** Any number below says which signs a packet shows. */
export const SIGN_COMBINATIONS = 256

const OPEN = FLOW_STATES.indexOf('open')
const RESET = FLOW_STATES.indexOf('reset')

/** The signs that a watcher with these wishes waits for. */
export function signsOf(wishes: PacketWishes | undefined): number {
  if (wishes === undefined) return SIGN.every
  return (
    (wishes.syn ? SIGN.syn : 0) |
    (wishes.loose ? SIGN.loose : 0) |
    (wishes.reassembled ? SIGN.reassembled : 0) |
    (wishes.openings === undefined ? 0 : SIGN.opening) |
    (wishes.fromPorts === undefined ? 0 : SIGN.fromPort) |
    (wishes.toPorts === undefined ? 0 : SIGN.toPort) |
    (wishes.followed ? SIGN.followed : 0)
  )
}

const NEAR = 1_023

/** Ports, most of which are far below those that clients choose: a small table says no without a look at the large one. */
class PortSet {
  readonly #ports = new BitSet(65_536)
  readonly #near = new Uint8Array(NEAR + 1)

  add(port: number): void {
    this.#ports.add(port)
    this.#near[port & NEAR] = 1
  }

  has(port: number): boolean {
    return this.#near[port & NEAR] === 1 && this.#ports.has(port)
  }
}

/**
 * Reads from a packet, once for all watchers, which of their wishes it meets: most packets meet none, and are told to
 * nobody. Where two wish for different ports or openings, each hears of both.
 */
export class PacketSigns {
  readonly #flows: Flows
  readonly #followed: BitSet
  readonly #openings = new Uint8Array(256)
  readonly #fromPorts = new PortSet()
  readonly #toPorts = new PortSet()

  /** `followed`: flows that somebody asked to follow. */
  constructor(flows: Flows, followed: BitSet, wishes: readonly PacketWishes[]) {
    this.#flows = flows
    this.#followed = followed
    for (const { openings = '', fromPorts = [], toPorts = [] } of wishes) {
      for (const character of openings) this.#openings[character.charCodeAt(0)] = 1
      for (const port of fromPorts) this.#fromPorts.add(port)
      for (const port of toPorts) this.#toPorts.add(port)
    }
  }

  ofTcp(packet: Packet): number {
    let signs = this.#ofFlow(packet)
    if ((packet.tcpFlags & TCP.syn) !== 0) signs |= SIGN.syn
    const start = packet.payloadStart
    if (packet.payloadEnd > start && this.#openings[packet.view.getUint8(start)] === 1) signs |= SIGN.opening
    return signs
  }

  ofUdp(packet: Packet): number {
    let signs = this.#ofFlow(packet)
    if (this.#fromPorts.has(packet.sourcePort)) signs |= SIGN.fromPort
    if (this.#toPorts.has(packet.targetPort)) signs |= SIGN.toPort
    return signs
  }

  #ofFlow(packet: Packet): number {
    const flow = packet.flow
    let signs: number = SIGN.every
    if (packet.reassembled === 1) signs |= SIGN.reassembled
    if (flow < 0) return packet.forward === 1 ? signs | SIGN.loose : signs
    if (packet.forward === 1) {
      const state = this.#flows.state(flow)
      if (state === OPEN || state === RESET) signs |= SIGN.loose
    }
    return this.#followed.count !== 0 && this.#followed.has(flow) ? signs | SIGN.followed : signs
  }
}
