import { createHash } from 'node:crypto'
import { describe, expect, test } from 'vitest'
import { range, type Scene, scene } from '../../../test/support/scene.ts'
import { dnsQuestion } from '../self-test/messages.ts'

/** Attackers who know the defaults: each stays below what one address, one service or one minute may do. */

const [ATTACKER, SERVER, SERVER_6] = ['203.0.113.9', '192.0.2.1', '[2001:db8:1::1]']

const told = ({ findings }: Scene, detector: string) =>
  findings.filter((finding) => finding.detector === detector)

const severe = (net: Scene, detector: string) =>
  told(net, detector).filter(({ severity }) => severity === 'high')

/** One of many addresses of one /64. */
const turn = (n: number): string => `[2001:db8:bad:1::${((n * 79) % 65_535).toString(16)}]`

interface Session {
  readonly from: string
  readonly to?: string
  readonly port: number
  readonly sourcePort?: number
  readonly lastsMs?: number
}

/** A handshake, 150 bytes of request, 250 of answer, and the server ends it. */
function guess(net: Scene, { from, to = SERVER, port, sourcePort = 20_000, lastsMs = 400 }: Session): void {
  const [there, back, options] = [`${from}:${sourcePort}`, `${to}:${port}`, 12]
  net.say({ from: there, to: back, flags: 'S', sequence: 1000, options: 20 })
  net.say({ from: back, to: there, flags: 'SA', sequence: 5000, acknowledgement: 1001, options: 20 })
  const [out, home] = [
    { from: there, to: back, options },
    { from: back, to: there, options },
  ]
  net.say({ ...out, flags: 'PA', sequence: 1001, acknowledgement: 5001, payload: 150 })
  net.say({ ...home, flags: 'PA', sequence: 5001, acknowledgement: 1151, payload: 250 })
  net.pass(lastsMs)
  net.say({ ...home, flags: 'FA', sequence: 5251, acknowledgement: 1151 })
  net.say({ ...out, flags: 'FA', sequence: 1151, acknowledgement: 5252 })
  net.say({ ...home, flags: 'A', sequence: 5252, acknowledgement: 1152 })
}

function open(net: Scene, from: string, to: string): void {
  net.say({ from, to, flags: 'S', sequence: 1000, options: 20 })
  net.say({ from: to, to: from, flags: 'SA', sequence: 5000, acknowledgement: 1001 })
}

/** A line of its request on each connection, every five seconds. */
function dribble(net: Scene, addresses: readonly string[], to: string): void {
  const ends = addresses.map((address, n) => `${address}:${20_000 + n}`)
  for (const from of ends) open(net, from, to)
  for (const line of range(6)) {
    const sequence = 971 + line * 30
    for (const from of ends) {
      net.say({ from, to, flags: 'PA', sequence, acknowledgement: 5001, payload: 30 })
    }
    net.pass(5_000)
  }
}

describe('an address of its own for each try, out of one /64, does not hide', () => {
  test('password guessing, and three blamed addresses lead to a block of the /64', () => {
    const net = scene()
    for (const n of range(30)) guess(net, { from: turn(n), to: SERVER_6, port: 21 })
    net.pass(20_000)
    const blamed = severe(net, 'brute-force')
    expect(new Set(blamed.map(({ subject }) => subject)).size).toBe(3)
    for (const { subject } of blamed) expect(subject).toMatch(/^2001:db8:bad:1::/)
    expect(blamed[0]).toMatchObject({ kind: 'ftp', spoofable: false })
    expect(blamed[0]?.summary).toContain('with other addresses of its /64')
  })

  test('a flood of connections', () => {
    const net = scene()
    for (const n of range(400)) {
      net.connects({ from: turn(n), to: SERVER_6, port: 443 })
      net.pass(30)
    }
    net.pass(20_000)
    expect(severe(net, 'connection-flood')[0]).toMatchObject({ kind: 'empty', evidence: { ports: [443] } })
  })

  test('a flood of requests', () => {
    const net = scene({ 'http-flood': { requestsPerSecond: 5 } })
    net.pass(60_000)
    for (const second of range(12)) {
      for (const n of range(100)) {
        const [sequence, payload] = [second * 1_000_000 + n * 100, 'GET /page HTTP/1.1\r\n\r\n']
        net.say({ from: `${turn(n % 50)}:4000`, to: `${SERVER_6}:80`, flags: 'PA', sequence, payload })
      }
      net.pass(980)
    }
    expect(severe(net, 'http-flood')).not.toEqual([])
  })

  test('slow requests, twenty from each of five addresses', () => {
    const net = scene()
    dribble(
      net,
      range(100).map((n) => turn(n % 5)),
      `${SERVER_6}:80`,
    )
    expect(told(net, 'slow-http').filter(({ blame }) => blame === undefined)[0]).toMatchObject({
      ...{ kind: 'shared-out', severity: 'high' },
      subject: expect.stringMatching(/^2001:db8:bad:1::/),
    })
  })
})

