import { expect, test } from 'vitest'
import { z } from 'zod'
import { createEngine } from '#capture/engine.ts'
import type { Finding } from '#model/finding.ts'
import { Packet, PROTOCOL, TCP } from '#model/packet.ts'
import type { PacketWishes, Watcher } from '#model/watcher.ts'
import { deliver } from '../../test/support/frames.ts'
import { createDetection, loadDetectors } from './detection.ts'
import { type Detector, defineDetector, type WatchContext } from './detector.ts'
import { withProfile } from './profiles.ts'
import type { Said } from './self-test/frames.ts'
import { dhcpAcknowledgement, dnsMissing, dnsQuestion } from './self-test/messages.ts'
import { createNet, range } from './self-test/net.ts'

const LIMITS = { seed: 1, maxHosts: 1 << 12, maxFlows: 1 << 12 }
const SAYINGS = 5_000
const detectors = await loadDetectors()
const limits = withProfile('paranoid', {})
const settings = Object.fromEntries(detectors.map(({ id }) => [id, limits[id] ?? {}]))

/** The same detectors, told of every packet of their protocols. */
const withoutWishes = detectors.map((detector) => ({
  ...detector,
  watch(chosen: unknown, context: WatchContext) {
    const watcher = detector.watch(chosen, context)
    Reflect.deleteProperty(watcher, 'wishes')
    return watcher
  },
}))

/** A dozen hosts that say all there is to say to one another, in no order: the same each time. */
function chaos(): () => Said {
  let state = 7
  const pick = <T>(choices: readonly T[]): T => {
    state = (Math.imul(state, 1_664_525) + 1_013_904_223) >>> 0
    return choices[(state >>> 8) % choices.length] as T
  }
  const hosts = range(12).map((host) => `192.0.2.${host}`)
  const ports = [21, 22, 53, 67, 68, 80, 123, 161, 443, 4000, 4001, 4002, 4003]
  const flags = ['S', 'SA', 'A', 'A', 'PA', 'PA', 'PA', 'FA', 'R', 'RA', '', 'FPU', 'SFPU']
  const texts = ['GET / HTTP/1.0\r\n\r\n', 'HTTP/1.1 401 Unauthorized\r\n', 'OPTIONS / RTSP/1.0\r\n\r\n']
  const tcpPayloads = [0, 0, 0, 1, 30, ...texts, '\r\n\r\n', 'HELP\r\n', 'TNMP']
  const letters = (): string =>
    range(14)
      .map(() => pick([...'abcdefghijklmnopqrstuvwxyz']))
      .join('')
  const datagrams = [
    () => 20,
    () => 400,
    () => dnsQuestion(`${letters()}${letters()}${letters()}.example.com`),
    () => dnsMissing(`${letters()}.com`),
    () => dhcpAcknowledgement(pick(hosts), pick(hosts), pick(hosts)),
  ]
  return () => {
    const ends = { from: `${pick(hosts)}:${pick(ports)}`, to: `${pick(hosts)}:${pick(ports)}` }
    if (pick([0, 1, 2]) === 0) return { ...ends, protocol: 'udp', payload: pick(datagrams)() }
    const numbers = { sequence: pick([1000, 1001, 2000]), acknowledgement: pick([0, 1001, 2001]) }
    const [window, options] = [pick([0, 29_200, 64_240]), pick([0, 4, 20])]
    return { ...ends, ...numbers, flags: pick(flags), payload: pick(tcpPayloads), window, options }
  }
}

function findingsOf(chosen: readonly Detector<unknown>[]): Finding[] {
  const findings: Finding[] = []
  const engine = createEngine(LIMITS)
  const { watchers } = createDetection(chosen, settings, engine, (finding) => findings.push(finding))
  engine.watch(watchers)
  const net = createNet({
    frame: (bytes, at) => deliver(engine, bytes, at),
    tick: (now) => engine.tick(now),
  })
  for (const { selfTest } of detectors) selfTest.fires(net)
  const next = chaos()
  for (const n of range(SAYINGS)) {
    net.say(next())
    if (n % 1_000 === 0) net.pass(2_000)
  }
  return findings
}

test('who is told only of what it wished for finds the same as who is told all', () => {
  const findings = findingsOf(detectors)
  expect(new Set(findings.map(({ detector }) => detector))).toEqual(new Set(detectors.map(({ id }) => id)))
  expect(findings).toEqual(findingsOf(withoutWishes))
})

/** What a watcher with these wishes hears of; it follows flow 3. */
function wishful(wishes: PacketWishes) {
  let heard = 0
  const watcher: Watcher = { wishes, packet: () => heard++ }
  const detector = defineDetector({
    ...{ id: 'wishful', title: '', technique: 'T0000', settings: z.object({}) },
    selfTest: { fires: () => {}, staysSilent: () => {} },
    watch: (_, { follow }) => {
      follow(3)
      return watcher
    },
  })
  const { watchers } = createDetection([detector], {}, createEngine(LIMITS), () => {})
  const hear = (about: Partial<Packet>): boolean => {
    const before = heard
    const packet = Object.assign(new Packet(), { protocol: PROTOCOL.tcp, forward: 0 }, about)
    for (const one of watchers) one.packet?.(packet)
    return heard > before
  }
  const end = (flow: number): void => {
    for (const one of watchers) one.flowEnded?.(flow, 0)
  }
  return { hear, end }
}

const udp = PROTOCOL.udp
const said = (text: string): Partial<Packet> => ({
  view: new DataView(Uint8Array.from(Buffer.from(text)).buffer),
  payloadEnd: text.length,
})

test.each<[string, PacketWishes, Partial<Packet>, Partial<Packet>]>([
  ['SYN', { syn: true }, { tcpFlags: TCP.syn }, { tcpFlags: TCP.ack }],
  ['no flow', { loose: true }, { forward: 1 }, { forward: 0 }],
  ['fragments', { reassembled: true }, { reassembled: 1 }, {}],
  ['an opening', { openings: 'GH' }, said('HTTP'), said('http')],
  ['an opening that is not there', { openings: '\0' }, said('\0'), {}],
  ['a port from', { fromPorts: [53] }, { protocol: udp, sourcePort: 53 }, { protocol: udp, targetPort: 53 }],
  ['a port to', { toPorts: [53] }, { protocol: udp, targetPort: 53 }, { protocol: udp, sourcePort: 53 }],
  ['a flow that is followed', { followed: true }, { flow: 3 }, { flow: 4 }],
])('a watcher that wishes for %s hears of that, and of nothing else', (_, wishes, wished, other) => {
  const { hear } = wishful(wishes)
  expect([hear(wished), hear(other)]).toEqual([true, false])
})

test('a flow is followed to its end', () => {
  const { hear, end } = wishful({ followed: true })
  expect(hear({ flow: 3 })).toBe(true)
  end(3)
  expect(hear({ flow: 3 })).toBe(false)
})
