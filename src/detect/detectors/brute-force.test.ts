import { describe, expect, test } from 'vitest'
import { range, type Scene, scene } from '../../../test/support/scene.ts'

const [ATTACKER, CLIENT, SERVER] = ['203.0.113.9', '192.0.2.50', '192.0.2.1']
const told = ({ findings }: Scene) => findings.filter(({ detector }) => detector === 'brute-force')

interface Session {
  readonly from?: string
  readonly port: number
  readonly sourcePort: number
  /** Bytes of data each way. */
  readonly sent?: number
  readonly got?: number
  readonly lastsMs?: number
}

/** A connection that carries data and comes to a proper end. */
function session(net: Scene, about: Session): void {
  const { from = ATTACKER, port, sourcePort, sent = 200, got = 250, lastsMs = 500 } = about
  const [there, back] = [`${from}:${sourcePort}`, `${SERVER}:${port}`]
  const options = 12
  net.say({ from: there, to: back, flags: 'S', sequence: 1000, options: 20 })
  net.say({ from: back, to: there, flags: 'SA', sequence: 5000, acknowledgement: 1001, options: 20 })
  net.say({ from: there, to: back, flags: 'A', sequence: 1001, acknowledgement: 5001, options })
  net.say({
    from: there,
    to: back,
    flags: 'PA',
    sequence: 1001,
    acknowledgement: 5001,
    payload: sent,
    options,
  })
  net.say({
    from: back,
    to: there,
    flags: 'PA',
    sequence: 5001,
    acknowledgement: 1001 + sent,
    payload: got,
    options,
  })
  net.pass(lastsMs)
  net.say({ from: back, to: there, flags: 'FA', sequence: 5001 + got, acknowledgement: 1001 + sent, options })
  net.say({ from: there, to: back, flags: 'FA', sequence: 1001 + sent, acknowledgement: 5002 + got, options })
  net.say({ from: back, to: there, flags: 'A', sequence: 5002 + got, acknowledgement: 1002 + sent, options })
}

describe('guessing is found', () => {
  test.each([
    ['ftp', 21],
    ['postgres', 5432],
    ['mysql', 3306],
    ['rdp', 3389],
    ['vnc', 5900],
  ])('%s, by short connections that look alike', (kind, port) => {
    const net = scene()
    const got = kind === 'vnc' ? 60 : 250
    for (const n of range(40)) session(net, { port, sourcePort: 20_000 + n, got, sent: 150 })
    net.pass(20_000)
    expect(told(net)[0]).toMatchObject({
      ...{ kind, severity: 'high', subject: ATTACKER, victim: SERVER, spoofable: false, technique: 'T1110' },
      ...{ because: 'detectors.brute-force.perMinute = 20', evidence: { ports: [port] } },
    })
  })

  test('ftp, where a try is three short lines, as hydra makes them', () => {
    const net = scene()
    for (const n of range(40)) session(net, { port: 21, sourcePort: 20_000 + n, sent: 22, got: 76 })
    net.pass(20_000)
    expect(told(net)[0]).toMatchObject({ kind: 'ftp', severity: 'high', subject: ATTACKER })
  })

  test('ssh, where scripts look alike too, for certain only at 60 a minute', () => {
    const net = scene()
    for (const n of range(40))
      session(net, { port: 22, sourcePort: 20_000 + n, sent: 1800, got: 2200, lastsMs: 1000 })
    net.pass(20_000)
    expect(new Set(told(net).map(({ severity }) => severity))).toEqual(new Set(['medium']))

    for (const n of range(100))
      session(net, { port: 22, sourcePort: 30_000 + n, sent: 1800, got: 2200, lastsMs: 300 })
    net.pass(20_000)
    expect(told(net).some(({ severity, kind }) => severity === 'high' && kind === 'ssh')).toBe(true)
  })

  test('http, by its answers, in one connection', () => {
    const net = scene()
    const [there, back] = [`${ATTACKER}:4000`, `${SERVER}:80`]
    net.say({ from: there, to: back, flags: 'S', options: 20 })
    for (const n of range(30)) {
      net.say({
        from: there,
        to: back,
        flags: 'PA',
        sequence: n * 100,
        payload: 'GET /admin HTTP/1.1\r\n\r\n',
      })
      net.say({
        from: back,
        to: there,
        flags: 'PA',
        sequence: n * 100,
        payload: 'HTTP/1.1 401 Unauthorized\r\n\r\n',
      })
      net.pass(500)
    }
    expect(told(net)[0]).toMatchObject({ kind: 'http', severity: 'high', subject: ATTACKER, confidence: 0.9 })
  })

  test('slowly, three a minute', () => {
    const net = scene()
    for (const n of range(80)) session(net, { port: 21, sourcePort: 20_000 + n, lastsMs: 20_000 })
    expect(told(net)[0]).toMatchObject({ kind: 'ftp', because: 'detectors.brute-force.perHalfHour = 60' })
  })
})

describe('nobody is blamed who', () => {
  const quiet = (act: (net: Scene) => void): void => {
    const net = scene()
    act(net)
    net.pass(20_000)
    expect(told(net)).toEqual([])
  }

  test('works with a database, a connection for each query', () =>
    quiet((net) => {
      for (const n of range(200)) {
        session(net, {
          from: CLIENT,
          port: 5432,
          sourcePort: 20_000 + n,
          got: 600 + (n % 9) * 150,
          lastsMs: 50,
        })
      }
    }))

  test('knocks at an FTP server to see whether it greets, and says nothing', () =>
    quiet((net) => {
      for (const n of range(200)) {
        session(net, { from: CLIENT, port: 21, sourcePort: 20_000 + n, sent: 0, got: 60, lastsMs: 50 })
      }
    }))

  test('fetches files of all sizes', () =>
    quiet((net) => {
      for (const n of range(200)) {
        session(net, {
          from: CLIENT,
          port: 993,
          sourcePort: 20_000 + n,
          got: 300 + ((n * 7919) % 7000),
          lastsMs: 100,
        })
      }
    }))

  test('checks each of 50 services once a minute', () =>
    quiet((net) => {
      for (const minute of range(10)) {
        for (const port of range(50))
          session(net, { from: CLIENT, port, sourcePort: 20_000 + minute, lastsMs: 20 })
        net.pass(59_000)
      }
    }))

  test('is asked for a password now and then', () =>
    quiet((net) => {
      for (const n of range(10)) {
        net.say({ from: `${CLIENT}:4000`, to: `${SERVER}:80`, flags: 'A', sequence: n })
        net.say({
          from: `${SERVER}:80`,
          to: `${CLIENT}:4000`,
          flags: 'PA',
          sequence: n * 50,
          payload: 'HTTP/1.1 401 Unauthorized\r\n',
        })
      }
    }))
})