describe('a port scan from an address of its own for each port, out of one /64, is found', () => {
  test.each([
    ['slow', 300_000, 15],
    ['fast', 20, 60],
  ])('%s, by refusals', (_, pauseMs, ports) => {
    const net = scene()
    for (const port of range(ports)) {
      net.refused({ from: turn(port), to: SERVER_6, port, options: 4 })
      net.pass(pauseMs)
    }
    const blamed = severe(net, 'slow-scan')
    expect(blamed[0]).toMatchObject({
      ...{ kind: 'ports', subject: expect.stringMatching(/^2001:db8:bad:1::/), evidence: { count: 9 } },
      summary: expect.stringContaining('with other addresses of its /64'),
    })
    if (pauseMs > 1000) expect(new Set(blamed.map(({ subject }) => subject)).size).toBe(3)
  })

  test('where nothing answers', () => {
    const net = scene()
    for (const port of range(60)) {
      net.silent({ from: turn(port), to: SERVER_6, port, options: 4 })
      net.pass(50)
    }
    net.pass(60_000)
    expect(severe(net, 'slow-scan')[0]).toMatchObject({ kind: 'ports' })
  })
})

describe('a slow scan is found also', () => {
  const found = (act: (net: Scene, port: number) => void, pauseMs: number): void => {
    const net = scene()
    for (const port of range(12)) {
      act(net, port)
      net.pass(pauseMs)
    }
    net.pass(60_000)
    expect(net.findings).toHaveLength(1)
    expect(severe(net, 'slow-scan')[0]).toMatchObject({ kind: 'ports', subject: ATTACKER, victim: SERVER })
  }

  test('by UDP (nmap -sU -T0)', () =>
    found((net, port) => net.udpRefused({ from: ATTACKER, to: SERVER, port }), 300_000))

  test.each([
    ['FIN', 'F'],
    ['NULL', ''],
    ['Xmas', 'FPU'],
  ])('by %s packets that are never answered', (_, flags) =>
    found((net, port) => net.silent({ from: ATTACKER, to: SERVER, port, flags, options: 0 }), 300_000),
  )
})

/** Hexadecimal digits that look like chance, the same each time. */
const scrambled = (n: number, length: number): string =>
  createHash('sha256').update(String(n)).digest('hex').slice(0, length)

const [A, TXT] = [1, 16]

function ask(net: Scene, name: string, type: number, pauseMs: number): void {
  const payload = dnsQuestion(name)
  payload[payload.length - 3] = type
  net.say({ from: '192.0.2.50:40000', to: '192.0.2.2:53', protocol: 'udp', payload })
  net.pass(pauseMs)
}

