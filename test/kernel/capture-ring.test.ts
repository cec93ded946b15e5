import { once } from 'node:events'
import { setTimeout as sleep } from 'node:timers/promises'
import { afterEach, beforeEach, describe, expect } from 'vitest'
import { LINK_TYPE } from '#capture/source.ts'
import type { ProbedFrame } from '../support/capture-probe.ts'
import { ETHERTYPE, ethernet, ipv4, udp } from '../support/frames.ts'
import { layWire, type Wire } from '../support/namespaces.ts'
import { testWith } from '../support/needs.ts'
import { type Probe, startProbe } from '../support/probe.ts'

const test = testWith('root', 'ip')
const support = (name: string): string => new URL(`../support/${name}`, import.meta.url).pathname
const hexOf = (bytes: Uint8Array): string => Buffer.from(bytes).toString('hex')

let wire: Wire
beforeEach(() => {
  wire = layWire()
})
afterEach(() => wire?.remove())

/** Sends one datagram from the client (or the host named); the text is how a test finds it again. */
function say(text: string, to: string, from = wire.client): void {
  from.run(process.execPath, support('udp-sender.ts'), to, '4000', text)
}

/** The protocol byte of the IP header: an ICMP error would quote the text. */
function isUdp({ hex, linkType }: ProbedFrame): boolean {
  const ip = linkType === LINK_TYPE.raw ? 0 : 28
  const protocol = hex[ip] === '6' ? ip + 12 : ip + 18
  return hex.slice(protocol, protocol + 2) === '11'
}

const seen = (probe: Probe, text: string): ProbedFrame[] =>
  probe.frames.filter((frame) => isUdp(frame) && frame.hex.includes(Buffer.from(text).toString('hex')))

const seenOnce = async (probe: Probe, text: string) => {
  await expect.poll(() => seen(probe, text).length).toBeGreaterThan(0)
  return seen(probe, text)
}

describe('a ring source', () => {
  test('delivers both directions, IPv4 and IPv6, whole and with the name of the interface', async () => {
    const probe = await startProbe(wire.server, { frames: true })
    expect(probe.health).toEqual({ part: 'capture', state: 'ok', note: 'watching gh0' })
    say('inward-four', wire.server.ip4)
    say('inward-six', wire.server.ip6)
    say('outward-four', wire.client.ip4, wire.server)
    const four = await seenOnce(probe, 'inward-four')
    const six = await seenOnce(probe, 'inward-six')
    await seenOnce(probe, 'outward-four')
    expect(four).toMatchObject([{ name: 'gh0', linkType: LINK_TYPE.ethernet, vlan: 0, length: 14 + 28 + 11 }])
    expect(four[0]?.hex.slice(24, 30)).toBe('080045')
    expect(six[0]?.hex.slice(24, 29)).toBe('86dd6')
    const { interfaces } = await probe.stop()
    expect(interfaces).toEqual([{ name: 'gh0', received: probe.frames.length, dropped: 0 }])
  })

  test('hands over the VLAN tag that the kernel took out of the frame', async () => {
    const probe = await startProbe(wire.server, { frames: true })
    const layers = ipv4(udp(5, 6, new TextEncoder().encode('tagged')), { protocol: 17 })
    const frame = ethernet(layers, { tags: [[ETHERTYPE.vlan, 77]] })
    wire.client.run(process.execPath, support('raw-sender.ts'), 'gh0', hexOf(frame))
    expect(await seenOnce(probe, 'tagged')).toMatchObject([{ vlan: 77, length: frame.length - 4 }])
  })

  test('cuts long frames but says how long they were', async () => {
    const probe = await startProbe(wire.server, { frames: true })
    wire.client.run('ip', 'link', 'set', 'gh0', 'mtu', '9000')
    wire.server.run('ip', 'link', 'set', 'gh0', 'mtu', '9000')
    say(`long${'.'.repeat(4_000)}`, wire.server.ip4)
    expect(await seenOnce(probe, 'long')).toMatchObject([{ captured: 1_600, length: 14 + 28 + 4_004 }])
  })

  test('watches loopback on request only, and sees each packet once', async () => {
    const without = await startProbe(wire.server, { frames: true })
    const withLoopback = await startProbe(wire.server, { frames: true, loopback: true })
    const named = await startProbe(wire.server, { frames: true, interfaces: ['lo'] })
    say('to-myself', '127.0.0.1', wire.server)
    expect(await seenOnce(withLoopback, 'to-myself')).toMatchObject([
      { name: 'lo', linkType: LINK_TYPE.ethernet },
    ])
    expect(await seenOnce(named, 'to-myself')).toHaveLength(1)
    say('to-another', wire.client.ip4, wire.server)
    await seenOnce(without, 'to-another')
    expect(seen(without, 'to-myself')).toEqual([])
    expect(seen(named, 'to-another')).toEqual([])
  })

  test('reads tunnels without a link header as raw IP', async () => {
    const layers = ipv4(udp(5, 6, new TextEncoder().encode('out-of-the-tunnel')), {
      protocol: 17,
      source: '10.99.0.2',
      target: '10.99.0.1',
    })
    const holder = wire.server.start(process.execPath, support('tun-holder.ts'), 'tun7', hexOf(layers))
    if (holder.stdout) await once(holder.stdout, 'data')
    wire.server.run('ip', 'addr', 'add', '10.99.0.1/24', 'dev', 'tun7')
    wire.server.run('ip', 'link', 'set', 'tun7', 'up')
    const probe = await startProbe(wire.server, { frames: true, interfaces: ['tun7'] })
    say('into-the-tunnel', '10.99.0.2', wire.server)
    holder.kill('SIGUSR1')
    expect(await seenOnce(probe, 'into-the-tunnel')).toMatchObject([
      { name: 'tun7', linkType: LINK_TYPE.raw },
    ])
    expect(await seenOnce(probe, 'out-of-the-tunnel')).toMatchObject([{ hex: hexOf(layers) }])
  })
})

