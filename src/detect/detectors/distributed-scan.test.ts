import { describe, expect, test } from 'vitest'
import { range, type Scene, scene } from '../../../test/support/scene.ts'

const SERVER = '192.0.2.1'
const told = ({ findings }: Scene) => findings.filter(({ detector }) => detector === 'distributed-scan')
const source = (n: number): string => `203.0.113.${n}`

describe('one campaign is', () => {
  test('20 sources with 5 ports each', () => {
    const net = scene()
    for (const n of range(20)) {
      for (const port of range(5))
        net.refused({ from: source(n), to: SERVER, port: n * 10 + port, options: 4 })
      net.pass(1_000)
    }
    expect(net.findings.map(({ detector }) => detector)).toEqual(net.findings.map(() => 'distributed-scan'))
    expect(told(net)[0]).toMatchObject({
      ...{ kind: 'campaign', severity: 'high', subject: SERVER, victim: SERVER, blame: 'nobody' },
      ...{ because: 'detectors.distributed-scan.sources = 8', technique: 'T1046', spoofable: true },
    })
    expect(told(net).at(-1)?.evidence.hosts?.length).toBeGreaterThanOrEqual(8)
    expect(told(net)[0]?.evidence.hosts).toContain(source(1))
  })

  test('the same of a host that answers nothing', () => {
    const net = scene()
    for (const n of range(20)) {
      for (const port of range(5)) net.silent({ from: source(n), to: SERVER, port: n * 10 + port })
      net.pass(1_000)
    }
    net.pass(40_000)
    expect(told(net)[0]).toMatchObject({ kind: 'campaign', subject: SERVER })
  })
})

describe('no campaign is', () => {
  const quiet = (act: (net: Scene) => void): void => {
    const net = scene()
    act(net)
    net.pass(40_000)
    expect(told(net)).toEqual([])
  }

  test('one scanner among decoys, who all try the same ports', () =>
    quiet((net) => {
      for (const port of range(5))
        for (const n of range(12)) net.refused({ from: source(n), to: SERVER, port })
    }))

  test('many clients of a service that is down', () =>
    quiet((net) => {
      for (const n of range(200))
        for (const port of [80, 443]) net.refused({ from: source(n), to: SERVER, port })
    }))

  test('strangers of the Internet who each try a port or two', () =>
    quiet((net) => {
      for (const n of range(100)) {
        net.refused({ from: source(n), to: SERVER, port: 1000 + n * 17 })
        net.pass(5_000)
      }
    }))

  test('a busy server', () =>
    quiet((net) => {
      for (const n of range(50))
        for (const port of range(5)) net.connects({ from: source(n), to: SERVER, port: n * 10 + port })
    }))
})
