import fc from 'fast-check'
import { describe, expect, test } from 'vitest'
import { LINK_TYPE } from '#capture/source.ts'
import { Packet, PROTOCOL, TCP } from '#model/packet.ts'
import { ethernet, fields, ipv4, ipv6, tcp, udp } from '../../../test/support/frames.ts'
import { Fragments } from './fragments.ts'
import { BAD_FRAGMENT, HELD, PACKET } from './outcome.ts'
import { PacketDecoder } from './packet.ts'

/** A decoder that remembers fragments from frame to frame. */
function reassembler() {
  const packet = new Packet()
  const fragments = new Fragments(1)
  const decoder = new PacketDecoder(packet, fragments)
  const decode = (bytes: Uint8Array, at = 0, captured = bytes.length): number => {
    packet.at = at
    const view = new DataView(bytes.buffer, bytes.byteOffset, bytes.length)
    return decoder.decode(view, 0, captured, bytes.length, LINK_TYPE.ethernet)
  }
  return { packet, fragments, decode }
}

const SEGMENT = tcp({
  targetPort: 8080,
  flags: TCP.syn,
  payload: Uint8Array.from({ length: 100 }, (_, at) => at),
})

/** The part [from, to) of a datagram. */
const part = (
  from: number,
  to: number,
  about: { id?: number; whole?: Uint8Array; protocol?: number } = {},
) => {
  const whole = about.whole ?? SEGMENT
  return ethernet(
    ipv4(whole.slice(from, to), {
      id: about.id ?? 1,
      fragmentOffset: from,
      moreFragments: to < whole.length,
      protocol: about.protocol ?? PROTOCOL.tcp,
    }),
  )
}

describe('IPv4 fragments', () => {
  test.each([
    [
      'in order',
      [
        [0, 40],
        [40, 80],
        [80, 120],
      ],
    ],
    [
      'last first',
      [
        [80, 120],
        [40, 80],
        [0, 40],
      ],
    ],
    [
      'shuffled',
      [
        [40, 80],
        [80, 120],
        [0, 40],
      ],
    ],
    [
      'tiny, the header torn apart',
      [
        [0, 8],
        [8, 16],
        [16, 24],
        [24, 120],
      ],
    ],
  ] as const)('come together %s', (_name, parts) => {
    const { packet, decode } = reassembler()
    const outcomes = parts.map(([from, to]) => decode(part(from, to)))
    expect(outcomes).toEqual([...parts.slice(1).map(() => HELD), PACKET])
    expect(packet).toMatchObject({ targetPort: 8080, tcpFlags: TCP.syn, payloadLength: 100, reassembled: 1 })
    const payload = Array.from({ length: 100 }, (_, at) => packet.view.getUint8(packet.payloadStart + at))
    expect(payload).toEqual(Array.from({ length: 100 }, (_, at) => at))
    expect(packet.view.getUint8(packet.networkStart) >>> 4).toBe(4)
  })

  test('of different datagrams stay apart', () => {
    const { decode } = reassembler()
    expect(decode(part(0, 40, { id: 1 }))).toBe(HELD)
    expect(decode(part(40, 120, { id: 2 }))).toBe(HELD)
    expect(decode(part(40, 120, { id: 1, protocol: PROTOCOL.udp }))).toBe(HELD)
    expect(decode(part(40, 120, { id: 1 }))).toBe(PACKET)
  })

  test('a fragment that came twice changes nothing', () => {
    const { fragments, decode } = reassembler()
    expect([decode(part(0, 80)), decode(part(0, 80)), decode(part(8, 48)), decode(part(80, 120))]).toEqual([
      HELD,
      HELD,
      HELD,
      PACKET,
    ])
    expect(fragments.counts).toMatchObject({ duplicates: 2, overlaps: 0, reassembled: 1 })
  })

  test('an overlap ends the datagram, as in the kernel', () => {
    const { fragments, decode } = reassembler()
    expect([decode(part(0, 48)), decode(part(40, 80))]).toEqual([HELD, BAD_FRAGMENT])
    expect(fragments.counts).toMatchObject({ overlaps: 1, reassembled: 0 })
  })

  test('teardrop: a fragment that ends inside another', () => {
    const { fragments, decode } = reassembler()
    const teardrop = ethernet(ipv4(new Uint8Array(4), { id: 1, fragmentOffset: 24, protocol: PROTOCOL.udp }))
    expect(decode(part(0, 40, { protocol: PROTOCOL.udp, whole: udp(1, 2, new Uint8Array(60)) }))).toBe(HELD)
    expect(decode(teardrop)).toBe(BAD_FRAGMENT)
    expect(fragments.counts.malformed).toBe(1)
  })

  test('ping of death: nothing lies beyond 65,535', () => {
    const { fragments, decode } = reassembler()
    expect(decode(ethernet(ipv4(new Uint8Array(800), { fragmentOffset: 65_528 })))).toBe(BAD_FRAGMENT)
    expect(fragments.counts.malformed).toBe(1)
  })

  test('refuses a second end, and parts of odd length', () => {
    const { decode } = reassembler()
    decode(part(80, 120))
    expect(decode(part(40, 80, { whole: SEGMENT.slice(0, 80) }))).toBe(BAD_FRAGMENT)
    expect(decode(ethernet(ipv4(new Uint8Array(9), { moreFragments: true })))).toBe(BAD_FRAGMENT)
  })

  test('are forgotten when the rest does not come', () => {
    const { fragments, decode } = reassembler()
    decode(part(0, 40), 1000)
    fragments.tick(31_001)
    expect(decode(part(40, 120), 31_002)).toBe(HELD)
    expect(fragments.counts.timedOut).toBe(1)
  })

  test('a clock that was set back keeps none for ever', () => {
    const { fragments, decode } = reassembler()
    decode(part(0, 40), 1e12)
    fragments.tick(1000)
    fragments.tick(40_000)
    expect(fragments.counts.timedOut).toBe(1)
  })

  test('a flood of them ends in fixed memory: the oldest make room', () => {
    const { fragments, decode } = reassembler()
    for (let id = 0; id < 2000; id++) decode(part(0, 40, { id }), id)
    expect(fragments.counts.evicted).toBeGreaterThan(1800)
    expect(decode(part(40, 120, { id: 1999 }), 2000)).toBe(PACKET)
  })

  test('payload that the capture cut off is not read as zeros', () => {
    const { packet, decode } = reassembler()
    expect(decode(part(0, 80), 0, 14 + 20 + 50)).toBe(HELD)
    expect(decode(part(80, 120))).toBe(PACKET)
    expect([packet.payloadEnd - packet.payloadStart, packet.payloadLength]).toEqual([30, 100])
  })
})

