import { describe, expect, test } from 'vitest'
import { range, type Scene, scene } from '../../../test/support/scene.ts'

const [ATTACKER, PROXY, SERVER] = ['203.0.113.9', '192.0.2.50', '192.0.2.1']
const told = ({ findings }: Scene) => findings.filter(({ detector }) => detector === 'http-flood')

function requests(net: Scene, from: string, perSecond: number, seconds: number): void {
  for (const second of range(seconds)) {
    for (const n of range(perSecond)) {
      const sequence = second * 1_000_000 + n * 100
      net.say({
        from: `${from}:4000`,
        to: `${SERVER}:80`,
        flags: 'PA',
        sequence,
        payload: 'GET /page HTTP/1.1\r\n\r\n',
      })
    }
    net.pass(1000 - perSecond / 100)
  }
}

test('200 requests a second over ten seconds are an attack', () => {
  const net = scene()
  net.pass(60_000)
  requests(net, ATTACKER, 250, 12)
  expect(told(net).at(-1)).toMatchObject({
    ...{ severity: 'high', subject: ATTACKER, victim: SERVER, kind: 'requests', spoofable: false },
    ...{ because: 'detectors.http-flood.floodTimes = 4', evidence: { ports: [80] } },
  })
})

test('50 a second are a warning', () => {
  const net = scene()
  net.pass(60_000)
  requests(net, ATTACKER, 60, 12)
  expect(new Set(told(net).map(({ severity }) => severity))).toEqual(new Set(['medium']))
})

describe('nothing severe is told of', () => {
  test('a browser that loads a page of 200 parts', () => {
    const net = scene()
    net.pass(60_000)
    requests(net, PROXY, 200, 2)
    net.pass(20_000)
    expect(told(net)).toEqual([])
  })

  test('a proxy that was at work when we came', () => {
    const net = scene()
    requests(net, PROXY, 300, 150)
    expect(told(net).filter(({ severity }) => severity === 'high')).toEqual([])
  })

  test('data that is no request', () => {
    const net = scene()
    net.pass(60_000)
    for (const n of range(5_000)) {
      net.say({
        from: `${PROXY}:4000`,
        to: `${SERVER}:80`,
        flags: 'PA',
        sequence: n * 100,
        payload: 'GETTING OUT OF HERE',
      })
      if (n % 300 === 0) net.pass(1000)
    }
    expect(told(net)).toEqual([])
  })
})
