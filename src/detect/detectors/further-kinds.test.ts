import { describe, expect, test } from 'vitest'
import { range, type Scene, scene } from '../../../test/support/scene.ts'

const [ATTACKER, TARGET] = ['203.0.113.9', '192.0.2.1']
const START = Date.UTC(2026, 0, 1)
const told = ({ findings }: Scene, id: string) => findings.filter(({ detector }) => detector === id)

describe('a block scan, hosts times ports, is found', () => {
  test('host by host', () => {
    const net = scene()
    for (const host of range(10)) {
      for (const port of range(10)) net.refused({ from: ATTACKER, to: `192.0.2.${host}`, port })
    }
    expect(told(net, 'port-scan')[0]).toMatchObject({ subject: ATTACKER, severity: 'high' })
    expect(told(net, 'host-sweep')[0]).toMatchObject({ subject: ATTACKER, severity: 'high' })
  })

  test('in a random order, each pair once, as masscan does it', () => {
    const net = scene()
    for (const n of range(1_000)) {
      const pair = (n * 7_919) % 10_000
      net.refused({
        from: ATTACKER,
        to: `192.0.2.${pair % 100}`,
        port: 1 + Math.floor(pair / 100),
        options: 0,
      })
      if (net.findings.some(({ severity }) => severity === 'high')) break
    }
    const [first] = net.findings.filter(({ severity }) => severity === 'high')
    expect(first?.subject).toBe(ATTACKER)
    expect(['slow-scan', 'host-sweep', 'port-scan']).toContain(first?.detector)
  })
})

describe('guessing of passwords is found by the shape of its flows', () => {
  let port = 20_000
  /** One try: a handshake, a refusal of so many bytes, an end. */
  function guess(net: Scene, service: number, bytes: number): void {
    const [there, back] = [`${ATTACKER}:${port++}`, `${TARGET}:${service}`]
    net.say({ from: there, to: back, flags: 'S', sequence: 1_000, options: 20 })
    net.say({ from: back, to: there, flags: 'SA', sequence: 5_000, acknowledgement: 1_001, options: 20 })
    net.say({ from: there, to: back, flags: 'PA', sequence: 1_001, acknowledgement: 5_001, payload: 300 })
    net.say({ from: back, to: there, flags: 'PA', sequence: 5_001, acknowledgement: 1_301, payload: bytes })
    net.say({ from: there, to: back, flags: 'FA', sequence: 1_301, acknowledgement: 5_001 + bytes })
    net.say({ from: back, to: there, flags: 'FA', sequence: 5_001 + bytes, acknowledgement: 1_302 })
    net.say({ from: there, to: back, flags: 'A', sequence: 1_302, acknowledgement: 5_002 + bytes })
    net.pass(200)
  }

  test.each([
    ['smtp', 587, 600],
    ['smtp', 465, 4_000],
    ['imap', 143, 500],
    ['imap', 993, 4_000],
    ['pop3', 110, 300],
    ['mssql', 1433, 300],
    ['mongodb', 27_017, 400],
    ['telnet', 23, 200],
    ['smb', 445, 600],
    ['ldap', 389, 100],
  ])('%s at port %i', (kind, service, bytes) => {
    const net = scene()
    for (const _ of range(200)) guess(net, service, bytes)
    net.pass(20_000)
    expect(told(net, 'brute-force').at(-1)).toMatchObject({
      ...{ kind, severity: 'high', subject: ATTACKER, victim: TARGET, spoofable: false },
    })
  })
})

describe('slow HTTP is found', () => {
  test('slow bodies: uploads that send a byte now and then', () => {
    const net = scene()
    const clients = range(60).map((n) => ({ from: `${ATTACKER}:${30_000 + n}`, to: `${TARGET}:80` }))
    const request = 'POST /form HTTP/1.1\r\nHost: example.org\r\nContent-Length: 100000\r\n\r\n'
    for (const { from, to } of clients) {
      net.say({ from, to, flags: 'S', sequence: 1_000, options: 20 })
      net.say({ from: to, to: from, flags: 'SA', sequence: 5_000, acknowledgement: 1_001, options: 20 })
      net.say({ from, to, flags: 'PA', sequence: 1_001, acknowledgement: 5_001, payload: request })
    }
    for (const round of range(40)) {
      const sequence = 1_001 + request.length + round - 1
      for (const { from, to } of clients) {
        net.say({ from, to, flags: 'PA', sequence, acknowledgement: 5_001, payload: 'x' })
        net.say({ from: to, to: from, flags: 'A', sequence: 5_001, acknowledgement: sequence + 1 })
      }
      net.pass(5_000)
    }
    expect(told(net, 'slow-http')[0]).toMatchObject({ subject: ATTACKER, victim: TARGET, severity: 'high' })
    expect(told(net, 'slow-http')[0]?.evidence.firstAt).toBeGreaterThanOrEqual(START)
  })
})
