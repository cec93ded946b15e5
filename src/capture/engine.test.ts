import { describe, expect, test } from 'vitest'
import { END_REASONS, FLOW_STATES, type FlowRecord } from '#model/flow.ts'
import type { Watcher } from '#model/watcher.ts'
import { arp, deliver, ethernet, icmp, ipv4, ipv6, type Said, said, udp } from '../../test/support/frames.ts'
import { createEngine, type EngineOptions } from './engine.ts'

/** An engine, and everything it tells, in words. */
function listen(options: Partial<EngineOptions> = {}) {
  const engine = createEngine({ seed: 1, ...options })
  const heard: string[] = []
  const records: FlowRecord[] = []
  const name = (flow: number): string => (flow < 0 ? 'refused' : `${engine.flows.targetPort(flow)}`)
  const watcher: Watcher = {
    flowOpened: (flow) => void heard.push(`opened ${name(flow)}`),
    flowAnswered: (flow) => void heard.push(`answered ${name(flow)}`),
    flowRefused: (flow) => void heard.push(`refused ${name(flow)}`),
    flowEnded(flow, reason) {
      heard.push(`ended ${name(flow)} ${END_REASONS[reason]}`)
      records.push(engine.flowRecord(flow, 'eth0'))
    },
  }
  engine.watch([watcher])
  let now = 1_000_000
  const say = (about: Said, at = now++): void => deliver(engine, said(about), at)
  const state = (flow = 0): string | undefined => FLOW_STATES[engine.flows.state(flow)]
  return { engine, heard, records, say, state }
}

const A = '10.0.0.1:40000'
const B = '10.0.0.2:80'
const there = { from: A, to: B }
const back = { from: B, to: A }

/** SYN, SYN-ACK, ACK: client numbers from 101, server numbers from 501. */
const HANDSHAKE: readonly Said[] = [
  { ...there, flags: 'S', sequence: 100 },
  { ...back, flags: 'SA', sequence: 500, acknowledgement: 101 },
  { ...there, flags: 'A', sequence: 101, acknowledgement: 501 },
]

