import { describe, expect, test } from 'vitest'
import { neighbourAdvertisement, routerAdvertisement } from '#detect/self-test/messages.ts'
import type { Finding } from '#model/finding.ts'
import { arp, deliver, ETHERTYPE, ethernet, ipv4, ipv6, tcp } from '../../test/support/frames.ts'
import { range, type Scene, scene } from '../../test/support/scene.ts'
import { createWatch } from '../watch.ts'

const VICTIM = '192.0.2.1'
const DECOYS = ['198.51.100.1', '198.51.100.2', '198.51.100.3']
const SCANNER = '203.0.113.9'
const SCANNER_MAC = [2, 0, 0, 0, 0, 9]
const VICTIM_MAC = [2, 0, 0, 0, 0, 1]

const STALLED_RUNS = 60

/** Numbers from 0 to 1, the same for the same seed (xorshift). */
function chances(seed: number): () => number {
  let state = seed * 0x9e3779b9
  return () => {
    state ^= state << 13
    state ^= state >>> 17
    state ^= state << 5
    return (state >>> 0) / 2 ** 32
  }
}

/** One of ten packets waits, up to half a second; three of ten answers get lost. */
function stalledScan(chance: () => number): Scene {
  const net = scene()
  for (const port of range(40)) {
    for (const from of [...DECOYS, SCANNER]) {
      if (chance() < 0.1) net.pass(50 + 400 * chance())
      const answer = chance() < 0.3 ? net.silent : net.refused
      answer({ from, to: VICTIM, port, options: 4 })
    }
  }
  net.pass(3_000)
  return net
}

describe('several addresses that try the same ports in step', () => {
  test('are one story about the victim, that blames nobody', () => {
    const { findings, refused } = scene()
    for (const port of range(20)) {
      for (const from of [...DECOYS, SCANNER]) refused({ from, to: VICTIM, port, options: 4 })
    }
    expect(findings).toHaveLength(1)
    expect(findings[0]).toMatchObject({
      ...{ detector: 'port-scan', kind: 'decoys', subject: VICTIM, victim: VICTIM, blame: 'nobody' },
      evidence: { sources: 4, hosts: expect.arrayContaining([...DECOYS, SCANNER]) },
    })
  })

  test('also where one of them is a client at work', () => {
    const { findings, refused, connects } = scene()
    for (const port of range(20)) {
      for (const from of [...DECOYS, SCANNER]) refused({ from, to: VICTIM, port, options: 4 })
      connects({ from: DECOYS[0] as string, to: VICTIM, port: 443 })
    }
    expect(findings.map(({ blame }) => blame)).toEqual(['nobody'])
  })

  test('also where they try one port of many hosts', () => {
    const { findings, refused } = scene()
    for (const last of range(20)) {
      for (const from of [...DECOYS, SCANNER]) refused({ from, to: `192.0.2.${last}`, port: 22, options: 4 })
    }
    expect(findings[0]).toMatchObject({ detector: 'host-sweep', kind: 'decoys', blame: 'nobody' })
    expect(findings.filter(({ blame }) => blame !== 'nobody')).toEqual([])
  })

  test('also where the scanner is made to wait between his packets, and answers get lost', () => {
    for (const seed of range(STALLED_RUNS)) {
      const { findings } = stalledScan(chances(seed + 1))
      expect(findings.filter(({ blame }) => blame !== 'nobody')).toEqual([])
      expect(findings.some(({ kind }) => kind === 'decoys')).toBe(true)
    }
  })

  test('also where one of them is dead and its port never answers, which shows a minute later', () => {
    const { findings, refused, silent, pass } = scene()
    for (const port of range(12)) {
      for (const from of [...DECOYS, SCANNER]) refused({ from, to: VICTIM, port, options: 4 })
      silent({ from: '198.51.100.99', to: VICTIM, port, options: 4 })
    }
    pass(120_000)
    expect(findings.map(({ detector }) => detector)).toContain('slow-scan')
    expect(findings.filter(({ blame }) => blame !== 'nobody')).toEqual([])
  })

  test('also where one of them is at work here, and its own program fails at ports too', () => {
    const settings = { 'port-scan': { refusedPorts: 4 } }
    const { findings, send, refused } = scene(settings)
    const innocent = DECOYS[0] as string
    for (const port of [5432, 5433]) refused({ from: innocent, to: VICTIM, port })
    for (const port of range(3)) {
      for (const from of [...DECOYS, SCANNER]) {
        // As nmap numbers them.
        const numbers = { sourcePort: 61_000, targetPort: port, sequence: 842_119_740 }
        send(tcpFrame({ source: from, target: VICTIM }, { ...numbers, flags: 2 }, SCANNER_MAC))
        send(
          tcpFrame(
            { source: VICTIM, target: from },
            { sourcePort: port, targetPort: 61_000, flags: 0x14 },
            VICTIM_MAC,
          ),
        )
      }
    }
    expect(findings).toMatchObject([{ kind: 'decoys', blame: 'nobody', evidence: { sources: 4 } }])
  })

  test('are searched for in bounded time, however many there are', () => {
    const { findings, refused } = scene()
    const sources = range(250).map((last) => `198.51.100.${last}`)
    const from = performance.now()
    for (const port of range(12)) for (const source of sources) refused({ from: source, to: VICTIM, port })
    expect(performance.now() - from).toBeLessThan(20_000)
    expect(findings.find(({ kind }) => kind === 'decoys')?.evidence.sources).toBeLessThanOrEqual(32)
  })

  test('are no company when each has its own ports', () => {
    const { findings, refused } = scene()
    for (const port of range(10)) {
      refused({ from: SCANNER, to: VICTIM, port, options: 4 })
      refused({ from: DECOYS[0] as string, to: VICTIM, port: port + 1000, options: 4 })
    }
    expect(findings.map(({ subject }) => subject as string).sort()).toEqual([DECOYS[0], SCANNER])
  })

  test('are no company when one comes a second after the other', () => {
    const { findings, refused, pass } = scene()
    for (const port of range(10)) refused({ from: SCANNER, to: VICTIM, port, options: 4 })
    pass(1_000)
    for (const port of range(10)) refused({ from: DECOYS[0] as string, to: VICTIM, port, options: 4 })
    expect(findings.map(({ subject }) => subject as string)).toEqual([SCANNER, DECOYS[0]])
  })
})

