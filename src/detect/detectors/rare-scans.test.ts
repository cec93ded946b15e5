import { describe, expect, test } from 'vitest'
import { arp, deliver, ETHERTYPE, ethernet, fields, ipv4, tcp } from '../../../test/support/frames.ts'
import { range, type Scene, scene } from '../../../test/support/scene.ts'

const [SCANNER, TARGET] = ['203.0.113.9', '192.0.2.1']
const SCANNER_MAC = [2, 0, 0, 0, 0, 9]
const told = ({ findings }: Scene, id: string) => findings.filter(({ detector }) => detector === id)

interface RawPacket {
  readonly protocol: number
  readonly body?: Uint8Array
  readonly back?: boolean
  readonly from?: string
}

/** A bare IP packet of any protocol. */
function raw(net: Scene, at: number, packet: RawPacket): void {
  const { protocol, body = new Uint8Array(8), back = false, from = SCANNER } = packet
  const [source, target] = back ? [TARGET, from] : [from, TARGET]
  deliver(net.watch.sink, ethernet(ipv4(body, { source, target, protocol })), Date.UTC(2026, 0, 1) + at)
}

/** One SCTP packet: ports, tag, checksum, and a chunk of this type. */
const sctp = (from: number, to: number, chunk: number): Uint8Array =>
  fields([from, 2], [to, 2], [0, 4], [0, 4], [chunk, 1], [0, 1], [20, 2], [0, 4], [0, 4], [0, 4], [0, 4])

describe('an IP protocol scan', () => {
  test('is found by its sixth unusual protocol', () => {
    const net = scene()
    for (const protocol of range(255, 0)) raw(net, protocol * 10, { protocol })
    expect(told(net, 'protocol-scan')[0]).toMatchObject({
      ...{ kind: 'ip-protocol', severity: 'high', subject: SCANNER, victim: TARGET, technique: 'T1046' },
      ...{ evidence: { count: 6 }, because: 'detectors.protocol-scan.protocols = 6', spoofable: true },
    })
  })

  test('is not: tunnels, routing and whatever else two hosts have to do with each other', () => {
    const net = scene()
    for (const n of range(50)) {
      for (const protocol of [1, 2, 50, 51, 88, 89, 103, 112, 132, 200, 201]) raw(net, n * 1000, { protocol })
    }
    expect(told(net, 'protocol-scan')).toEqual([])
  })
})

describe('an SCTP scan', () => {
  test.each([
    ['sctp-init', 1],
    ['sctp-cookie', 10],
  ])('%s is found by its sixth port', (kind, chunk) => {
    const net = scene()
    for (const port of range(30)) {
      raw(net, port * 10, { protocol: 132, body: sctp(40_000, port, chunk) })
      raw(net, port * 10 + 1, { protocol: 132, body: sctp(port, 40_000, 6), back: true })
    }
    expect(told(net, 'sctp-scan')[0]).toMatchObject({
      ...{ kind, severity: 'high', subject: SCANNER, victim: TARGET, evidence: { count: 6 } },
      because: 'detectors.sctp-scan.ports = 6',
    })
    expect(told(net, 'sctp-scan')[0]?.evidence.ports).toContain(3)
  })

  test('is not: a peer that asks again and again, one that is answered, one that is cut short', () => {
    const net = scene()
    for (const n of range(100)) {
      raw(net, n * 100, { protocol: 132, body: sctp(40_000 + n, 2905, 1) })
      raw(net, n * 100 + 1, { protocol: 132, body: sctp(40_000, 5000 + (n % 20), 1) })
      raw(net, n * 100 + 2, { protocol: 132, body: sctp(5000 + (n % 20), 40_000, 2), back: true })
      raw(net, n * 100 + 3, { protocol: 132, body: new Uint8Array(n % 13) })
    }
    expect(told(net, 'sctp-scan')).toEqual([])
    expect(net.watch.detection.health().every(({ state }) => state === 'ok')).toBe(true)
  })
})

describe('OS fingerprinting', () => {
  const send = (net: Scene, flags: string, port = 22): void =>
    net.say({ from: `${SCANNER}:${nextPort++}`, to: `${TARGET}:${port}`, flags, options: 20 })
  let nextPort = 50_000

  test('is found by the probes of nmap -O', () => {
    const net = scene()
    for (const flags of ['S', 'S', 'S', '', 'SFPU', 'A']) send(net, flags)
    for (const flags of ['S', 'A', 'FPU']) send(net, flags, 1)
    expect(told(net, 'os-fingerprint')).toMatchObject([
      { kind: 'os', severity: 'high', subject: SCANNER, victim: TARGET, technique: 'T1595' },
    ])
  })

  test('is not: a scan with one kind of packets, nor ordinary connections', () => {
    const net = scene()
    for (const port of range(30)) {
      send(net, 'FPU', port)
      send(net, '', port)
    }
    for (const port of range(30)) net.connects({ from: '198.51.100.1', to: TARGET, port })
    expect(told(net, 'os-fingerprint')).toEqual([])
  })
})

