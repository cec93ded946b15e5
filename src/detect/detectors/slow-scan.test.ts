import { describe, expect, test } from 'vitest'
import { range, type Scene, scene } from '../../../test/support/scene.ts'

const [SCANNER, CLIENT, SERVER] = ['203.0.113.9', '192.0.2.50', '192.0.2.1']
const told = ({ findings }: Scene) => findings.filter(({ detector }) => detector === 'slow-scan')
const MINUTE = 60_000

describe('a slow scan is found', () => {
  test('of one host, a closed port every five minutes (nmap -T0)', () => {
    const net = scene()
    for (const port of range(12)) {
      net.refused({ from: SCANNER, to: SERVER, port, options: 4 })
      net.pass(5 * MINUTE)
    }
    expect(net.findings).toHaveLength(1)
    expect(told(net)[0]).toMatchObject({
      ...{ kind: 'ports', severity: 'high', subject: SCANNER, victim: SERVER, technique: 'T1046' },
      ...{ because: 'detectors.slow-scan.falseAlarms = 0.00001', evidence: { count: 9 } },
    })
    expect(told(net)[0]?.evidence.ports).toEqual(range(9))
  })

  test('though its host is forgotten between two tries', () => {
    const net = scene()
    for (const port of range(10)) {
      net.refused({ from: SCANNER, to: SERVER, port })
      net.pass(12 * MINUTE)
    }
    expect(told(net)).toHaveLength(1)
  })

  test('of a host that answers nothing, every fifteen seconds (nmap -T1)', () => {
    const net = scene()
    for (const port of range(15)) {
      net.silent({ from: SCANNER, to: SERVER, port })
      net.pass(15_000)
    }
    net.pass(MINUTE)
    expect(told(net)[0]).toMatchObject({ kind: 'ports', subject: SCANNER })
  })

  test('of one service on many hosts', () => {
    const net = scene()
    for (const n of range(12)) {
      net.refused({ from: SCANNER, to: `192.0.2.${n}`, port: 22 })
      net.pass(3 * MINUTE)
    }
    expect(told(net)[0]).toMatchObject({ kind: 'hosts', severity: 'high', evidence: { ports: [22] } })
  })

  test('over IPv6', () => {
    const net = scene()
    for (const port of range(10)) {
      net.refused({ from: '[2001:db8::9]', to: '[2001:db8::1]', port })
      net.pass(5 * MINUTE)
    }
    expect(told(net)[0]).toMatchObject({ subject: '2001:db8::9', victim: '2001:db8::1' })
  })

  test('among a flood of strangers who fail once each', () => {
    const net = scene()
    for (const port of range(10)) {
      net.refused({ from: SCANNER, to: SERVER, port })
      for (const n of range(600)) {
        net.refused({ from: `100.${64 + port}.${n >> 8}.${n & 255}`, to: SERVER, port: 80 })
      }
      net.pass(5 * MINUTE)
    }
    expect(told(net).map(({ subject }) => subject)).toEqual([SCANNER])
  })
})

describe('nobody is blamed who', () => {
  const quiet = (act: (net: Scene) => void): void => {
    const net = scene()
    act(net)
    net.pass(MINUTE)
    expect(told(net)).toEqual([])
  }

  test('tries the same closed port for hours', () =>
    quiet((net) => {
      for (const _ of range(200)) {
        net.refused({ from: CLIENT, to: SERVER, port: 5432 })
        net.pass(30_000)
      }
    }))

  test('polls 50 ports, one each minute, until the host goes down', () =>
    quiet((net) => {
      const poll = (make: (port: number) => void) => {
        for (const port of range(50)) {
          make(port)
          net.pass(MINUTE)
        }
      }
      poll((port) => net.connects({ from: CLIENT, to: SERVER, port }))
      poll((port) => net.refused({ from: CLIENT, to: SERVER, port }))
    }))

  test('fails now and then, and succeeds more often', () =>
    quiet((net) => {
      for (const n of range(100)) {
        const to = `198.51.100.${n}`
        if (n % 4 === 0) net.silent({ from: CLIENT, to, port: 443 })
        else net.connects({ from: CLIENT, to, port: 443 })
        net.pass(MINUTE)
      }
    }))

  test('is found by others: a fast scan is told once', () =>
    quiet((net) => {
      for (const port of range(300)) {
        net.refused({ from: SCANNER, to: SERVER, port })
        net.pass(500)
      }
    }))
})

test('nmap -T1 -D: names that try the same in step are not blamed, one by one, for one scanner', () => {
  const net = scene()
  const names = [SCANNER, ...range(5, 1).map((n) => `198.51.100.${n}`)]
  for (const port of range(30)) {
    for (const from of names) net.silent({ from, to: SERVER, port, options: 4 })
    net.pass(30_000)
  }
  const decoys = told(net)
  expect(decoys).not.toEqual([])
  for (const finding of decoys)
    expect(finding).toMatchObject({ kind: 'decoys', subject: SERVER, blame: 'nobody' })
  expect(decoys.at(-1)?.evidence.hosts).toContain(SCANNER)
})

test('two scanners with ports of their own are each blamed', () => {
  const net = scene()
  for (const port of range(12)) {
    net.refused({ from: SCANNER, to: SERVER, port })
    net.refused({ from: '198.51.100.7', to: SERVER, port: 500 + port })
    net.pass(5 * MINUTE)
  }
  expect(
    told(net)
      .map(({ subject }) => subject as string)
      .sort(),
  ).toEqual(['198.51.100.7', SCANNER])
})

test('a peer-to-peer program that fails everywhere is noted, not blocked', () => {
  const net = scene()
  for (const n of range(30)) {
    net.refused({ from: CLIENT, to: `198.51.100.${n}`, port: 20_000 + n * 7 })
    net.pass(2 * MINUTE)
  }
  expect(new Set(told(net).map(({ severity, kind }) => `${severity} ${kind}`))).toEqual(
    new Set(['medium mixed']),
  )
})