describe('a DNS tunnel is found also', () => {
  test('with labels that are all short', () => {
    const net = scene()
    for (const n of range(300)) {
      ask(net, `${[0, 1, 2].map((part) => scrambled(n * 3 + part, 15)).join('.')}.example.com`, A, 100)
    }
    expect(new Set(told(net, 'dns-tunnel').map(({ severity }) => severity))).toEqual(
      new Set(['medium', 'high']),
    )
  })

  test('with labels that look like the digits of an address, but are too many for one', () => {
    const net = scene()
    for (const n of range(300)) {
      const digits = `${scrambled(n, 64)}${scrambled(n + 1, 30)}`
      ask(net, `${[...digits].join('.')}.example.com`, A, 100)
    }
    expect(severe(net, 'dns-tunnel')).not.toEqual([])
  })

  test('whose data comes as texts, one a second, of short names', () => {
    const net = scene()
    for (const n of range(1_200)) ask(net, `${scrambled(n, 12)}.t.example.com`, TXT, 1_000)
    expect(told(net, 'dns-tunnel')[0]).toMatchObject({ kind: 'texts', severity: 'medium' })
  })

  test('that stays below sixty a minute', () => {
    const net = scene()
    for (const n of range(1_000)) ask(net, `${scrambled(n, 50)}.example.com`, A, 1_300)
    expect(told(net, 'dns-tunnel')[0]).toMatchObject({
      ...{ kind: 'questions', severity: 'medium', because: 'detectors.dns-tunnel.perHalfHour = 900' },
    })
  })

  test('but not where a mail server asks block lists with a key, or whose network an address is', () => {
    const net = scene()
    for (const n of range(600)) {
      const address = `${n % 251}.${n % 13}.${n % 7}.203`
      ask(net, `${address}.abcdefghijklmnopqrstuvwxyzabcdefghijkl.zen.example.net`, A, 20)
      ask(net, `${address}.origin.asn.example.org`, TXT, 20)
    }
    expect(told(net, 'dns-tunnel')).toEqual([])
  })
})

describe('data that leaves in echo requests', () => {
  const ping = (net: Scene, word: number, payload: string, pauseMs = 1_000): void => {
    const [inside, outside] = ['192.0.2.50', '203.0.113.9']
    net.say({ from: inside, to: outside, protocol: 'icmp', type: 8, word, payload })
    net.say({ from: outside, to: inside, protocol: 'icmp', type: 0, word, payload })
    net.pass(pauseMs)
  }

  test('is told of, though every answer is as it should be', () => {
    const net = scene()
    for (const n of range(60)) ping(net, n, scrambled(n, 64).repeat(8))
    expect(told(net, 'icmp-tunnel')[0]).toMatchObject({
      ...{ kind: 'requests', severity: 'medium', subject: '192.0.2.50', victim: '203.0.113.9' },
      because: 'detectors.icmp-tunnel.changingRequests = 30',
    })
  })

  test('is not what three programs do that ping with the time, a number, and a size that grows', () => {
    const net = scene()
    const pattern = '0123456789abcdefghijklmnopqrstuvwxyzABCDEFGHIJ'.repeat(20)
    for (const n of range(120)) {
      ping(net, n, `${scrambled(n, 16)}${pattern.slice(0, 40)}`)
      ping(net, n + 1_000, `${String(n).padStart(16, '0')}${'x'.repeat(48)}`)
      ping(net, n + 2_000, `${'-'.repeat(16)}${pattern.slice(0, 32 + n)}`)
    }
    expect(told(net, 'icmp-tunnel')).toEqual([])
  })
})

describe('what many addresses share out is found, and none of them is blamed', () => {
  test('guessing, one try every 40 seconds from each of ten', () => {
    const net = scene()
    for (const n of range(450)) {
      guess(net, { from: `203.0.113.${n % 10}`, port: 21, sourcePort: 20_000 + n, lastsMs: 4_000 })
    }
    expect(told(net, 'brute-force')[0]).toMatchObject({
      ...{ kind: 'ftp', severity: 'high', subject: SERVER, blame: 'nobody' },
      ...{ because: 'detectors.brute-force.sources = 8' },
      evidence: { sources: 10, ports: [21], hosts: expect.arrayContaining(['203.0.113.3']) },
    })
  })

  test('slow requests, twenty from each of ten', () => {
    const net = scene()
    dribble(
      net,
      range(200).map((n) => `203.0.113.${n % 10}`),
      `${SERVER}:80`,
    )
    const [first, ...more] = told(net, 'slow-http')
    expect(first).toMatchObject({ kind: 'shared-out', subject: SERVER, blame: 'nobody' })
    for (const { blame } of more) expect(blame).toBe('nobody')
  })
})

