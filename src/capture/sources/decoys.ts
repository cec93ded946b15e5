import { createHmac } from 'node:crypto'
import { formatIpv4, formatIpv6, type Ip } from '#model/address.ts'
import {
  DECOY_WINDOW,
  type DecoyOrder,
  type DecoyPeer,
  type DecoyStatus,
  escapedBytes,
} from '#model/decoy.ts'
import { type Packet, PROTOCOL, TCP } from '#model/packet.ts'
import type { Watcher } from '#model/watcher.ts'
import { answerTo, type DecoyAnswer } from './decoy-frame.ts'

/** Peers that left, or made room, stay readable: so many. */
const MOST_REMEMBERED = 200
/** Answers to packets of nobody whom we hold: a flood gets no more. */
const STRANGERS_PER_SECOND = 200
const OWN_ADDRESSES_FOR_MS = 5_000
/** A peer that was silent for so long is gone: a held one asks for the window again every two minutes at the latest. */
const GONE_AFTER_MS = 600_000
const NONE: DecoyOrder = { ports: [], addresses: [], banners: {}, mostPeers: 0, recordBytes: 0 }
const ANY_FLAG = TCP.syn | TCP.ack | TCP.rst | TCP.fin

/** What the decoys need of the machine. */
export interface DecoyWorld {
  /** Puts a frame onto the interface that the packet came by. */
  send(interfaceIndex: number, frame: Uint8Array): void
  /** Whether a program has a socket for this packet. */
  isTaken(packet: Packet): boolean
  ownAddresses(): ReadonlySet<Ip>
  readonly secret: Uint8Array
}

interface Held {
  readonly peer: Ip
  readonly peerPort: number
  readonly address: Ip
  readonly port: number
  readonly since: number
  /** Our next byte, and the next that we expect. */
  readonly sequence: number
  next: number
  lastAt: number
  bytes: number
  readonly said: number[]
}

/**
 * Answers at decoy ports and addresses in place of the kernel, which is kept silent there: a SYN-ACK, perhaps a banner,
 * and once enough is recorded a window of zero, which holds the peer for as long as it has patience. Without state until
 * the handshake is made, like a SYN cookie; then at most so many peers.
 */
export class DecoyResponder implements Watcher {
  readonly protocols = [PROTOCOL.tcp]
  #order: DecoyOrder
  readonly #world: DecoyWorld
  readonly #isPort = new Uint8Array(65_536)
  #addresses: ReadonlySet<Ip> = new Set()
  readonly #held = new Map<string, Held>()
  readonly #left: DecoyPeer[] = []
  readonly #takenAt = new Map<number, number>()
  #own: ReadonlySet<Ip> = new Set()
  #ownUntil = 0
  #second = 0
  #strangers = 0
  #answered = 0
  #unanswered = 0

  constructor(order: DecoyOrder, world: DecoyWorld) {
    this.#order = order
    this.#world = world
    this.setOrder(order)
  }

  /** Whether anything is a decoy. */
  get hasPlaces(): boolean {
    return this.#order.ports.length + this.#order.addresses.length > 0
  }

