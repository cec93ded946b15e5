import fc from 'fast-check'
import { describe, expect, test } from 'vitest'
import { LINK_TYPE } from '#capture/source.ts'
import { formatIpv4, formatIpv6 } from '#model/address.ts'
import { Packet, PROTOCOL, TCP } from '#model/packet.ts'
import * as frames from '../../../test/support/frames.ts'
import { Fragments } from './fragments.ts'
import { ARP, CUT_OFF, HELD, MALFORMED, NOT_IP, PACKET, TOO_DEEP, UNKNOWN_LINK } from './outcome.ts'
import { PacketDecoder } from './packet.ts'

const { ethernet, ipv4, ipv6, tcp, udp, icmp, fields } = frames

/** Decodes one frame, `captured` bytes of it, that begins in the middle of a larger buffer. */
function decode(bytes: Uint8Array, about: { linkType?: number; captured?: number; vlan?: number } = {}) {
  const packet = new Packet()
  packet.vlan = about.vlan ?? 0
  const fragments = new Fragments(1)
  const decoder = new PacketDecoder(packet, fragments)
  const room = new Uint8Array(bytes.length + 64)
  room.set(bytes, 32)
  const captured = about.captured ?? bytes.length
  const linkType = about.linkType ?? LINK_TYPE.ethernet
  const outcome = decoder.decode(new DataView(room.buffer), 32, captured, bytes.length, linkType)
  return { outcome, packet }
}

const join = (...parts: Uint8Array[]): Uint8Array => Uint8Array.from(parts.flatMap((part) => [...part]))
const source = (packet: Packet): string =>
  packet.version === 6
    ? formatIpv6(packet.source0, packet.source1, packet.source2, packet.source3)
    : formatIpv4(packet.source0)

describe('link layers', () => {
  const whole = ipv4(tcp({ sourcePort: 1234, targetPort: 80 }), { source: '192.0.2.7' })
  const six = ipv6(tcp({ sourcePort: 1234, targetPort: 80 }), { source: '2001:db8::7' })

  test.each([
    ['Ethernet', LINK_TYPE.ethernet, ethernet(whole)],
    ['raw IP', LINK_TYPE.raw, whole],
    ['raw IP, another number', 12, whole],
    ['raw IPv4', LINK_TYPE.ipv4, whole],
    ['null, little-endian', LINK_TYPE.null, join(Uint8Array.of(2, 0, 0, 0), whole)],
    ['null, big-endian', LINK_TYPE.null, join(Uint8Array.of(0, 0, 0, 2), whole)],
    ['loop', LINK_TYPE.loop, join(Uint8Array.of(0, 0, 0, 2), whole)],
    ['Linux cooked', LINK_TYPE.linuxSll, join(new Uint8Array(14), fields([0x0800, 2]), whole)],
    ['Linux cooked 2', LINK_TYPE.linuxSll2, join(fields([0x0800, 2]), new Uint8Array(18), whole)],
  ])('reads IPv4 over %s', (_name, linkType, bytes) => {
    const { outcome, packet } = decode(bytes, { linkType })
    expect(outcome).toBe(PACKET)
    expect([source(packet), packet.sourcePort, packet.targetPort]).toEqual(['192.0.2.7', 1234, 80])
  })

  test.each([
    ['Ethernet', LINK_TYPE.ethernet, ethernet(six)],
    ['raw IPv6', LINK_TYPE.ipv6, six],
    ['null of Darwin', LINK_TYPE.null, join(Uint8Array.of(30, 0, 0, 0), six)],
    ['null of Linux', LINK_TYPE.null, join(Uint8Array.of(10, 0, 0, 0), six)],
  ])('reads IPv6 over %s', (_name, linkType, bytes) => {
    const { outcome, packet } = decode(bytes, { linkType })
    expect([outcome, packet.version, source(packet)]).toEqual([PACKET, 6, '2001:db8::7'])
  })

  test.each([
    ['VLAN', [[0x8100, 7]] as const, 7],
    [
      'QinQ',
      [
        [0x88a8, 100],
        [0x8100, 7],
      ] as const,
      100,
    ],
    [
      'old QinQ',
      [
        [0x9100, 9],
        [0x8100, 7],
      ] as const,
      9,
    ],
    ['priority bits', [[0x8100, 0xe007]] as const, 7],
  ])('takes the outer id of %s', (_name, tags, vlan) => {
    const { outcome, packet } = decode(ethernet(whole, { tags }))
    expect([outcome, packet.vlan, packet.targetPort]).toEqual([PACKET, vlan, 80])
  })

  test('a tag that the card took out is the outer one', () => {
    const { packet } = decode(ethernet(whole, { tags: [[0x8100, 7]] }), { vlan: 200 })
    expect(packet.vlan).toBe(200)
  })

  test('a stack of tags has an end', () => {
    const tags = Array.from({ length: 5 }, () => [0x8100, 1] as const)
    expect(decode(ethernet(whole, { tags })).outcome).toBe(MALFORMED)
  })

  test('says what it cannot read', () => {
    expect(decode(whole, { linkType: 147 }).outcome).toBe(UNKNOWN_LINK)
    expect(decode(ethernet(whole, { type: 0x88cc })).outcome).toBe(NOT_IP)
    expect(decode(Uint8Array.of(0x50), { linkType: LINK_TYPE.raw }).outcome).toBe(NOT_IP)
  })
})

