import { describe, expect, test } from 'vitest'
import { arp, deliver, ETHERTYPE, ethernet } from '../../../test/support/frames.ts'
import { range, scene } from '../../../test/support/scene.ts'

const [GATEWAY, CLIENT, ATTACKER] = ['192.0.2.1', '192.0.2.50', '192.0.2.66']
const MAC = {
  gateway: [2, 0, 0, 0, 0, 1],
  client: [2, 0, 0, 0, 0, 50],
  attacker: [2, 0, 0, 0, 0, 66],
} as const

function wire(settings: Readonly<Record<string, unknown>> = {}) {
  const net = scene(settings)
  let at = Date.UTC(2026, 0, 1)
  const say = (
    operation: number,
    mac: readonly number[],
    sender: string,
    target: string,
    waitMs = 1000,
  ): void => {
    at += waitMs
    deliver(net.watch.sink, ethernet(arp(operation, mac, sender, target), { type: ETHERTYPE.arp }), at)
  }
  const told = () => net.findings.filter(({ detector }) => detector === 'arp-spoof')
  return { say, told }
}

test('an address that two hosts claim in turn is contested, and the story names the third that one of them is', () => {
  const { say, told } = wire()
  say(1, MAC.gateway, GATEWAY, CLIENT)
  say(1, MAC.attacker, ATTACKER, CLIENT)
  for (const _ of range(10)) {
    say(2, MAC.attacker, GATEWAY, CLIENT, 2000)
    say(1, MAC.gateway, GATEWAY, CLIENT, 2000)
  }
  expect(
    told()
      .map(({ kind, severity }) => `${kind} ${severity}`)
      .slice(0, 2),
  ).toEqual(['moved medium', 'contested high'])
  expect(told()[1]).toMatchObject({
    ...{ subject: GATEWAY, victim: GATEWAY, blame: 'nobody', technique: 'T1557.002', spoofable: true },
    because: 'detectors.arp-spoof.contests = 3',
  })
  expect(told()[0]?.summary).toBe(
    '192.0.2.1 moved from 02:00:00:00:00:01 to 02:00:00:00:00:42, which 192.0.2.66 uses too',
  )
})

test('a guarded address that moves once is severe', () => {
  const { say, told } = wire({ 'arp-spoof': { guarded: [GATEWAY] } })
  say(1, MAC.gateway, GATEWAY, CLIENT)
  say(2, MAC.attacker, GATEWAY, CLIENT)
  expect(told()[0]).toMatchObject({ kind: 'guarded', severity: 'high', subject: GATEWAY })
})

test('a storm of announcements is noted', () => {
  const { say, told } = wire()
  for (const _ of range(60)) say(2, MAC.attacker, ATTACKER, ATTACKER, 100)
  expect(told()[0]).toMatchObject({ kind: 'storm', severity: 'medium', evidence: { count: 50 } })
})

describe('nothing severe is told of', () => {
  test('a network card that was changed, or a fail-over', () => {
    const { say, told } = wire()
    say(2, MAC.gateway, GATEWAY, GATEWAY)
    for (const _ of range(20)) say(2, MAC.client, GATEWAY, GATEWAY)
    expect(told().map(({ severity }) => severity)).toEqual(['medium'])
  })

  test('hosts that ask for each other, and probes of a new one', () => {
    const { say, told } = wire()
    for (const _ of range(50)) {
      say(1, MAC.client, CLIENT, GATEWAY)
      say(2, MAC.gateway, GATEWAY, CLIENT)
      say(1, MAC.attacker, '0.0.0.0', ATTACKER)
    }
    expect(told()).toEqual([])
  })

  test('a router that answers for many addresses', () => {
    const { say, told } = wire()
    for (const n of range(40)) say(2, MAC.gateway, `192.0.2.${n}`, CLIENT)
    expect(told()).toEqual([])
  })
})

test('a guarded address must be one of IPv4', () => {
  expect(() => scene({ 'arp-spoof': { guarded: ['gateway'] } })).toThrow('detectors.arp-spoof.guarded.0')
})
