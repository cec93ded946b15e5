import { describe, expect, test } from 'vitest'
import { arp, deliver, ethernet, icmp, ipv4, ipv6, type Said, said, udp } from '../../test/support/frames.ts'
import { listen } from '../../test/support/heard-engine.ts'
import { createEngine } from './engine.ts'

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