test('reads who asks for whom by ARP', () => {
  const bytes = ethernet(frames.arp(2, [2, 0xaa, 0xbb, 0xcc, 0xdd, 0xee], '192.0.2.1', '192.0.2.9'), {
    type: 0x0806,
  })
  const { outcome, packet } = decode(bytes)
  expect([outcome, packet.arpOperation, packet.version]).toEqual([ARP, 2, 0])
  expect([formatIpv4(packet.source0), formatIpv4(packet.target0)]).toEqual(['192.0.2.1', '192.0.2.9'])
  expect([packet.arpSenderMacHigh, packet.arpSenderMacLow >>> 0]).toEqual([0x02aa, 0xbbccddee])
})

describe('IPv4', () => {
  test('skips options', () => {
    const options = Uint8Array.of(1, 1, 1, 0, 0, 0, 0, 0)
    expect(decode(ethernet(ipv4(tcp({ targetPort: 443 }), { options }))).packet.targetPort).toBe(443)
  })

  test('leaves Ethernet padding out of the payload', () => {
    const bytes = join(ethernet(ipv4(tcp({ payload: new Uint8Array(2) }))), new Uint8Array(4))
    const { packet } = decode(bytes)
    expect([packet.payloadLength, packet.payloadEnd - packet.payloadStart]).toEqual([2, 2])
  })

  test.each([
    ['a header shorter than 20 bytes', 0, 0x44],
    ['another version', 0, 0x55],
    ['a header longer than the packet', 0, 0x4f],
    ['a length longer than the frame', 2, 0xff],
  ])('refuses %s', (_name, at, value) => {
    const bytes = ethernet(ipv4(tcp()))
    bytes[14 + at] = value
    expect(decode(bytes).outcome).toBe(MALFORMED)
  })
})

describe('IPv6', () => {
  const options = (length: number): Uint8Array => join(Uint8Array.of(length), new Uint8Array(6 + 8 * length))

  test('walks extension headers to the transport', () => {
    const extensions = [
      [0, options(0)],
      [43, options(1)],
      [60, options(2)],
      [51, join(Uint8Array.of(4), new Uint8Array(22))],
    ] as const
    const { outcome, packet } = decode(ethernet(ipv6(udp(5353, 53), { extensions, protocol: PROTOCOL.udp })))
    expect([outcome, packet.protocol, packet.targetPort]).toEqual([PACKET, PROTOCOL.udp, 53])
  })

  test('the chain has an end', () => {
    const extensions = Array.from({ length: 9 }, () => [60, options(0)] as const)
    expect(decode(ethernet(ipv6(tcp(), { extensions }))).outcome).toBe(MALFORMED)
  })

  test('an extension header that leaves the packet is malformed', () => {
    const extensions = [[60, Uint8Array.of(255, 0, 0, 0, 0, 0, 0)]] as const
    expect(decode(ethernet(ipv6(tcp(), { extensions }))).outcome).toBe(MALFORMED)
  })

  test('an atomic fragment is a whole packet', () => {
    const extensions = [[44, new Uint8Array(7)]] as const
    const { outcome, packet } = decode(ethernet(ipv6(tcp({ targetPort: 8443 }), { extensions })))
    expect([outcome, packet.targetPort, packet.reassembled]).toEqual([PACKET, 8443, 0])
  })
})

