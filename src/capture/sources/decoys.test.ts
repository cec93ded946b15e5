import { describe, expect, test } from 'vitest'
import { type Ip, ip } from '#model/address.ts'
import { DECOY_WINDOW, type DecoyOrder } from '#model/decoy.ts'
import type { Finding } from '#model/finding.ts'
import { deliver, said } from '../../../test/support/frames.ts'
import { createWatch } from '../../watch.ts'
import { DecoyResponder } from './decoys.ts'

const OWN = '192.0.2.1'
const PEER = '203.0.113.9'
const START = Date.UTC(2026, 0, 1)

/** Peers at decoy port 23 of 192.0.2.1; what the responder sends goes through the same engine, as on a wire. */
function honeypot(chosen: Partial<DecoyOrder> = {}, isTaken = (_port: number) => false) {
  const findings: Finding[] = []
  const answers: {
    flags: number
    sequence: number
    acknowledgement: number
    window: number
    text: string
  }[] = []
  const order = { ports: [23], addresses: [], banners: {}, mostPeers: 2, recordBytes: 20, ...chosen }
  let at = START
  const frames: Uint8Array[] = []
  const responder = new DecoyResponder(order, {
    send: (_interface, frame) => frames.push(frame),
    isTaken: ({ targetPort }) => isTaken(targetPort),
    ownAddresses: () => new Set<Ip>([ip(OWN)]),
    secret: new Uint8Array(32),
  })
  const watch = createWatch({
    seed: 1,
    onFinding: (finding) => findings.push(finding),
    watchers: () => [
      responder,
      {
        packet({ forward, tcpFlags, tcpSequence, tcpAcknowledgement, tcpWindow, ...packet }) {
          if (forward === 1) return
          const bytes = new Uint8Array(packet.view.buffer, packet.payloadStart, packet.payloadLength)
          answers.push({
            ...{ flags: tcpFlags, sequence: tcpSequence, acknowledgement: tcpAcknowledgement },
            ...{ window: tcpWindow, text: Buffer.from(bytes).toString() },
          })
        },
      },
    ],
  })
  const send = (about: Partial<Parameters<typeof said>[0]>): void => {
    at += 1
    deliver(watch.sink, said({ from: `${PEER}:40000`, to: `${OWN}:23`, ...about }), at)
    for (const frame of frames.splice(0)) deliver(watch.sink, frame, at)
  }
  /** SYN, and the ACK of the answer. */
  const connect = (from = `${PEER}:40000`): void => {
    send({ from, flags: 'S', sequence: 1000 })
    const acknowledgement = ((answers.at(-1)?.sequence ?? 0) + 1) | 0
    send({ from, flags: 'A', sequence: 1001, acknowledgement })
  }
  return { findings, answers, responder, send, connect, status: () => responder.status(at) }
}