const tcpFrame = (
  addresses: { source: string; target: string },
  layer: Parameters<typeof tcp>[0],
  sourceMac: readonly number[],
): Uint8Array => ethernet(ipv4(tcp(layer), addresses), { sourceMac })

/** All of them by frames with the scanner's MAC; `before` is what the wire carried earlier. */
function scanByFrames(before: (send: (frame: Uint8Array) => void) => void): readonly Finding[] {
  const findings: Finding[] = []
  const { sink } = createWatch({ seed: 1, onFinding: (finding) => findings.push(finding) })
  let at = 1_000_000
  const send = (frame: Uint8Array): void => {
    at += 0.01
    deliver(sink, frame, at)
  }
  const pass = (source: string, target: string, layer: object, sourceMac: readonly number[]): void =>
    send(ethernet(ipv4(tcp(layer), { source, target }), { sourceMac }))
  before(send)
  for (const port of range(20)) {
    for (const from of [...DECOYS, SCANNER]) {
      pass(from, VICTIM, { sourcePort: 50_000, targetPort: port, flags: 2 }, SCANNER_MAC)
      pass(VICTIM, from, { sourcePort: port, targetPort: 50_000, flags: 0x14 }, VICTIM_MAC)
    }
  }
  return findings
}

const says = (mac: readonly number[], address: string): Uint8Array =>
  ethernet(arp(2, mac, address, VICTIM), { type: ETHERTYPE.arp, sourceMac: mac })

const handshake = (address: string): readonly Uint8Array[] =>
  (
    [
      [address, VICTIM, 2],
      [VICTIM, address, 0x12],
      [address, VICTIM, 0x10],
    ] as const
  ).map(([source, target, flags]) => {
    const isOut = source === VICTIM
    const ports = isOut ? { sourcePort: 80, targetPort: 41_000 } : { sourcePort: 41_000, targetPort: 80 }
    const numbers = isOut
      ? { sequence: 500, acknowledgement: 1001 }
      : { sequence: flags === 2 ? 1000 : 1001, acknowledgement: flags === 2 ? 0 : 501 }
    const sourceMac = isOut ? VICTIM_MAC : SCANNER_MAC
    return ethernet(ipv4(tcp({ ...ports, ...numbers, flags }), { source, target }), { sourceMac })
  })