describe('TCP', () => {
  test('a connection lives from its handshake to both goodbyes', () => {
    const { engine, heard, records, say, state } = listen()
    const states: (string | undefined)[] = []
    const script: readonly Said[] = [
      ...HANDSHAKE,
      { ...there, flags: 'PA', sequence: 101, acknowledgement: 501, payload: 50 },
      { ...back, flags: 'PA', sequence: 501, acknowledgement: 151, payload: 1000 },
      { ...there, flags: 'FA', sequence: 151, acknowledgement: 1501 },
      { ...back, flags: 'FA', sequence: 1501, acknowledgement: 152 },
      { ...there, flags: 'A', sequence: 152, acknowledgement: 1502 },
    ]
    for (const about of script) {
      say(about)
      states.push(state())
    }
    engine.close(1_000_100)
    expect(states).toEqual([
      'syn-sent',
      'syn-received',
      'established',
      'established',
      'established',
      'closing',
      'closing',
      'closed',
    ])
    expect(heard).toEqual(['opened 80', 'answered 80', 'ended 80 finished'])
    expect(records[0]).toMatchObject({
      id: 1,
      source: '10.0.0.1',
      sourcePort: 40_000,
      target: '10.0.0.2',
      targetPort: 80,
      state: 'closed',
      ended: 'finished',
      openedAt: 1_000_000,
      seenAt: 1_000_007,
      handshakeMs: 2,
      packetsForward: 5,
      packetsBackward: 3,
      bytesForward: 5 * 54 + 50,
      bytesBackward: 3 * 54 + 1000,
      retransmitsForward: 0,
      retransmitsBackward: 0,
      tcpFlagsForward: 0x1b,
      tcpFlagsBackward: 0x1b,
      interfaceName: 'eth0',
    })
  })

  test.each(['S', 'F', '', 'FPU', 'A', 'FA'])('a reset refuses a probe with flags "%s"', (flags) => {
    const { engine, heard, say } = listen()
    say({ ...there, flags })
    say({ ...back, flags: 'RA' })
    say({ ...back, flags: 'RA' })
    engine.close(2_000_000)
    expect(heard).toEqual(['opened 80', 'refused 80', 'ended 80 refused'])
  })

  test('a reset by the originator is no refusal: half-open scan of an open port', () => {
    const { engine, heard, say } = listen()
    for (const about of HANDSHAKE.slice(0, 2)) say(about)
    say({ ...there, flags: 'R', sequence: 101 })
    engine.close(2_000_000)
    expect(heard).toEqual(['opened 80', 'ended 80 reset'])
  })

  test('a reset out of nowhere does not end an established connection', () => {
    const { say, state } = listen()
    for (const about of HANDSHAKE) say(about)
    say({ ...back, flags: 'R', sequence: 900_000_000 })
    expect(state()).toBe('established')
    say({ ...back, flags: 'R', sequence: 501 })
    expect(state()).toBe('reset')
  })

  test('an ACK that nobody could know does not establish: spoofed handshake', () => {
    const { say, state, heard } = listen()
    for (const about of HANDSHAKE.slice(0, 2)) say(about)
    say({ ...there, flags: 'A', sequence: 101, acknowledgement: 77_000_000 })
    expect(state()).toBe('syn-received')
    expect(heard).toEqual(['opened 80'])
  })

  test('a first-seen SYN-ACK is the responder speaking', () => {
    const { engine, heard, say, state } = listen()
    say({ ...back, flags: 'SA', sequence: 500, acknowledgement: 101 })
    expect([engine.flows.sourcePort(0), engine.flows.targetPort(0), state()]).toEqual([
      40_000,
      80,
      'syn-received',
    ])
    expect([engine.flows.packetsForward(0), engine.flows.packetsBackward(0)]).toEqual([0, 1])
    say({ ...there, flags: 'A', sequence: 101, acknowledgement: 501 })
    expect(heard).toEqual(['opened 80', 'answered 80'])
    expect(engine.flowRecord(0, '').handshakeMs).toBeUndefined()
  })

  test('a connection picked up in the middle is established once both sides spoke', () => {
    const { say, state } = listen()
    say({ ...there, flags: 'PA', payload: 10 })
    expect(state()).toBe('open')
    say({ ...back, flags: 'A' })
    expect(state()).toBe('established')
  })

  test('a new SYN after the end is a new flow', () => {
    const { engine, heard, say } = listen()
    say({ ...there, flags: 'S' })
    say({ ...back, flags: 'RA' })
    say({ ...there, flags: 'S', sequence: 9000 })
    expect(heard).toEqual(['opened 80', 'refused 80', 'ended 80 refused', 'opened 80'])
    expect(engine.flowRecord(0, '').id).toBe(2)
    expect(engine.flows.count).toBe(1)
  })

  test('a new SYN is a new flow also when the last ACK of the old one was lost', () => {
    const { heard, say, state } = listen()
    for (const about of HANDSHAKE) say(about)
    say({ ...there, flags: 'FA', sequence: 101, acknowledgement: 501 })
    say({ ...back, flags: 'FA', sequence: 501, acknowledgement: 102 })
    expect(state()).toBe('closing')
    say({ ...there, flags: 'S', sequence: 9000 })
    expect(heard).toEqual(['opened 80', 'answered 80', 'ended 80 finished', 'opened 80'])
  })

  test('counts what was sent again, but not keep-alives', () => {
    const { engine, say } = listen()
    for (const about of HANDSHAKE) say(about)
    const data: Said = { ...there, flags: 'PA', sequence: 101, acknowledgement: 501, payload: 100 }
    say(data)
    say(data)
    say({ ...data, sequence: 200, payload: 0 })
    say({ ...data, sequence: 200, payload: 1 })
    say({ ...back, flags: 'SA', sequence: 500, acknowledgement: 101 })
    expect(engine.flowRecord(0, '')).toMatchObject({ retransmitsForward: 1, retransmitsBackward: 1 })
  })

  test('sequence numbers go round', () => {
    const { engine, say } = listen()
    say({ ...there, flags: 'S', sequence: 0xffffffff })
    say({ ...back, flags: 'SA', sequence: 5, acknowledgement: 0 })
    say({ ...there, flags: 'A', sequence: 0, acknowledgement: 6 })
    say({ ...there, flags: 'PA', sequence: 0, acknowledgement: 6, payload: 10 })
    expect(engine.flowRecord(0, '')).toMatchObject({ state: 'established', retransmitsForward: 0 })
  })
})