test('empty connections spread over thirty ports are a flood, though no port gets a hundred a minute', () => {
  const net = scene()
  for (const n of range(1_500)) {
    net.connects({ from: ATTACKER, to: SERVER, port: 8_000 + (n % 30) })
    net.pass(22)
  }
  net.pass(20_000)
  expect(severe(net, 'connection-flood')[0]).toMatchObject({
    ...{ kind: 'empty', subject: ATTACKER, evidence: { ports: [] } },
    summary: expect.stringContaining('at many ports'),
  })
})

test('a reader whose window stays at one byte is slow, though it never closes it', () => {
  const net = scene()
  const ends = range(40).map((n) => `${ATTACKER}:${20_000 + n}`)
  const to = `${SERVER}:80`
  for (const from of ends) {
    open(net, from, to)
    net.say({ from, to, flags: 'PA', sequence: 1001, acknowledgement: 5001, payload: 200, window: 1 })
  }
  for (const n of range(5)) {
    net.pass(3_000)
    for (const from of ends) {
      const back = { from: to, to: from, sequence: 5000 + n, acknowledgement: 1201 }
      net.say({ ...back, flags: 'PA', payload: 1 })
      net.say({ from, to, flags: 'A', sequence: 1201, acknowledgement: 5001 + n, window: 1 })
    }
  }
  net.pass(2_000)
  expect(told(net, 'slow-http')[0]).toMatchObject({ kind: 'slow-read', severity: 'high', subject: ATTACKER })
})

describe('nobody is blamed for it', () => {
  const quiet = (act: (net: Scene) => void): void => {
    const net = scene()
    net.pass(60_000)
    act(net)
    net.pass(20_000)
    expect(severe(net, 'brute-force')).toEqual([])
    expect(severe(net, 'connection-flood')).toEqual([])
    expect(severe(net, 'slow-http')).toEqual([])
    expect(severe(net, 'http-flood')).toEqual([])
    expect(severe(net, 'slow-scan')).toEqual([])
  }

  test('neighbours of one link, who share its /64 with the server', () =>
    quiet((net) => {
      for (const n of range(60)) guess(net, { from: turn(n), to: '[2001:db8:bad:1::1:1]', port: 21 })
    }))

  test('an office behind one /64 that browses', () =>
    quiet((net) => {
      for (const n of range(500)) {
        net.talks({ from: turn(n % 50), to: SERVER_6, port: 443, sent: 400, got: 900 + (n % 7) * 300 })
        net.pass(100)
      }
    }))

  test('a monitor that polls fifty ports every ten seconds', () =>
    quiet((net) => {
      for (const _ of range(30)) {
        for (const port of range(50)) net.connects({ from: '192.0.2.50', to: SERVER, port })
        net.pass(10_000)
      }
    }))

  test('an office behind one /64 whose hosts each try the one port that is shut', () =>
    quiet((net) => {
      for (const n of range(60)) {
        net.refused({ from: turn(n), to: SERVER_6, port: 5432 })
        net.talks({ from: turn(n), to: SERVER_6, port: 443, sent: 400, got: 900 })
        net.pass(2_000)
      }
    }))

  test('a peer-to-peer program, whose UDP is refused here and there', () =>
    quiet((net) => {
      for (const n of range(90)) {
        const about = { from: '192.0.2.50', to: `198.51.100.${n}`, port: 6_881 + n }
        if (n % 3 === 0) net.udpRefused(about)
        else net.udpAnswered(about)
        net.pass(1_000)
      }
    }))

  test('a resolver whose late answers find the port of the asker shut', () =>
    quiet((net) => {
      for (const n of range(60)) {
        net.udpRefused({ from: SERVER, to: '192.0.2.50', sourcePort: 53, port: 1_024 + n * 500 })
        net.pass(20_000)
      }
    }))

  test('seven people who each mistype, and again', () =>
    quiet((net) => {
      for (const n of range(140)) {
        guess(net, { from: `192.0.2.${50 + (n % 7)}`, port: 21, sourcePort: 20_000 + n, lastsMs: 10_000 })
      }
    }))
})
