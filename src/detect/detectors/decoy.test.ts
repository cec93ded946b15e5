import { expect, test } from 'vitest'
import { DECOY_WINDOW } from '#model/decoy.ts'
import { deliver, ethernet, ipv4, tcp } from '../../../test/support/frames.ts'
import { scene } from '../../../test/support/scene.ts'

const [PEER, DECOY] = ['203.0.113.9', '192.0.2.1']

/** SYN, an answer with this window and so many bytes of options, ACK. */
function handshake(window: number, options: number) {
  const net = scene()
  let at = Date.UTC(2026, 0, 2)
  const send = (isOut: boolean, layer: Parameters<typeof tcp>[0]): void => {
    at += 1
    const ports = isOut ? { sourcePort: 23, targetPort: 40_000 } : { sourcePort: 40_000, targetPort: 23 }
    const [source, target] = isOut ? [DECOY, PEER] : [PEER, DECOY]
    deliver(net.watch.sink, ethernet(ipv4(tcp({ ...ports, ...layer }), { source, target })), at)
  }
  send(false, { flags: 0x02, sequence: 1000 })
  send(true, { flags: 0x12, sequence: 7000, acknowledgement: 1001, window, options })
  send(false, { flags: 0x10, sequence: 1001, acknowledgement: 7001 })
  return net.findings.filter(({ detector }) => detector === 'decoy')
}

test('a handshake with the answer of a decoy is found, beyond doubt', () => {
  expect(handshake(DECOY_WINDOW, 0)).toMatchObject([
    { kind: 'handshake', severity: 'high', confidence: 1, subject: PEER, victim: DECOY, spoofable: false },
  ])
})

test.each([
  ['with options, as every real stack sends them', DECOY_WINDOW, 4],
  ['with another window', 64_240, 0],
])('an answer %s is no decoy', (_what, window, options) => {
  expect(handshake(window, options)).toEqual([])
})
