import { describe, expect, test } from 'vitest'
import { deliver, ethernet, ipv4 } from '../../../test/support/frames.ts'
import { range, type Scene, scene } from '../../../test/support/scene.ts'

const SERVER = '192.0.2.1'
const ATTACKER = '203.0.113.9'
const random = (n: number): string => `100.${64 + ((n >> 14) & 63)}.${(n >> 7) & 127}.${1 + (n & 127)}`
const floods = ({ findings }: Scene) => findings.filter(({ detector }) => detector === 'flood')

/** `each` so many times a second, for some seconds. */
function send(net: Scene, perSecond: number, seconds: number, each: (n: number) => void): void {
  for (let second = 0; second < seconds; second++) {
    for (let n = 0; n < perSecond; n++) each(second * perSecond + n)
    net.pass(1000 - perSecond / 100)
  }
}

describe('a SYN flood', () => {
  test('from forged sources is the story of its victim: nobody is to blame', () => {
    const net = scene()
    send(net, 500, 3, (n) => net.silent({ from: random(n), to: SERVER, port: 80, options: 0 }))
    expect(floods(net)[0]).toMatchObject({
      ...{ kind: 'syn', severity: 'high', subject: SERVER, victim: SERVER, blame: 'nobody' },
      ...{ spoofable: true, because: 'detectors.flood.synPerSecond = 200', technique: 'T1498.001' },
    })
    const { evidence } = floods(net)[0] ?? expect.unreachable()
    expect(evidence.sources).toBeGreaterThan(400)
    expect(evidence.ports).toEqual([80])
    expect(evidence.samples[0]).toMatchObject({ target: SERVER, targetPort: 80, protocol: 6, tcpFlags: 2 })
    for (const { blame } of floods(net)) expect(blame).toBe('nobody')
  })

  test('that the server answers is one all the same', () => {
    const net = scene()
    send(net, 500, 2, (n) => {
      net.say({ from: `${random(n)}:1000`, to: `${SERVER}:80`, flags: 'S' })
      net.say({ from: `${SERVER}:80`, to: `${random(n)}:1000`, flags: 'SA', acknowledgement: 1001 })
    })
    expect(floods(net)[0]).toMatchObject({ kind: 'syn', blame: 'nobody' })
  })

  test('from one source names it', () => {
    const net = scene()
    send(net, 500, 2, () => net.silent({ from: ATTACKER, to: SERVER, port: 80 }))
    expect(floods(net)[0]).toMatchObject({ kind: 'syn', subject: ATTACKER, victim: SERVER, severity: 'high' })
    expect(floods(net)[0]?.blame).toBeUndefined()
  })

  test.each([
    ['made by hand is as severe at a closed port', 0, 'high'],
    ['by the system itself is only somebody stubborn there', 20, 'medium'],
  ])('from one source, %s', (_what, options, severity) => {
    const net = scene()
    send(net, 500, 2, () => net.refused({ from: ATTACKER, to: SERVER, port: 81, options }))
    expect(floods(net)[0]).toMatchObject({ kind: 'syn', subject: ATTACKER, severity })
  })

  test('is none where a scanner brings decoys: as often as there are decoys, but to ever new ports', () => {
    const net = scene()
    const sources = range(8).map((last) => `198.51.100.${last}`)
    for (const port of range(150)) for (const from of sources) net.refused({ from, to: SERVER, port })
    net.pass(5_000)
    expect(floods(net)).toEqual([])
  })

  test('is none where such a scanner tries a few ports once more, all within a second', () => {
    const net = scene()
    const sources = range(6).map((last) => `198.51.100.${last}`)
    send(net, 2 * 20, 3, (n) => {
      const port = 100 + 20 * Math.floor(n / 40) + (n % 20)
      for (const from of sources) net.silent({ from, to: SERVER, port })
    })
    net.pass(5_000)
    expect(floods(net)).toEqual([])
  })

  test('names the one real source among forged ones, and no client that was there anyway', () => {
    const net = scene()
    send(net, 600, 2, (n) => {
      const from = n % 3 === 0 ? ATTACKER : n % 30 === 1 ? '192.0.2.50' : random(n)
      net.silent({ from, to: SERVER, port: 80 })
    })
    expect(new Set(floods(net).map(({ subject }) => subject))).toEqual(new Set([ATTACKER]))
  })

  test('begins and ends: the end tells peak, volume and sources', () => {
    const net = scene()
    send(net, 500, 5, (n) => net.silent({ from: random(n), to: SERVER, port: 80, options: 0 }))
    net.pass(20_000)
    const last = floods(net).at(-1)
    expect(last).toMatchObject({ again: true, kind: 'syn', evidence: { endedAt: expect.any(Number) } })
    expect(last?.evidence.packets).toBeGreaterThan(2_300)
    expect(last?.evidence.bytes).toBeGreaterThan(2_300 * 54)
    expect(last?.evidence.peakPerSecond).toBeGreaterThanOrEqual(450)
    expect(floods(net).filter(({ evidence }) => evidence.endedAt === undefined)[0]?.again).toBeUndefined()
  })
})