describe('transport', () => {
  test('reads TCP numbers and flags', () => {
    const segment = tcp({ flags: TCP.syn | TCP.ack, sequence: 0xfffffff0, acknowledgement: 7, window: 512 })
    const { packet } = decode(ethernet(ipv4(segment)))
    expect(packet).toMatchObject({ tcpFlags: 0x12, tcpAcknowledgement: 7, tcpWindow: 512 })
    expect(packet.tcpSequence >>> 0).toBe(0xfffffff0)
  })

  test('knows flags and promised payload of a packet that the capture cut off', () => {
    const bytes = ethernet(ipv4(tcp({ flags: TCP.syn | TCP.psh, payload: new Uint8Array(900) })))
    const { outcome, packet } = decode(bytes, { captured: 14 + 20 + 14 })
    expect([outcome, packet.tcpFlags, packet.payloadLength]).toEqual([PACKET, 0x0a, 900])
    expect(packet.payloadEnd).toBe(packet.payloadStart)
  })

  test('does not guess flags that the capture left out', () => {
    expect(decode(ethernet(ipv4(tcp())), { captured: 14 + 20 + 13 }).outcome).toBe(CUT_OFF)
  })

  test('refuses segments that lie about their length', () => {
    const tooLong = tcp()
    tooLong[12] = 0xf0
    const tooShort = tcp()
    tooShort[12] = 0x40
    const datagram = udp(1, 2, new Uint8Array(4))
    datagram[5] = 200
    expect(decode(ethernet(ipv4(tooLong))).outcome).toBe(MALFORMED)
    expect(decode(ethernet(ipv4(tooShort))).outcome).toBe(MALFORMED)
    expect(decode(ethernet(ipv4(datagram, { protocol: PROTOCOL.udp }))).outcome).toBe(MALFORMED)
  })

  test('reads SCTP ports, and gives other protocols none', () => {
    const sctp = join(fields([5000, 2], [36_412, 2]), new Uint8Array(8))
    expect(decode(ethernet(ipv4(sctp, { protocol: PROTOCOL.sctp }))).packet.targetPort).toBe(36_412)
    expect(decode(ethernet(ipv4(sctp, { protocol: 50 }))).packet).toMatchObject({
      sourcePort: 0,
      protocol: 50,
    })
  })
})

describe('ICMP', () => {
  test('puts the answering type in the place of the second port', () => {
    const ping = decode(ethernet(ipv4(icmp(8, 0), { protocol: PROTOCOL.icmp }))).packet
    const pong = decode(ethernet(ipv4(icmp(0, 0), { protocol: PROTOCOL.icmp }))).packet
    const six = decode(ethernet(ipv6(icmp(129, 0), { protocol: PROTOCOL.icmpv6 }))).packet
    expect([ping, pong, six].map((packet) => [packet.sourcePort, packet.targetPort])).toEqual([
      [8, 0],
      [0, 8],
      [129, 128],
    ])
  })

  test('says what an error is about', () => {
    const probe = ipv4(udp(40_000, 161), {
      source: '192.0.2.9',
      target: '198.51.100.1',
      protocol: PROTOCOL.udp,
    })
    const { packet } = decode(ethernet(ipv4(icmp(3, 3, probe), { protocol: PROTOCOL.icmp })))
    expect(packet).toMatchObject({ quotedProtocol: 17, quotedSourcePort: 40_000, quotedTargetPort: 161 })
    expect([formatIpv4(packet.quotedSource0), formatIpv4(packet.quotedTarget0)]).toEqual([
      '192.0.2.9',
      '198.51.100.1',
    ])
  })

  test('says what an ICMPv6 error is about', () => {
    const probe = ipv6(udp(40_000, 161), { target: '2001:db8::aa', protocol: PROTOCOL.udp })
    const { packet } = decode(ethernet(ipv6(icmp(1, 4, probe), { protocol: PROTOCOL.icmpv6 })))
    expect(packet).toMatchObject({ quotedProtocol: 17, quotedTargetPort: 161, quotedTarget3: 0xaa })
  })

  test('quotes nothing of an error that brings too little', () => {
    const { outcome, packet } = decode(
      ethernet(ipv4(icmp(3, 3, new Uint8Array(12)), { protocol: PROTOCOL.icmp })),
    )
    expect([outcome, packet.quotedProtocol]).toEqual([PACKET, 0])
  })
})

