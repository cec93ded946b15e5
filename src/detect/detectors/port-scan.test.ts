import { describe, expect, test } from 'vitest'
import { range, type Scene, scene } from '../../../test/support/scene.ts'

const SCANNER = '203.0.113.9'
const SERVER = '192.0.2.1'
const CLIENT = '192.0.2.50'
const kinds = ({ findings }: Scene) =>
  findings.map(({ detector, kind, subject }) => [detector, kind, subject])
const probe = (port: number, flags = 'S') => ({
  ...{ from: SCANNER, to: SERVER, port, flags },
  ...{ sourcePort: 55_555, options: 4 },
})

describe('a scan is found', () => {
  test('by the sixth closed port', () => {
    const net = scene()
    for (const port of range(5)) net.refused(probe(port))
    expect(net.findings).toEqual([])

    net.refused(probe(6))
    expect(kinds(net)).toEqual([['port-scan', 'syn', SCANNER]])
    expect(net.findings[0]).toMatchObject({
      victim: SERVER,
      severity: 'high',
      technique: 'T1046',
      because: 'detectors.port-scan.refusedPorts = 6',
      spoofable: true,
      evidence: { count: 6, ports: [1, 2, 3, 4, 5, 6] },
    })
    expect(net.findings[0]?.evidence.samples[0]).toMatchObject({
      ...{ source: SCANNER, sourcePort: 55_555, target: SERVER, targetPort: 1 },
      ...{ protocol: 6, tcpFlags: 2 },
    })
  })

  test('of a host that answers nothing: by 15 ports that were silent for a second', () => {
    const net = scene()
    for (const port of range(18)) net.silent(probe(port))
    expect(net.findings).toEqual([])

    net.pass(1500)
    expect(net.findings[0]).toMatchObject({
      ...{ kind: 'syn', subject: SCANNER },
      because: 'detectors.port-scan.silentPorts = 15',
    })
  })

  test('of a host that answers nothing, when it is fast: by 60 ports at once', () => {
    const net = scene()
    for (const port of range(70)) net.silent(probe(port))
    expect(net.findings[0]).toMatchObject({ because: 'detectors.port-scan.pendingPorts = 60' })
  })

  test('half by refusals, half by silence', () => {
    const net = scene()
    for (const port of range(3)) net.refused(probe(port))
    for (const port of range(30, 20)) net.silent(probe(port))
    net.pass(1500)
    expect(kinds(net)).toEqual([['port-scan', 'syn', SCANNER]])
  })

  test('of a host with open ports only: half-open tries that no real stack makes', () => {
    const net = scene()
    for (const port of range(12)) net.halfOpen(probe(port))
    expect(kinds(net)).toEqual([['port-scan', 'syn', SCANNER]])
  })

  test('at one port in 15 seconds', () => {
    const net = scene()
    for (const port of range(6)) {
      net.refused(probe(port))
      net.pass(15_000)
    }
    expect(kinds(net)).toEqual([['port-scan', 'syn', SCANNER]])
  })

  test.each([
    ['fin', 'F'],
    ['null', ''],
    ['xmas', 'FPU'],
  ])('%s, though open ports do not answer', (kind, flags) => {
    const net = scene()
    for (const port of range(8)) net.silent(probe(port, flags))
    expect(kinds(net)).toEqual([['port-scan', kind, SCANNER]])
  })

  test.each([
    ['ack', 'A'],
    ['maimon', 'FA'],
  ])('%s, by its resets', (kind, flags) => {
    const net = scene()
    for (const port of range(6)) net.refused(probe(port, flags))
    expect(kinds(net)).toEqual([['port-scan', kind, SCANNER]])
  })

  test('connect, by the SYN of a real stack; and a handshake proves the source', () => {
    const net = scene()
    for (const port of range(5)) net.refused({ from: SCANNER, to: SERVER, port })
    net.connects({ from: SCANNER, to: SERVER, port: 80 })
    net.refused({ from: SCANNER, to: SERVER, port: 6 })
    expect(net.findings[0]).toMatchObject({ kind: 'connect', spoofable: false })
  })

  test('udp, by port unreachable', () => {
    const net = scene()
    for (const port of range(6)) net.udpRefused(probe(port))
    expect(net.findings[0]).toMatchObject({ kind: 'udp', subject: SCANNER, victim: SERVER })
  })

  test('udp, by silence', () => {
    const net = scene()
    for (const port of range(35)) net.udpSilent(probe(port))
    net.pass(1500)
    expect(net.findings[0]).toMatchObject({
      ...{ kind: 'udp', subject: SCANNER },
      because: 'detectors.port-scan.silentUdpPorts = 30',
    })
  })

  test('over IPv6', () => {
    const net = scene()
    for (const port of range(6)) net.refused({ from: '[2001:db8::9]', to: '[2001:db8::1]', port })
    expect(kinds(net)).toEqual([['port-scan', 'connect', '2001:db8::9']])
  })
})

describe('a scan that goes on', () => {
  test('is told again, with all that it tried, and not for each port', () => {
    const net = scene()
    for (const port of range(500)) net.refused(probe(port))
    net.pass(3000)
    expect(net.findings.map(({ again, evidence }) => [again, evidence.count])).toEqual([
      [undefined, 6],
      [true, 500],
    ])
    expect(net.findings[1]?.evidence.ports).toHaveLength(64)
  })

  test('is told at once when it comes back after a block', () => {
    const net = scene()
    for (const port of range(20)) net.refused(probe(port))
    net.pass(60_000)
    const told = net.findings.length
    for (const port of range(20)) net.refused(probe(port))
    expect(net.findings.length).toBe(told + 1)
  })
})