describe('interfaces that come and go', () => {
  test('one that appears later is followed, one that is deleted is let go without spinning', async () => {
    const { server } = wire
    const probe = await startProbe(server, { frames: true })
    server.run('ip', 'link', 'add', 'late0', 'type', 'veth', 'peer', 'name', 'late1')
    server.run('ip', 'addr', 'add', '10.78.0.1/24', 'dev', 'late0')
    server.run('ip', 'link', 'set', 'late0', 'up')
    server.run('ip', 'link', 'set', 'late1', 'up')
    await expect.poll(() => probe.health).toMatchObject({ note: 'watching gh0, late0, late1' })
    server.run('ip', 'neigh', 'add', '10.78.0.2', 'lladdr', '02:00:00:00:00:01', 'dev', 'late0')
    say('late', '10.78.0.2', server)
    expect((await seenOnce(probe, 'late')).map(({ name }) => name).toSorted()).toEqual(['late0', 'late1'])
    server.run('ip', 'link', 'del', 'late0')
    await expect.poll(() => probe.health).toMatchObject({ note: 'watching gh0' })
    await sleep(1_000)
    say('still-here', server.ip4)
    await seenOnce(probe, 'still-here')
    const { cpuMs } = await probe.stop()
    expect(cpuMs).toBeLessThan(500)
  })

  test('one that goes down and up again is watched again, and its counts go on', async () => {
    const { server } = wire
    const probe = await startProbe(server, { frames: true })
    say('before', server.ip4)
    await seenOnce(probe, 'before')
    server.run('ip', 'link', 'set', 'gh0', 'down')
    await expect
      .poll(() => probe.health)
      .toMatchObject({ state: 'degraded', reason: 'no network interface is up' })
    server.run('ip', 'link', 'set', 'gh0', 'up')
    await expect.poll(() => probe.health).toMatchObject({ state: 'ok' })
    say('after', server.ip4)
    await seenOnce(probe, 'after')
    const { interfaces, frames } = await probe.stop()
    expect(interfaces).toEqual([{ name: 'gh0', received: frames, dropped: 0 }])
  })

  test('one that is named but missing is waited for, and health says so', async () => {
    const { server } = wire
    const probe = await startProbe(server, { frames: true, interfaces: ['later0', 'gh0'] })
    expect(probe.health).toMatchObject({
      state: 'degraded',
      reason: 'waiting for later0: no such interface',
      remedy: expect.stringContaining('--interface'),
    })
    say('meanwhile', server.ip4)
    await seenOnce(probe, 'meanwhile')
    server.run('ip', 'link', 'add', 'later0', 'type', 'veth', 'peer', 'name', 'later1')
    await expect.poll(() => probe.health).toMatchObject({ reason: 'waiting for later0: it is down' })
    server.run('ip', 'link', 'set', 'later0', 'up')
    await expect.poll(() => probe.health).toMatchObject({ state: 'ok', note: 'watching gh0, later0' })
  })
})

describe('speed', () => {
  testWith(
    'root',
    'ip',
    'hping3',
  )('a packet of a scan is here within a millisecond or two', async () => {
    const probe = await startProbe(wire.server)
    wire.client.run('hping3', '-q', '-i', 'u140', '-c', '4000', '-S', '-p', '++1', wire.server.ip4)
    const { frames, latencyMs } = await probe.stop()
    const ms = (value: number): string => `${value.toFixed(2)} ms`
    process.stdout.write(
      `capture latency, 7 probes/ms: p50 ${ms(latencyMs.p50)}, p99 ${ms(latencyMs.p99)}, max ${ms(latencyMs.max)}\n`,
    )
    expect(frames).toBeGreaterThanOrEqual(8_000)
    // 1 ms on a machine that has nothing else to do.
    expect(latencyMs.p50).toBeLessThan(20)
  })

  test('nothing is lost of 300,000 packets as fast as a sender can', async () => {
    const probe = await startProbe(wire.server)
    const frame = hexOf(ethernet(ipv4(udp(5, 9), { protocol: 17 })))
    const started = performance.now()
    wire.client.run(process.execPath, support('raw-sender.ts'), 'gh0', frame, '300000')
    const seconds = (performance.now() - started) / 1_000
    await sleep(300)
    const { frames, interfaces } = await probe.stop()
    const dropped = interfaces[0]?.dropped
    process.stdout.write(`capture of ${Math.round(300 / seconds)},000 packets/s: ${dropped} dropped\n`)
    expect(interfaces).toEqual([{ name: 'gh0', received: frames, dropped: 0 }])
    expect(frames).toBeGreaterThanOrEqual(300_000)
  })
})