describe('UDP, ICMP and the rest', () => {
  test('an answer answers once', () => {
    const { heard, say, state } = listen()
    const ask: Said = { from: '10.0.0.1:5000', to: '10.0.0.9:53', protocol: 'udp', payload: 30 }
    say(ask)
    expect(state()).toBe('open')
    for (let times = 0; times < 2; times++) say({ ...ask, from: ask.to, to: ask.from })
    expect([state(), heard]).toEqual(['answered', ['opened 53', 'answered 53']])
  })

  test('ping and pong are one flow', () => {
    const { engine, heard, say } = listen()
    say({ from: '10.0.0.1', to: '10.0.0.2', protocol: 'icmp', type: 8 })
    say({ from: '10.0.0.2', to: '10.0.0.1', protocol: 'icmp', type: 0 })
    expect([engine.flows.count, heard]).toEqual([1, ['opened 0', 'answered 0']])
  })

  test.each([
    [3, 3, 1],
    [3, 13, 1],
    [3, 4, 0],
    [11, 0, 0],
  ])('ICMP type %i code %i refuses %i flows', (type, code, refusals) => {
    const { engine, heard, say } = listen()
    say({ from: '10.0.0.1:5000', to: '10.0.0.9:161', protocol: 'udp' })
    const probe = ipv4(udp(5000, 161), { source: '10.0.0.1', target: '10.0.0.9', protocol: 17 })
    const error = ethernet(
      ipv4(icmp(type, code, probe), { source: '10.0.0.9', target: '10.0.0.1', protocol: 1 }),
    )
    deliver(engine, error, 1_000_010)
    deliver(engine, error, 1_000_011)
    expect(heard.filter((line) => line === 'refused 161')).toHaveLength(refusals)
  })

  test('ICMPv6 unreachable refuses too', () => {
    const { engine, heard, say } = listen()
    say({ from: '[2001:db8::1]:5000', to: '[2001:db8::9]:161', protocol: 'udp' })
    const probe = ipv6(udp(5000, 161), { source: '2001:db8::1', target: '2001:db8::9', protocol: 17 })
    const layer = { source: '2001:db8::9', target: '2001:db8::1', protocol: 58 }
    deliver(engine, ethernet(ipv6(icmp(1, 4, probe), layer)), 1_000_010)
    expect(heard).toContain('refused 161')
  })

  test('a forged ICMP error does not touch a flow that was answered, nor one sent to somebody else', () => {
    const { engine, heard, say } = listen()
    say({ from: '10.0.0.1:5000', to: '10.0.0.9:161', protocol: 'udp' })
    const probe = ipv4(udp(5000, 161), { source: '10.0.0.1', target: '10.0.0.9', protocol: 17 })
    const elsewhere = ethernet(
      ipv4(icmp(3, 3, probe), { source: '10.0.0.9', target: '10.0.0.3', protocol: 1 }),
    )
    deliver(engine, elsewhere, 1_000_010)
    say({ from: '10.0.0.9:161', to: '10.0.0.1:5000', protocol: 'udp' })
    const late = ethernet(ipv4(icmp(3, 3, probe), { source: '10.0.0.9', target: '10.0.0.1', protocol: 1 }))
    deliver(engine, late, 1_000_020)
    expect(heard).not.toContain('refused 161')
  })

  test('ARP has an event of its own', () => {
    const engine = createEngine({ seed: 1 })
    const heard: number[] = []
    engine.watch([{ arp: (packet) => void heard.push(packet.arpOperation) }])
    deliver(engine, ethernet(arp(1, [2, 0, 0, 0, 0, 9], '10.0.0.1', '10.0.0.2'), { type: 0x0806 }), 0)
    expect([heard, engine.counts.arp, engine.flows.count]).toEqual([[1], 1, 0])
  })

  test('IPv6 flows are told apart and found again', () => {
    const { engine, say } = listen()
    say({ from: '[2001:db8::1]:5000', to: '[2001:db8::2]:80' })
    say({ from: '[2001:db8::3]:5000', to: '[2001:db8::2]:80' })
    say({ from: '[2001:db8::2]:80', to: '[2001:db8::1]:5000', flags: 'RA' })
    const { flows, hosts } = engine
    expect([flows.count, hosts.count]).toEqual([2, 3])
    expect(flows.packetsBackward(0)).toBe(1)
    expect(hosts.address(flows.source(1))).toBe('2001:db8::3')
  })
})