  /** Other decoys from now on; undefined: none. Who is held where nothing answers any more is let go. */
  setOrder(order: DecoyOrder = NONE): void {
    this.#order = order
    this.#addresses = new Set(order.addresses)
    this.#isPort.fill(0)
    for (const port of order.ports) this.#isPort[port] = 1
    for (const port of this.#takenAt.keys()) if (this.#isPort[port] === 0) this.#takenAt.delete(port)
    for (const [key, held] of this.#held) {
      if (this.#isPort[held.port] === 0 && !this.#addresses.has(held.address)) this.#leave(key, held)
    }
  }

  packet(packet: Packet): void {
    if (this.#isPort[packet.targetPort] === 0 && this.#addresses.size === 0) return
    const address = targetOf(packet)
    if (!this.#isDecoy(packet, address)) return
    const key = `${sourceOf(packet)} ${packet.sourcePort} ${address} ${packet.targetPort}`
    const held = this.#held.get(key)
    if (held) this.#hold(packet, held, key)
    else if (this.#mayAnswer(packet.at)) this.#meet(packet, address, key)
  }

  tick(now: number): void {
    for (const [key, held] of this.#held) if (now - held.lastAt > GONE_AFTER_MS) this.#leave(key, held)
  }

  status(now: number): DecoyStatus {
    return {
      ports: this.#order.ports,
      givenWay: [...this.#takenAt].filter(([, at]) => now - at < GONE_AFTER_MS).map(([port]) => port),
      addresses: this.#order.addresses,
      answered: this.#answered,
      unanswered: this.#unanswered,
      peers: [...[...this.#held.values()].map((held) => shown(held, 'held')), ...this.#left].sort(
        (one, other) => other.since - one.since,
      ),
    }
  }

  #isDecoy(packet: Packet, address: Ip): boolean {
    if (this.#addresses.has(address)) return true
    if (this.#isPort[packet.targetPort] === 0) return false
    if (packet.at > this.#ownUntil) {
      this.#own = this.#world.ownAddresses()
      this.#ownUntil = packet.at + OWN_ADDRESSES_FOR_MS
    }
    return this.#own.has(address)
  }

  #mayAnswer(now: number): boolean {
    const second = Math.floor(now / 1000)
    if (second !== this.#second) {
      this.#second = second
      this.#strangers = 0
    }
    if (this.#strangers++ < STRANGERS_PER_SECOND) return true
    this.#unanswered++
    return false
  }

  #meet(packet: Packet, address: Ip, key: string): void {
    const flags = packet.tcpFlags & ANY_FLAG
    if (flags !== TCP.syn && flags !== TCP.ack) return
    if (this.#world.isTaken(packet)) {
      this.#takenAt.set(packet.targetPort, packet.at)
      return
    }
    this.#takenAt.delete(packet.targetPort)
    const cookie = this.#cookieOf(key)
    if (flags === TCP.syn) {
      this.#answered++
      const acknowledgement = packet.tcpSequence + 1
      this.#say(packet, { flags: TCP.syn | TCP.ack, sequence: cookie, acknowledgement, window: DECOY_WINDOW })
    } else if (packet.tcpAcknowledgement >>> 0 === (cookie + 1) >>> 0) {
      this.#welcome(packet, address, { key, sequence: cookie + 1 })
    }
  }

  #welcome(packet: Packet, address: Ip, { key, sequence }: { key: string; sequence: number }): void {
    const banner = Buffer.from(this.#order.banners[packet.targetPort] ?? '', 'latin1')
    const held: Held = {
      ...{ peer: sourceOf(packet), peerPort: packet.sourcePort, address, port: packet.targetPort },
      ...{ since: packet.at, sequence: sequence + banner.length, next: packet.tcpSequence },
      ...{ lastAt: packet.at, bytes: 0, said: [] },
    }
    const [oldest] = this.#held
    if (oldest && this.#held.size >= this.#order.mostPeers) this.#leave(...oldest)
    this.#held.set(key, held)
    if (banner.length > 0) {
      const flags = TCP.psh | TCP.ack
      this.#say(packet, {
        flags,
        sequence,
        acknowledgement: held.next,
        window: DECOY_WINDOW,
        payload: banner,
      })
    }
    if (packet.payloadLength > 0) this.#hold(packet, held, key)
  }

  #hold(packet: Packet, held: Held, key: string): void {
    held.lastAt = packet.at
    if ((packet.tcpFlags & TCP.rst) !== 0) {
      this.#leave(key, held)
      return
    }
    const isNew = packet.payloadLength > 0 && packet.tcpSequence === held.next
    if (isNew) this.#take(packet, held)
    // It asks whether the window is open (RFC 9293 §3.8.6.1), or sends what it sent before.
    const isQuestion = packet.payloadLength > 0 || packet.tcpSequence === ((held.next - 1) | 0)
    if (!isQuestion) return
    const window = Math.max(0, Math.min(DECOY_WINDOW, this.#order.recordBytes - held.bytes))
    this.#say(packet, { flags: TCP.ack, sequence: held.sequence, acknowledgement: held.next, window })
  }

  #take(packet: Packet, held: Held): void {
    held.next = (packet.tcpSequence + packet.payloadLength) | 0
    held.bytes += packet.payloadLength
    for (let at = packet.payloadStart; at < packet.payloadEnd; at++) {
      if (held.said.length >= this.#order.recordBytes) return
      held.said.push(packet.view.getUint8(at))
    }
  }

  #leave(key: string, held: Held): void {
    this.#held.delete(key)
    this.#left.unshift(shown(held, 'left'))
    if (this.#left.length > MOST_REMEMBERED) this.#left.pop()
  }

  #cookieOf(key: string): number {
    return createHmac('sha256', this.#world.secret).update(key).digest().readUInt32BE()
  }

  #say(packet: Packet, answer: DecoyAnswer): void {
    const frame = answerTo(packet, answer)
    if (frame) this.#world.send(packet.interfaceIndex, frame)
  }
}

const shown = ({ said, next, sequence, ...held }: Held, state: DecoyPeer['state']): DecoyPeer => ({
  ...held,
  state,
  said: escapedBytes(Uint8Array.from(said)),
})

const sourceOf = ({ version, source0, source1, source2, source3 }: Packet): Ip =>
  version === 4 ? formatIpv4(source0) : formatIpv6(source0, source1, source2, source3)

const targetOf = ({ version, target0, target1, target2, target3 }: Packet): Ip =>
  version === 4 ? formatIpv4(target0) : formatIpv6(target0, target1, target2, target3)
