import { closeSync, openSync, writeSync } from 'node:fs'
import { xorshift } from '../../test/support/xorshift.ts'

/**
 * Generated traffic, the same bytes each time. `mix`: about 100,000 flows, a few of them busy; TCP to UDP 3:1, IPv4 to
 * IPv6 4:1. `worst`: every packet a SYN of a new flow from a new source.
 */
export type Traffic = 'mix' | 'worst'

const FLOWS = 100_000
const PORTS = [80, 443, 22, 53, 8080, 25]
const RECORD_HEADER = 16
const ETHERNET = 14
const TCP_HEADER = 20
const UDP_HEADER = 8
const ACK_PSH = 0x18
const SYN = 0x02
const SYN_ACK = 0x12
const CHUNK = 1 << 22
const LARGEST_RECORD = 2048

interface Talk {
  readonly six: boolean
  readonly udp: boolean
  readonly client: number
  readonly server: number
  readonly clientPort: number
  readonly serverPort: number
  said: number
  readonly next: [forward: number, backward: number]
}

/** Writes a pcap file (Ethernet, microseconds) of `packets` packets. */
export function writeCapture(path: string, traffic: Traffic, packets: number): void {
  const file = openSync(path, 'w')
  const header = new DataView(new ArrayBuffer(24))
  header.setUint32(0, 0xa1b2c3d4, true)
  header.setUint16(4, 2, true)
  header.setUint16(6, 4, true)
  header.setUint32(16, 65_535, true)
  header.setUint32(20, 1, true)
  writeSync(file, new Uint8Array(header.buffer))

  const bytes = new Uint8Array(CHUNK)
  const view = new DataView(bytes.buffer)
  const random = xorshift(123_456_789)
  const talks = traffic === 'mix' ? Array.from({ length: FLOWS }, () => openTalk(random)) : []
  let micros = 1_700_000_000_000_000
  let at = 0
  for (let count = 0; count < packets; count++) {
    if (at > CHUNK - LARGEST_RECORD) {
      writeSync(file, bytes, 0, at)
      at = 0
    }
    micros += random() % 10
    const frame = at + RECORD_HEADER
    const length =
      traffic === 'mix'
        ? writeSaying(view, frame, pick(talks, random), random)
        : writeProbe(view, frame, count, random)
    view.setUint32(at, Math.floor(micros / 1e6), true)
    view.setUint32(at + 4, micros % 1e6, true)
    view.setUint32(at + 8, length, true)
    view.setUint32(at + 12, length, true)
    at = frame + length
  }
  writeSync(file, bytes, 0, at)
  closeSync(file)
}

type Random = () => number

function openTalk(random: Random): Talk {
  return {
    six: random() % 5 === 0,
    udp: random() % 4 === 0,
    client: random(),
    server: random(),
    clientPort: 1024 + (random() % 60_000),
    serverPort: PORTS[random() % PORTS.length] ?? 80,
    said: 0,
    next: [random(), random()],
  }
}

/** Two in three packets belong to the busy few. */
function pick(talks: readonly Talk[], random: Random): Talk {
  const at =
    random() % 3 === 0 ? random() % talks.length : Math.floor((random() / 2 ** 32) ** 3 * talks.length)
  return talks[at] as Talk
}

/** The next packet of a conversation: a handshake first, then data both ways. */
function writeSaying(view: DataView, at: number, talk: Talk, random: Random): number {
  const handshake = !talk.udp && talk.said < 3
  const backward = handshake ? talk.said === 1 : talk.said > 0 && (random() & 1) === 1
  const payload = handshake ? 0 : random() % 5 === 0 ? 1400 : random() % 120
  const [source, target] = backward ? [talk.server, talk.client] : [talk.client, talk.server]
  const transport = writeIp(view, at, { six: talk.six, udp: talk.udp, payload, source, target })
  view.setUint16(transport + (backward ? 2 : 0), talk.clientPort)
  view.setUint16(transport + (backward ? 0 : 2), talk.serverPort)
  if (talk.udp) view.setUint16(transport + 4, UDP_HEADER + payload)
  else writeSegment(view, transport, talk, backward, payload)
  talk.said++
  return Math.max(60, transport + (talk.udp ? UDP_HEADER : TCP_HEADER) + payload - at)
}

// Five parameters: one more than the house has, for a generator that fills bytes.
function writeSegment(view: DataView, at: number, talk: Talk, backward: boolean, payload: number): void {
  const flags = [SYN, SYN_ACK][talk.said] ?? ACK_PSH
  const sender = backward ? 1 : 0
  writeTcp(view, at, flags, [talk.next[sender], talk.next[1 - sender] ?? 0])
  talk.next[sender] += payload + (talk.said < 2 ? 1 : 0)
}

function writeProbe(view: DataView, at: number, count: number, random: Random): number {
  // An odd multiplier visits every 32-bit number once: no source comes twice.
  const source = Math.imul(count + 1, 0x9e3779b1) >>> 0
  const transport = writeIp(view, at, { six: false, udp: false, payload: 0, source, target: 0xc6336402 })
  view.setUint16(transport, 1024 + (random() % 60_000))
  view.setUint16(transport + 2, random() & 0xffff)
  writeTcp(view, transport, SYN, [random(), 0])
  return 60
}

interface IpPacket {
  readonly six: boolean
  readonly udp: boolean
  readonly payload: number
  readonly source: number
  readonly target: number
}

/** Link and network header over cleared bytes; answers where the transport header begins. */
function writeIp(view: DataView, at: number, packet: IpPacket): number {
  const length = (packet.udp ? UDP_HEADER : TCP_HEADER) + packet.payload
  const protocol = packet.udp ? 17 : 6
  const network = at + ETHERNET
  new Uint8Array(view.buffer).fill(0, at, at + 100)
  view.setUint32(at, 0x02000000)
  view.setUint16(at + 4, 1)
  view.setUint32(at + 6, 0x02000000)
  view.setUint16(at + 10, 2)
  view.setUint16(at + 12, packet.six ? 0x86dd : 0x0800)
  if (packet.six) {
    view.setUint8(network, 0x60)
    view.setUint16(network + 4, length)
    view.setUint8(network + 6, protocol)
    view.setUint8(network + 7, 64)
    for (const [offset, address] of [
      [8, packet.source],
      [24, packet.target],
    ] as const) {
      view.setUint32(network + offset, 0x20010db8)
      view.setUint32(network + offset + 12, address)
    }
    return network + 40
  }
  view.setUint8(network, 0x45)
  view.setUint16(network + 2, 20 + length)
  view.setUint8(network + 8, 64)
  view.setUint8(network + 9, protocol)
  view.setUint32(network + 12, packet.source)
  view.setUint32(network + 16, packet.target)
  return network + 20
}

function writeTcp(view: DataView, at: number, flags: number, numbers: readonly [number, number]): void {
  view.setUint32(at + 4, numbers[0])
  view.setUint32(at + 8, (flags & 0x10) === 0 ? 0 : numbers[1])
  view.setUint8(at + 12, 0x50)
  view.setUint8(at + 13, flags)
  view.setUint16(at + 14, 65_000)
}