describe('version probes', () => {
  const greet = (net: Scene, payload: string | Uint8Array, port = 80, from = SCANNER): void => {
    const [there, back] = [`${from}:${nextPort++}`, `${TARGET}:${port}`]
    net.say({ from: there, to: back, flags: 'S', sequence: 1, options: 20 })
    net.say({ from: back, to: there, flags: 'SA', sequence: 1, acknowledgement: 2, options: 20 })
    net.say({ from: there, to: back, flags: 'PA', sequence: 2, acknowledgement: 2, payload })
  }
  let nextPort = 50_000

  test.each([
    ['GET /nice%20ports%2C/Tri%6Eity.txt%2ebak HTTP/1.0\r\n\r\n'],
    ['OPTIONS sip:nm SIP/2.0\r\nVia: SIP/2.0/TCP nm;branch=foo\r\n'],
    [Uint8Array.from([...Buffer.from('TNMP'), 4, 0, 0, 0])],
  ])('%j is enough', (payload) => {
    const net = scene()
    greet(net, payload)
    expect(told(net, 'version-probe')).toMatchObject([
      { kind: 'telling', severity: 'high', subject: SCANNER, victim: TARGET, spoofable: false },
    ])
  })

  test('three greetings of different protocols are a warning', () => {
    const net = scene()
    for (const payload of ['\r\n\r\n', 'GET / HTTP/1.0\r\n\r\n', 'HELP\r\n']) greet(net, payload, 9999)
    expect(told(net, 'version-probe')).toMatchObject([
      { kind: 'greetings', severity: 'medium', because: 'detectors.version-probe.probes = 3' },
    ])
  })

  test('clients that speak one protocol each are none', () => {
    const net = scene()
    for (const n of range(50)) {
      greet(net, 'GET / HTTP/1.0\r\n\r\n')
      greet(net, 'GET /index.html HTTP/1.1\r\nHost: example.org\r\n\r\n')
      greet(net, 'OPTIONS rtsp://192.0.2.1/video RTSP/1.0\r\nCSeq: 1\r\n\r\n', 554, '198.51.100.1')
      greet(net, 'OPTIONS sip:anna@example.org SIP/2.0\r\n', 5060, '198.51.100.2')
      greet(net, 'HELP\r\n', 25, '198.51.100.3')
      for (const length of range(20))
        greet(net, 'OPTIONS sip:nmGET /nice'.slice(0, length % 12), 80, `198.51.100.${n}`)
    }
    expect(told(net, 'version-probe')).toEqual([])
    expect(net.watch.detection.health().every(({ state }) => state === 'ok')).toBe(true)
  })
})

describe('a rare scan in several names (nmap -D)', () => {
  const NAMES = ['198.51.100.1', '198.51.100.2', SCANNER]

  test.each<[string, (net: Scene, at: number, from: string) => void]>([
    ['protocol-scan', (net, at, from) => raw(net, at, { from, protocol: 150 + (at % 100) })],
    ['sctp-scan', (net, at, from) => raw(net, at, { from, protocol: 132, body: sctp(40_000, at, 1) })],
    [
      'os-fingerprint',
      (net, at, from) => net.silent({ from, to: TARGET, port: 22, flags: ['', 'SFPU', 'FPU'][at % 3] ?? '' }),
    ],
  ])('blames nobody: %s', (id, send) => {
    const net = scene()
    for (const at of range(12)) for (const from of NAMES) send(net, at, from)
    expect(told(net, id)[0]).toMatchObject({
      ...{ kind: 'decoys', subject: TARGET, victim: TARGET, blame: 'nobody', spoofable: true },
      evidence: { sources: 3, hosts: expect.arrayContaining(NAMES) },
    })
    expect(told(net, id).filter(({ blame }) => blame !== 'nobody')).toEqual([])
  })

  test('blames each of two that have nothing to do with each other', () => {
    const net = scene()
    for (const at of range(12)) raw(net, at, { protocol: 150 + at })
    for (const at of range(12)) raw(net, 5_000 + at, { from: NAMES[0] as string, protocol: 150 + at })
    expect(told(net, 'protocol-scan').map(({ subject }) => subject)).toEqual([SCANNER, NAMES[0]])
  })

  test.each<[string, (at: number, source: string) => Uint8Array]>([
    [
      'protocol-scan',
      (at, source) => ipv4(new Uint8Array(8), { source, target: TARGET, protocol: 150 + at }),
    ],
    ['sctp-scan', (at, source) => ipv4(sctp(40_000, at, 1), { source, target: TARGET, protocol: 132 })],
    [
      'os-fingerprint',
      (at, source) =>
        ipv4(tcp({ sourcePort: 50_000 + at, targetPort: 22, flags: [0, 0x2b, 0x29][at % 3] ?? 0 }), {
          source,
          target: TARGET,
        }),
    ],
  ])('blames him whose MAC all came with: %s', (id, packet) => {
    const net = scene()
    net.send(ethernet(arp(2, SCANNER_MAC, SCANNER, TARGET), { type: ETHERTYPE.arp, sourceMac: SCANNER_MAC }))
    for (const at of range(12)) {
      for (const from of NAMES) net.send(ethernet(packet(at, from), { sourceMac: SCANNER_MAC }))
    }
    const [first] = told(net, id)
    expect(first).toMatchObject({ subject: SCANNER, victim: TARGET, severity: 'high' })
    expect(first?.summary).toContain('behind the decoys 198.51.100.1, 198.51.100.2')
    expect(first?.evidence.samples.map(({ source }) => source)).toContain(SCANNER)
    expect(new Set(net.findings.map(({ subject }) => subject as string))).toEqual(new Set([SCANNER]))
  })

  test('leaves alone a name that had to do with the target before, by the same protocols', () => {
    const net = scene()
    for (const at of range(3)) raw(net, at, { from: NAMES[0] as string, protocol: 150 + at })
    for (const at of range(12)) {
      for (const from of NAMES) raw(net, 60_000 + at, { from, protocol: 170 + at })
    }
    expect(told(net, 'protocol-scan').filter(({ blame }) => blame !== 'nobody')).toEqual([])
  })
})
