import { describe, expect, test } from 'vitest'
import { range, type Scene, scene } from '../../../test/support/scene.ts'

const [ATTACKER, CLIENT, SERVER] = ['203.0.113.9', '192.0.2.50', '192.0.2.1']
const told = ({ findings }: Scene) => findings.filter(({ detector }) => detector === 'connection-flood')
const levels = (net: Scene) => told(net).map(({ severity }) => severity)

/** A connection with a request of 200 and an answer of 800 bytes. */
function request(net: Scene, from: string, port: number, sourcePort: number): void {
  const [there, back] = [`${from}:${sourcePort}`, `${SERVER}:${port}`]
  net.say({ from: there, to: back, flags: 'S', sequence: 1000, options: 20 })
  net.say({ from: back, to: there, flags: 'SA', sequence: 5000, acknowledgement: 1001, options: 20 })
  net.say({ from: there, to: back, flags: 'A', sequence: 1001, acknowledgement: 5001 })
  net.say({ from: there, to: back, flags: 'PA', sequence: 1001, acknowledgement: 5001, payload: 200 })
  net.say({ from: back, to: there, flags: 'PA', sequence: 5001, acknowledgement: 1201, payload: 800 })
  net.say({ from: there, to: back, flags: 'FA', sequence: 1201, acknowledgement: 5801 })
  net.say({ from: back, to: there, flags: 'FA', sequence: 5801, acknowledgement: 1202 })
  net.say({ from: there, to: back, flags: 'A', sequence: 1202, acknowledgement: 5802 })
}

describe('connections without data', () => {
  test('are an attack from 300 a minute on, and the handshakes prove who does it', () => {
    const net = scene()
    for (const _ of range(400)) {
      net.connects({ from: ATTACKER, to: SERVER, port: 5432 })
      net.pass(100)
    }
    const severe = told(net).find(({ severity }) => severity === 'high')
    expect(severe).toMatchObject({
      ...{ kind: 'empty', subject: ATTACKER, victim: SERVER, spoofable: false, technique: 'T1499.002' },
      ...{ because: 'detectors.connection-flood.emptyTimes = 3', evidence: { ports: [5432] } },
    })
  })

  test('also in one burst that is over before it shows that they carried nothing', () => {
    const net = scene()
    for (const _ of range(500)) {
      net.connects({ from: ATTACKER, to: SERVER, port: 80 })
      net.pass(15)
    }
    net.pass(20_000)
    expect(told(net).at(-1)).toMatchObject({ kind: 'empty', severity: 'high', subject: ATTACKER })
  })

  test('are none when a monitor polls 50 ports twice a minute', () => {
    const net = scene()
    for (const _ of range(10)) {
      for (const port of range(50)) net.connects({ from: CLIENT, to: SERVER, port })
      net.pass(30_000)
    }
    expect(told(net)).toEqual([])
  })
})

describe('connections with data', () => {
  const busy = (count: number, pauseMs: number): Scene => {
    const net = scene()
    for (const n of range(count)) {
      request(net, CLIENT, 443, 10_000 + n)
      net.pass(pauseMs)
    }
    return net
  }

  test('a browser at work is not worth a note', () => expect(levels(busy(90, 500))).toEqual([]))
  test('100 a minute are noted', () => expect(new Set(levels(busy(150, 300)))).toEqual(new Set(['low'])))
  test('a burst of a build machine is a warning at most', () => {
    expect(new Set(levels(busy(800, 20)))).toEqual(new Set(['low', 'medium']))
  })
  test('3,000 a minute are an attack', () => expect(levels(busy(3_100, 5)).at(-1)).toBe('high'))
})

test('an office of many addresses is many sources', () => {
  const net = scene()
  for (const n of range(2_000)) request(net, `192.0.2.${100 + (n % 100)}`, 443, 10_000 + n)
  expect(told(net)).toEqual([])
})