describe('tunnels', () => {
  const inner = ipv4(tcp({ targetPort: 2222 }), { source: '10.0.0.1', target: '10.0.0.2' })
  const gre = (flags: number, type: number, extra: number, payload: Uint8Array): Uint8Array =>
    join(fields([flags, 2], [type, 2]), new Uint8Array(extra), payload)
  const vxlan = (payload: Uint8Array): Uint8Array =>
    udp(50_000, 4789, join(Uint8Array.of(8, 0, 0, 0, 0, 0, 1, 0), payload))

  test.each([
    ['IP in IP', ipv4(inner, { protocol: PROTOCOL.ipip })],
    ['GRE', ipv4(gre(0, 0x0800, 0, inner), { protocol: PROTOCOL.gre })],
    ['GRE with checksum, key and number', ipv4(gre(0xb000, 0x0800, 12, inner), { protocol: PROTOCOL.gre })],
    ['Ethernet over GRE', ipv4(gre(0x2000, 0x6558, 4, ethernet(inner)), { protocol: PROTOCOL.gre })],
    ['VXLAN', ipv4(vxlan(ethernet(inner)), { protocol: PROTOCOL.udp })],
    ['IPv4 in IPv6', ipv6(inner, { protocol: PROTOCOL.ipip })],
  ])('looks into %s', (_name, outer) => {
    const { outcome, packet } = decode(ethernet(outer))
    expect([outcome, source(packet), packet.targetPort, packet.tunnels]).toEqual([
      PACKET,
      '10.0.0.1',
      2222,
      1,
    ])
  })

  test('looks into 6in4', () => {
    const { packet } = decode(ethernet(ipv4(ipv6(tcp({ targetPort: 22 })), { protocol: PROTOCOL.ipv6 })))
    expect([packet.version, source(packet), packet.targetPort]).toEqual([6, '2001:db8::1', 22])
  })

  test.each([
    ['PPTP', gre(0x3001, 0x880b, 8, new Uint8Array(20))],
    ['GRE around what is not IP', gre(0, 0x8847, 0, new Uint8Array(20))],
    ['GRE with source routes', gre(0x4000, 0x0800, 8, new Uint8Array(20))],
  ])('follows the outer packet of %s', (_name, payload) => {
    const { outcome, packet } = decode(ethernet(ipv4(payload, { protocol: PROTOCOL.gre })))
    expect([outcome, packet.protocol, packet.tunnels]).toEqual([PACKET, PROTOCOL.gre, 0])
  })

  test('UDP to the VXLAN port that is not VXLAN stays UDP', () => {
    const { packet } = decode(
      ethernet(ipv4(udp(1, 4789, new Uint8Array(60).fill(8)), { protocol: PROTOCOL.udp })),
    )
    expect([packet.protocol, packet.targetPort, packet.tunnels]).toEqual([PROTOCOL.udp, 4789, 0])
  })

  test('nesting has an end', () => {
    let bytes = inner
    for (let depth = 0; depth < 5; depth++) bytes = ipv4(bytes, { protocol: PROTOCOL.ipip })
    expect(decode(ethernet(bytes)).outcome).toBe(TOO_DEEP)
  })
})

test('never throws and never reads beyond what was captured, whatever the bytes and lengths', () => {
  const known = [ethernet(ipv4(tcp())), ethernet(ipv6(udp(1, 2), { protocol: PROTOCOL.udp }))]
  const bytes = fc.oneof(
    fc.uint8Array({ maxLength: 120 }),
    fc
      .tuple(fc.constantFrom(...known), fc.nat(60), fc.nat(255))
      .map(([frame, at, value]) => frame.with(at % frame.length, value)),
  )
  const linkTypes = fc.constantFrom(0, 1, 101, 108, 113, 228, 276, 999)
  fc.assert(
    fc.property(bytes, linkTypes, fc.nat(120), (frame, linkType, keep) => {
      const packet = new Packet()
      const decoder = new PacketDecoder(packet, new Fragments(1))
      const captured = Math.min(keep, frame.length)
      // The view ends where the capture does: one byte read further throws.
      const view = new DataView(frame.buffer, frame.byteOffset, captured)
      const outcome = decoder.decode(view, 0, captured, frame.length, linkType)
      if (outcome !== PACKET) return
      expect(packet.payloadStart).toBeLessThanOrEqual(packet.payloadEnd)
      expect(packet.payloadEnd).toBeLessThanOrEqual(packet.view.byteLength)
      expect(packet.payloadLength).toBeGreaterThanOrEqual(packet.payloadEnd - packet.payloadStart)
    }),
    { numRuns: 3000 },
  )
})

test('a first fragment alone is no packet yet', () => {
  const bytes = ethernet(ipv4(tcp({ payload: new Uint8Array(4) }), { id: 9, moreFragments: true }))
  expect(decode(bytes).outcome).toBe(HELD)
})
