import { describe, expect, test } from 'vitest'
import type { Said } from '../../test/support/frames.ts'
import { listen } from '../../test/support/heard-engine.ts'

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

  test('a host table full of the needed lets flows go that nobody answered, and refuses nobody', () => {
    const { engine, say } = listen({ maxFlows: 64, maxHosts: 4 })
    for (let n = 0; n < 10; n++) say(syn(n))
    expect([engine.hosts.count, engine.hosts.refused, engine.flows.refused]).toEqual([4, 0, 0])
    expect([engine.flows.count, engine.counts.flowsEvicted]).toEqual([2, 8])
  })

  test('a host table full of those who talk refuses and counts', () => {
    const { engine, say } = listen({ maxFlows: 64, maxHosts: 2 })
    for (const about of HANDSHAKE) say(about)
    for (let n = 0; n < 10; n++) say(syn(n))
    expect([engine.hosts.count, engine.hosts.refused, engine.flows.refused]).toEqual([2, 18, 10])
  })

  test('who was met again outlasts a flood of addresses that come once', () => {
    const { engine, say } = listen({ maxFlows: 64, maxHosts: 128 })
    const again = (port: number): Said => ({ from: '203.0.113.9:4000', to: `192.0.2.1:${port}` })
    say(again(1))
    say(again(2))
    const [, second] = [0, 1].map((flow) => engine.flows.source(flow))
    for (let n = 0; n < 5_000; n++) say(syn(n))
    expect(engine.hosts.address(second as number)).toBe('203.0.113.9')
    expect(engine.flows.count).toBe(64)
    expect(engine.hosts.flowCount(second as number)).toBe(2)
  })

  test('a flood of answered flows leaves an eighth to those that nobody answered yet', () => {
    const { say, heard } = listen({ maxFlows: 64, maxHosts: 128 })
    for (let n = 0; n < 1000; n++) {
      const ping: Said = { ...syn(n), to: '192.0.2.1:53', protocol: 'udp' }
      say(ping)
      say({ ...ping, from: ping.to, to: ping.from })
      if (n % 250 === 249) say({ from: '203.0.113.9:4000', to: `192.0.2.1:${n}`, flags: 'S' })
    }
    expect(heard.filter((line) => line.startsWith('ended') && line !== 'ended 53 evicted')).toEqual([])
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
