import { describe, expect, test } from 'vitest'
import { LINK_TYPE } from '#capture/source.ts'
import { createNet, type Net } from '#detect/self-test/net.ts'
import type { Finding } from '#model/finding.ts'
import { createWatch } from '../../src/watch.ts'
import { type Forged, forgedFlood } from '../support/forged-flood.ts'
import type { Said } from '../support/frames.ts'

const [SERVER, ATTACKER, USER] = ['192.0.2.10', '203.0.113.9', '198.51.100.7']
/** The smallest that may be set: a flood of ten times as many forged flows runs over them again and again. */
const TINY = { maxFlows: 1_024, maxHosts: 2_048 }
const TEN_TABLES = 10 * TINY.maxFlows
const FILLS_ALL = 2 * TINY.maxHosts

/** What the flood does between two packets of an attack: so many forged ones. */
interface Pressure extends Omit<Forged, 'target'> {
  readonly between: number
}

interface Attack {
  readonly pauseMs: number
  readonly times: number
  step(net: Net, n: number): void
}

const to = (n: number) => ({ from: ATTACKER, to: SERVER, port: 100 + n, options: 4 })

const ATTACKS: Readonly<Record<string, Attack>> = {
  'a scan of closed ports': { pauseMs: 20, times: 20, step: (net, n) => net.refused(to(n)) },
  'a scan of silent ports': { pauseMs: 50, times: 60, step: (net, n) => net.silent(to(n)) },
  'a connect scan': {
    ...{ pauseMs: 50, times: 20 },
    step: (net, n) => (n % 10 === 9 ? net.connects(to(n)) : net.refused({ ...to(n), options: 20 })),
  },
  'a FIN scan': {
    ...{ pauseMs: 50, times: 20 },
    step: (net, n) => net.silent({ ...to(n), flags: 'F', options: 0 }),
  },
  'a UDP scan': { pauseMs: 50, times: 20, step: (net, n) => net.udpRefused(to(n)) },
  'a sweep of hosts': {
    ...{ pauseMs: 50, times: 20 },
    step: (net, n) => net.refused({ from: ATTACKER, to: `192.0.2.${20 + n}`, port: 22, options: 4 }),
  },
  'a slow scan': { pauseMs: 15_000, times: 12, step: (net, n) => net.refused(to(n)) },
  'password guessing': {
    ...{ pauseMs: 500, times: 40 },
    step: (net) => net.talks({ from: ATTACKER, to: SERVER, port: 21, sent: 150, got: 250 }),
  },
}

const FLOODS: Readonly<Record<string, Omit<Pressure, 'between'>>> = {
  'at an open port': { port: 80, answer: 'SA' },
  'at a closed port': { port: 81, answer: 'RA' },
  'at all ports': { answer: 'RA' },
  'that nobody answers': { port: 80 },
  'at a service that answers by UDP': { port: 53, answer: 'udp' },
  'in each name twice': { answer: 'RA', each: 2 },
}

/** The attack amid the flood, before the engine and all detectors: what was found, and what became of a user at work. */
function amid(attack: Attack, { between, ...flood }: Pressure) {
  const findings: Finding[] = []
  const watch = createWatch({ seed: 1, limits: TINY, onFinding: (finding) => findings.push(finding) })
  // The flood takes no time of its own: time passes between the packets of the attack.
  let later = 0
  const net = createNet({
    frame(bytes, at) {
      const view = new DataView(bytes.buffer, bytes.byteOffset, bytes.length)
      watch.sink.frame(view, 0, bytes.length, bytes.length, at + later, LINK_TYPE.ethernet, 0, 0)
    },
    tick: (now) => watch.tick(now + later),
  })
  const forged = forgedFlood({ target: SERVER, ...flood }, net.send)
  const user: Said = {
    from: `${USER}:50000`,
    to: `${SERVER}:443`,
    flags: 'A',
    sequence: 101,
    acknowledgement: 501,
  }
  net.say({ ...user, flags: 'S', sequence: 100 })
  net.say({ from: user.to, to: user.from, flags: 'SA', sequence: 500, acknowledgement: 101 })
  net.say(user)
  forged.pour(FILLS_ALL)
  for (let n = 0; n < attack.times; n++) {
    attack.step(net, n)
    net.say(user)
    forged.pour(between)
    later += attack.pauseMs
  }
  const { engine } = watch
  const ended: number[] = []
  engine.watch([{ flowEnded: (flow) => void ended.push(engine.flows.number(flow)) }])
  net.say(user)
  const followed: number[] = []
  engine.eachChanged((flow) => void followed.push(engine.flows.number(flow)))
  return {
    blamed: [...new Set(findings.filter(({ blame }) => blame !== 'nobody').map(({ subject }) => subject))],
    isUserFollowed: followed.includes(1) && !ended.includes(1),
    counts: engine.counts,
    sizes: [engine.flows.count, engine.hosts.count],
  }
}

describe.each(Object.keys(FLOODS))('tables that a flood %s runs over', (flood) => {
  test.each(Object.keys(ATTACKS))('do not hide %s, and nobody else is blamed for it', (name) => {
    const attack = ATTACKS[name] as Attack
    const seen = amid(attack, { ...(FLOODS[flood] as Pressure), between: TEN_TABLES / attack.times })
    expect(seen.blamed).toEqual([ATTACKER])
    expect(seen.isUserFollowed).toBe(true)
    expect([seen.counts.refusedFlows, seen.counts.refusedHosts]).toEqual([0, 0])
    expect(seen.counts.flowsEnded).toBeGreaterThan(TEN_TABLES)
  })
})

test('ten tables of forged sources between two packets of a scan do not hide it where it comes in bursts', () => {
  let n = 0
  const burst: Attack = {
    ...{ pauseMs: 100, times: 4 },
    step(net) {
      for (let last = n + 5; n < last; n++) net.refused(to(n))
    },
  }
  const seen = amid(burst, { port: 81, answer: 'RA', between: TEN_TABLES })
  expect(seen.blamed).toEqual([ATTACKER])
})

test('hosts and flows stay within their bounds', () => {
  const { sizes } = amid(ATTACKS['a scan of closed ports'] as Attack, { port: 80, answer: 'SA', between: 10 })
  expect(sizes[0]).toBeLessThanOrEqual(TINY.maxFlows)
  expect(sizes[1]).toBeLessThanOrEqual(TINY.maxHosts)
})
