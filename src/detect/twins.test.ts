import { describe, expect, test } from 'vitest'
import { Packet } from '#model/packet.ts'
import { Twins } from './twins.ts'

const [ONE, OTHER, THIRD, TARGET] = [0x0a000001, 0x0a000002, 0x0a000003, 0x0a0000fe]
const MAC = [0x0200, 9] as const

/** One packet of each source, as nmap numbers them; what differs is told. */
function seen(
  ...packets: readonly { source: number; about?: Partial<Packet>; mac?: readonly [number, number] }[]
) {
  const twins = new Twins()
  for (const { source, about, mac = MAC } of packets) {
    const packet = Object.assign(new Packet(), {
      ...{ source0: source, target0: TARGET, sourcePort: 61_000, targetPort: 80, tcpSequence: 842_119_740 },
      ...{ at: 1_000, ...about },
    })
    twins.opened(packet, ...mac)
  }
  return (source: number, now = 1_000) => twins.familyOf(source, now)
}

describe('packets that are numbered alike', () => {
  test('make their senders one family, whatever the port that they try', () => {
    const family = seen({ source: ONE }, { source: OTHER, about: { targetPort: 81 } }, { source: THIRD })
    expect([family(ONE), family(OTHER), family(THIRD)]).toEqual([1, 1, 1])
  })

  test('say nothing of one source alone', () => {
    expect(seen({ source: ONE }, { source: ONE })(ONE)).toBe(0)
  })

  test.each<[string, Partial<Packet>]>([
    ['another number', { tcpSequence: 842_119_741 }],
    ['another source port', { sourcePort: 61_001 }],
    ['another target', { target0: TARGET - 1 }],
    ['a second later', { at: 2_000 }],
  ])('are not alike with %s', (_what, about) => {
    const family = seen({ source: ONE }, { source: OTHER, about })
    expect([family(ONE), family(OTHER)]).toEqual([0, 0])
  })

  test('are one packet where another MAC brings it: a gateway rewrote its source', () => {
    expect(seen({ source: ONE }, { source: OTHER, mac: [0x0200, 10] })(ONE)).toBe(0)
  })

  test('are forgotten after twenty minutes', () => {
    const family = seen({ source: ONE }, { source: OTHER })
    expect([family(ONE, 1_201_000), family(ONE, 1_201_001)]).toEqual([1, 0])
  })
})
