import { describe, expect, test } from 'vitest'
import { range, type Scene, scene } from '../../../test/support/scene.ts'

const [INSIDE, OUTSIDE] = ['192.0.2.50', '203.0.113.9']
const told = ({ findings }: Scene) => findings.filter(({ detector }) => detector === 'icmp-tunnel')

function ping(net: Scene, n: number, asked: string, answered: string): void {
  net.say({ from: INSIDE, to: OUTSIDE, protocol: 'icmp', type: 8, word: 0x00070000 + n, payload: asked })
  net.say({ from: OUTSIDE, to: INSIDE, protocol: 'icmp', type: 0, word: 0x00070000 + n, payload: answered })
  net.pass(1000)
}

test('answers that carry other data than was asked with are a tunnel', () => {
  const net = scene()
  for (const n of range(15)) ping(net, n, `request ${n}`, `a whole other answer ${n}`)
  expect(told(net)[0]).toMatchObject({
    ...{ kind: 'echo', severity: 'high', subject: INSIDE, victim: OUTSIDE, technique: 'T1095' },
    ...{ because: 'detectors.icmp-tunnel.strangeAnswers = 10', evidence: { count: 10 } },
  })
})

test('also where the kernel answers too, as it must', () => {
  const net = scene()
  for (const n of range(15)) {
    ping(net, n, `request ${n}`, `request ${n}`)
    net.say({ from: OUTSIDE, to: INSIDE, protocol: 'icmp', type: 0, word: 0x00070000 + n, payload: 'more' })
  }
  expect(told(net)[0]).toMatchObject({ kind: 'echo', subject: INSIDE })
})

describe('no tunnel is', () => {
  test('a ping, of whatever size and content', () => {
    const net = scene()
    for (const n of range(100)) ping(net, n, 'x'.repeat(n * 14), 'x'.repeat(n * 14))
    expect(told(net)).toEqual([])
  })

  test('answers that come late, after many more requests', () => {
    const net = scene()
    for (const n of range(30)) {
      net.say({ from: INSIDE, to: OUTSIDE, protocol: 'icmp', type: 8, word: n, payload: `request ${n}` })
    }
    for (const n of range(30)) {
      net.say({ from: OUTSIDE, to: INSIDE, protocol: 'icmp', type: 0, word: n, payload: `request ${n}` })
    }
    expect(told(net)).toEqual([])
  })
})