test('IPv6 fragments come together, with an extension header behind the fragment header', () => {
  const { packet, decode } = reassembler()
  const whole = Uint8Array.from([PROTOCOL.tcp, 0, 0, 0, 0, 0, 0, 0, ...SEGMENT])
  const piece = (from: number, to: number) =>
    ethernet(
      ipv6(whole.slice(from, to), {
        extensions: [[44, fields([0, 1], [from | (to < whole.length ? 1 : 0), 2], [77, 4])]],
        protocol: 60,
      }),
    )
  expect([decode(piece(64, 128)), decode(piece(0, 64))]).toEqual([HELD, PACKET])
  expect(packet).toMatchObject({
    protocol: PROTOCOL.tcp,
    targetPort: 8080,
    payloadLength: 100,
    reassembled: 1,
  })
  expect(packet.view.getUint8(packet.networkStart) >>> 4).toBe(6)
})

test('whatever the pieces, nothing throws and a whole datagram has the length its end says', () => {
  const pieces = fc.array(
    fc.record({
      id: fc.nat(3),
      offset: fc.nat(8191),
      length: fc.nat(1500),
      more: fc.boolean(),
      at: fc.nat(90_000),
    }),
    { maxLength: 40 },
  )
  fc.assert(
    fc.property(pieces, (list) => {
      const { packet, fragments, decode } = reassembler()
      for (const { id, offset, length, more, at } of list) {
        const layer = { id, fragmentOffset: offset * 8, moreFragments: more, protocol: 99 }
        const outcome = decode(ethernet(ipv4(new Uint8Array(length), layer)), at)
        if (outcome === PACKET && packet.reassembled === 1)
          expect(packet.payloadLength).toBeLessThanOrEqual(65_535)
        fragments.tick(at)
      }
    }),
    { numRuns: 300 },
  )
})