describe('a decoy', () => {
  test('answers a SYN as no real stack does, and nobody is held for that', () => {
    const { answers, send, status } = honeypot()
    send({ flags: 'S', sequence: 1000 })
    expect(answers).toMatchObject([{ flags: 0x12, acknowledgement: 1001, window: DECOY_WINDOW }])
    expect(status()).toMatchObject({ answered: 1, peers: [] })
  })

  test('says its banner after the handshake, and holds the peer', () => {
    const { answers, connect, status } = honeypot({ banners: { 23: 'login: ' } })
    connect()
    expect(answers.at(-1)).toMatchObject({ flags: 0x18, text: 'login: ', acknowledgement: 1001 })
    expect(status().peers).toMatchObject([{ peer: PEER, port: 23, state: 'held', bytes: 0 }])
  })

  test('records so many bytes, escaped, and then closes its window', () => {
    const { answers, connect, send, status } = honeypot()
    connect()
    const payload = new TextEncoder().encode('root\u001b[31m\r\nand more than that')
    send({ flags: 'PA', sequence: 1001, acknowledgement: 7, payload })
    expect(answers.at(-1)).toMatchObject({ flags: 0x10, acknowledgement: 1001 + payload.length, window: 0 })
    const [peer] = status().peers
    expect(peer).toMatchObject({ bytes: payload.length, said: 'root\\x1b[31m\\x0d\\x0aand more ' })
  })

  test('holds on when the peer asks for the window, and lets go when it resets', () => {
    const { answers, connect, send, status } = honeypot()
    connect()
    const before = answers.length
    send({ flags: 'A', sequence: 1000 })
    expect(answers).toHaveLength(before + 1)
    send({ flags: 'R', sequence: 1001 })
    expect(status().peers).toMatchObject([{ state: 'left' }])
  })

  test('believes no ACK that does not know its number', () => {
    const { answers, send, status } = honeypot()
    send({ flags: 'A', sequence: 1001, acknowledgement: 12_345 })
    expect(answers).toEqual([])
    expect(status().peers).toEqual([])
  })

  test('gives way where a program listens', () => {
    const { answers, send, status } = honeypot({}, (port) => port === 23)
    send({ flags: 'S' })
    expect(answers).toEqual([])
    expect(status().givenWay).toEqual([23])
  })

  test('is silent at other ports and for other machines', () => {
    const { answers, send } = honeypot()
    send({ flags: 'S', to: `${OWN}:24` })
    send({ flags: 'S', to: '192.0.2.77:23' })
    expect(answers).toEqual([])
  })

  test('may be an address that nobody uses, at every port', () => {
    const { answers, send } = honeypot({ ports: [], addresses: [ip('192.0.2.50'), ip('2001:db8::50')] })
    send({ flags: 'S', to: '192.0.2.50:1234' })
    send({ flags: 'S', from: '[2001:db8::9]:40000', to: '[2001:db8::50]:80' })
    expect(answers.map(({ flags }) => flags)).toEqual([0x12, 0x12])
  })

  test('holds no more peers than it may, and answers no more SYNs than it may', () => {
    const { connect, send, status } = honeypot()
    for (const port of [1, 2, 3]) connect(`${PEER}:${40_000 + port}`)
    expect(status().peers.filter(({ state }) => state === 'held')).toHaveLength(2)
    for (let port = 1; port <= 300; port++) send({ from: `${PEER}:${50_000 + port}`, flags: 'S' })
    expect(status().unanswered).toBeGreaterThan(90)
  })
})

describe('the detector', () => {
  test('finds who makes the handshake at once and beyond doubt, and quotes what he sends', () => {
    const { findings, connect, send } = honeypot()
    connect()
    expect(findings).toMatchObject([
      {
        detector: 'decoy',
        kind: 'handshake',
        severity: 'high',
        confidence: 1,
        subject: PEER,
        spoofable: false,
      },
    ])
    send({ flags: 'PA', sequence: 1001, payload: new TextEncoder().encode('USER root\r\n') })
    expect(findings[1]).toMatchObject({ kind: 'data', severity: 'critical' })
    expect(findings[1]?.summary).toBe(
      `${PEER} sent 11 bytes to the decoy at port 23 of ${OWN}: "USER root\\x0d\\x0a"`,
    )
  })

  test('says less of a lone SYN, which may be forged', () => {
    const { findings, send } = honeypot()
    send({ flags: 'S', sequence: 1000 })
    expect(findings).toEqual([])
    send({ flags: 'R', sequence: 1001 })
    expect(findings).toMatchObject([{ kind: 'probe', severity: 'medium', spoofable: true }])
  })

  test('says nothing of a real service at the same port', () => {
    const { findings, send } = honeypot({ ports: [] })
    send({ flags: 'S', sequence: 1000 })
    const [from, to] = [`${OWN}:23`, `${PEER}:40000`]
    send({ from, to, flags: 'SA', sequence: 5000, acknowledgement: 1001, options: 20 })
    send({ flags: 'A', sequence: 1001, acknowledgement: 5001 })
    expect(findings).toEqual([])
  })
})

test('other decoys hold from the next packet on, and who is held where nothing answers any more is let go', () => {
  const { responder, answers, connect, status } = honeypot()
  connect()
  const order = { ports: [80], addresses: [], banners: { 80: 'hello' }, mostPeers: 2, recordBytes: 20 }
  responder.setOrder(order)
  expect(status()).toMatchObject({ ports: [80], peers: [{ port: 23, state: 'left' }] })
  const before = answers.length
  connect()
  expect(answers.length).toBe(before)
  expect(responder.hasPlaces).toBe(true)
  responder.setOrder(undefined)
  expect([responder.hasPlaces, status().ports]).toEqual([false, []])
})