describe('bounds', () => {
  const syn = (n: number): Said => ({
    from: `10.${(n >>> 16) & 255}.${(n >>> 8) & 255}.${n & 255}:1000`,
    to: '192.0.2.1:80',
  })

  test('a flood of half-open flows pushes out its own kind, not the established', () => {
    const { engine, say, heard } = listen({ maxFlows: 256, maxHosts: 512 })
    for (let port = 1; port <= 100; port++) {
      const [from, to] = [`172.16.0.1:${port}`, '192.0.2.1:443']
      say({ from, to, flags: 'S', sequence: 1 })
      say({ from: to, to: from, flags: 'SA', sequence: 1, acknowledgement: 2 })
      say({ from, to, flags: 'A', sequence: 2, acknowledgement: 2 })
    }
    for (let n = 0; n < 20_000; n++) say(syn(n))
    const established = Array.from({ length: 256 }, (_, flow) => engine.flows.state(flow)).filter(
      (state) => state === 2,
    )
    expect([established.length, engine.flows.count]).toEqual([100, 256])
    expect([engine.counts.refusedFlows, engine.counts.refusedHosts]).toEqual([0, 0])
    expect(engine.counts.flowsEvicted).toBe(20_000 - 156)
    expect(heard.filter((line) => line === 'ended 443 evicted')).toEqual([])
  })

  test('a table full of the living refuses, counts, and still tells who it was', () => {
    const { engine, say, heard } = listen({ maxFlows: 1, maxHosts: 8 })
    for (const about of HANDSHAKE) say(about)
    const sources: string[] = []
    engine.watch([
      { flowOpened: (flow, packet) => void sources.push(`${flow} ${engine.hosts.address(packet.source)}`) },
    ])
    say(syn(7))
    expect([sources, engine.flows.refused, engine.counts.refusedFlows]).toEqual([['-1 10.0.0.7'], 1, 1])
    expect(heard).toEqual(['opened 80', 'answered 80'])
  })

  test('a table full of answered flows lets the longest silent of some go, and no established one', () => {
    const { engine, say, heard } = listen({ maxFlows: 100, maxHosts: 400 })
    for (const about of HANDSHAKE) say(about)
    const busy: Said = { from: '10.0.0.1:51820', to: '10.0.0.9:51820', protocol: 'udp' }
    const answered = (about: Said): void => {
      say(about)
      say({ ...about, from: about.to, to: about.from })
    }
    answered(busy)
    for (let n = 0; n < 1000; n++) {
      answered({ ...syn(n), to: '192.0.2.1:53', protocol: 'udp' })
      say(busy)
    }
    const ended = heard.filter((line) => line.startsWith('ended'))
    expect(new Set(ended)).toEqual(new Set(['ended 53 evicted']))
    expect([engine.flows.count, ended.length, engine.flows.refused]).toEqual([100, 902, 0])
  })

  test('hosts without flows make room, with a word to those who keep notes', () => {
    const { engine, say } = listen({ maxFlows: 16, maxHosts: 32 })
    let forgotten = 0
    engine.watch([{ hostForgotten: () => void forgotten++ }])
    for (let n = 0; n < 1000; n++) say(syn(n))
    expect([engine.hosts.count, engine.hosts.refused, forgotten]).toEqual([32, 0, 1001 - 32])
  })

  test('a host table full of the needed refuses and counts', () => {
    const { engine, say } = listen({ maxFlows: 64, maxHosts: 4 })
    for (let n = 0; n < 10; n++) say(syn(n))
    expect([engine.hosts.count, engine.hosts.refused, engine.flows.refused]).toEqual([4, 7, 7])
  })

  test('silent flows end by their state, and then their hosts are forgotten', () => {
    const { engine, say, heard } = listen({ hostIdleMs: 60_000 })
    let forgotten = 0
    for (const about of HANDSHAKE) say(about)
    say({ from: '10.0.0.3:1', to: '10.0.0.4:2' })
    engine.tick(1_025_000)
    expect(heard.at(-1)).toBe('ended 2 timeout')
    engine.watch([{ hostForgotten: () => void forgotten++ }])
    engine.tick(1_090_000)
    expect([forgotten, engine.flows.count]).toEqual([2, 1])
  })
})