describe('other floods are found', () => {
  test('udp, from one source that changes its port', () => {
    const net = scene()
    send(net, 1500, 2, () => net.udpSilent({ from: ATTACKER, to: SERVER, port: 9999 }))
    expect(floods(net)[0]).toMatchObject({
      ...{ kind: 'udp', subject: ATTACKER, victim: SERVER, severity: 'high' },
      because: 'detectors.flood.udpPerSecond = 1000',
    })
  })

  test('icmp, though each is answered', () => {
    const net = scene()
    send(net, 400, 2, () => {
      net.say({ from: ATTACKER, to: SERVER, protocol: 'icmp', type: 8 })
      net.say({ from: SERVER, to: ATTACKER, protocol: 'icmp', type: 0 })
    })
    expect(floods(net).map(({ kind, subject }) => [kind, subject])[0]).toEqual(['icmp', ATTACKER])
  })

  test('ack, though each is reset', () => {
    const net = scene()
    send(net, 800, 2, (n) => {
      net.say({ from: `${random(n)}:2000`, to: `${SERVER}:80`, flags: 'A' })
      net.say({ from: `${SERVER}:80`, to: `${random(n)}:2000`, flags: 'R' })
    })
    expect(floods(net)[0]).toMatchObject({ kind: 'ack', blame: 'nobody' })
  })

  test('fragments that never become whole', () => {
    const net = scene()
    let at = Date.UTC(2026, 0, 1)
    for (const n of range(2000)) {
      const layer = { source: ATTACKER, target: SERVER, protocol: 17, id: n, moreFragments: true }
      at += 1
      deliver(net.watch.sink, ethernet(ipv4(new Uint8Array(64), layer)), at)
    }
    expect(floods(net)[0]).toMatchObject({ kind: 'fragment', subject: ATTACKER, victim: SERVER })
  })
})

describe('no flood is', () => {
  const quiet = (act: (net: Scene) => void): void => {
    const net = scene()
    act(net)
    net.pass(15_000)
    expect(floods(net).filter(({ severity }) => severity === 'high')).toEqual([])
  }

  test('a busy web server', () =>
    quiet((net) => send(net, 600, 3, (n) => net.connects({ from: random(n), to: SERVER, port: 443 }))))

  test('a video call, both ways', () =>
    quiet((net) =>
      send(net, 2500, 3, () => {
        net.say({ from: '192.0.2.50:5000', to: `${SERVER}:3478`, protocol: 'udp', payload: 1000 })
        net.say({ from: `${SERVER}:3478`, to: '192.0.2.50:5000', protocol: 'udp', payload: 1000 })
      }),
    ))

  test('a camera that streams one way', () =>
    quiet((net) =>
      send(net, 2500, 3, () =>
        net.say({ from: '192.0.2.60:5004', to: `${SERVER}:5004`, protocol: 'udp', payload: 1300 }),
      ),
    ))

  test('a program that tries a closed port without a pause', () =>
    quiet((net) => send(net, 1000, 3, () => net.refused({ from: '192.0.2.50', to: SERVER, port: 5432 }))))

  test('a download that is seen from one side only', () =>
    quiet((net) =>
      send(net, 2000, 3, () =>
        net.say({ from: `${ATTACKER}:443`, to: `${SERVER}:50000`, flags: 'A', payload: 1400 }),
      ),
    ))

  test('a port scan, however fast', () =>
    quiet((net) => send(net, 2000, 2, (n) => net.silent({ from: ATTACKER, to: SERVER, port: 1 + n }))))

  test('what this target always gets, after a while', () => {
    const net = scene({ flood: { icmpPerSecond: 100 } })
    const ping = () => net.say({ from: '192.0.2.50', to: SERVER, protocol: 'icmp', type: 8 })
    send(net, 90, 60, ping)
    send(net, 200, 5, ping)
    expect(floods(net)).toEqual([])
    send(net, 400, 2, ping)
    expect(floods(net)).toHaveLength(1)
  })
})