describe('nobody is blamed who', () => {
  const quiet = (act: (net: Scene) => void): void => {
    const net = scene()
    act(net)
    net.pass(5000)
    expect(net.findings.filter(({ detector }) => detector === 'port-scan')).toEqual([])
  }

  test('opens 60 parallel connections and retries a closed port', () =>
    quiet((net) => {
      for (const _ of range(60)) net.connects({ from: CLIENT, to: SERVER, port: 443 })
      for (const _ of range(200)) net.refused({ from: CLIENT, to: SERVER, port: 8443 })
    }))

  test('finds a few ports closed', () =>
    quiet((net) => {
      for (const port of range(5)) net.refused({ from: CLIENT, to: SERVER, port })
    }))

  test('polls 50 open ports, even when the answers are slow', () =>
    quiet((net) => {
      for (const port of range(50)) {
        net.say({ from: `${CLIENT}:40000`, to: `${SERVER}:${port}`, flags: 'S', options: 20 })
      }
      net.pass(300)
      for (const port of range(50)) {
        net.say({
          from: `${SERVER}:${port}`,
          to: `${CLIENT}:40000`,
          flags: 'SA',
          sequence: 1,
          acknowledgement: 1001,
        })
        net.say({
          from: `${CLIENT}:40000`,
          to: `${SERVER}:${port}`,
          flags: 'A',
          sequence: 1001,
          acknowledgement: 2,
        })
      }
    }))

  test('polls 50 ports of a host that then goes down', () =>
    quiet((net) => {
      for (const port of range(50)) net.connects({ from: CLIENT, to: SERVER, port })
      net.pass(60_000)
      for (const port of range(50, 4)) net.refused({ from: CLIENT, to: SERVER, port })
    }))

  test('checks the health of ports half-open, as load balancers do', () =>
    quiet((net) => {
      for (const port of range(40)) net.halfOpen({ from: CLIENT, to: SERVER, port })
    }))

  test('is a server whose flows were under way when we came', () =>
    quiet((net) => {
      for (const port of range(40_100, 40_000)) {
        net.say({ from: `${SERVER}:443`, to: `${CLIENT}:${port}`, flags: 'PA', payload: 100 })
        net.say({ from: `${SERVER}:443`, to: `${SCANNER}:${port}`, flags: 'A' })
        net.say({ from: `${SCANNER}:${port}`, to: `${SERVER}:443`, flags: 'R' })
        net.say({ from: `${SERVER}:443`, to: `${SCANNER}:${port + 1000}`, flags: 'FA' })
        net.say({ from: `${SCANNER}:${port + 1000}`, to: `${SERVER}:443`, flags: 'R' })
      }
    }))

  test('answers a flood in our name (SYN-ACK and RST from nowhere)', () =>
    quiet((net) => {
      for (const port of range(100)) {
        net.say({ from: `${SERVER}:80`, to: `${CLIENT}:${port}`, flags: 'SA', acknowledgement: 7 })
        net.say({ from: `${CLIENT}:${port}`, to: `${SERVER}:80`, flags: 'R' })
        net.say({ from: `${SERVER}:80`, to: `${CLIENT}:${port + 1000}`, flags: 'RA' })
      }
    }))

  test('is a resolver whose late answers find the port closed', () =>
    quiet((net) => {
      for (const port of range(30_040, 30_000)) {
        net.udpAnswered({ from: CLIENT, to: SERVER, port: 53, sourcePort: port })
        net.udpSilent({ from: SERVER, to: CLIENT, sourcePort: 53, port: port + 1000 })
        net.udpRefused({ from: SERVER, to: CLIENT, sourcePort: 53, port: port + 2000 })
      }
    }))

  test('answers searches for devices', () =>
    quiet((net) => {
      for (const port of range(50_040, 50_000)) {
        net.udpSilent({ from: SERVER, to: CLIENT, sourcePort: 1900, port })
      }
    }))

  test('logs to a host that never answers', () =>
    quiet((net) => {
      for (const port of [514, 2055, 6343, 8125, 9995, 12201, 4739, 5140]) {
        for (const _ of range(20)) net.udpSilent({ from: CLIENT, to: SERVER, port })
      }
    }))

  test('traces a route', () =>
    quiet((net) => {
      for (const port of range(33_520, 33_434)) net.udpRefused({ from: CLIENT, to: SERVER, port })
    }))

  test('looks for a host that is not there', () =>
    quiet((net) => {
      for (const port of range(10)) net.udpRefused({ from: CLIENT, to: SERVER, port }, 1)
    }))

  test('fetches files by passive FTP', () =>
    quiet((net) => {
      for (const port of range(50_200, 50_000)) net.connects({ from: CLIENT, to: SERVER, port })
    }))

  test('talks to many peers by UDP, each at a port of its own', () =>
    quiet((net) => {
      for (const peer of range(200))
        net.udpSilent({ from: CLIENT, to: `198.51.100.${peer}`, port: 10_000 + peer })
    }))

  test('comes from a random source each time', () =>
    quiet((net) => {
      for (const n of range(5000)) {
        net.refused({ from: `100.64.${n >> 8}.${n & 255}`, to: SERVER, port: 80, options: 0 })
      }
    }))
})

test('settings change the limits', () => {
  const net = scene({ 'port-scan': { refusedPorts: 3 } })
  for (const port of range(3)) net.refused(probe(port))
  expect(net.findings[0]?.because).toBe('detectors.port-scan.refusedPorts = 3')
})