describe('time', () => {
  test('the packets drive the clock: one tick for each second that has packets', () => {
    const engine = createEngine({ seed: 1 })
    const ticks: number[] = []
    engine.watch([{ tick: (now) => void ticks.push(now) }])
    for (const at of [10_500, 10_900, 11_000, 11_999, 15_250, 15_300]) deliver(engine, said(there), at)
    expect(ticks).toEqual([10_500, 11_000, 15_250])
  })

  test('time that runs backwards does no harm', () => {
    const { engine, say, heard } = listen()
    say(there, 5_000_000_000)
    say({ ...there, from: '10.0.0.7:9' }, 4_999_999_000)
    say({ ...there, from: '10.0.0.8:9' }, 1_000_000)
    for (let second = 1; second < 60; second++) engine.tick(1_000_000 + second * 1000)
    expect(engine.flows.count).toBe(0)
    expect(heard.filter((line) => line === 'ended 80 timeout')).toHaveLength(3)
  })
})

test('says which flows changed since it was last asked', () => {
  const { engine, say } = listen()
  const changed = (): number[] => {
    const flows: number[] = []
    engine.eachChanged((flow) => void flows.push(flow))
    return flows
  }
  for (let port = 1; port <= 40; port++) say({ from: `10.0.0.1:${port}`, to: B })
  expect(changed()).toEqual(Array.from({ length: 40 }, (_, flow) => flow))
  expect(changed()).toEqual([])
  say({ from: '10.0.0.1:32', to: B })
  expect(changed()).toEqual([31])
})

test('counts every frame once, by what became of it', () => {
  const { engine, say } = listen()
  say(there)
  deliver(engine, new Uint8Array(5), 1)
  deliver(engine, ethernet(new Uint8Array(50), { type: 0x88cc }), 2)
  deliver(engine, said(there), 3, { captured: 30 })
  deliver(engine, said(there), 4, { linkType: 147 })
  deliver(engine, ethernet(ipv4(ipv4(udp(1, 2), { protocol: 17 }), { protocol: 4 })), 5)
  const { counts } = engine
  expect(counts).toMatchObject({
    packets: 6,
    ip: 2,
    tunnelled: 1,
    undecodable: { malformed: 1, notIp: 1, cutOff: 1, unknownLinkType: 1 },
    undecodableTotal: 4,
    flowsOpened: 2,
  })
  expect(structuredClone(counts)).toEqual(counts)
})

test('remembers the interface and VLAN of the first packet', () => {
  const engine = createEngine({ seed: 1 })
  deliver(engine, said(there), 0, { interfaceIndex: 3, vlan: 42 })
  expect([engine.flowInterface(0), engine.flowRecord(0, 'eth3').vlan]).toEqual([3, 42])
})
