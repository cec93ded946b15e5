import { expect, test } from 'vitest'
import { range, type Scene, scene } from '../../../test/support/scene.ts'

/** Two hours of an office as it is, ten seconds at a time. Nobody attacks anybody. */

const RESOLVER = '192.0.2.1'
const CLIENTS = ['192.0.2.50', '192.0.2.51', '192.0.2.52']
const [APP, MONITOR, BUILDER, SERVER] = ['192.0.2.60', '192.0.2.70', '192.0.2.80', '192.0.2.10']
const web = (n: number): string => `198.51.100.${1 + (n % 200)}`
const HOUR_STEPS = 360

let nextPort = 20_000
const newPort = (): number => {
  nextPort = nextPort === 60_000 ? 20_000 : nextPort + 1
  return nextPort
}

interface Visit {
  readonly from: string
  readonly to: string
  readonly port: number
  readonly request?: number | string
  /** Packets of the answer, and bytes of the last. */
  readonly packets?: number
  readonly last?: number
}

/** A connection with a request, an answer and a proper end. */
function visit(net: Scene, about: Visit): void {
  const { from, to, port, request = 300, packets = 2, last = 700 } = about
  const [there, back] = [`${from}:${newPort()}`, `${to}:${port}`]
  const sent = typeof request === 'number' ? request : request.length
  net.say({ from: there, to: back, flags: 'S', sequence: 1000, options: 20 })
  net.say({ from: back, to: there, flags: 'SA', sequence: 5000, acknowledgement: 1001, options: 20 })
  net.say({ from: there, to: back, flags: 'A', sequence: 1001, acknowledgement: 5001 })
  net.say({ from: there, to: back, flags: 'PA', sequence: 1001, acknowledgement: 5001, payload: request })
  let sequence = 5001
  for (const packet of range(packets)) {
    const payload = packet === packets ? last : 1400
    net.say({ from: back, to: there, flags: 'PA', sequence, acknowledgement: 1001 + sent, payload })
    sequence += payload
  }
  net.say({ from: there, to: back, flags: 'FA', sequence: 1001 + sent, acknowledgement: sequence })
  net.say({ from: back, to: there, flags: 'FA', sequence, acknowledgement: 1002 + sent })
  net.say({ from: there, to: back, flags: 'A', sequence: 1002 + sent, acknowledgement: sequence + 1 })
}

function resolve(net: Scene, from: string, count: number): void {
  for (const _ of range(count)) {
    const there = `${from}:${newPort()}`
    net.say({ from: there, to: `${RESOLVER}:53`, protocol: 'udp', payload: 45 })
    net.say({ from: `${RESOLVER}:53`, to: there, protocol: 'udp', payload: 320 })
  }
}

function browse(net: Scene, step: number): void {
  const from = CLIENTS[step % CLIENTS.length] as string
  resolve(net, from, 4)
  for (const n of range(6))
    visit(net, { from, to: web(step + (n % 3)), port: 443, last: 200 + ((n * 631) % 1100) })
  visit(net, { from, to: web(step), port: 80, request: 'GET /favicon.ico HTTP/1.1\r\nHost: example\r\n\r\n' })
}

/** Two dead servers of a list, and a host without IPv6 uplink that tries them first. */
function failNowAndThen(net: Scene, step: number): void {
  net.refused({ from: APP, to: SERVER, port: 5432 })
  if (step % 30 === 0) net.silent({ from: CLIENTS[0] as string, to: web(step + 77), port: 443 })
  if (step % 40 === 0)
    net.silent({ from: '[2001:db8::50]', to: `[2001:db8:1::${(step % 999) + 1}]`, port: 443 })
}

function monitor(net: Scene): void {
  for (const port of range(48)) net.connects({ from: MONITOR, to: SERVER, port })
  for (const port of [49, 50]) net.refused({ from: MONITOR, to: SERVER, port })
  net.say({ from: MONITOR, to: SERVER, protocol: 'icmp', type: 8, word: 1, payload: 56 })
  net.say({ from: SERVER, to: MONITOR, protocol: 'icmp', type: 0, word: 1, payload: 56 })
}

function call(net: Scene): void {
  const [here, there] = [`${CLIENTS[1]}:50002`, '203.0.113.77:3478']
  for (const _ of range(400)) {
    net.say({ from: here, to: there, protocol: 'udp', payload: 1100 })
    net.say({ from: there, to: here, protocol: 'udp', payload: 1100 })
  }
}

function installPackages(net: Scene): void {
  resolve(net, BUILDER, 30)
  for (const n of range(80)) visit(net, { from: BUILDER, to: web(7), port: 443, packets: 3, last: n * 13 })
}

function buildMachine(net: Scene): void {
  for (const n of range(400))
    visit(net, { from: BUILDER, to: web(9), port: 443, last: 100 + ((n * 277) % 1200) })
  for (const n of range(15))
    visit(net, { from: BUILDER, to: SERVER, port: 22, request: 1900, last: 900 + n * 60 })
  for (const n of range(120))
    visit(net, { from: BUILDER, to: SERVER, port: 5432, packets: 1, last: 420 + ((n * 37) % 600) })
}

function backUp(net: Scene): void {
  visit(net, { from: APP, to: '192.0.2.11', port: 873, packets: 3_000 })
}

test('two hours of ordinary traffic: nothing severe, and nothing that would be blocked', {
  timeout: 60_000,
}, () => {
  const net = scene()
  for (const step of range(2 * HOUR_STEPS)) {
    browse(net, step)
    failNowAndThen(net, step)
    if (step % 6 === 0) monitor(net)
    if (step > 120 && step <= 150) call(net)
    if (step % 120 === 60) installPackages(net)
    if (step % HOUR_STEPS === 200) buildMachine(net)
    if (step % HOUR_STEPS === 300) backUp(net)
    net.pass(9_000)
  }
  const severe = net.findings.filter(({ severity }) => severity === 'high' || severity === 'critical')
  expect(severe.map(({ summary }) => summary)).toEqual([])
  expect(net.findings.length).toBeLessThan(10)
})
