import fc from 'fast-check'
import { expect, test } from 'vitest'
import { packetSummary } from './packet-summary.ts'

const viewOf = (hex: string): DataView =>
  new DataView(Uint8Array.from(Buffer.from(hex.replace(/\s/g, ''), 'hex')).buffer)

const TCP_SYN = 'c0a8 0050 00000001 00000000 50 02 7210 0000 0000'

test('an IPv4 SYN is read with ports, flags and window', () => {
  const bytes = viewOf(`45 10 003c 0001 4000 40 06 0000 c0000201 c6336407 ${TCP_SYN}`)
  expect(packetSummary(bytes)).toEqual({
    source: '192.0.2.1',
    target: '198.51.100.7',
    protocol: 6,
    length: 60,
    ttl: 64,
    tos: 16,
    sourcePort: 49_320,
    targetPort: 80,
    tcp: { sequence: 1, acknowledgement: 0, flags: 2, window: 0x7210 },
  })
})

test('an IPv6 packet is read through its extension headers', () => {
  const hopByHop = '06 00 0502 0000 0100'
  const bytes = viewOf(
    `60000000 001c 00 ff ${'20010db8'.padEnd(32, '0')} ${'fe80'.padEnd(32, '0')} ${hopByHop} ${TCP_SYN}`,
  )
  expect(packetSummary(bytes)).toMatchObject({
    source: '2001:db8::',
    target: 'fe80::',
    protocol: 6,
    targetPort: 80,
    length: 68,
  })
})

test('a later fragment has no ports', () => {
  const bytes = viewOf(`45 00 003c 0001 2005 40 11 0000 c0000201 c6336407 ${TCP_SYN}`)
  expect(packetSummary(bytes)).not.toHaveProperty('sourcePort')
})

test('whatever the bytes say, nothing is thrown', () => {
  fc.assert(
    fc.property(fc.constantFrom(0x45, 0x46, 0x4f, 0x60), fc.uint8Array({ maxLength: 140 }), (first, rest) => {
      packetSummary(new DataView(Uint8Array.of(first, ...rest).buffer))
    }),
  )
})
