import { describe, expect, test } from 'vitest'
import { range, type Scene, scene } from '../../../test/support/scene.ts'

const [ATTACKER, CLIENT, SERVER] = ['203.0.113.9', '192.0.2.50', '192.0.2.1']
const told = ({ findings }: Scene) => findings.filter(({ detector }) => detector === 'slow-http')

interface Side {
  readonly from: string
  readonly sourcePort: number
  readonly port?: number
}

const ends = ({ from, sourcePort, port = 80 }: Side) =>
  [`${from}:${sourcePort}`, `${SERVER}:${port}`] as const

function open(net: Scene, side: Side): void {
  const [there, back] = ends(side)
  net.say({ from: there, to: back, flags: 'S', sequence: 1000, options: 20 })
  net.say({ from: back, to: there, flags: 'SA', sequence: 5000, acknowledgement: 1001 })
  net.say({ from: there, to: back, flags: 'A', sequence: 1001, acknowledgement: 5001 })
}

const send = (net: Scene, side: Side, sequence: number, payload: number, window = 64_240): void => {
  const [there, back] = ends(side)
  net.say({ from: there, to: back, flags: 'PA', sequence, acknowledgement: 5001, payload, window })
}

const answer = (net: Scene, side: Side, sequence: number, payload: number): void => {
  const [there, back] = ends(side)
  net.say({ from: back, to: there, flags: 'PA', sequence, acknowledgement: 2000, payload })
}

const sides = (count: number, from = ATTACKER, port = 80): Side[] =>
  range(count).map((n) => ({ from, sourcePort: 20_000 + n, port }))

describe('found is', () => {
  test('slowloris: many requests that come a line at a time', () => {
    const net = scene()
    const all = sides(50)
    for (const side of all) open(net, side)
    for (const turn of range(4)) {
      for (const side of all) send(net, side, 1001 + turn * 30, 30)
      net.pass(5_000)
    }
    expect(told(net)[0]).toMatchObject({
      ...{ kind: 'slow-request', severity: 'high', subject: ATTACKER, victim: SERVER, spoofable: false },
      ...{ because: 'detectors.slow-http.connections = 25', technique: 'T1499.002', confidence: 0.9 },
      evidence: { count: 47, ports: [80] },
    })
  })

  test('the same behind TLS, after a handshake that was answered', () => {
    const net = scene()
    const all = sides(40, ATTACKER, 443)
    for (const side of all) {
      open(net, side)
      send(net, side, 1001, 500)
      answer(net, side, 5001, 3000)
    }
    for (const turn of range(4)) {
      net.pass(10_000)
      for (const side of all) send(net, side, 2001 + turn * 30, 30)
    }
    net.pass(2_000)
    expect(told(net)[0]).toMatchObject({ kind: 'slow-request', evidence: { ports: [443] } })
  })

  test('slow readers, who close their window again and again', () => {
    const net = scene()
    const all = sides(40)
    for (const side of all) {
      open(net, side)
      send(net, side, 1001, 200)
      answer(net, side, 5001, 1400)
    }
    for (const _ of range(4)) {
      net.pass(3_000)
      for (const side of all) send(net, side, 1201, 0, 0)
    }
    net.pass(2_000)
    expect(told(net)[0]).toMatchObject({ kind: 'slow-read', severity: 'high', evidence: { count: 37 } })
  })

  test('an attacker behind the address of ordinary clients, with less confidence', () => {
    const net = scene()
    const all = sides(50)
    for (const side of all) open(net, side)
    for (const turn of range(4)) {
      for (const side of all) send(net, side, 1001 + turn * 30, 30)
      for (const _ of range(3)) net.connects({ from: ATTACKER, to: SERVER, port: 80 })
      net.pass(9_000)
    }
    expect(told(net).at(-1)).toMatchObject({ confidence: 0.7 })
  })
})

describe('nothing is told of', () => {
  const quiet = (act: (net: Scene) => void): void => {
    const net = scene()
    act(net)
    expect(told(net)).toEqual([])
  }

  test('an office that waits for long answers', () =>
    quiet((net) => {
      for (const side of sides(60, CLIENT)) {
        open(net, side)
        send(net, side, 1001, 400)
      }
      for (const _ of range(6)) {
        net.pass(15_000)
        // Keep-alives carry one byte or none, and push nothing.
        for (const side of sides(60, CLIENT)) {
          const [from, to] = ends(side)
          net.say({ from, to, flags: 'A', sequence: 1400, acknowledgement: 5001, payload: 1 })
        }
      }
    }))

  test('connections that stay open after their answers, and those that push both ways', () =>
    quiet((net) => {
      for (const side of sides(60, CLIENT)) open(net, side)
      for (const turn of range(10)) {
        for (const side of sides(60, CLIENT)) {
          send(net, side, 1001 + turn * 40, 40)
          answer(net, side, 5001 + turn * 40, 40)
        }
        net.pass(10_000)
      }
    }))

  test('a few uploads over a slow line', () =>
    quiet((net) => {
      for (const side of sides(6, CLIENT)) open(net, side)
      for (const turn of range(60)) {
        for (const side of sides(6, CLIENT)) send(net, side, 1001 + turn * 1000, 1000)
        net.pass(1_000)
      }
    }))

  test('idle connections that a browser keeps in store', () =>
    quiet((net) => {
      for (const side of sides(60, CLIENT)) open(net, side)
      net.pass(120_000)
    }))
})
