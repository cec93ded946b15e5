import { describe, expect, test } from 'vitest'
import { range, type Scene, scene } from '../../../test/support/scene.ts'

const VICTIM = '192.0.2.1'
const told = ({ findings }: Scene) => findings.filter(({ severity }) => severity === 'high')

describe('reflected amplification is found', () => {
  test.each([
    ['dns', 53],
    ['ntp', 123],
    ['ssdp', 1900],
    ['memcached', 11211],
    ['cldap', 389],
    ['coap', 5683],
  ])('%s: large answers that nobody asked for, and its reflectors are not blamed', (kind, port) => {
    const net = scene()
    for (const n of range(600)) {
      net.say({
        from: `203.0.113.${1 + (n % 40)}:${port}`,
        to: `${VICTIM}:${30_000 + (n % 3)}`,
        protocol: 'udp',
        payload: 1200,
      })
    }
    expect(told(net)[0]).toMatchObject({
      ...{ detector: 'amplification', kind, subject: VICTIM, victim: VICTIM, blame: 'nobody' },
      ...{ confidence: 0.9, technique: 'T1498.002', spoofable: true },
      because: 'detectors.amplification.answersPerSecond = 200',
    })
    expect(told(net)[0]?.evidence.sources).toBeGreaterThan(30)
    expect(told(net)).toHaveLength(1)
  })

  test('also where its questions were forged to come from another service', () => {
    const net = scene()
    for (const n of range(600)) {
      net.say({ from: `203.0.113.${1 + (n % 40)}:123`, to: `${VICTIM}:53`, protocol: 'udp', payload: 440 })
    }
    expect(told(net)).toMatchObject([{ detector: 'amplification', kind: 'ntp', blame: 'nobody' }])
  })

  test('and its end is told, with the volume', () => {
    const net = scene()
    for (const n of range(600)) {
      net.say({ from: `203.0.113.${1 + (n % 40)}:123`, to: `${VICTIM}:80`, protocol: 'udp', payload: 440 })
    }
    net.pass(30_000)
    const { evidence } = told(net).at(-1) ?? expect.unreachable()
    expect(evidence.endedAt).toBeDefined()
    expect(evidence.packets).toBe(600)
    expect(evidence.bytes).toBeGreaterThan(600 * 440)
  })
})

describe('nothing is told of', () => {
  const quiet = (act: (net: Scene) => void): void => {
    const net = scene()
    act(net)
    net.pass(15_000)
    expect(net.findings).toEqual([])
  }

  test('large answers that were asked for', () =>
    quiet((net) => {
      for (const n of range(900)) {
        const client = `${VICTIM}:${20_000 + n}`
        net.say({ from: client, to: '203.0.113.53:53', protocol: 'udp', payload: 40 })
        net.say({ from: '203.0.113.53:53', to: client, protocol: 'udp', payload: 1200 })
      }
    }))

  test('small answers: clocks of a time server whose questions we did not see', () =>
    quiet((net) => {
      for (const n of range(500)) {
        net.say({ from: '203.0.113.5:123', to: `${VICTIM}:${20_000 + n}`, protocol: 'udp', payload: 48 })
      }
    }))

  test('devices that answer a search', () =>
    quiet((net) => {
      for (const n of range(60)) {
        net.say({ from: `192.0.2.${100 + n}:1900`, to: `${VICTIM}:50000`, protocol: 'udp', payload: 450 })
      }
    }))
})