describe('the scanner among them', () => {
  test('is he whose MAC, by ARP, all the frames came with', () => {
    const findings = scanByFrames((send) => {
      send(says(SCANNER_MAC, SCANNER))
      send(says([2, 0, 0, 0, 0, 51], DECOYS[0] as string))
    })
    expect(findings[0]).toMatchObject({ detector: 'port-scan', kind: 'syn', subject: SCANNER })
    expect(findings[0]?.blame).toBeUndefined()
    expect(findings[0]?.summary).toContain('behind the decoys 198.51.100.')
    expect(new Set(findings.map(({ subject }) => subject as string))).toEqual(new Set([SCANNER]))
  })

  test('stays the one that he was when another scanner uses the same names later', () => {
    const [later, laterMac] = ['203.0.113.10', [2, 0, 0, 0, 0, 10]]
    const findings: Finding[] = []
    const { sink, tick } = createWatch({ seed: 1, onFinding: (finding) => findings.push(finding) })
    let at = 1_000_000
    const scan = (scanner: string, mac: readonly number[], flags: number): void => {
      deliver(sink, says(mac, scanner), at)
      for (const targetPort of range(20)) {
        for (const source of [...DECOYS, scanner]) {
          at += 0.01
          deliver(
            sink,
            tcpFrame({ source, target: VICTIM }, { sourcePort: 50_000 + flags, targetPort, flags }, mac),
            at,
          )
        }
      }
    }
    scan(SCANNER, SCANNER_MAC, 1)
    scan(later, laterMac, 0)
    // What he did after he was found is told now, and the names came with another MAC meanwhile.
    for (const seconds of range(5)) tick(at + seconds * 1_000)
    const scans = findings.filter(({ detector }) => detector === 'port-scan')
    expect(scans.filter(({ subject }) => subject === SCANNER).length).toBeGreaterThan(1)
    expect(new Set(scans.map(({ subject }) => subject as string))).toEqual(new Set([SCANNER, later]))
  })

  test('is unknown where ARP names nobody', () => {
    expect(scanByFrames(() => {}).map(({ blame }) => blame)).toEqual(['nobody'])
  })

  test('is unknown where one of the names is the router that brought somebody else', () => {
    const findings = scanByFrames((send) => {
      send(says(SCANNER_MAC, SCANNER))
      handshake('198.51.100.77').forEach(send)
    })
    expect(findings.map(({ blame }) => blame)).toEqual(['nobody'])
  })

  test('is unknown where he changed his MAC: one of both may be another host', () => {
    const findings = scanByFrames((send) => {
      send(says([2, 0, 0, 0, 0, 52], SCANNER))
      send(says(SCANNER_MAC, SCANNER))
    })
    const scans = findings.filter(({ detector }) => detector === 'port-scan')
    expect(scans.map(({ blame }) => blame)).toEqual(['nobody'])
  })

  test('is unknown where that MAC is a router, which brought other hosts too', () => {
    const findings = scanByFrames((send) => {
      send(says(SCANNER_MAC, SCANNER))
      for (const address of ['198.51.100.77', '198.51.100.78']) handshake(address).forEach(send)
    })
    expect(findings.map(({ blame }) => blame)).toEqual(['nobody'])
  })
})

describe('the scanner among IPv6 addresses', () => {
  const [victim, scanner] = ['2001:db8::1', '2001:db8::9']
  const names = ['2001:db8::11', '2001:db8::12', scanner]

  function scan(before: readonly Uint8Array[]): readonly Finding[] {
    const findings: Finding[] = []
    const { sink } = createWatch({ seed: 1, onFinding: (finding) => findings.push(finding) })
    let at = 1_000_000
    const send = (frame: Uint8Array): void => {
      at += 0.01
      deliver(sink, frame, at)
    }
    const pass = (source: string, target: string, layer: object, sourceMac: readonly number[]): void =>
      send(ethernet(ipv6(tcp(layer), { source, target }), { type: ETHERTYPE.ipv6, sourceMac }))
    before.forEach(send)
    for (const port of range(12)) {
      for (const from of names) {
        pass(from, victim, { sourcePort: 50_000, targetPort: port, flags: 2 }, SCANNER_MAC)
        pass(victim, from, { sourcePort: port, targetPort: 50_000, flags: 0x14 }, VICTIM_MAC)
      }
    }
    return findings.filter(({ detector }) => detector === 'port-scan')
  }

  test('is he whose MAC, by neighbour discovery, all the frames came with', () => {
    const findings = scan([
      neighbourAdvertisement(scanner, SCANNER_MAC),
      neighbourAdvertisement(names[0] as string, [2, 0, 0, 0, 0, 51]),
    ])
    expect(findings[0]).toMatchObject({ kind: 'syn', subject: scanner })
    expect(findings.filter(({ blame }) => blame === 'nobody')).toEqual([])
  })

  test('is unknown where nobody told whose MAC that is', () => {
    expect(scan([]).map(({ blame }) => blame)).toEqual(['nobody'])
  })

  test('is unknown where that MAC is one of a router, as it says itself', () => {
    const findings = scan([
      neighbourAdvertisement(scanner, SCANNER_MAC),
      routerAdvertisement('fe80::9', SCANNER_MAC),
    ])
    expect(findings.map(({ blame }) => blame)).toEqual(['nobody'])
  })
})
